"""Quality-aware law (arXiv 2510.03313): tokens count by their quality Q, 1 for the reference text."""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Constant, Law, Parameter, Power, Values, coefficient, exponent
from synthmix.scaling.runs import Array, Inputs


@dataclass(frozen=True)
class QualityPower:
    """``B / (D^beta Q^gamma)``."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (coefficient("B", "D", "beta"), exponent("beta"), exponent("gamma"))

    @property
    def columns(self) -> tuple[str, ...]:
        return ("D", "quality")

    @property
    def formula(self) -> str:
        return "B / (D^beta Q^gamma)"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        tokens, quality = x.log("D"), x.log("quality")
        basis = np.exp(-at["beta"] * tokens - at["gamma"] * quality)
        value = at["B"] * basis
        return value, {"B": basis, "beta": -tokens * value, "gamma": -quality * value}


QUALITY = Law("quality", (Constant(), Power("N", "A", "alpha"), QualityPower()), "arXiv 2510.03313")
