"""Mixture laws of Shukor et al. (arXiv 2507.09404, equations 4 and 5), in their form for two sources.

With h = (1 - r, r) and one factor taken out of each sum, 1 / sum_i C_i h_i^gamma_i is M / ((1 - r)^g0 + c r^g1) and
(sum_i C_i h_i)^gamma is A (1 - r + c r)^gamma: the same curves, with M and A linear and c the worth of a synthetic
token against a natural one.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Constant, Law, Parameter, Power, Values, coefficient, exponent
from synthmix.scaling.runs import Array, Inputs

_SHUKOR = "Shukor et al., arXiv 2507.09404"


def _worth(name: str) -> Parameter:
    return Parameter(name, 1e-3, 1e3, start=(0.1, 10.0), log=True, meaning="worth of synthetic against natural tokens")


@dataclass(frozen=True)
class MixtureFloor:
    """``M / ((1 - r)^g0 + c r^g1)``: the part of the asymptote that depends on the share."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        scale = Parameter("M", 0.0, np.inf, linear=True, meaning="share-dependent part of the asymptote")
        return (scale, exponent("g0"), _worth("c"), exponent("g1"))

    @property
    def columns(self) -> tuple[str, ...]:
        return ("share",)

    @property
    def formula(self) -> str:
        return "M / ((1 - r)^g0 + c r^g1)"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        natural, log_natural = _power(1 - x.share, at["g0"])
        synthetic, log_synthetic = _power(x.share, at["g1"])
        basis = 1 / (natural + at["c"] * synthetic)
        value = at["M"] * basis
        inner = -value * basis
        return value, {
            "M": basis,
            "g0": inner * natural * log_natural,
            "c": inner * synthetic,
            "g1": inner * at["c"] * synthetic * log_synthetic,
        }


def _power(h: Array, gamma: Array) -> tuple[Array, Array]:
    """h^gamma and ln h, both 0 at h = 0 (so that their product is the derivative's limit there)."""
    logs = np.log(np.where(h > 0, h, 1.0))
    return np.where(h > 0, np.exp(gamma * logs), 0.0), logs


@dataclass(frozen=True)
class MixturePower:
    """``A (1 - r + c r)^gamma x^-alpha``: a power law whose scale depends on the share."""

    column: str
    factor: str
    power: str
    worth: str
    gamma: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        gamma = Parameter(self.gamma, -3.0, 3.0, start=(-1.5, 1.5), meaning="exponent of the mixture")
        return (coefficient(self.factor, self.column, self.power), exponent(self.power), _worth(self.worth), gamma)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("share", self.column)

    @property
    def formula(self) -> str:
        return f"{self.factor} (1 - r + {self.worth} r)^{self.gamma} {self.column}^-{self.power}"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        logs = x.log(self.column)
        mix = 1 - x.share + at[self.worth] * x.share
        log_mix = np.log(mix)
        basis = np.exp(at[self.gamma] * log_mix - at[self.power] * logs)
        value = at[self.factor] * basis
        return value, {
            self.factor: basis,
            self.power: -logs * value,
            self.worth: value * at[self.gamma] * x.share / mix,
            self.gamma: value * log_mix,
        }


MIXTURE_ADDITIVE = Law(
    "mixture_additive", (Constant(), MixtureFloor(), Power("N", "A", "alpha"), Power("D", "B", "beta")), _SHUKOR
)
MIXTURE_JOINT = Law(
    "mixture_joint",
    (
        Constant(),
        MixtureFloor(),
        MixturePower("N", "A", "alpha", "c_A", "gamma_A"),
        MixturePower("D", "B", "beta", "c_B", "gamma_B"),
    ),
    _SHUKOR,
)
