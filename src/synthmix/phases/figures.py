"""Figures (plotly) of the three phases: the simulated curve and the measured one, phases shaded."""

from typing import TYPE_CHECKING, Any

import numpy as np

from synthmix.phases.detection import Detection
from synthmix.phases.simulation import Simulation
from synthmix.scaling import Runs

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_INK, _POINT = "#2a6f97", "#bc4749"
_SHADES = ("rgba(42,111,151,0.10)", "rgba(147,100,0,0.14)", "rgba(0,128,93,0.10)")
_NAMES = ("rapid learning", "plateau", "tail learning")


def simulated(found: Simulation) -> "Figure":
    """L - L_inf against n: exact, closed form and the phases' formulas, with the phases shaded."""
    world, x = found.setting, found.curve.n
    figure = blank(f"beta {world.beta:g}, k {world.k:g}, pi {world.pi:g}", "samples n", "L - L_inf")
    shade(figure, x, found.breaks.n1, found.breaks.n2)
    figure.add_scatter(x=x, y=found.curve.excess, mode="lines", name="exact", line={"color": _INK, "width": 3})
    if found.closed is not None:
        figure.add_scatter(x=x, y=found.closed, mode="lines", name="closed form", line={"color": _POINT, "dash": "dot"})
    for name, values in found.formulas.items():
        near = (values > found.curve.excess.min() / 2) & (values < 2 * found.curve.excess.max())
        figure.add_scatter(x=x[near], y=values[near], mode="lines", name=f"phase: {name}", opacity=0.6,
                           line={"color": "gray", "dash": "dash", "width": 1})  # fmt: skip
    return figure


def blank(title: str, x: str, y: str) -> "Figure":
    """An empty figure, both axes logarithmic."""
    from plotly.graph_objects import Figure

    figure = Figure()
    figure.update_layout(template="plotly_white", title=title, legend={"orientation": "h", "y": -0.15})
    figure.update_xaxes(title=x, type="log", exponentformat="power")
    figure.update_yaxes(title=y, type="log", exponentformat="power")
    return figure


def shade(figure: Any, x: np.ndarray, n1: float, n2: float) -> None:
    """Colour the phases behind the data (m,); breakpoints beyond the data are drawn at its ends."""
    ends = np.clip([x.min(), n1, n2, x.max()], x.min(), x.max())
    for name, colour, left, right in zip(_NAMES, _SHADES, ends[:-1], ends[1:], strict=True):
        if right > left:
            figure.add_vrect(x0=left, x1=right, fillcolor=colour, line_width=0, layer="below",
                             annotation_text=name, annotation_position="top left")  # fmt: skip


def detected(found: Detection) -> "Figure":
    """L - E of the measurements and the shapes, the phases shaded where both breakpoints are found."""
    curve, three = found.curve, found.shapes["three_phase"]
    n, floor = curve.runs.D * curve.unit, three.value("E")
    figure = blank(f"{found.verdict.replace('_', ' ')}: {found.reason}", "n", f"loss - {floor:.4g}")
    if found.verdict == "three_phases" and found.n1.mid and found.n2.mid:
        shade(figure, n, found.n1.mid, found.n2.mid)
    grid = np.geomspace(curve.runs.D.min(), curve.runs.D.max(), 200)
    styles = {"three_phase": (_INK, "solid"), "power_law": (_POINT, "dot"), "segments": ("gray", "dash")}
    for name, (colour, dash) in styles.items():
        loss = found.shapes[name].predict(Runs(D=grid, loss=np.ones(len(grid)))) - floor
        figure.add_scatter(x=grid[loss > 0] * curve.unit, y=loss[loss > 0], mode="lines",
                           name=name.replace("_", " "), line={"color": colour, "dash": dash})  # fmt: skip
    figure.add_scatter(x=n, y=curve.runs.loss - floor, mode="markers", name="measured", marker={"color": "black"})
    return figure
