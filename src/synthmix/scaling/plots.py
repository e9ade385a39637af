"""Figures (plotly) of what a fit says: arrays in, figures out. The report and people's notebooks use the same ones."""

from typing import TYPE_CHECKING, Any

import numpy as np

from synthmix.scaling.runs import Array

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_INK, _BAND, _POINT = "#2a6f97", "rgba(42,111,151,0.18)", "#bc4749"
_NAMES = {"D": "training tokens D", "N": "non-embedding parameters N", "share": "synthetic share"}


def _figure(title: str, x: str, y: str, *, log_x: bool = False) -> "Figure":
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(
        template="plotly_white", title=title, hovermode="closest", legend={"orientation": "h", "y": 1.08}
    )
    figure.update_xaxes(title=x, type="log" if log_x else "linear", exponentformat="power" if log_x else "none")
    figure.update_yaxes(title=y)
    return figure


def _band(figure: Any, x: Array, mean: Array, low: Array, high: Array, name: str = "law", color: str = _INK) -> None:
    if np.isfinite(low).all() and np.isfinite(high).all():
        figure.add_scatter(x=np.r_[x, x[::-1]], y=np.r_[high, low[::-1]], fill="toself", fillcolor=_BAND,
                           line={"width": 0}, hoverinfo="skip", showlegend=False)  # fmt: skip
    figure.add_scatter(x=x, y=mean, mode="lines", line={"color": color, "width": 2}, name=name)


def curve(
    x: Array, mean: Array, low: Array, high: Array, runs_x: Array, runs_loss: Array, along: str, title: str = ""
) -> "Figure":
    """Loss against N or D: the curve (k,) with its band, and the runs (n,)."""
    figure = _figure(title, _NAMES.get(along, along), "loss, nats per token", log_x=True)
    _band(figure, x, mean, low, high)
    figure.add_scatter(x=runs_x, y=runs_loss, mode="markers", marker={"color": _POINT, "size": 7}, name="runs")
    return figure


def residuals(x: Array, residual: Array, along: str, noise: float | None = None) -> "Figure":
    """Log residuals (n,) against an input (n,), with lines at twice the noise."""
    figure = _figure("", _NAMES.get(along, along), "residual, log-loss", log_x=along in ("N", "D"))
    figure.add_scatter(x=x, y=residual, mode="markers", marker={"color": _POINT, "size": 7}, name="runs")
    figure.add_hline(y=0, line={"color": _INK})
    if noise is not None:
        for side in (-2, 2):
            figure.add_hline(y=side * noise, line={"color": _INK, "dash": "dot"})
    return figure


def profile(values: Array, excess: Array, threshold: float, name: str) -> "Figure":
    """Profile likelihood of one parameter: excess over the optimum (k,), and the threshold of the interval."""
    figure = _figure("", name, "excess of the objective")
    figure.add_scatter(x=values, y=excess, mode="lines", line={"color": _INK, "width": 2}, name="profile")
    figure.add_hline(y=threshold, line={"color": _POINT, "dash": "dot"})
    figure.update_yaxes(range=[0, 4 * threshold])
    return figure


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
    figure = _figure("", _NAMES["share"], "loss, nats per token")
    if flat is not None:
        figure.add_vrect(x0=flat[0], x1=flat[1], fillcolor=_BAND, line={"width": 0})
    _band(figure, shares, mean, low, high)
    if measured is not None:
        figure.add_scatter(x=measured[0], y=measured[1], mode="markers", marker={"color": _POINT}, name="runs")
    if best is not None:
        figure.add_vline(x=best, line={"color": _INK, "dash": "dash"})
    figure.update_xaxes(tickformat=".0%")
    return figure


def isoflop(flops: Array, sizes: list[Array], losses: list[Array], optimum: tuple[Array, Array]) -> "Figure":
    """Loss against N along each FLOP budget, and the line of their optima (N (k,), loss (k,))."""
    from synthmix.quantities import format_count

    figure = _figure("", _NAMES["N"], "loss, nats per token", log_x=True)
    for budget, N, loss in zip(flops, sizes, losses, strict=True):
        figure.add_scatter(x=N, y=loss, mode="lines", name=f"{budget:.1e} FLOP", opacity=0.8)
    labels = [f"N = {format_count(value)}" for value in optimum[0]]
    figure.add_scatter(x=optimum[0], y=optimum[1], mode="lines+markers", text=labels, name="optimum",
                       line={"color": "black", "dash": "dot"})  # fmt: skip
    return figure
