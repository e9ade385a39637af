"""A scaling law: a named sum of terms with bounds, predictions and an analytic Jacobian.

A term is evaluated at parameters of shape (..., 1) and n points, giving arrays (..., n), with its analytic derivatives.
Terms may share a parameter by naming it alike.

Shape letters: n runs or points, p parameters; leading axes (...) are parameter vectors.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from synthmix.errors import BadInput
from synthmix.scaling.runs import COLUMNS, Array, Inputs, Mask


@dataclass(frozen=True)
class Parameter:
    """One parameter of a law.

    Attributes:
        name: as in the formula.
        low, high: bounds (inclusive) that a fit respects.
        linear: whether the prediction is linear in it, so that it is solved for and not searched.
        start: range of the search, in the fitter's units (N and D divided by their geometric means); unused if linear.
        log: whether the search is uniform in the logarithm.
        unit: (column, e): with the column divided by s, the parameter is divided by s^e; e a number or the name of
            another parameter. None: free of units.
        meaning: a clause for reports.
    """

    name: str
    low: float = -np.inf
    high: float = np.inf
    linear: bool = False
    start: tuple[float, float] = (0.05, 1.2)
    log: bool = False
    unit: tuple[str, float | str] | None = None
    meaning: str = ""


def coefficient(name: str, column: str, power: float | str) -> Parameter:
    """A factor >= 0 of ``column^-power``."""
    return Parameter(name, 0.0, np.inf, linear=True, unit=(column, power), meaning=f"scale of the {column} term")


def exponent(name: str, low: float = 0.01, high: float = 3.0, start: tuple[float, float] = (0.05, 1.2)) -> Parameter:
    """An exponent. Bounds CHOSEN: 0.01 is flat over any reachable range, 3 is steeper than any published law."""
    return Parameter(name, low, high, start=start, log=True, meaning="exponent")


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

    def predict(self, theta: ArrayLike, x: Inputs) -> Array:
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

    def jacobian(self, theta: ArrayLike, x: Inputs) -> Array:
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
