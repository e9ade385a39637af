"""One measured curve and the shapes fitted to it, by least squares on ln loss.

Shapes: two breakpoints in closed form, three straight segments in log-log, and one power law. Parameters are logarithms
where they span decades, so that the solver's steps are relative ones; n is in units of its geometric mean.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling import LAWS, Constant, Inputs, Law, Parameter, Runs
from synthmix.scaling.bootstrap import resample
from synthmix.scaling.law import Values
from synthmix.scaling.noise import Noise, split
from synthmix.scaling.runs import Array
from synthmix.scaling.solver import Problem
from synthmix.scaling.starts import search
from synthmix.theory.incomplete_gamma import head, tail

_BEYOND = 60.0  # a logarithm past every measured n
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
class TwoBreaks:
    """``B [z1^-c Q(c, z1) + z2^-c P(c, z2)]``, z1 = n / n1, z2 = n / n2, n1 = e^x1, n2 = e^(x1 + gap).

    The closed form of theory/curve.py as a function of n alone: n1 stands for k^beta / (C m), n2 for k^beta / (C pi).
    gap = 0 is the power law B (n / n1)^-c; gap infinite a fall to a plateau for good; x1 = -infinite a plateau first.

    Attributes:
        low, high: logarithms of the smallest and the largest n.
    """

    low: float
    high: float

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        span = self.high - self.low
        return (
            Parameter("B", 0.0, np.inf, linear=True, meaning="scale of what is to be learned"),
            Parameter("c", 0.02, 1.0, start=(0.08, 0.9), log=True, meaning="1 - 1/beta"),
            Parameter("x1", -_BEYOND, _BEYOND, start=(self.low, self.high), meaning="ln n1"),
            Parameter("gap", 0.0, 2 * _BEYOND, start=(0.5, span), meaning="ln n2 / n1"),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return ("D",)

    @property
    def formula(self) -> str:
        return "B [(n/n1)^-c Q(c, n/n1) + (n/n2)^-c P(c, n/n2)]"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        c, first = at["c"], x.log("D") - at["x1"]
        z1, z2 = np.exp(np.clip(first, -_BEYOND, _BEYOND)), np.exp(np.clip(first - at["gap"], -2 * _BEYOND, _BEYOND))
        upper, upper_c, upper_z = tail(c, z1)
        lower, lower_c, lower_z = head(c, z2)
        basis = upper + lower
        late = at["B"] * lower_z * -z2
        return at["B"] * basis, {
            "B": basis,
            "c": at["B"] * (upper_c + lower_c),
            "x1": at["B"] * upper_z * -z1 + late,
            "gap": late,
        }


@dataclass(frozen=True)
class Segments:
    """``B exp(f(ln n))``, f continuous, its slopes -s1, -s2, -s3, its knots at x1 and x1 + gap, f(x1) = 0."""

    low: float
    high: float

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        span = self.high - self.low
        return (
            Parameter("B", 0.0, np.inf, linear=True, meaning="loss over E at the first knot"),
            Parameter("s1", 0.0, 5.0, start=(0.05, 1.0), log=True, meaning="slope before"),
            Parameter("s2", 0.0, 5.0, start=(0.001, 0.3), log=True, meaning="slope between"),
            Parameter("s3", 0.0, 5.0, start=(0.05, 1.0), log=True, meaning="slope after"),
            Parameter("x1", self.low, self.high, start=(self.low, self.high), meaning="ln n1"),
            Parameter("gap", 0.0, span, start=(0.5, span), meaning="ln n2 / n1"),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return ("D",)

    @property
    def formula(self) -> str:
        return "B exp(f(ln n)), f of three straight segments"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        first = x.log("D") - at["x1"]
        second = first - at["gap"]
        before, after = np.minimum(first, 0.0), np.maximum(second, 0.0)
        between = np.clip(first, 0.0, at["gap"])
        basis = np.exp(-np.minimum(at["s1"] * before + at["s2"] * between + at["s3"] * after, 300.0))
        value = at["B"] * basis
        slope = np.where(first < 0, at["s1"], np.where(second < 0, at["s2"], at["s3"]))
        return value, {
            "B": basis,
            "s1": -value * before,
            "s2": -value * between,
            "s3": -value * after,
            "x1": value * slope,
            "gap": value * np.where(second > 0, at["s3"] - at["s2"], 0.0),
        }


def two_breaks(low: float, high: float) -> Law:
    """E plus the closed form."""
    return Law("three_phase", (Constant(), TwoBreaks(low, high)), "derived here, after arXiv 2511.13640")


def segments(low: float, high: float) -> Law:
    """E plus three segments."""
    return Law("segments", (Constant(), Segments(low, high)), "a descriptive shape")


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
