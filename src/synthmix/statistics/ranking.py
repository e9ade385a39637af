"""Over trained recipes, does a statistic of the text order them as their measured loss does?

A group is one comparison that is fair: all recipes at one size, budget and held-out domain. In each group the rank
correlation of statistic and loss is taken over its recipes, with its sign turned so that +1 means "what the statistic
prefers has the lower loss"; the table shows the mean over groups. Interval: recipes and groups are both drawn again
with replacement (two-way bootstrap of the mean, percentiles), since both are samples. With few recipes it is wide, as
it should be: four recipes have only 24 orders.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval

SMALLEST_GROUP = 3
_ELEMENTS = 2**22  # of the arrays that hold a chunk of resamples
_NAMED = 6


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


@dataclass(frozen=True)
class Measure:
    """``values``: shape (groups, recipes), NaN where unknown. ``higher``: is a higher value meant to be better?"""

    values: np.ndarray
    higher: bool
    kind: str = "statistic"  # or "valuation"


@dataclass(frozen=True)
class StatisticRow:
    """``spearman`` and ``kendall`` (tau-b): mean over ``groups``, with intervals; ``chooses``: the recipe it would
    have taken at the decisive groups; ``regret``: its loss above that of the best one there, nats."""

    name: str
    kind: str
    higher: bool
    groups: int
    spearman: Interval
    kendall: Interval
    chooses: str | None
    regret: float | None


@dataclass(frozen=True)
class StatisticTable:
    """``best``: the recipe of the lowest mean loss over the decisive groups; ``sentence`` says what to make of it."""

    rows: list[StatisticRow]
    best: str
    recipes: int
    level: float
    sentence: str
    detail: str


def statistic_table(
    losses: np.ndarray,
    measures: Mapping[str, Measure],
    *,
    recipes: Sequence[str],
    decisive: Sequence[int] | None = None,
    level: float = 0.9,
    resamples: int = 1000,
    seed: int = 0,
) -> StatisticTable:
    """Rank correlations of each measure with ``losses``, both of shape (groups, recipes), nats per token.

    Args:
        decisive: the groups that say which recipe is right: those of the largest cell (all its domains weigh the same);
            None: all groups.

    Raises:
        BadInput: fewer than three recipes. ValueError: shapes that differ.
    """
    if len(recipes) < SMALLEST_GROUP:
        raise BadInput(f"{len(recipes)} recipes cannot be ranked", remedy="train at least three")
    for name, measure in measures.items():
        if measure.values.shape != losses.shape:
            raise ValueError(f"{name}: shape {measure.values.shape}, losses {losses.shape}")
    last = list(range(len(losses)) if decisive is None else decisive)
    final = _means(losses[last])
    if np.isfinite(final).sum() < 2:
        raise BadInput("no cell has the losses of two recipes yet", remedy="wait until more runs are finished")
    best = int(np.nanargmin(final))
    rows = [_row(name, m, losses, recipes, last, final, level, resamples, seed) for name, m in measures.items()]
    rows.sort(key=lambda row: -(-2.0 if row.spearman.mid is None else row.spearman.mid))
    return StatisticTable(rows, recipes[best], len(recipes), level, *_said(rows, recipes[best]))


def _row(
    name: str,
    measure: Measure,
    losses: np.ndarray,
    recipes: Sequence[str],
    last: list[int],
    final: np.ndarray,
    level: float,
    resamples: int,
    seed: int,
) -> StatisticRow:
    from scipy.stats import kendalltau, spearmanr

    badness = -measure.values if measure.higher else measure.values
    spearman = mean_correlation(lambda a, b: float(spearmanr(a, b).statistic), badness, losses)
    kendall = mean_correlation(lambda a, b: float(kendalltau(a, b).statistic), badness, losses)
    bounds = bootstrap(badness, losses, level, resamples, seed)
    judged = _means(badness[last])
    known = np.isfinite(judged) & np.isfinite(final)
    # Recipes between which the statistic sees no difference at all are no choice.
    chosen = int(np.nanargmin(np.where(known, judged, np.inf))) if known.any() and np.ptp(judged[known]) > 0 else None
    return StatisticRow(
        name=name,
        kind=measure.kind,
        higher=measure.higher,
        groups=spearman[1],
        spearman=Interval(low=bounds[0], mid=spearman[0], high=bounds[1], level=level, covers="sampling"),
        kendall=Interval(low=bounds[2], mid=kendall[0], high=bounds[3], level=level, covers="sampling"),
        chooses=None if chosen is None else recipes[chosen],
        regret=None if chosen is None else float(final[chosen] - np.nanmin(final)),
    )


def _means(values: np.ndarray) -> np.ndarray:
    """Mean over groups by recipe; NaN where a recipe is missing in one."""
    return np.asarray(values.mean(axis=0))


def _said(rows: Sequence[StatisticRow], best: str) -> tuple[str, str]:
    """The plain sentence, and which statistics were right, which not, which order the recipes as the loss does."""
    judged = [row for row in rows if row.regret is not None]
    right = [row.name for row in judged if row.chooses == best]
    wrong = sorted({row.chooses for row in judged if row.chooses != best and row.chooses is not None})
    if not judged:
        return f"No statistic tells the recipes apart; the lowest loss is {best}'s.", ""
    said = f"{len(right)} of {len(judged)} statistics would have chosen {best}, the recipe with the lowest loss."
    detail = f"Right: {_some(right)}. " if right else ""
    if wrong:
        worst = max(row.regret or 0.0 for row in judged)
        detail += f"The others choose {_some(wrong)} and lose up to {worst:.3f} nats. "
    sure = [row.name for row in rows if row.spearman.sign() > 0]
    return said, detail + f"They order all recipes like the loss, with an interval above zero: {_some(sure) or 'none'}."


def _some(names: Sequence[str]) -> str:
    """The first few names, and how many more."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
