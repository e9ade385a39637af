"""Figures (plotly) of the three phases: the simulated curve and the measured one, phases shaded."""

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from synthmix.phases.detection import Detection
from synthmix.phases.simulation import Simulation
from synthmix.scaling import Runs
from synthmix.style import figure, line, marks, standing

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_PHASES = (("rapid learning", "s1"), ("plateau", "s5"), ("tail learning", "s3"))  # with their colours


def simulated(found: Simulation) -> "Figure":
    """L - L_inf against n: exact, closed form and the phases' formulas, with the phases shaded."""
    world, x = found.setting, found.curve.n
    data = [line(x, found.curve.excess, "s1", "exact")]
    if found.closed is not None:
        data.append(line(x, found.closed, "s2", "closed form", dash="dot"))
    for name, values in found.formulas.items():
        near = (values > found.curve.excess.min() / 2) & (values < 2 * found.curve.excess.max())
        data.append(line(x[near], values[near], "muted", f"phase: {name}", dash="dash", opacity=0.6))
    title = f"beta {world.beta:g}, k {world.k:g}, pi {world.pi:g}"
    drawn = figure(title, "samples n", "L - L_inf", data, log="xy")
    shade(drawn, x, found.breaks.n1, found.breaks.n2)
    return drawn


def shade(drawn: "Figure", x: npt.NDArray[np.float64], n1: float, n2: float) -> None:
    """Colour the phases behind the data (m,); breakpoints beyond the data are drawn at its ends."""
    ends = np.clip([x.min(), n1, n2, x.max()], x.min(), x.max())
    for (name, token), left, right in zip(_PHASES, ends[:-1], ends[1:], strict=True):
        if right > left:
            drawn.add_vrect(
                x0=left, x1=right, fillcolor=standing(f"@{token}-band"), line_width=0, layer="below",
                annotation_text=name, annotation_position="top left",
            )  # fmt: skip


def detected(found: Detection) -> "Figure":
    """L - E of the measurements and the shapes, the phases shaded where both breakpoints are found."""
    curve, three = found.curve, found.shapes["three_phase"]
    n, floor = curve.runs.D * curve.unit, three.value("E")
    grid = np.geomspace(curve.runs.D.min(), curve.runs.D.max(), 200)
    data = []
    for name, token, dash in (
        ("three_phase", "s1", "solid"),
        ("power_law", "s2", "dot"),
        ("segments", "muted", "dash"),
    ):
        loss = found.shapes[name].predict(Runs(D=grid, loss=np.ones(len(grid)))) - floor
        data.append(line(grid[loss > 0] * curve.unit, loss[loss > 0], token, name.replace("_", " "), dash=dash))
    data.append(marks(n, curve.runs.loss - floor, "ink", "measured"))
    title = f"{found.verdict.replace('_', ' ')}: {found.reason}"
    drawn = figure(title, "n", f"loss - {floor:.4g}", data, log="xy")
    if found.verdict == "three_phases" and found.n1.mid and found.n2.mid:
        shade(drawn, n, found.n1.mid, found.n2.mid)
    return drawn
