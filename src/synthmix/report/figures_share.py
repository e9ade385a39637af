"""Loss against the synthetic share: measured models, fitted mean and band, the best share and its flat range."""

from synthmix.quantities import format_count, percent
from synthmix.report.figures import Figure, Spec, View, axis, band, label, layout
from synthmix.report.palette import source_token
from synthmix.results import Results, ShareCurve

_STRIP = 0.05  # height of a source's strip, as a part of the figure


def share_figure(results: Results) -> Figure | None:
    """One view per cell, all synthetic sources in it: the largest measured first, the question's last."""
    cells: dict[tuple[int, int], list[ShareCurve]] = {}
    for curve in results.share_curves:
        cells.setdefault((curve.params, curve.tokens), []).append(curve)
    views = []
    for params, tokens in sorted(cells, key=lambda cell: (cell[0] * cell[1], cell), reverse=True):
        text = f"measured: {format_count(params)} on {format_count(tokens)} tokens"
        views.append(View(text, *_draw(results, cells[params, tokens])))
    asked = at_question(results)
    if asked:
        text = f"question: {format_count(asked[0].params)} on {format_count(asked[0].tokens)} tokens"
        views.append(View(text, *_draw(results, asked)))
    if not views:
        return None
    return Figure(
        id="share",
        title="Loss against the synthetic share",
        caption="Marks are trained models, the line is the fitted mean, the band its interval. The upright line is the "
        "best share, the bar at its foot that share's interval, and the pale strip every share whose loss "
        "is within the seed noise of the best.",
        summary="Averaged held-out loss against the share of synthetic text; the numbers are in the tables "
        "share_curves, share_points and best_shares.",
        views=views,
    )


def at_question(results: Results) -> list[ShareCurve]:
    """The decision's curves in the share, as losses; a curve that is not determined has no points and is left out."""
    decision = results.decision
    if decision is None:
        return []
    return [
        ShareCurve(
            synthetic=curve.kind,
            params=decision.params,
            tokens=decision.tokens,
            measured=[],
            shares=curve.shares,
            mean=curve.loss,
            low=curve.loss_low,
            high=curve.loss_high,
            best=curve.best,
            flat=curve.flat,
        )
        for curve in decision.curves
        if curve.shares
    ]


def _draw(results: Results, curves: list[ShareCurve]) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    shapes: list[Spec] = []
    notes: list[Spec] = []
    for k, curve in enumerate(sorted(curves, key=lambda c: c.synthetic)):
        token = source_token(results, curve.synthetic)
        x = [100 * s for s in curve.shares]
        data.append(band(x, curve.low, curve.high, token, curve.synthetic))
        data.append(_line(curve, x, token))
        if curve.measured:
            data.append(_marks(curve, token))
        shapes += _best(curve, token, k)
        notes += _best_note(curve, token, k)
    floor = _STRIP * len(curves) + 0.02  # the strips have a lane of their own, below the curves
    y = axis("loss, nats per token", tickformat=".3~f", domain=[floor, 1])
    x_axis = axis("synthetic share", ticksuffix="%", range=[-2, 102], anchor="free", position=0)
    shape = layout(x_axis, y, shapes=shapes, annotations=notes)
    return data, shape


def _line(curve: ShareCurve, x: list[float], token: str) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(curve.synthetic),
        "legendgroup": curve.synthetic,
        "x": x,
        "y": curve.mean,
        "line": {"color": f"@{token}", "width": 2},
        "hovertemplate": "%{x:.0f}%: %{y:.3f} nats, fitted<extra>" + label(curve.synthetic) + "</extra>",
    }


def _marks(curve: ShareCurve, token: str) -> Spec:
    points = sorted(curve.measured, key=lambda p: (p.share, p.seed))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(curve.synthetic),
        "legendgroup": curve.synthetic,
        "showlegend": False,
        "x": [100 * p.share for p in points],
        "y": [p.loss for p in points],
        "customdata": [p.seed for p in points],
        "marker": {"color": f"@{token}", "size": 9, "line": {"color": "@panel", "width": 1}},
        "hovertemplate": "%{x:.0f}%: %{y:.3f} nats, seed %{customdata}<extra>" + label(curve.synthetic) + "</extra>",
    }


def _best(curve: ShareCurve, token: str, row: int) -> list[Spec]:
    """The best share (upright), its interval and the flat range (strips above the axis, one row per source)."""
    base: Spec = {"type": "rect", "xref": "x", "yref": "paper", "line": {"width": 0}, "layer": "below"}
    floor = 0.008 + _STRIP * row
    found = []
    if curve.flat is not None:
        low, high = (100 * share for share in curve.flat)
        strip = {"x0": low, "x1": high, "y0": floor, "y1": floor + 0.036, "fillcolor": f"@{token}-band"}
        found.append({**base, **strip})
    if curve.best.mid is None:
        return found
    if curve.best.low is not None and curve.best.high is not None:
        bar = {"x0": 100 * curve.best.low, "x1": 100 * curve.best.high, "y0": floor + 0.012, "y1": floor + 0.024}
        found.append({**base, **bar, "fillcolor": f"@{token}"})
    x = 100 * curve.best.mid
    upright = {
        "type": "line",
        "x0": x,
        "x1": x,
        "y0": 0,
        "y1": 1,
        "line": {"color": f"@{token}", "width": 1, "dash": "dot"},
    }
    return [*found, {**base, **upright}]


def _best_note(curve: ShareCurve, token: str, row: int) -> list[Spec]:
    if curve.best.mid is None:
        return []
    left = curve.best.mid > 0.7
    return [
        {
            "text": f"best {percent(curve.best.mid)}",
            "x": 100 * curve.best.mid,
            "y": 1 - 0.07 * row,
            "yref": "paper",
            "yanchor": "top",
            "xanchor": "right" if left else "left",
            "xshift": -4 if left else 4,
            "showarrow": False,
            "font": {"color": f"@{token}", "size": 12},
        }
    ]
