"""Figures (plotly) of the three phases: the simulated curve and the measured one, phases shaded."""

import math
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
    for (name, values), dashed in zip(found.formulas.items(), ("dash", "dashdot", "longdash"), strict=False):
        near = (values > found.curve.excess.min() / 2) & (values < 2 * found.curve.excess.max())
        data.append(line(x[near], values[near], "muted", f"phase: {name}", dash=dashed, opacity=0.6))
    title = f"beta {world.beta:g}, k {world.k:g}, pi {world.pi:g}"
    drawn = figure(title, "samples n", "L - L_inf", data, log="xy")
    shade(drawn, x, found.breaks.n1, found.breaks.n2)
    return drawn


def shade(drawn: "Figure", x: npt.NDArray[np.float64], n1: float, n2: float) -> None:
    """Colour the phases behind the data (m,); breakpoints beyond the data are drawn at its ends."""
    ends = np.clip([x.min(), n1, n2, x.max()], x.min(), x.max())
    for (name, token), left, right in zip(_PHASES, ends[:-1], ends[1:], strict=True):
        if right > left:
            colour = standing(f"@{token}-band")
            drawn.add_vrect(x0=left, x1=right, fillcolor=colour, line_width=0, layer="below")
            # Plotly places annotations of a logarithmic axis by exponents: those of add_vrect reach 10^99.
            drawn.add_annotation(
                text=name, x=math.log10(math.sqrt(left * right)), y=1, yref="paper", yanchor="bottom", showarrow=False
            )
    drawn.update_xaxes(range=[math.log10(x.min()), math.log10(x.max())])


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
