"""Krippendorff's alpha for ordered answers, any number of raters, and missing answers, with a bootstrap over items.

alpha = 1 - D_o / D_e (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011; FOUND): observed over expected
disagreement from the matrix of coincidences o, in which each ordered pair of answers to one unit counts 1 / (m - 1),
m the answers to it. The ordinal distance is delta^2(c, k) = (sum of n_g from c to k - (n_c + n_k) / 2)^2 with n the
column sums of o; with two categories it is the nominal one. A unit with fewer than two answers says nothing.
"""

from collections.abc import Sequence

import numpy as np

from synthmix.interval import Interval

RESAMPLES = 2_000


def coincidences(units: Sequence[Sequence[int]], categories: int) -> np.ndarray:
    """The matrix (categories, categories) of ``units``, each the answers (numbers from 0) that one unit got."""
    found = np.zeros((categories, categories))
    for answers in units:
        if len(answers) > 1:
            counts = np.bincount(np.asarray(answers), minlength=categories).astype(float)
            found += (np.outer(counts, counts) - np.diag(counts)) / (len(answers) - 1)
    return found


def alpha(found: np.ndarray) -> np.ndarray:
    """Ordinal alpha of matrices (..., categories, categories); NaN where all answers are one, or there are none."""
    n = found.sum(axis=-1)
    total = n.sum(axis=-1)
    up = np.cumsum(n, axis=-1)
    between = np.abs(up[..., None, :] - up[..., :, None])  # the sum from c + 1 to k, whichever is the larger
    # From c to k, both included, less half of both: (sum from c + 1 to k) + n_low - (n_c + n_k) / 2.
    low = np.where(np.arange(n.shape[-1])[:, None] < np.arange(n.shape[-1]), n[..., :, None], n[..., None, :])
    distance = (between + low - (n[..., :, None] + n[..., None, :]) / 2) ** 2
    observed = (found * distance).sum(axis=(-2, -1))
    expected = (n[..., :, None] * n[..., None, :] * distance).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan))


def agreement_of(
    items: Sequence[Sequence[Sequence[int]]], categories: int, *, level: float = 0.9, seed: int = 0
) -> Interval:
    """Alpha over all units, with a percentile interval from drawing the items again (an item's units together).

    Args:
        items: of each item its units, of each unit its answers as numbers from 0.
    """
    each = np.array([coincidences(units, categories) for units in items]).reshape(-1, categories, categories)
    each = each[each.sum(axis=(1, 2)) > 0]
    if not len(each):
        return Interval(mid=None, level=level, why="no text has two raters' answers")
    value = float(alpha(each.sum(axis=0)))
    if np.isnan(value):
        return Interval(mid=None, level=level, why="all answers are the same")
    if len(each) < 2:
        return Interval(mid=value, level=level, why="one item")
    weights = np.random.default_rng(seed).multinomial(len(each), np.full(len(each), 1 / len(each)), size=RESAMPLES)
    draws = alpha(np.tensordot(weights.astype(float), each, axes=1))
    return interval(value, draws, level)


def interval(value: float, draws: np.ndarray, level: float) -> Interval:
    """``value`` with the middle ``level`` of the draws that are defined; none where a tenth of them is not."""
    if np.isnan(draws).mean() > 0.1:
        return Interval(mid=value, level=level, why="too few items for an interval")
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mid=value, low=float(low), high=float(high), level=level)
