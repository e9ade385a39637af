"""The page of the best mixture of many sources: shares, one source at a time, measured against predicted, triangle."""

from pathlib import Path

from synthmix.quantities import percent
from synthmix.report import mixture_sentences as sentences
from synthmix.report.figures import Figure, View, ternary, triangle
from synthmix.report.html import Section, write_page
from synthmix.results.mixtures import MixtureDecision
from synthmix.style import Spec, axis, band, label, layout, line, marks

COLOURS = 7  # ink and six hues


def write_mixture_page(decision: MixtureDecision, path: Path) -> None:
    """Write the page, atomically.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    write_page(
        path,
        title="Best mixture",
        eyebrow=f"{len(decision.shares)} sources, {decision.runs} runs, the law {decision.law}",
        lead=sentences.best(decision),
        under=sentences.gains(decision),
        sections=sections(decision),
        facts={
            "Law": decision.formula,
            "Intervals": f"{decision.level:.0%}, of {decision.draws} draws of the posterior, widened by held-out runs",
            "Objective": sentences.mixture_text(decision.domains) if len(decision.domains) > 1 else "one loss",
        },
        colours=COLOURS,
    )


def sections(decision: MixtureDecision) -> list[Section]:
    """Everything, in the order of the page."""
    tables = {table.name: table for table in sentences.tables(decision)}
    beside = [tables[name] for name in ("swaps", "values", "moves") if name in tables]
    return [
        Section("shares", "Shares", "The best mixture", share_figures(decision), [tables["shares"]]),
        Section("beside", "As good", "What is as good, and what would change it", curve_figures(decision), beside),
        Section("measured", "Measured", "Measured against predicted", measured_figures(decision)),
        Section("caveats", "Caveats", "Caveats", tables=[tables["caveats"]]),
    ]


def share_figures(decision: MixtureDecision) -> list[Figure]:
    """A bar for each source, the largest share on top, with its interval; the triangle of three sources."""
    ordered = sorted(decision.shares, key=lambda each: each.share)
    names = [label(each.source, 40) for each in ordered]
    bars: Spec = {
        "type": "bar", "orientation": "h", "y": names, "x": [100 * each.share for each in ordered],
        "marker": {"color": "@s1"}, "width": 0.6, "name": "best share", "showlegend": False,
        "error_x": {
            "type": "data", "symmetric": False, "color": "@ink", "thickness": 1.5, "width": 4,
            "array": [100 * max((each.interval.high or 0) - each.share, 0) for each in ordered],
            "arrayminus": [100 * max(each.share - (each.interval.low or 0), 0) for each in ordered],
        },
        "customdata": [f"{percent(each.interval.low)} to {percent(each.interval.high)}" for each in ordered],
        "hovertemplate": "%{y}: %{x:.1f}% (%{customdata})<extra></extra>",
    }  # fmt: skip
    shape = layout(axis("share of the tokens", ticksuffix="%", rangemode="tozero"), axis(""), showlegend=False)
    shape["margin"] = {**shape["margin"], "b": 56}
    found = [
        Figure(
            "mixture-shares", "Shares of the best mixture",
            f"Bars are the recommended shares, lines the {decision.level:.0%} interval of each source's best share. "
            "Which sources can be left out within the noise of one run stands in the table.",
            "A bar for each source; the numbers are in the table below.", [View("", [bars], shape)],
            height=130 + 30 * len(ordered),
        )
    ]  # fmt: skip
    if decision.surface is not None:
        found.append(_triangle(decision))
    return found


def _triangle(decision: MixtureDecision) -> Figure:
    surface = decision.surface
    assert surface is not None
    what = sentences.OBJECTIVES[decision.unit][0]
    ground = ternary(
        f"expected {what}",
        [[100 * row[i] for row in surface.shares] for i in range(3)],
        {
            "symbol": "hexagon", "size": 15, "color": surface.losses, "colorscale": "@sequential", "reversescale": True,
            "colorbar": {"title": {"text": "nats" if decision.unit == "nats" else what}, "thickness": 12},
        },
        "%{a:.0f} / %{b:.0f} / %{c:.0f}%: %{marker.color:.4f}",
    )  # fmt: skip
    rows = [[100 * row.shares.get(name, 0.0) for row in decision.measured] for name in surface.sources]
    best = [[100 * decision.mixture.get(name, 0.0)] for name in surface.sources]
    points = [_ring("measured", rows, "circle-open", 7, "@ink"), _ring("recommended", best, "star", 15, "@flag")]
    return Figure(
        "mixture-triangle", f"Expected {what} of every mixture",
        f"Each corner is one source alone; the darker, the lower the {what}, whatever the bounds. Rings are measured.",
        f"A triangle of the three sources coloured by expected {what}.",
        [View("", [ground, *points], triangle(surface.sources))], height=520,
    )  # fmt: skip


def _ring(name: str, at: list[list[float]], symbol: str, size: int, colour: str) -> Spec:
    marker = {"symbol": symbol, "size": size, "color": colour, "line": {"color": colour, "width": 1.5}}
    return ternary(name, at, marker, "%{a:.1f} / %{b:.1f} / %{c:.1f}%") | {"showlegend": True}


def curve_figures(decision: MixtureDecision) -> list[Figure]:
    """The objective along one source's share, a view each, the largest share first."""
    share = {each.source: each for each in decision.shares}
    what, unit = sentences.OBJECTIVES[decision.unit]
    views = []
    for curve in sorted(decision.curves, key=lambda curve: -share[curve.source].share):
        x = [100 * s for s in curve.shares]
        best = share[curve.source]
        data = [
            band(x, curve.low, curve.high, "s1", curve.source),
            line(x, curve.mean, "s1", curve.source, f"%{{x:.1f}}%: %{{y:.4f}} {unit}"),
            marks([100 * best.share], [decision.loss.mid], "accent", "recommended", symbol="star", size=14),
        ]
        shape = layout(axis(f"share of {label(curve.source)}", ticksuffix="%"), axis(f"expected {what}, {unit}"))
        views.append(View(curve.source, data, shape))
    if not views:
        return []
    caption = (
        "The share of one source changes, the others keep the proportions that they have in the best mixture. The band "
        f"is the {decision.level:.0%} interval of the expected {what}."
    )
    return [
        Figure("mixture-curves", "One source at a time", caption, f"The {what} along the share of each source.", views)
    ]


def measured_figures(decision: MixtureDecision) -> list[Figure]:
    """Measured mixtures against what the law says of them, as fitted and when held out."""
    rows = decision.measured
    if len(rows) < 2:
        return []
    held = [row for row in rows if row.held_out is not None]
    says = [label(sentences.mixture_text(row.shares), 80) for row in rows]
    ends = [min(row.measured for row in rows), max(row.measured for row in rows)]
    hover = "measured %{x:.4f}, predicted %{y:.4f}<br>%{text}"
    data = [
        line(ends, ends, "muted", "equal", dash="dot"),
        marks(
            [row.measured for row in rows], [row.predicted for row in rows], "s1", "fitted", hover, size=7, text=says
        ),
        marks(
            [row.measured for row in held], [row.held_out for row in held], "s2", "held out of the fit", hover, size=8,
            symbol="diamond-open", text=[label(sentences.mixture_text(row.shares), 80) for row in held],
        ),
    ]  # fmt: skip
    caption = "Every mixture at the largest scale measured. Held out: predicted by a fit that did not see that mixture."
    what, unit = sentences.OBJECTIVES[decision.unit]
    shape = layout(axis(f"measured {what}, {unit}"), axis("predicted"))
    return [
        Figure(
            "mixture-measured", "Measured against predicted", caption, "Points near the diagonal.",
            [View("", data, shape)], height=460,
        )
    ]  # fmt: skip
