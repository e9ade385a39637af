"""Loss against tokens, or against parameters: measured runs, fitted curve and band per recipe, log axes."""

import math
from typing import Literal

from synthmix.quantities import format_count
from synthmix.report.figures import Figure, Spec, View, axis, band, direct_labels, label, layout
from synthmix.report.palette import recipe_token, symbol
from synthmix.results import Curve, Results, RunRow

_NAMES = {"tokens": "training tokens", "params": "non-embedding parameters"}


def loss_figure(results: Results, along: Literal["tokens", "params"]) -> Figure | None:
    """One view per fixed size (or budget) and law; None where there is neither a curve nor a run to draw."""
    views = []
    for fixed, law in _panels(results, along):
        curves = [c for c in results.curves if (c.along, c.fixed, c.law) == (along, fixed, law)]
        runs = [r for r in results.runs if _fixed(r, along) == fixed]
        trained = any(_fixed(r, along) == fixed for r in results.runs)
        unit = "parameters" if along == "tokens" else "tokens"
        several = len({c.law for c in results.curves if (c.along, c.fixed) == (along, fixed)}) > 1
        text = f"{format_count(fixed)} {unit}"
        text += f", {law}" if several else "" if trained else " (not trained)"
        views.append(View(text, *_draw(results, along, curves, runs)))
    if not views:
        return None
    return Figure(
        id=f"loss-{along}",
        title=f"Loss against {'tokens' if along == 'tokens' else 'parameters'}",
        caption="Each mark is a trained model, each line the fitted law, each band the interval of its mean. Both axes "
        "are logarithmic. Click a name in the legend to hide it.",
        summary=f"Averaged held-out loss against {_NAMES[along]}, one line per recipe; the numbers are in the tables "
        "runs and curves.",
        views=views,
    )


def _fixed(run: RunRow, along: str) -> int:
    return run.params if along == "tokens" else run.tokens


def _along(run: RunRow, along: str) -> int:
    return run.tokens if along == "tokens" else run.params


def _panels(results: Results, along: str) -> list[tuple[int, str]]:
    """(fixed size, law) per view, the largest trained first; a size without curves has its runs alone."""
    found = {(c.fixed, c.law) for c in results.curves if c.along == along}
    with_curves = {fixed for fixed, _ in found}
    for fixed in {_fixed(r, along) for r in results.runs} - with_curves:
        if len({_along(r, along) for r in results.runs if _fixed(r, along) == fixed}) > 1:
            found.add((fixed, ""))
    trained = {_fixed(r, along) for r in results.runs}
    return sorted(found, key=lambda panel: (panel[0] not in trained, -panel[0], panel[1]))


def _draw(results: Results, along: str, curves: list[Curve], runs: list[RunRow]) -> tuple[list[Spec], Spec]:
    data: list[Spec] = []
    ends = []
    by_recipe = {c.recipe: c for c in curves}
    for name in dict.fromkeys([*(r.name for r in results.recipes), *(r.recipe for r in runs)]):
        token, points, curve = recipe_token(results, name), [r for r in runs if r.recipe == name], by_recipe.get(name)
        if curve is not None and curve.x:
            data.append(band(curve.x, curve.low, curve.high, token, name))
            data.append(_line(name, token, curve, shown=not points))
            ends.append((name, math.log10(curve.x[-1]), math.log10(curve.mean[-1]), token))
        if points:
            data.append(_marks(name, token, symbol(results, name), points, along))
    low, high = _range(data)
    x = axis(_NAMES[along], type="log", **_count_ticks(low[0], high[0]))
    y = axis("loss, nats per token", type="log", **_loss_ticks(low[1], high[1]))
    notes = direct_labels(ends, gap=0.06 * math.log10(high[1] / low[1]) if high[1] > low[1] else 0.01)
    shape = layout(x, y, annotations=notes)
    return data, shape


def _line(name: str, token: str, curve: Curve, shown: bool) -> Spec:
    return {
        "type": "scatter",
        "mode": "lines",
        "name": label(name),
        "legendgroup": name,
        "showlegend": shown,
        "x": curve.x,
        "y": curve.mean,
        "line": {"color": f"@{token}", "width": 2},
        "hovertemplate": "%{x:.3s}: %{y:.3f} nats, fitted<extra>" + label(name) + "</extra>",
    }


def _marks(name: str, token: str, shape: str, points: list[RunRow], along: str) -> Spec:
    points = sorted(points, key=lambda r: (_along(r, along), r.seed))
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name),
        "legendgroup": name,
        "x": [_along(r, along) for r in points],
        "y": [r.loss for r in points],
        "customdata": [r.seed for r in points],
        "marker": {"color": f"@{token}", "symbol": shape, "size": 8, "line": {"color": "@panel", "width": 1}},
        "hovertemplate": "%{x:.3s}: %{y:.3f} nats, seed %{customdata}<extra>" + label(name) + "</extra>",
    }


def _range(data: list[Spec]) -> tuple[tuple[float, float], tuple[float, float]]:
    xs = [x for trace in data for x in trace["x"]]
    ys = [y for trace in data for y in trace["y"] if y > 0]
    return (min(xs), min(ys)), (max(xs), max(ys))


def _count_ticks(low: float, high: float) -> Spec:
    """1, 2 and 5 of each decade while they fit, else the decades alone, written as people write counts."""
    steps = (1, 2, 5) if high / low < 3000 else (1,)
    values = [m * 10**k for k in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1) for m in steps]
    values = [v for v in values if low * 0.8 <= v <= high * 1.25]
    return {"tickvals": values, "ticktext": [format_count(v) for v in values]}


def _loss_ticks(low: float, high: float) -> Spec:
    """Round tick values for a log axis that spans well under a decade, where Plotly's own are too sparse."""
    span = high - low
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0) if span / s <= 7), 10.0)
    first = math.ceil(low / step - 1e-9)
    values = [round(step * k, 4) for k in range(first, int(high / step + 1e-9) + 2) if k > 0]
    return {"tickvals": values, "ticktext": [f"{v:g}" for v in values]}
