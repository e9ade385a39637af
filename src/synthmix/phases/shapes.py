"""Shapes of one measured curve: two breakpoints in closed form, and three straight segments in log-log.

Parameters are logarithms where they span decades, so that the solver's steps are relative ones; they are fitted with n
in units of its geometric mean, see curves.py.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling import Constant, Inputs, Law, Parameter
from synthmix.scaling.inputs import Array
from synthmix.scaling.terms import Values
from synthmix.theory.incomplete_gamma import head, tail

_BEYOND = 60.0  # a logarithm past every measured n


@dataclass(frozen=True)
class TwoBreaks:
    """``B [z1^-c Q(c, z1) + z2^-c P(c, z2)]``, z1 = n / n1, z2 = n / n2, n1 = e^x1, n2 = e^(x1 + gap).

    The closed form of theory/closed.py as a function of n alone: n1 stands for k^beta / (C m), n2 for k^beta / (C pi).
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
