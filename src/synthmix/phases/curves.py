"""One measured curve and the shapes fitted to it, by least squares on ln loss."""

import math
from dataclasses import dataclass, replace

import numpy as np

from synthmix.errors import BadInput
from synthmix.phases.shapes import segments, two_breaks
from synthmix.scaling import LAWS, Runs
from synthmix.scaling.bootstrap import resample
from synthmix.scaling.inputs import Array
from synthmix.scaling.law import Law
from synthmix.scaling.noise import Noise, split
from synthmix.scaling.solver import Problem
from synthmix.scaling.starts import search

FEWEST = 8
#: Shape -> what it holds fixed. ``levels_off``: the plateau never ends; ``starts_flat``: nothing comes before it.
_HELD: dict[str, dict[str, float]] = {
    "three_phase": {},
    "segments": {},
    "power_law": {},
    "levels_off": {"gap": 120.0},
    "starts_flat": {"x1": -60.0},
}


@dataclass(frozen=True)
class Measured:
    """Losses along n.

    Attributes:
        runs: with ``D`` = n over its geometric mean.
        unit: that mean.
        floor: L_inf where it is known; None: fitted.
    """

    runs: Runs
    unit: float
    floor: float | None

    @classmethod
    def of(cls, n: object, loss: object, floor: float | None = None) -> "Measured":
        """From n and losses (m,), in any order; equal n are replicates.

        Raises:
            BadInput: fewer than 8 different n, a value that is not positive, or a floor that is not below the losses.
        """
        runs = Runs(D=n, loss=loss)
        if runs.cells < FEWEST:
            problem = f"{runs.cells} different n cannot show three phases"
            raise BadInput(problem, where="phases", remedy=f"measure at {FEWEST} or more, over three decades or more")
        if floor is not None and not 0 <= floor < float(runs.loss.min()):
            raise BadInput(f"is {floor:g}; the smallest loss is {runs.loss.min():g}", where="phases", key="floor",
                           remedy="give 0 or more, below every loss")  # fmt: skip
        unit = float(np.exp(np.log(runs.D).mean()))
        return cls(Runs(D=runs.D / unit, loss=runs.loss), unit, floor)

    @property
    def ends(self) -> tuple[float, float]:
        """ln of the smallest and the largest n, in units of the mean."""
        logs = np.log(self.runs.D)
        return float(logs.min()), float(logs.max())

    def where(self, which: np.ndarray) -> "Measured":
        """Some of the points, in the same unit."""
        return replace(self, runs=Runs(D=self.runs.D[which], loss=self.runs.loss[which]))


@dataclass(frozen=True)
class Shape:
    """A fitted shape.

    Attributes:
        name: power_law, three_phase, segments, levels_off or starts_flat.
        problem: what was minimised.
        theta: parameters (p,), n in the curve's unit.
        rss: sum of squares of ln-loss residuals.
        free: number of fitted parameters.
        bic: m ln(rss / m) + free ln m; differences matter.
    """

    name: str
    problem: Problem
    theta: Array
    rss: float
    free: int
    bic: float

    def value(self, name: str) -> float:
        """One parameter."""
        return float(self.theta[self.problem.law.names.index(name)])

    def predict(self, runs: Runs) -> Array:
        """Losses (m,) at n in the curve's unit."""
        return self.problem.law.predict(self.theta, runs)


def fit_shape(name: str, curve: Measured, bounds: dict[str, tuple[float, float]] | None = None) -> Shape:
    """The best parameters of one shape; ``bounds`` narrow some of them."""
    law = _law(name, curve)
    low, high = law.low.copy(), law.high.copy()
    held = dict(_HELD[name]) | ({} if curve.floor is None else {"E": curve.floor})
    for parameter, value in held.items():
        low[law.names.index(parameter)] = high[law.names.index(parameter)] = value
    for parameter, (least, most) in (bounds or {}).items():
        place = law.names.index(parameter)
        low[place], high[place] = max(low[place], least), min(high[place], most)
    runs = curve.runs
    problem = Problem(law, runs.points, np.log(runs.loss), runs.weights, math.inf, low, high)
    theta, objective = search(problem, starts=400)
    free, m = int((low < high).sum()), len(runs)
    rss = max(2 * objective, 1e-300)
    return Shape(name, problem, theta, rss, free, m * math.log(rss / m) + free * math.log(m))


def noise_of(shape: Shape, curve: Measured) -> Noise:
    """Spread around the shape: seed noise where n repeats, lack of fit between."""
    residuals = shape.problem.target - np.log(shape.predict(curve.runs))
    return split(curve.runs, residuals, shape.free)


def redraw(shape: Shape, curve: Measured, count: int, seed: int) -> Array:
    """Parameters (count, p) refitted to the fitted curve with new noise of the measured size (see bootstrap.py)."""
    return resample(shape.problem, curve.runs, shape.theta, noise_of(shape, curve), "noise", count, seed)


def _law(name: str, curve: Measured) -> Law:
    if name == "power_law":
        return LAWS["data"]
    return segments(*curve.ends) if name == "segments" else two_breaks(*curve.ends)
