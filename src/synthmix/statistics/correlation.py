"""Mean rank correlation over groups, and its two-way bootstrap over recipes and groups."""

from collections.abc import Callable

import numpy as np

SMALLEST_GROUP = 3
_ELEMENTS = 2**22  # of the arrays that hold a chunk of resamples


def mean_correlation(
    correlation: Callable[[np.ndarray, np.ndarray], float], badness: np.ndarray, losses: np.ndarray
) -> tuple[float | None, int]:
    """Over the groups (rows) in which three recipes or more are known and differ; and how many groups these are."""
    found = []
    for a, b in zip(badness, losses, strict=True):
        known = np.isfinite(a) & np.isfinite(b)
        if known.sum() >= SMALLEST_GROUP and np.ptp(a[known]) > 0 and np.ptp(b[known]) > 0:
            found.append(correlation(a[known], b[known]))
    return (float(np.mean(found)) if found else None), len(found)


def bootstrap(
    badness: np.ndarray, losses: np.ndarray, level: float, resamples: int, seed: int
) -> tuple[float | None, float | None, float | None, float | None]:
    """Bounds of the mean Spearman and Kendall correlations under resampled recipes and groups."""
    rng, (groups, recipes) = np.random.default_rng(seed), losses.shape
    chunk = max(1, _ELEMENTS // (groups * recipes * recipes))
    rho, tau = [], []
    for at in range(0, resamples, chunk):
        size = min(chunk, resamples - at)
        columns, lines = rng.integers(0, recipes, (size, 1, recipes)), rng.integers(0, groups, (size, groups, 1))
        a, b = badness[lines, columns], losses[lines, columns]
        distinct = np.array([len(np.unique(row)) for row in columns[:, 0]]) >= SMALLEST_GROUP
        whole = np.isfinite(a).all(axis=2) & np.isfinite(b).all(axis=2) & distinct[:, None]
        whole &= (np.ptp(a, axis=2) > 0) & (np.ptp(b, axis=2) > 0)
        keep = whole.any(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            one = np.where(whole, _pearson(_ranks(a), _ranks(b)), np.nan)[keep]
            other = np.where(whole, _tau_b(a, b), np.nan)[keep]
        rho.append(np.nanmean(one, axis=1) if len(one) else np.empty(0))
        tau.append(np.nanmean(other, axis=1) if len(other) else np.empty(0))
    rhos, taus = np.concatenate(rho), np.concatenate(tau)
    if len(rhos) < 20:
        return None, None, None, None
    edges = [50 * (1 - level), 50 * (1 + level)]
    (low, high), (tau_low, tau_high) = np.percentile(rhos, edges), np.percentile(taus, edges)
    return float(low), float(high), float(tau_low), float(tau_high)


def _ranks(values: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return np.asarray(rankdata(values, axis=-1))


def _pearson(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    return np.asarray((a * b).sum(axis=-1) / np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1)))


def _tau_b(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Kendall's tau-b along the last axis, from the signs of all pairs."""
    i, j = np.triu_indices(a.shape[-1], 1)
    s, t = np.sign(a[..., i] - a[..., j]), np.sign(b[..., i] - b[..., j])
    return np.asarray((s * t).sum(axis=-1) / np.sqrt((s * s).sum(axis=-1) * (t * t).sum(axis=-1)))
