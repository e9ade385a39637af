"""Smoothly broken power law with one break (Caballero et al., arXiv 2210.14891, equation 1)."""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Constant, Law, Parameter, Values, coefficient, exponent
from synthmix.scaling.runs import Array, Inputs


@dataclass(frozen=True)
class Broken:
    """``B D^-beta (1 + (D / D_b)^(1/f))^(-(beta2 - beta) f)``: exponent beta before D_b, beta2 after."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        place = Parameter("D_b", 1e-9, np.inf, start=(0.03, 30.0), log=True, unit=("D", 1.0), meaning="where it breaks")
        # CHOSEN bounds: at f = 0.05 the break is a corner, at 2 it takes more decades than a study has.
        width = Parameter("f", 0.05, 2.0, start=(0.1, 1.0), log=True, meaning="width of the break")
        return (coefficient("B", "D", "beta"), exponent("beta"), exponent("beta2"), place, width)

    @property
    def columns(self) -> tuple[str, ...]:
        return ("D",)

    @property
    def formula(self) -> str:
        return "B D^-beta (1 + (D/D_b)^(1/f))^((beta - beta2) f)"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        logs = x.log("D")
        ratio = (logs - np.log(at["D_b"])) / at["f"]
        soft = np.logaddexp(0.0, ratio)
        past = 1 / (1 + np.exp(-np.clip(ratio, -700, 700)))
        change = at["beta2"] - at["beta"]
        basis = np.exp(-at["beta"] * logs - change * at["f"] * soft)
        value = at["B"] * basis
        return value, {
            "B": basis,
            "beta": value * (at["f"] * soft - logs),
            "beta2": -value * at["f"] * soft,
            "D_b": value * change * past / at["D_b"],
            "f": -value * change * (soft - past * ratio),
        }


BROKEN = Law("broken", (Constant(), Broken()), "Caballero et al., arXiv 2210.14891")
