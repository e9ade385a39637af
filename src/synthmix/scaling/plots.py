"""Figures (plotly) of what a fit says: arrays in, figures out, in the style of the report's."""

from typing import TYPE_CHECKING

import numpy as np

from synthmix.scaling.runs import Array
from synthmix.style import Spec, band, figure, line, marks, standing

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_NAMES = {"D": "training tokens D", "N": "non-embedding parameters N", "share": "synthetic share"}
_LOSS = "loss, nats per token"
_LAW, _RUNS = "s1", "s2"  # colours


def _law(x: Array, mean: Array, low: Array, high: Array) -> list[Spec]:
    """The law (k,), with its band where it has one."""
    known = bool(np.isfinite(low).all() and np.isfinite(high).all())
    return [*([band(x, low, high, _LAW, "law")] if known else []), line(x, mean, _LAW, "law")]


def curve(
    x: Array, mean: Array, low: Array, high: Array, runs_x: Array, runs_loss: Array, along: str, title: str = ""
) -> "Figure":
    """Loss against N or D: the curve (k,) with its band, and the runs (n,)."""
    data = [*_law(x, mean, low, high), marks(runs_x, runs_loss, _RUNS, "runs")]
    return figure(title, _NAMES.get(along, along), _LOSS, data, log="x")


def residuals(x: Array, residual: Array, along: str, noise: float | None = None) -> "Figure":
    """Log residuals (n,) against an input (n,), with lines at twice the noise."""
    log = "x" if along in ("N", "D") else ""
    found = figure("", _NAMES.get(along, along), "residual, log-loss", [marks(x, residual, _RUNS, "runs")], log=log)
    for at, dash in ((0.0, "solid"), *(((-2 * noise, "dot"), (2 * noise, "dot")) if noise is not None else ())):
        found.add_hline(y=at, line=standing({"color": f"@{_LAW}", "dash": dash}))
    return found


def profile(values: Array, excess: Array, threshold: float, name: str) -> "Figure":
    """Profile likelihood of one parameter: excess over the optimum (k,), and the threshold of the interval."""
    found = figure("", name, "excess of the objective", [line(values, excess, _LAW, "profile")])
    found.add_hline(y=threshold, line=standing({"color": f"@{_RUNS}", "dash": "dot"}))
    found.update_yaxes(range=[0, 4 * threshold])
    return found


def share_curve(
    shares: Array,
    mean: Array,
    low: Array,
    high: Array,
    best: float | None,
    measured: tuple[Array, Array] | None = None,
    flat: tuple[float, float] | None = None,
) -> "Figure":
    """Loss against the synthetic share with its band, the best share, the flat range and the measured runs."""
    runs = [marks(*measured, _RUNS, "runs")] if measured is not None else []
    found = figure("", _NAMES["share"], _LOSS, [*_law(shares, mean, low, high), *runs])
    if flat is not None:
        found.add_vrect(x0=flat[0], x1=flat[1], fillcolor=standing(f"@{_LAW}-band"), line={"width": 0})
    if best is not None:
        found.add_vline(x=best, line=standing({"color": f"@{_LAW}", "dash": "dash"}))
    found.update_xaxes(tickformat=".0%")
    return found


def isoflop(flops: Array, sizes: list[Array], losses: list[Array], optimum: tuple[Array, Array]) -> "Figure":
    """Loss against N along each FLOP budget, and the line of their optima (N (k,), loss (k,))."""
    from synthmix.quantities import format_count

    data = [
        line(N, loss, f"s{1 + i % 6}", f"{budget:.1e} FLOP", opacity=0.8)
        for i, (budget, N, loss) in enumerate(zip(flops, sizes, losses, strict=True))
    ]
    text = [f"N = {format_count(value)}" for value in optimum[0]]
    data.append(line(*optimum, "ink", "optimum", dash="dot", mode="lines+markers", text=text))
    return figure("", _NAMES["N"], _LOSS, data, log="x")
