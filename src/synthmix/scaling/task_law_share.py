"""The best share by a task's score, and whether it is the one that the loss says."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from synthmix.interval import Interval
from synthmix.scaling.inputs import Array
from synthmix.scaling.share import best_share
from synthmix.scaling.share_summary import GRID, BestShare, from_curves

Verdict = Literal["agree", "disagree", "cannot tell"]
AGREE: Verdict = "agree"
DISAGREE: Verdict = "disagree"
UNKNOWN: Verdict = "cannot tell"
_WIDE = 0.5  # an interval of a best share over more than half of all shares says nothing (CHOSEN)


@dataclass(frozen=True)
class Agreement:
    """Whether two best shares are one; ``common``: shares that are within the noise of the best by both."""

    verdict: Verdict
    reason: str
    common: tuple[float, float] | None


def best_share_by_score(
    share: Any, score: Any, *, noise: float, pair: Any = None, draws: int = 1000, seed: int = 0, level: float = 0.9
) -> BestShare:
    """Best share by scores (n,) at one (N, D), as :func:`synthmix.scaling.best_share` by losses; curves are scores.

    ``noise``: standard deviation of one run's score.

    Raises:
        BadInput: fewer than three distinct shares.
    """
    y = -np.asarray(score, dtype=np.float64)
    return _as_scores(best_share(share, y, pair=pair, noise=noise, draws=draws, seed=seed, level=level))


def best_share_of_scores(mean: Array, curves: Array, *, noise: float, level: float, measured: Any) -> BestShare:
    """Best share by expected scores (201,) at every share and draws of them (draws, 201); ``measured``: ends."""
    return _as_scores(from_curves(GRID, -mean, -curves, noise=noise, level=level, measured=measured))


def agreement(
    by_loss: Interval,
    flat_loss: tuple[float, float] | None,
    by_score: Interval,
    flat_score: tuple[float, float] | None,
) -> Agreement:
    """``agree`` where the intervals overlap, ``disagree`` where they do not, ``cannot tell`` where one is missing or
    wider than half of all shares (CHOSEN)."""
    common = _overlap(flat_loss, flat_score)
    ends = []
    for name, best in (("loss", by_loss), ("score", by_score)):
        if best.low is None or best.high is None:
            return Agreement(UNKNOWN, f"the best share by {name} has no interval", common)
        if best.high - best.low > _WIDE:
            return Agreement(UNKNOWN, f"the best share by {name} is not determined", common)
        ends.append((best.low, best.high))
    if _overlap(*ends) is None:
        return Agreement(DISAGREE, "the intervals of the two best shares do not meet", common)
    return Agreement(AGREE, "the intervals of the two best shares overlap", common)


def _overlap(a: tuple[float, float] | None, b: tuple[float, float] | None) -> tuple[float, float] | None:
    if a is None or b is None:
        return None
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low <= high else None


def _as_scores(best: BestShare) -> BestShare:
    """Curves of minus the score turned back into scores; ``gain`` is a gain either way."""
    turned = best.loss.scaled(-1)
    return replace(best, loss=turned, mean=-best.mean, low=-best.high, high=-best.low)
