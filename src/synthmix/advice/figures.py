"""The figures of advice: shares, money, next runs, published shares, valuation scores; plain data for the page."""

from synthmix.advice.schema import Advice
from synthmix.quantities import format_count
from synthmix.report.figures import Figure, View
from synthmix.results import KindCurve
from synthmix.study.value_curves import ValueCurve
from synthmix.style import Spec, axis, band, label, layout, line, marks

_STRIP = 0.05  # height of a kind's strip of alternatives, as a part of the figure


def share_figure(advice: Advice) -> list[Figure]:
    """Difference from natural text alone against the share, each kind with its band and the shares that are as good."""
    decision = advice.decision
    curves = [curve for curve in decision.curves if curve.shares] if decision is not None else []
    if not curves:
        return []
    views = [View("all kinds", *_shares(advice, curves))] if len(curves) > 1 else []
    views += [View(curve.kind, *_shares(advice, [curve])) for curve in curves]
    caption = (
        "Below zero a mixture is better than natural text alone. The line is the law's expectation, the band its "
        "interval, widened to what the other laws predict; rings are shares that were trained, the star is the "
        "recommended recipe. The bar at the foot marks every share that is as good as the best within the noise, the "
        "line in it the interval of the best share."
    )
    summary = (
        "Expected difference of loss from natural text alone, by synthetic share; the numbers are in the table below."
    )
    return [
        Figure("advice-share", "Loss against natural text alone, at the question", caption, summary, views, height=460)
    ]


def _shares(advice: Advice, curves: list[KindCurve]) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    shapes: list[Spec] = []
    for lane, curve in enumerate(curves):
        token = token_of(advice, curve.kind)
        x = [100 * share for share in curve.shares]
        data += [
            band(x, curve.low, curve.high, token, curve.kind),
            line(x, curve.mean, token, curve.kind, "%{x:.0f}%: %{y:+.3f} nats", legendgroup=curve.kind),
            _rings(advice, curve, token),
        ]
        shapes += _strip(advice, curve, token, lane)
    data += _star(advice, {curve.kind for curve in curves})
    shapes.append(
        {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": 0, "y1": 0, "line": {"color": "@ink", "width": 1}}
    )
    floor = _STRIP * len(curves) + 0.02
    y = axis("difference in loss, nats per token", tickformat="+.3~f", domain=[floor, 1])
    x_axis = axis("synthetic share", ticksuffix="%", range=[-2, 102], anchor="free", position=0)
    return data, layout(x_axis, y, shapes=shapes)


def _rings(advice: Advice, curve: KindCurve, token: str) -> Spec:
    """Options at shares that were trained: expected, not measured."""
    assert advice.decision is not None
    mine = [o for o in advice.decision.options if o.kind == curve.kind and o.share in curve.measured and o.determined]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(f"{curve.kind}, trained shares"),
        "legendgroup": curve.kind,
        "showlegend": False,
        "x": [100 * option.share for option in mine],
        "y": [option.difference.mid for option in mine],
        "marker": {
            "color": f"@{token}",
            "size": 9,
            "symbol": "circle-open",
            "line": {"width": 2, "color": f"@{token}"},
        },
        "hovertemplate": "%{x:.3g}%: %{y:+.3f} nats, a trained share<extra>" + label(curve.kind) + "</extra>",
    }


def _star(advice: Advice, shown: set[str]) -> list[Spec]:
    decision = advice.decision
    chosen = None if decision is None or decision.recommended is None else decision.options[decision.recommended]
    if chosen is None or (chosen.kind is not None and chosen.kind not in shown):
        return []
    return [
        {
            "type": "scatter",
            "mode": "markers",
            "name": "recommended",
            "x": [100 * chosen.share],
            "y": [chosen.difference.mid if chosen.kind else 0.0],
            "marker": {"color": "@accent", "size": 15, "symbol": "star", "line": {"width": 1, "color": "@panel"}},
            "hovertemplate": label(chosen.recipe) + "<extra>recommended</extra>",
        }
    ]


def _strip(advice: Advice, curve: KindCurve, token: str, lane: int) -> list[Spec]:
    """A lane at the foot: shares that are as good, and the interval of the best share."""
    low, high = _STRIP * lane + 0.01, _STRIP * (lane + 1) - 0.01
    middle = (low + high) / 2
    place = {"xref": "x", "yref": "paper"}
    found: list[Spec] = [
        {"type": "rect", **place, "x0": 100 * r.low - 0.4, "x1": 100 * r.high + 0.4, "y0": low, "y1": high,
         "fillcolor": f"@{token}-band", "line": {"width": 0, "color": f"@{token}"}}
        for r in (advice.decision.alternatives if advice.decision is not None else ()) if r.kind == curve.kind
    ]  # fmt: skip
    best = curve.best
    if best.mid is not None and best.low is not None and best.high is not None:
        line = {"color": f"@{token}", "width": 2}
        found.append(
            {
                "type": "line",
                **place,
                "x0": 100 * best.low,
                "x1": 100 * best.high,
                "y0": middle,
                "y1": middle,
                "line": line,
            }
        )
    if best.mid is not None:
        x = 100 * best.mid
        line = {"color": f"@{token}", "width": 4}
        found.append({"type": "line", **place, "x0": x, "x1": x, "y0": low, "y1": high, "line": line})
    return found


def token_of(advice: Advice, kind: str) -> str:
    return f"s{[each.name for each in advice.question.kinds].index(kind) + 1}"


def money_figure(advice: Advice) -> list[Figure]:
    """What each recipe costs and brings."""
    options = [o for o in advice.decision.options if o.determined] if advice.decision is not None else []
    if not any(option.money for option in options):
        return []
    data = []
    for name in (None, *(kind.name for kind in advice.question.kinds)):
        mine = [option for option in options if option.kind == name]
        token = "ink" if name is None else token_of(advice, name)
        values = [(o.difference.mid or 0.0, o.difference.low, o.difference.high) for o in mine]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": label(name or "natural text alone"),
                "x": [option.money for option in mine],
                "y": [value for value, _, _ in values],
                "customdata": [label(option.recipe) for option in mine],
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
        layout(axis("money for synthetic tokens"), axis("difference in loss, nats per token", tickformat="+.3~f")),
    )
    caption = "Filled marks are as good as the best within the noise."
    return [Figure("advice-money", "What it costs and what it brings", caption, "Difference of loss by money.", [view])]


def next_figure(advice: Advice) -> list[Figure]:
    """How far the gain would be known after each of the next runs."""
    runs = advice.decision.next_runs if advice.decision is not None else []
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


def prior_figure(advice: Advice) -> list[Figure]:
    """The expected effect of each kind along the share, with the band of one new study; a view a metric."""
    views = []
    for unit, title, scale in (("nats", "loss", 1.0), ("score", "task score", 100.0)):
        data: list[Spec] = []
        for prior in advice.priors:
            one, token = prior.of(unit), token_of(advice, prior.kind)
            x = [100 * share for share in one.shares]
            low, mid, high = ([scale * value for value in each] for each in (one.low, one.mid, one.high))
            data.append(band(x, low, high, token, prior.kind))
            data.append(line(x, mid, token, prior.kind, "%{x:.0f}%: %{y:+.3f}", legendgroup=prior.kind))
        what = "nats per token (lower is better)" if unit == "nats" else "points of score (higher is better)"
        y = axis(f"difference, {what}", tickformat="+.3~f")
        views.append(View(title, data, layout(axis("synthetic share", ticksuffix="%", range=[-2, 102]), y)))
    caption = "Priors, from published effects on other text. The band is that of one new study with a new text, 90%."
    return [Figure("advice-priors", "Published effects", caption, "Effect by share.", views)]


def score_figure(advice: Advice) -> list[Figure]:
    """Gain of the expected loss over natural text alone by share, a star at each best share."""
    asked = {kind.name for kind in advice.question.kinds}
    scores = advice.scores
    curves: list[ValueCurve] = [] if scores is None else [*scores.kinds, *scores.curves]
    kinds = [curve for curve in curves if curve.kind in asked]
    if not kinds:
        return []
    data = [trace for kind in kinds for trace in _traces(kind, token_of(advice, kind.kind))]
    # Text alone is far below every mixture: the curve is what is to be seen, so the axis ends a little below it.
    top = max(max(kind.high) for kind in kinds)
    inner = min(min(kind.low[:-1]) for kind in kinds)
    y = axis(
        "gain over natural text, nats per token",
        tickformat="+.3~f",
        range=[min(inner, -0.2 * top) * 1.1, 1.15 * max(top, 1e-4)],
    )
    view = View("a line a kind", data, layout(axis("synthetic share", ticksuffix="%", range=[-2, 102]), y))
    caption = (
        f"Mixtures of {format_count(kinds[0].tokens)} tokens, the largest budget trained; higher is better, a star is "
        "the best. By the losses that the score and this study's runs of that budget let expect; the band holds the "
        "error of that. Cut off below the mixtures."
    )
    title = "The score's own curve over the share"
    return [Figure("advice-score", title, caption, "Expected gain against the synthetic share.", [view])]


def _traces(kind: ValueCurve, token: str) -> list[Spec]:
    x = [100 * share for share in kind.shares]
    name = label(kind.kind)
    found: list[Spec] = [
        band(x, kind.low, kind.high, token, kind.kind),
        line(x, kind.gain, token, kind.kind, "%{x:.0f}%: %{y:+.4f}", legendgroup=kind.kind),
    ]
    if kind.best.mid is None:
        return found
    hover = f"best at %{{x:.0f}}%<extra>{name}</extra>"
    more: Spec = {"legendgroup": kind.kind, "showlegend": False, "hovertemplate": hover}
    best = ([100 * kind.best.mid], [max(kind.gain)])
    return [*found, marks(*best, token, f"{kind.kind}, best", size=12, symbol="star", **more)]
