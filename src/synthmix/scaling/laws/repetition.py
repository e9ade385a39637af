"""Repeated data (Muennighoff et al., arXiv 2305.16264, equations 5 to 7 and appendix A).

Tokens seen again are worth less: U unique tokens seen for R more epochs count as D' = U + U R_D (1 - exp(-R / R_D)).
In ``repetition_full`` parameters beyond what U tokens can feed, U_N = min(N, N_opt(U)), are discounted the same way,
and N_opt(U) = G (G U)^(beta/alpha), G = (alpha A / (beta B))^(1/(alpha+beta)) follows from the law itself.
The profile over R_D is nearly flat on the published runs: report its profile-likelihood interval.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Constant, Law, Parameter, Power, Values, coefficient, exponent
from synthmix.scaling.runs import Array, Inputs


def _decay(name: str) -> Parameter:
    # CHOSEN bounds: a repeat worth nothing, and a thousand repeats worth as much as new data.
    return Parameter(name, 0.05, 1e3, start=(0.5, 60.0), log=True, meaning="repeats after which little is gained")


@dataclass(frozen=True)
class RepeatedTokens:
    """``B D'^-beta``."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (coefficient("B", "D", "beta"), exponent("beta"), _decay("R_D"))

    @property
    def columns(self) -> tuple[str, ...]:
        return ("D", "unique")

    @property
    def formula(self) -> str:
        return "B [U + U R_D (1 - exp(-R / R_D))]^-beta"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        repeats = np.maximum(x.D / x.unique - 1, 0.0)
        gone = np.exp(-repeats / at["R_D"])
        worth = 1 + at["R_D"] * (1 - gone)
        logs = np.log(np.minimum(x.unique, x.D)) + np.log(worth)
        basis = np.exp(-at["beta"] * logs)
        value = at["B"] * basis
        slope = (1 - gone - gone * repeats / at["R_D"]) / worth
        return value, {"B": basis, "beta": -logs * value, "R_D": -at["beta"] * value * slope}


@dataclass(frozen=True)
class ExcessSize:
    """``A N'^-alpha`` with N' = U_N + U_N R_N (1 - exp(-(N/U_N - 1) / R_N))."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        # Not linear in A and B here: both move N_opt.
        scale = Parameter("A", 1e-9, np.inf, start=(0.05, 3.0), log=True, unit=("N", "alpha"))
        tokens = Parameter("B", 1e-9, np.inf, start=(0.05, 3.0), log=True, unit=("D", "beta"))
        return (scale, exponent("alpha"), tokens, exponent("beta"), _decay("R_N"))

    @property
    def columns(self) -> tuple[str, ...]:
        return ("N", "D", "unique")

    @property
    def formula(self) -> str:
        return "A [U_N + U_N R_N (1 - exp(-(N/U_N - 1) / R_N))]^-alpha"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        A, B, alpha, beta, decay = (at[name] for name in ("A", "B", "alpha", "beta", "R_N"))
        both = alpha + beta
        log_g = np.log(alpha * A / (beta * B)) / both
        log_u = np.log(np.minimum(x.unique, x.D))
        log_fed = log_g * both / alpha + beta / alpha * log_u
        # Kept within e^-200 of N, where N / U_N would soon overflow; no fit comes near.
        log_fed = np.maximum(log_fed, x.log("N") - 200)
        excess = (log_fed < x.log("N")) & (log_fed > x.log("N") - 200)
        fed = np.exp(np.minimum(log_fed, x.log("N")))
        repeats = x.N / fed - 1
        gone = np.exp(-repeats / decay)
        worth = 1 + decay * (1 - gone)
        logs = np.log(fed) + np.log(worth)
        value = A * np.exp(-alpha * logs)
        by_fed = -alpha * value * (1 - gone * (1 + repeats) / worth) * excess  # d value / d ln U_N
        log_ratio = log_g * both  # ln(alpha A / (beta B)); ln U_N = (log_ratio + beta ln U) / alpha
        return value, {
            "A": value / A + by_fed / (alpha * A),
            "alpha": -logs * value + by_fed * (1 - log_ratio - beta * log_u) / alpha**2,
            "B": -by_fed / (alpha * B),
            "beta": by_fed * (log_u - 1 / beta) / alpha,
            "R_N": -alpha * value * (1 - gone - gone * repeats / decay) / worth,
        }


_MUENNIGHOFF = "Muennighoff et al., arXiv 2305.16264"
REPETITION = Law("repetition", (Constant(), Power("N", "A", "alpha"), RepeatedTokens()), _MUENNIGHOFF)
REPETITION_FULL = Law("repetition_full", (Constant(), ExcessSize(), RepeatedTokens()), _MUENNIGHOFF)
