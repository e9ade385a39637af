"""The table that matters: over trained recipes, does a statistic of the text order them as their measured loss does?

A group is one comparison that is fair: all recipes at one size, budget and held-out domain. In each group the rank
correlation of statistic and loss is taken over its recipes, with its sign turned so that +1 means "what the statistic
prefers has the lower loss"; the table shows the mean over groups. Interval: recipes and groups are both drawn again
with replacement (two-way bootstrap of the mean, percentiles), since both are samples. With few recipes it is wide, as
it should be: four recipes have only 24 orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.statistics.correlation import SMALLEST_GROUP, bootstrap, mean_correlation

_NAMED = 6


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
