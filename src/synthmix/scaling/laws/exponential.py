"""Exponential mixing laws (Ye et al., Data Mixing Laws, arXiv 2403.16952, equation 7), for two sources.

L_i = c_i + k_i exp(t_i r) for one domain. The average over domains of opposite slope has an inner optimum:
``exponential_two`` is the smallest such average, a domain that synthetic text harms and one that it helps.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Constant, Law, Parameter, Values
from synthmix.scaling.runs import Array, Inputs


@dataclass(frozen=True)
class Exponential:
    """``k exp(t r)`` with ``t`` of the given sign (0: any)."""

    factor: str
    rate: str
    sign: int = 0

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        # CHOSEN: within exp(+-20) over the whole range of shares.
        low, high = (-20.0 if self.sign <= 0 else 0.01), (20.0 if self.sign >= 0 else -0.01)
        start = (-5.0 if self.sign <= 0 else 0.1, 5.0 if self.sign >= 0 else -0.1)
        factor = Parameter(self.factor, 0.0, np.inf, linear=True, meaning="size of the effect of the share")
        return (factor, Parameter(self.rate, low, high, start=start, meaning="exponent"))

    @property
    def columns(self) -> tuple[str, ...]:
        return ("share",)

    @property
    def formula(self) -> str:
        return f"{self.factor} exp({self.rate} r)"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        basis = np.exp(at[self.rate] * x.share)
        value = at[self.factor] * basis
        return value, {self.factor: basis, self.rate: value * x.share}


_YE = "Ye et al., arXiv 2403.16952"
EXPONENTIAL = Law("exponential", (Constant("c"), Exponential("k", "t")), _YE)
EXPONENTIAL_TWO = Law("exponential_two", (Constant("c"), Exponential("k1", "t1", 1), Exponential("k2", "t2", -1)), _YE)
