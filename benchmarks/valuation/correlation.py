"""How well a score orders datasets, with intervals from resampled datasets (or groups of them)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.interval import Interval

DRAWS, LEVEL = 2000, 0.9
KINDS = ("spearman", "kendall", "pearson")


@dataclass(frozen=True)
class Agreement:
    """A correlation, and its ``draws`` (b,) over resamples that are the same for every method of one task."""

    value: float
    draws: np.ndarray

    @property
    def interval(self) -> Interval:
        """Percentiles at :data:`LEVEL`; resamples with a constant side have no correlation and are left out."""
        kept = self.draws[np.isfinite(self.draws)]
        if not len(kept):
            return Interval(mid=self.value, level=LEVEL, covers="sampling", why="one side is constant")
        low, high = map(float, np.quantile(kept, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
        return Interval(low=low, mid=self.value, high=high, level=LEVEL, covers="sampling")

    def minus(self, other: "Agreement") -> "Agreement":
        """Paired: resample by resample."""
        return Agreement(self.value - other.value, self.draws - other.draws)


def agreements(scores: np.ndarray, truth: np.ndarray, places: np.ndarray) -> dict[str, Agreement]:
    """All three correlations of scores (n,) with the truth (n,); ``places`` (b, n) are resamples' indices."""
    everything = np.arange(len(truth))[None]
    return {
        kind: Agreement(float(_rows(kind, scores, truth, everything)[0]), _rows(kind, scores, truth, places))
        for kind in KINDS
    }


def resamples(count: int, *, groups: Sequence[Any] | None = None, seed: int = 0) -> np.ndarray:
    """Indices (:data:`DRAWS`, n) drawn with replacement; with ``groups``, whole groups of equal size are drawn."""
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.integers(0, count, (DRAWS, count))
    members = [np.flatnonzero(np.array(groups) == name) for name in sorted(set(groups))]
    smallest = min(map(len, members))
    table = np.stack([each[:smallest] for each in members])
    return table[rng.integers(0, len(members), (DRAWS, len(members)))].reshape(DRAWS, -1)


def mean_agreement(parts: Sequence[Agreement]) -> Agreement:
    """Of several tasks, whose resamples are independent of each other."""
    return Agreement(float(np.mean([each.value for each in parts])), np.mean([each.draws for each in parts], axis=0))


def signed(found: Mapping[str, Mapping[str, float]], names: Sequence[str], metric: str) -> np.ndarray:
    """The truth by name (n,), higher being better: a loss is taken times -1."""
    values = np.array([found[name][metric] for name in names])
    return -values if metric.endswith("loss") else values


def _rows(kind: str, scores: np.ndarray, truth: np.ndarray, places: np.ndarray) -> np.ndarray:
    if kind == "kendall":
        return _tau_b(scores, truth, places)
    a, b = scores[places], truth[places]
    if kind == "spearman":
        from scipy.stats import rankdata

        a, b = rankdata(a, axis=1), rankdata(b, axis=1)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return _ratio((a * b).sum(axis=1), np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1)))


def _tau_b(scores: np.ndarray, truth: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Kendall's tau-b: the cosine of the two matrices of signs of differences."""
    ours, theirs = np.sign(scores[:, None] - scores), np.sign(truth[:, None] - truth)
    made = []
    for row in places:
        a, b = ours[np.ix_(row, row)], theirs[np.ix_(row, row)]
        made.append(((a * b).sum(), np.sqrt((a**2).sum() * (b**2).sum())))
    top, bottom = np.array(made).T
    return _ratio(top, bottom)


def _ratio(top: np.ndarray, bottom: np.ndarray) -> np.ndarray:
    return np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 1e-12)
