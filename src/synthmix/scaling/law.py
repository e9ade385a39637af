"""A scaling law: a named sum of terms with bounds, predictions and an analytic Jacobian."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.inputs import COLUMNS, Array, Inputs, Mask
from synthmix.scaling.parameter import Parameter
from synthmix.scaling.terms import Term


@dataclass(frozen=True)
class Law:
    """``Law("mine", (Constant(), Power("D", "B", "beta")))`` is a whole law of one's own.

    Attributes:
        name: what it is called on the command line and in files.
        terms: the addends; a parameter named in two terms is one parameter.
        source: where the formula is from.
    """

    name: str
    terms: tuple[Term, ...]
    source: str = ""

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters in the order of the parameter vector."""
        found: dict[str, Parameter] = {}
        for term in self.terms:
            for parameter in term.parameters:
                found.setdefault(parameter.name, parameter)
        return tuple(found.values())

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameter names in order."""
        return tuple(parameter.name for parameter in self.parameters)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns that the law needs, in the order of :data:`COLUMNS`."""
        needed = {column for term in self.terms for column in term.columns}
        return tuple(column for column in COLUMNS if column in needed)

    @cached_property
    def formula(self) -> str:
        """The law in one line."""
        return "L = " + " + ".join(term.formula for term in self.terms)

    @cached_property
    def linear(self) -> Mask:
        """Boolean (p,): which parameters enter linearly."""
        return np.array([parameter.linear for parameter in self.parameters])

    @cached_property
    def low(self) -> Array:
        """Lower bounds (p,)."""
        return np.array([parameter.low for parameter in self.parameters])

    @cached_property
    def high(self) -> Array:
        """Upper bounds (p,)."""
        return np.array([parameter.high for parameter in self.parameters])

    def check(self, x: Inputs) -> None:
        """Raise BadInput when a needed column is absent."""
        missing = [column for column in self.columns if not x.has(column)]
        if missing:
            what = "; ".join(f"{column} = {COLUMNS[column]}" for column in missing)
            raise BadInput(f"the law needs {', '.join(missing)}", where=f"law {self.name}", remedy=f"give {what}")

    def evaluate(self, theta: Array, x: Inputs) -> tuple[Array, Array]:
        """Losses (..., n) and their derivatives (..., p, n) at parameters (..., p)."""
        at = {name: theta[..., k, None] for k, name in enumerate(self.names)}
        shape = theta.shape[:-1]
        total = np.zeros((*shape, len(x)))
        slopes = np.zeros((*shape, len(self.names), len(x)))
        place = {name: k for k, name in enumerate(self.names)}
        for term in self.terms:
            value, parts = term.evaluate(at, x)
            total += value
            for name, part in parts.items():
                slopes[..., place[name], :] += part
        return total, slopes

    def predict(self, theta: Any, x: Inputs) -> Array:
        """Losses (..., n), nats per token, at parameters (..., p)."""
        at_all = np.asarray(theta, dtype=np.float64)
        at = {name: at_all[..., k, None] for k, name in enumerate(self.names)}
        total = np.zeros((*at_all.shape[:-1], len(x)))
        for term in self.terms:
            total += term.evaluate(at, x)[0]
        return total

    def predict_each(self, theta: Array, x: Inputs) -> Array:
        """Losses (n,): row k of the parameters (n, p) at point k."""
        at = {name: theta[:, k] for k, name in enumerate(self.names)}
        found: Array = np.sum([np.broadcast_to(term.evaluate(at, x)[0], (len(x),)) for term in self.terms], axis=0)
        return found

    def jacobian(self, theta: Any, x: Inputs) -> Array:
        """Derivatives of the losses by the parameters, (..., n, p)."""
        return np.swapaxes(self.evaluate(np.asarray(theta, dtype=np.float64), x)[1], -1, -2)

    def rescaled(self, theta: Array, N: float, D: float) -> Array:
        """Parameters (..., p) fitted to N / ``N`` and D / ``D``, expressed for N and D themselves."""
        logs = {"N": np.log(N), "D": np.log(D), "unique": np.log(D)}
        out = np.array(theta, dtype=np.float64)
        for k, parameter in enumerate(self.parameters):
            if parameter.unit is not None:
                column, power = parameter.unit
                size = theta[..., self.names.index(power)] if isinstance(power, str) else power
                out[..., k] = theta[..., k] * np.exp(size * logs[column])
        return out
