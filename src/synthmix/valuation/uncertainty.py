"""The sampling noise of a score: of the pool's items and of the reference's, without another pass."""

from collections.abc import Sequence

import numpy as np

from synthmix.interval import Interval
from synthmix.valuation.summary import Summary
from synthmix.valuation.terms.term import REFERENCE_BLOCKS, Sums, Term
from synthmix.valuation.weights import Weights

LEVEL = 0.9  # of intervals, unless another is asked for


def parts_of(summary: Summary, terms: Sequence[Term], weights: Weights) -> np.ndarray:
    """Independent deviations of the score, one of each block of the pool and one of each of the reference.

    Each is the deviation that would come of that block alone; the score's variance is the sum of their squares. For
    the pool it is the infinitesimal jackknife (Efron 1981): the slope of the score by the sums times the block's excess
    over its pool's mean block. For the reference it is the jackknife over its blocks.
    """
    count = max(len(blocks) for blocks in summary.sums.values())
    inner, filled, reference = np.zeros(count), np.zeros(count, bool), np.zeros(REFERENCE_BLOCKS)
    for term in terms:
        weight = weights.values.get(term.name, 0.0) / term.scale
        if not weight:
            continue
        total = summary.total(term.reads)
        slope = term.slope(total)
        inner -= weight * np.array([_inner(slope, sums) for sums in summary.sums[term.reads]])
        filled |= np.array([bool(sums) for sums in summary.sums[term.reads]])
        left = np.array([term.value(total, without=i) for i in range(REFERENCE_BLOCKS)])
        reference -= weight * (left - left.mean())
    pool, start = np.zeros(count), 0
    taken = np.array(summary.taken) if summary.taken else np.ones(count)
    for length in summary.groups or (count,):
        mine = np.flatnonzero(filled[start : start + length]) + start
        if len(mine) > 1:
            part = taken[mine] / taken[mine].sum()  # a block of which only a part was taken has a part of the mean
            pool[mine] = (inner[mine] - part * inner[mine].sum()) * np.sqrt(len(mine) / (len(mine) - 1))
        start += length
    return np.concatenate([pool, reference * np.sqrt((REFERENCE_BLOCKS - 1) / REFERENCE_BLOCKS)])


def half_width(parts: np.ndarray, level: float) -> np.ndarray:
    """(...,) of the normal interval of a score with the independent deviations ``parts`` (..., m)."""
    from scipy.stats import norm

    return np.asarray(norm.ppf(0.5 + level / 2) * np.sqrt((parts**2).sum(axis=-1)))


def around(value: float, half: float, level: float) -> Interval:
    """``value`` plus and minus ``half``: what other items of the same kind would change."""
    why = None if np.isfinite(value) else "a term has no value here"
    return Interval(low=value - half, mid=value, high=value + half, level=level, covers="sampling", why=why)


def _inner(slope: Sums, sums: Sums) -> float:
    return sum(float((slope[name] * sums[name]).sum()) for name in slope if name in sums)
