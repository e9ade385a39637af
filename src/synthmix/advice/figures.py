"""The other figures of advice: money, next runs, published shares; plain data for the page."""

from synthmix.advice.figures_share import token_of
from synthmix.advice.found import Advice
from synthmix.advice.words import recipe
from synthmix.quantities import format_count, percent
from synthmix.report.figures import Figure, Spec, View, axis, label, layout


def money_figure(advice: Advice) -> list[Figure]:
    """What each recipe costs and brings."""
    if not any(option.money for option in advice.options):
        return []
    data = []
    for name in (None, *(kind.name for kind in advice.asked.kinds)):
        mine = [option for option in advice.options if option.kind == name]
        token = "ink" if name is None else token_of(advice, name)
        values = [(o.difference.mid or 0.0, o.difference.low, o.difference.high) for o in mine]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label(name or "real text alone"),
                "x": [option.money for option in mine],
                "y": [value for value, _, _ in values],
                "customdata": [label(recipe(option)) for option in mine],
                "marker": {
                    "color": f"@{token}",
                    "size": 10,
                    "symbol": ["circle" if option.as_good else "circle-open" for option in mine],
                },
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [0 if high is None else high - value for value, _, high in values],
                    "arrayminus": [0 if low is None else value - low for value, low, _ in values],
                    "color": f"@{token}",
                    "thickness": 1.2,
                    "width": 0,
                },
                "hovertemplate": "%{customdata}: %{y:+.3f} nats for %{x:,.4g}<extra></extra>",
            }
        )
    view = View(
        "a mark a recipe",
        data,
        layout(axis("money for synthetic tokens"), axis("loss minus real text's, nats", tickformat="+.3~f")),
    )
    caption = "Filled marks are as good as the best within the noise."
    return [Figure("advice-money", "What it costs and what it brings", caption, "Difference of loss by money.", [view])]


def next_figure(advice: Advice) -> list[Figure]:
    """How far the gain would be known after each of the next runs."""
    runs = advice.next_runs
    if not runs:
        return []
    sizes = [f"{run.recipe}, {format_count(run.params)} on {format_count(run.tokens)}" for run in runs]
    names = ["now", *(f"{place}. {size}" for place, size in enumerate(sizes, 1))]
    values = [runs[0].sd_before, *(run.sd_after for run in runs)]
    bars = {
        "type": "bar",
        "orientation": "h",
        "name": "standard deviation",
        "x": values,
        "y": [label(name, 60) for name in names],
        "marker": {"color": ["@muted", *["@accent"] * len(runs)]},
        "hovertemplate": "%{x:.3g} nats<extra></extra>",
        "showlegend": False,
    }
    y = axis("", autorange="reversed", ticks="")
    view = View(
        "one after the other",
        [bars],
        layout(axis("standard deviation of the gain at the question, nats", rangemode="tozero"), y),
    )
    caption = "Each run on top of those before it, as expected from the laws' draws and the seed noise."
    return [Figure("advice-next", "What the next runs would tell", caption, "Bars by run.", [view], height=300)]


def finding_figure(advice: Advice) -> list[Figure]:
    """Published best shares (rings), and what the asked tokens and money reach of them (filled)."""
    published = {each.kind: each.share for each in advice.findings if each.share is not None}
    data: list[Spec] = []
    for k, (kind, span) in enumerate(zip(advice.asked.kinds, advice.alternatives, strict=True)):
        color = {"color": f"@{token_of(advice, kind.name)}"}
        for (low, high), symbol, line in (
            (published[kind.like or kind.name], "circle-open", 2),
            ((span.low, span.high), "circle", 5),
        ):
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "name": label(kind.name),
                    "x": [100 * low, 100 * high],
                    "y": [k, k],
                    "line": {**color, "width": line},
                    "marker": {**color, "size": 13, "symbol": symbol, "line": {"width": 2}},
                    "hovertemplate": f"{percent(low)} to {percent(high)}<extra></extra>",
                }
            )
    names = [label(kind.name) for kind in advice.asked.kinds]
    y = axis("", tickvals=list(range(len(names))), ticktext=names, range=[-0.6, len(names) - 0.4], ticks="")
    x = axis("synthetic share", ticksuffix="%", range=[-2, 102])
    view = View("as published", data, layout(x, y, showlegend=False))
    caption = "Priors. Rings: published, on other text. Filled: as far as the tokens and the money asked about reach."
    height = 180 + 50 * len(names)
    return [Figure("advice-priors", "Published best shares", caption, "Ranges by kind.", [view], height=height)]
