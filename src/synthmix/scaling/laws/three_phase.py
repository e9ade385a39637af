"""Three-phase law: one curve for all shares, from a generator that loses the tail of what there is to know.

Closed form derived for this project from Wang et al. (arXiv 2511.13640) and "A Tale of Tails" (arXiv 2402.07043). With
pi the *natural* share (1 - r), m = pi + (1 - pi) eta, and P, Q the regularised incomplete gamma functions:

    L = E + A [ (m D)^-c Q(c, m D / n1) + (pi D)^-c P(c, pi D / n1) ]

pi = 1 is the power law E + A D^-c; pi = 0 levels off at E + A n1^-c / Gamma(c + 1). eta is the worth of a synthetic
token on what the generator knows, n1 the tokens after which that is learned. A candidate, unproven.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Constant, Law, Parameter, Power, Values, coefficient
from synthmix.scaling.runs import Array, Inputs
from synthmix.theory.incomplete_gamma import head, tail


@dataclass(frozen=True)
class ThreePhase:
    """``A [ (m D)^-c Q(c, m D / n1) + (pi D)^-c P(c, pi D / n1) ]``."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (
            coefficient("A", "D", "c"),
            # c = 1 - 1/beta of a Zipf law, so below 1.
            Parameter("c", 0.02, 1.0, start=(0.05, 0.95), log=True, meaning="exponent"),
            Parameter(
                "n1", 1e-6, 1e9, start=(0.01, 100.0), log=True, unit=("D", 1.0), meaning="tokens to learn the head"
            ),
            Parameter("eta", 1e-3, 1e3, start=(0.1, 10.0), log=True, meaning="worth of a synthetic token on the head"),
        )

    @property
    def columns(self) -> tuple[str, ...]:
        return ("D", "share")

    @property
    def formula(self) -> str:
        return "A [(m D)^-c Q(c, m D/n1) + (pi D)^-c P(c, pi D/n1)], pi = 1 - r, m = pi + r eta"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        c, n1, eta = at["c"], at["n1"], at["eta"]
        seen, real = (1 - x.share + x.share * eta) * x.D / n1, (1 - x.share) * x.D / n1
        scale = np.exp(-c * np.log(n1))
        upper, upper_c, upper_z = tail(c, seen)
        lower, lower_c, lower_z = head(c, real)
        basis = scale * (upper + lower)
        value = at["A"] * basis
        amount = at["A"] * scale
        by_n1 = -c * (upper + lower) - seen * upper_z - real * lower_z
        return value, {
            "A": basis,
            "c": amount * (upper_c + lower_c) - np.log(n1) * value,
            "n1": amount * by_n1 / n1,
            "eta": amount * upper_z * x.share * x.D / n1,
        }


_SOURCE = "derived here, after Wang et al., arXiv 2511.13640"
THREE_PHASE = Law("three_phase", (Constant(), ThreePhase()), _SOURCE)
THREE_PHASE_SIZE = Law("three_phase_size", (Constant(), ThreePhase(), Power("N", "A_N", "alpha")), _SOURCE)
