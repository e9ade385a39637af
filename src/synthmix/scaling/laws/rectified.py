"""Rectified law (SynthLLM, arXiv 2503.19551): D_0 stands for what was learned before the first token counted."""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Constant, Law, Parameter, Values, coefficient, exponent
from synthmix.scaling.runs import Array, Inputs


@dataclass(frozen=True)
class Rectified:
    """``B / (D_0 + D^beta)``."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        learned = Parameter(
            "D_0", 0.0, np.inf, start=(0.01, 3.0), log=True, unit=("D", "beta"), meaning="learned before"
        )
        return (coefficient("B", "D", "beta"), learned, exponent("beta"))

    @property
    def columns(self) -> tuple[str, ...]:
        return ("D",)

    @property
    def formula(self) -> str:
        return "B / (D_0 + D^beta)"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        logs = x.log("D")
        power = np.exp(at["beta"] * logs)
        basis = 1 / (at["D_0"] + power)
        value = at["B"] * basis
        return value, {"B": basis, "D_0": -value * basis, "beta": -value * basis * power * logs}


RECTIFIED = Law("rectified", (Constant(), Rectified()), "SynthLLM, arXiv 2503.19551")
