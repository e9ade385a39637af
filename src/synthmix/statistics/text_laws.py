"""Zipf's and Heaps' laws of one text, with intervals.

Zipf: if the r-th most frequent type has a frequency that goes as r^-s, counts are distributed as p(c) ~ c^-a with
a = 1 + 1/s. ``a`` is estimated by the discrete likelihood above the x_min at which the Kolmogorov-Smirnov distance is
smallest (Clauset, Shalizi & Newman 0706.1062, sections 3.1 and 3.3). CHOSEN: x_min is sought among at
most 40 values that are evenly spaced in log count and leave 50 types or more; the interval is the likelihood's at
that x_min (chi-squared, one degree of freedom), so it does not hold the uncertainty of x_min; the p-value is the share
of 100 samples of the fitted law whose distance is larger (their section 4.1, tail only): below 0.1 the tail is no power
law.

Heaps: how many types the first n tokens hold, V(n) = K n^b. CHOSEN: b is the least-squares slope of ln V against ln n
over the last decade of n, since the curve of a tokenizer's ids bends down towards its vocabulary and has no single
exponent. Interval: the jackknife over ten successive segments (the documents of a corpus stand in the order of their
hash, so segments are random samples of it).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synthmix.interval import Interval
from synthmix.statistics.count import Stream

CANDIDATES, SMALLEST_TAIL, RESAMPLES = 40, 50, 100
SEGMENTS, NEVER = 10, np.iinfo(np.int64).max
_BLOCK = 2**18


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
    counts = counts[counts > 0].astype(np.int64)
    if len(counts) < SMALLEST_TAIL:
        return None
    largest = max(1, int(np.sort(counts)[-SMALLEST_TAIL]))
    found = []
    for x_min in np.unique(np.round(np.geomspace(1, largest, CANDIDATES)).astype(np.int64)).tolist():
        tail = counts[counts >= x_min]
        alpha = _likeliest(tail, x_min)
        found.append((_distance(tail, x_min, alpha), x_min, alpha))
    distance, x_min, alpha = min(found)
    tail = counts[counts >= x_min]
    low, high = _interval(tail, x_min, alpha, level)
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


@dataclass(frozen=True)
class Heaps:
    """``tokens`` and ``types`` trace the curve; ``exponent`` is its slope over the last decade, with interval."""

    tokens: list[int]
    types: list[int]
    exponent: Interval


def first_seen(stream: Stream, vocab_size: int, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Position (counted from ``start``) at which each id first occurs, else ``NEVER``: int64, shape (vocab_size,)."""
    stop = len(stream) if stop is None else stop
    first = np.full(vocab_size, NEVER, dtype=np.int64)
    for at in range(start, stop, _BLOCK):
        block = stream.read(at, min(at + _BLOCK, stop))
        new = np.flatnonzero(first[block] == NEVER)
        ids, where = np.unique(block[new], return_index=True)
        first[ids] = new[where] + (at - start)
    return first


def heaps(
    segments: Sequence[np.ndarray], lengths: Sequence[int], *, level: float = 0.9, points: int = 60
) -> Heaps | None:
    """From :func:`first_seen` of successive segments of ``lengths`` tokens; None for an empty or too short text."""
    total = sum(lengths)
    if total < 100:
        return None
    whole = _joined(segments, lengths)
    tokens = np.unique(np.round(np.geomspace(1, total, points)).astype(np.int64))
    slope, count = _slope(whole, total), len(segments)
    if count > 1:
        left = [_slope(_joined(*_without(segments, lengths, i)), total - lengths[i]) for i in range(count)]
        spread = float(np.sqrt((count - 1) / count * np.sum((np.array(left) - np.mean(left)) ** 2)))
    else:
        spread = 0.0
    from scipy.stats import t

    reach = spread * float(t.ppf(0.5 + level / 2, max(count - 1, 1)))
    types = np.searchsorted(np.sort(whole), tokens)
    exponent = Interval(low=slope - reach, mid=slope, high=slope + reach, level=level, covers="sampling")
    return Heaps(tokens.tolist(), types.tolist(), exponent)


def heaps_of(stream: Stream, vocab_size: int, stop: int | None = None, *, level: float = 0.9) -> Heaps | None:
    """The same of the first ``stop`` tokens of a stream, cut into ten segments."""
    stop = len(stream) if stop is None else stop
    edges = np.linspace(0, stop, SEGMENTS + 1).astype(np.int64).tolist()
    parts = list(pairwise(edges))
    return heaps([first_seen(stream, vocab_size, a, b) for a, b in parts], [b - a for a, b in parts], level=level)


def _without(segments: Sequence[np.ndarray], lengths: Sequence[int], out: int) -> tuple[list[np.ndarray], list[int]]:
    keep = [i for i in range(len(segments)) if i != out]
    return [segments[i] for i in keep], [lengths[i] for i in keep]


def _joined(segments: Sequence[np.ndarray], lengths: Sequence[int]) -> np.ndarray:
    first, begun = np.full(len(segments[0]), NEVER, dtype=np.int64), 0
    for segment, length in zip(segments, lengths, strict=True):
        here = np.where(segment == NEVER, NEVER, segment + begun)
        first, begun = np.minimum(first, here), begun + length
    return first


def _slope(first: np.ndarray, total: int) -> float:
    at = np.unique(np.round(np.geomspace(total / 10, total, 20)).astype(np.int64))
    types = np.searchsorted(np.sort(first), at)
    return float(np.polyfit(np.log(at), np.log(np.maximum(types, 1)), 1)[0])
