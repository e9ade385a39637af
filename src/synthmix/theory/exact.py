"""The exact curve: L(n) = L_inf + sum_i p_i (a i^-alpha - b i^-lambda) (1 - q_i)^n over as many items as there are.

DERIVED (shared with no published code; it reproduces the five published terms of phase 1). The first 2^16 items are
summed one by one. Beyond, the summand is smooth on a logarithmic scale and sums become integrals (Euler-Maclaurin about
half integers, Gauss-Legendre on panels a factor 2 wide, split at the cutoff). Where n q_i < 1e-6, (1 - q_i)^n is
1 - n q_i and the endless rest is Hurwitz's zeta function. Memory is bounded whatever the number of items.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.theory.power_sum import power_sum
from synthmix.theory.setting import Array, Setting

_HEAD = 1 << 16
_BLOCK = 1 << 13
_LINEAR = 1e-6
_FINE, _COARSE = (np.polynomial.legendre.leggauss(nodes) for nodes in (20, 12))


@dataclass(frozen=True)
class Curve:
    """Test error at each n.

    Attributes:
        n: samples (m,).
        excess: L - L_inf (m,).
        floor: L_inf.
        error: estimated absolute error of ``excess`` (m,); rounding is counted as 1e-15 of it.
    """

    n: Array
    excess: Array
    floor: float
    error: Array

    @property
    def loss(self) -> Array:
        """L (m,)."""
        return self.floor + self.excess


def exact(setting: Setting, n: Any) -> Curve:
    """The exact curve at ``n`` samples (m,), real numbers >= 0.

    Raises:
        BadInput: an n that is negative or not finite.
    """
    at = np.atleast_1d(np.asarray(n, dtype=np.float64))
    if at.ndim != 1 or not len(at) or not np.isfinite(at).all() or (at < 0).any():
        raise BadInput("is not a list of finite numbers of samples", where="three phases", key="n")
    head = min(float(_HEAD), setting.items)
    total = np.zeros(len(at))
    for start in range(1, int(head) + 1, _BLOCK):
        total += _terms(setting, at, np.arange(start, min(start + _BLOCK, head + 1))).sum(axis=1)
    error = 1e-15 * total
    far = _far_enough(setting, float(at.max()))
    for first, last in ((head + 1, min(setting.k, far)), (max(head, setting.k) + 1, far)):
        if first <= last:
            part, doubt = _integrated(setting, at, first, last)
            total, error = total + part, error + doubt
    if far < setting.items:
        part, doubt = _linear(setting, at, far + 1)
        total, error = total + part, error + doubt
    return Curve(at, total, setting.floor, error)


def _terms(setting: Setting, n: Array, ranks: Any) -> Array:
    """Summands (m, ranks)."""
    with np.errstate(divide="ignore", invalid="ignore"):  # q = 1: seen by the first sample
        logs = np.log1p(-np.minimum(setting.shown(ranks), 1.0))
        unseen = np.exp(np.where(n[:, None] > 0, n[:, None] * logs, 0.0))
    return np.asarray(setting.real(ranks) * setting.gain(ranks) * unseen)


def _far_enough(setting: Setting, n: float) -> float:
    """A rank from which on n q is below 1e-6, past the head and the cutoff; or the last item."""
    rank = max(float(_HEAD), setting.k if math.isfinite(setting.k) else 1.0)
    while rank < setting.items and n * float(setting.shown(rank + 1)) > _LINEAR:
        rank *= 2
    return min(rank, setting.items)


def _integrated(setting: Setting, n: Array, first: float, last: float) -> tuple[Array, Array]:
    """Sum over ranks first..last and its estimated error."""
    if last - first < _BLOCK:
        return _terms(setting, n, np.arange(first, last + 1)).sum(axis=1), np.zeros(len(n))
    edges = np.array([first - 0.5, last + 0.5])
    logs = np.log(edges)
    panels = max(1, math.ceil((logs[1] - logs[0]) / math.log(2)))
    inner = np.linspace(logs[0], logs[1], panels + 1)
    fine, coarse = (_quadrature(setting, n, inner, *rule) for rule in (_FINE, _COARSE))
    slope, third = np.zeros(len(n)), np.zeros(len(n))
    for edge, sign in zip((first - 0.5, last + 0.5), (-1, 1), strict=True):
        # Inside the part only: the summand jumps at the cutoff.
        steps = edge * (1 - sign * 1e-12) - sign * np.arange(4)
        f = _terms(setting, n, steps)
        derivative = sign * (11 * f[:, 0] - 18 * f[:, 1] + 9 * f[:, 2] - 2 * f[:, 3]) / 6
        slope += sign * derivative
        third += np.abs(f[:, 0] - 3 * f[:, 1] + 3 * f[:, 2] - f[:, 3])
    return fine - slope / 24, np.abs(fine - coarse) + third / 24


def _quadrature(setting: Setting, n: Array, panels: Any, nodes: Any, weights: Any) -> Array:
    half = np.diff(panels) / 2
    points: Array = np.exp((panels[:-1] + half)[:, None] + half[:, None] * nodes).ravel()
    scaled = (half[:, None] * weights).ravel() * points
    return np.asarray(_terms(setting, n, points) @ scaled)


def _linear(setting: Setting, n: Array, first: float) -> tuple[Array, Array]:
    """Sum over all ranks from ``first`` on, with (1 - q)^n = 1 - n q."""
    shown = [(setting.pi * setting.C, setting.beta)]
    if setting.k >= setting.items:
        shown.append(((1 - setting.pi) * setting.synthetic_C, setting.synthetic_exponent))
    total, largest = np.zeros(len(n)), 0.0
    for factor, power in ((setting.a, setting.alpha), (-setting.b, setting.lam)):
        if factor:
            still = factor * setting.moment(power, first)
            learned = sum(
                factor * share * setting.C * power_sum(setting.beta + power + extra, first, setting.items)
                for share, extra in shown
                if share
            )
            total += still - n * learned
            largest += abs(still)
    return total, 0.5 * (n * float(setting.shown(first))) ** 2 * largest
