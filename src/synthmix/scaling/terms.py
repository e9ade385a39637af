"""The addends that laws are made of: each knows its value and its analytic derivatives, batched over parameter sets.

A term is evaluated at parameters of shape (..., 1) and n points, giving arrays (..., n). A law is a sum of terms, and
terms may share a parameter by naming it alike.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from synthmix.scaling.inputs import Array, Inputs
from synthmix.scaling.parameter import Parameter, coefficient, exponent

Values = dict[str, Array]


class Term(Protocol):
    """One addend of a law."""

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def formula(self) -> str: ...
    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        """Value (..., n) and, per parameter name, the derivative (..., n)."""
        ...


@dataclass(frozen=True)
class Constant:
    """The irreducible loss E >= 0: a fitted asymptote, not an entropy."""

    name: str = "E"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (Parameter(self.name, 0.0, np.inf, linear=True, meaning="irreducible loss, nats per token"),)

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

    @property
    def formula(self) -> str:
        return self.name

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        ones = np.ones(len(x))
        return at[self.name] * ones, {self.name: ones}


@dataclass(frozen=True)
class Power:
    """``A x^-alpha`` of one column (Hoffmann et al., arXiv 2203.15556, equation 2)."""

    column: str
    factor: str
    power: str

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        return (coefficient(self.factor, self.column, self.power), exponent(self.power))

    @property
    def columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def formula(self) -> str:
        return f"{self.factor} {self.column}^-{self.power}"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        logs = x.log(self.column)
        basis = np.exp(-at[self.power] * logs)
        value = at[self.factor] * basis
        return value, {self.factor: basis, self.power: -logs * value}


@dataclass(frozen=True)
class SharePolynomial:
    """``(B0 + B1 r + B2 r^2) x^-beta``, r the synthetic share; column None leaves the power out.

    CHOSEN: the smallest form in which the best share is interior and moves with x (coefficients per share, smoothed).
    """

    column: str | None
    factor: str
    power: str | None
    degree: int = 2

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.factor}{k}" for k in range(self.degree + 1))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        unit = None if self.column is None else (self.column, self.power or 1.0)
        first = Parameter(self.names[0], 0.0, np.inf, linear=True, unit=unit, meaning="at share 0")
        rest = [
            Parameter(name, -np.inf, np.inf, linear=True, unit=unit, meaning=f"coefficient of share^{k + 1}")
            for k, name in enumerate(self.names[1:])
        ]
        return (first, *rest, *([exponent(self.power)] if self.power else []))

    @property
    def columns(self) -> tuple[str, ...]:
        return ("share",) if self.column is None else ("share", self.column)

    @property
    def formula(self) -> str:
        body = " + ".join(
            [self.names[0], f"{self.names[1]} r", *[f"{n} r^{k + 2}" for k, n in enumerate(self.names[2:])]]
        )
        return body if self.column is None else f"({body}) {self.column}^-{self.power}"

    def evaluate(self, at: Values, x: Inputs) -> tuple[Array, Values]:
        powers = [x.share**k for k in range(self.degree + 1)]
        total = sum(at[name] * p for name, p in zip(self.names, powers, strict=True))
        if self.column is None or self.power is None:
            return total, dict(zip(self.names, powers, strict=True))
        logs = x.log(self.column)
        basis = np.exp(-at[self.power] * logs)
        value = total * basis
        slopes = {name: basis * p for name, p in zip(self.names, powers, strict=True)}
        return value, {**slopes, self.power: -logs * value}
