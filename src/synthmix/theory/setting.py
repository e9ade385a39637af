"""The setting of the three-phase theory: items with Zipf frequencies, a generator that loses the tail, and a learner.

Wang et al. (arXiv 2511.13640) after "A Tale of Tails" (arXiv 2402.07043): FOUND. Items i = 1, 2, ...; natural text
shows item i with p_i = C i^-beta; synthetic text with p'_i = i^-beta' / Z' up to the cutoff k and never beyond;
training draws from q_i = pi p_i + (1 - pi) p'_i, pi the *natural* share. The learner answers an item it has seen
rightly with probability a i^-alpha, one that it has not with b i^-lambda.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.special import zeta

from synthmix.errors import BadInput

_DIRECT = 64  # beyond it six Euler-Maclaurin terms leave less than 1e-15 of the sum
_BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600)  # B_2j / (2j)!
Array = npt.NDArray[np.float64]


def power_sum(s: float, first: float, last: float = math.inf) -> float:
    """sum over whole i in [first, last] of i^-s; 0 for an empty range, infinite where the series diverges.

    Direct up to 64, Euler-Maclaurin beyond (DLMF 2.10.1); an endless range is Hurwitz's zeta function (DLMF 25.11).

    Args:
        s: any real exponent.
        first, last: whole numbers (as floats, so that 1e30 will do); ``last`` may be infinite.
    """
    if last < first:
        return 0.0
    if math.isinf(last):
        return float(zeta(s, first)) if s > 1 else math.inf
    edge = min(last, max(first - 1, _DIRECT))
    direct = float((np.arange(first, edge + 1, dtype=np.float64) ** -s).sum()) if edge >= first else 0.0
    return direct + (_beyond(s, edge + 1, last) if last > edge else 0.0)


def _beyond(s: float, first: float, last: float) -> float:
    whole = math.log(last / first) if s == 1 else (first ** (1 - s) - last ** (1 - s)) / (s - 1)
    total = whole + (first**-s + last**-s) / 2
    rising = s
    for j, bernoulli in enumerate(_BERNOULLI):
        power = -s - 2 * j - 1
        total += bernoulli * rising * (first**power - last**power)
        rising *= (s + 2 * j + 1) * (s + 2 * j + 2)
    return float(total)


@dataclass(frozen=True)
class Setting:
    """One world. ``Setting(beta=1.5, k=1000, pi=0.01)`` is Hutter's memoriser (a = 1, alpha = 0, b = 0).

    Attributes:
        beta: exponent of the natural frequencies, above 1.
        k: the generator's cutoff, at least 1; infinite: nothing is cut. A broken number is rounded down.
        pi: natural share of the training samples, 0 to 1.
        a, alpha: P(right | seen i) = a i^-alpha.
        b, lam: P(right | unseen i) = b i^-lam.
        synthetic_beta: exponent of the synthetic frequencies (temperature changes it); None: beta.
        items: how many items there are; infinite by default.

    Raises:
        BadInput: a value outside its range, or synthetic frequencies that cannot be normalised.
    """

    beta: float
    k: float = math.inf
    pi: float = 1.0
    a: float = 1.0
    alpha: float = 0.0
    b: float = 0.0
    lam: float = 0.0
    synthetic_beta: float | None = None
    items: float = math.inf

    def __post_init__(self) -> None:
        rules = {
            "beta": (self.beta > 1 and math.isfinite(self.beta), "above 1: Zipf frequencies of endless items add up"),
            "k": (self.k >= 1, "at least 1: a generator that knows no item writes nothing"),
            "pi": (0 <= self.pi <= 1, "between 0 and 1: it is the natural share"),
            "a": (0 < self.a <= 1, "above 0 and at most 1: it is a probability"),
            "b": (0 <= self.b <= 1, "between 0 and 1: it is a probability"),
            "alpha": (0 <= self.alpha < math.inf, "0 or more"),
            "lam": (0 <= self.lam < math.inf, "0 or more"),
            "items": (self.items >= 1, "at least 1"),
        }
        for key, (fine, rule) in rules.items():
            if not fine:
                raise BadInput(f"is {getattr(self, key):g}", where="three phases", key=key, remedy=f"give one {rule}")
        object.__setattr__(self, "items", _whole(self.items))
        object.__setattr__(self, "k", min(_whole(self.k), self.items))
        if self.synthetic_exponent <= 1 and math.isinf(self.k):
            problem = f"synthetic frequencies of exponent {self.synthetic_exponent:g} do not add up without a cutoff"
            raise BadInput(problem, where="three phases", key="temperature", remedy="lower it, or give k")

    @property
    def synthetic_exponent(self) -> float:
        """Exponent of the synthetic frequencies."""
        return self.beta if self.synthetic_beta is None else self.synthetic_beta

    @cached_property
    def C(self) -> float:  # noqa: N802 (the paper's letter)
        """p_1: one over the sum of i^-beta."""
        return 1 / power_sum(self.beta, 1, self.items)

    @cached_property
    def synthetic_C(self) -> float:  # noqa: N802 (the paper's letter)
        """p'_1."""
        return 1 / power_sum(self.synthetic_exponent, 1, self.k)

    @cached_property
    def Z(self) -> float:  # noqa: N802 (the paper's letter)
        """Natural mass of what the generator knows, sum over i <= k of p_i."""
        return 1 - self.tail_mass

    @cached_property
    def tail_mass(self) -> float:
        """Natural mass of what the generator has lost: the plateau of the memoriser."""
        return self.moment(0.0, self.k + 1) if self.k < self.items else 0.0

    @cached_property
    def floor(self) -> float:
        """L_inf = 1 - sum p_i a i^-alpha: what is wrong however much is seen."""
        return 1 - self.a * self.moment(self.alpha, 1) if self.a < 1 or self.alpha > 0 else 0.0

    def moment(self, power: float, first: float) -> float:
        """sum over i >= first of p_i i^-power."""
        return self.C * power_sum(self.beta + power, first, self.items)

    def natural(self, ranks: Any) -> Array:
        """p_i at ranks (numbers >= 1, broken ones too)."""
        return np.asarray(self.C * np.asarray(ranks, dtype=np.float64) ** -self.beta)

    def shown(self, ranks: Any) -> Array:
        """q_i at ranks."""
        at = np.asarray(ranks, dtype=np.float64)
        synthetic = np.where(at < self.k + 0.5, self.synthetic_C * at**-self.synthetic_exponent, 0.0)
        return np.asarray(self.pi * self.natural(at) + (1 - self.pi) * synthetic)

    def gain(self, ranks: Any) -> Array:
        """What seeing item i is worth: a i^-alpha - b i^-lam."""
        at = np.asarray(ranks, dtype=np.float64)
        return np.asarray(self.a * at**-self.alpha - self.b * at**-self.lam)

    def replace(self, **changes: Any) -> Self:
        """The same world with some values changed."""
        return replace(self, **changes)


def _whole(value: float) -> float:
    return float(math.floor(value)) if math.isfinite(value) else value
