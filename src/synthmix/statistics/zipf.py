"""Zipf's law by maximum likelihood: the exponent of the distribution of counts above a chosen x_min, and its fit.

If the r-th most frequent type has a frequency that goes as r^-s, counts are distributed as p(c) ~ c^-a with
a = 1 + 1/s. ``a`` is estimated by the discrete likelihood above the x_min at which the Kolmogorov-Smirnov distance is
smallest (Clauset, Shalizi & Newman 0706.1062, sections 3.1 and 3.3; package `powerlaw`). CHOSEN: x_min is sought among
at most 40 values that are evenly spaced in log count and leave 50 types or more; the interval is the likelihood's at
that x_min (chi-squared, one degree of freedom), so it does not hold the uncertainty of x_min; the p-value is the share
of 100 samples of the fitted law whose distance is larger (their section 4.1, tail only): below 0.1 the tail is no power
law.
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthmix.interval import Interval

CANDIDATES, SMALLEST_TAIL, RESAMPLES = 40, 50, 100


@dataclass(frozen=True)
class Zipf:
    """``exponent``: s of the rank-frequency curve, with its interval; ``alpha``: of the counts; ``types``: above x_min
    ("the tail"), of ``of_types`` in all; ``distance``: Kolmogorov-Smirnov; ``fits``: its p-value."""

    exponent: Interval
    alpha: float
    x_min: int
    types: int
    of_types: int
    distance: float
    fits: float


def zipf(counts: np.ndarray, *, level: float = 0.9, seed: int = 0) -> Zipf | None:
    """Fit the tail of ``counts`` (of types, any shape (types,), zeros left out); None with fewer than 50 types."""
    import powerlaw

    counts = counts[counts > 0].astype(np.int64)
    if len(counts) < SMALLEST_TAIL:
        return None
    largest = max(1, int(np.sort(counts)[-SMALLEST_TAIL]))
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns where a candidate's exponent is at the edge of the allowed ones
        for x_min in np.unique(np.round(np.geomspace(1, largest, CANDIDATES)).astype(np.int64)).tolist():
            law = powerlaw.Fit(counts, discrete=True, xmin=x_min, verbose=0).power_law
            if math.isfinite(law.D) and law.alpha > 1:
                found.append((float(law.D), x_min))
    if not found:
        return None
    x_min = min(found)[1]
    tail = counts[counts >= x_min]
    alpha = _likeliest(tail, x_min)
    low, high = _interval(tail, x_min, alpha, level)
    distance = _distance(tail, x_min, alpha)
    return Zipf(
        exponent=Interval(low=1 / (high - 1), mid=1 / (alpha - 1), high=1 / (low - 1), level=level, covers="sampling"),
        alpha=alpha,
        x_min=x_min,
        types=len(tail),
        of_types=len(counts),
        distance=distance,
        fits=_p_value(len(tail), x_min, alpha, distance, seed),
    )


def rank_frequency(counts: np.ndarray, points: int = 200) -> tuple[list[int], list[float]]:
    """Ranks (from 1, evenly spaced in log) and the share of the text that the type of that rank makes up."""
    ordered = np.sort(counts[counts > 0])[::-1]
    if not len(ordered):
        return [], []
    ranks = np.unique(np.round(np.geomspace(1, len(ordered), points)).astype(np.int64))
    return ranks.tolist(), (ordered[ranks - 1] / ordered.sum()).tolist()


def _likelihood(tail: np.ndarray, x_min: int) -> Callable[[float], float]:
    """Log-likelihood of the discrete power law (0706.1062, equation 3.5 with the Hurwitz zeta function) by alpha."""
    from scipy.special import zeta

    types, logs = len(tail), float(np.log(tail).sum())
    return lambda alpha: -types * float(np.log(zeta(alpha, x_min))) - alpha * logs


def _likeliest(tail: np.ndarray, x_min: int) -> float:
    from scipy.optimize import minimize_scalar

    likelihood = _likelihood(tail, x_min)
    return float(minimize_scalar(lambda a: -likelihood(a), bounds=(1.01, 12.0), method="bounded").x)


def _interval(tail: np.ndarray, x_min: int, alpha: float, level: float) -> tuple[float, float]:
    from scipy.optimize import brentq
    from scipy.stats import chi2

    likelihood = _likelihood(tail, x_min)
    bar = likelihood(alpha) - chi2.ppf(level, 1) / 2

    def excess(a: float) -> float:
        return likelihood(a) - bar

    low = brentq(excess, 1.0001, alpha) if excess(1.0001) < 0 else 1.0001
    high = brentq(excess, alpha, 30.0) if excess(30.0) < 0 else 30.0
    return float(low), float(high)


def _distance(tail: np.ndarray, x_min: int, alpha: float) -> float:
    from scipy.special import zeta

    values, counts = np.unique(tail, return_counts=True)
    shown = np.cumsum(counts) / len(tail)
    expected = 1 - zeta(alpha, values + 1.0) / zeta(alpha, x_min)
    before = 1 - zeta(alpha, values.astype(np.float64)) / zeta(alpha, x_min)  # just below each value
    return float(max(np.abs(shown - expected).max(), np.abs(np.append(0, shown[:-1]) - before).max()))


def _p_value(types: int, x_min: int, alpha: float, distance: float, seed: int) -> float:
    rng, worse = np.random.default_rng(seed), 0
    for _ in range(RESAMPLES):
        drawn = _draw(types, x_min, alpha, rng)
        worse += _distance(drawn, x_min, _likeliest(drawn, x_min)) >= distance
    return worse / RESAMPLES


def _draw(types: int, x_min: int, alpha: float, rng: np.random.Generator) -> np.ndarray:
    """Draws of the discrete law: by its table up to 1000 x_min, above by the tail's continuous form (appendix D)."""
    from scipy.special import zeta

    values = np.arange(x_min, x_min + max(1000, 3 * x_min))
    survival = np.append(zeta(alpha, values.astype(np.float64)), zeta(alpha, values[-1] + 1.0)) / zeta(alpha, x_min)
    u = 1 - rng.random(types)  # in (0, 1]: P(X >= x) >= u
    at = np.searchsorted(-survival, -u, side="right") - 1
    drawn = values[np.minimum(at, len(values) - 1)].astype(np.float64)
    beyond = at >= len(values)
    last = values[-1] + 1
    drawn[beyond] = np.floor((last - 0.5) * (u[beyond] / survival[-1]) ** (-1 / (alpha - 1)) + 0.5)
    return np.minimum(drawn, 2.0**53).astype(np.int64)
