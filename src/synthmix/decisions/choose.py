"""Which recipe: the lowest expected loss, all that is as good within the noise, and which of these to take.

The rules (CHOSEN): a recipe is better or worse than another only where the interval of their difference excludes zero
*and* the difference exceeds the seed noise of one run. Intervals are widened to what every law of a source predicts. Of
the recipes that are as good as the best, among natural text alone and the best share of each source, the cheapest is
recommended, and of equally cheap ones that with the lowest loss. Where natural text alone is among them, a source whose
generation takes compute is not free either: neither money nor FLOPs are spent on the strength of a gain that the runs
do not show. Text at no price whose generator is not known is there already, and then the lowest expected loss decides.
Where a recipe is not determined, or repeats a text more often than the question allows, it is neither best nor
recommended; natural text alone is both where nothing else is left.

Shape letters: d draws, m shares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from synthmix.decisions.determined import undetermined_at
from synthmix.decisions.fits import envelope
from synthmix.decisions.predict import Prediction
from synthmix.results import Interval
from synthmix.rounding import ROUNDING, first_lowest
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Pick:
    """One option: a prediction (its place) and a place among its shares; ``at`` None: natural text alone."""

    at: int | None
    place: int = 0


NATURAL = Pick(None)
NEAR = 0.006  # a share this near to a trained one is the trained one: the grid is a percent fine


@dataclass(frozen=True)
class Choice:
    """What is chosen.

    Attributes:
        best: the option of the lowest expected loss. recommended: of the as good ones, the cheapest
            (the rules above).
        as_good: for each prediction, a mask (m,) over its shares. natural_good: the same of natural text alone.
        undetermined: for each prediction, the codes of each of its shares.
        tops: the best share of each prediction; None: none is determined, or none is better than natural text alone.
    """

    best: Pick
    recommended: Pick
    as_good: list[Mask]
    natural_good: bool
    undetermined: list[list[list[str]]]
    tops: list[Pick | None]


def choose(found: Sequence[Prediction], tokens: float, noise: float, level: float, spread: float) -> Choice:
    """Choose at a budget of ``tokens``.

    Args:
        noise: standard deviation of one run's loss, nats. spread: of the losses that were measured, nats.
    """
    against = [_bands([(law.difference, law.fit.why) for law in one.laws], level) for one in found]
    codes = [
        [
            list(dict.fromkeys([*one.undetermined, *undetermined_at(mine.at(i), one.laws[0].loss[:, i], spread)]))
            if share > 0
            else []
            for i, share in enumerate(one.shares)
        ]
        for one, mine in zip(found, against, strict=True)
    ]
    tops = [_top(one, k, mine) for k, (one, mine) in enumerate(zip(found, codes, strict=True))]
    natural_allowed = all(one.natural_allowed for one in found)
    picks = [pick for pick in tops if pick is not None]
    picks = [NATURAL, *picks] if natural_allowed or not picks else picks
    best = picks[first_lowest([value_of(found, pick) for pick in picks])]
    good = [
        np.array([not mine for mine in codes[k]]) & _allowed(one) & ~_worse_shares(found, k, best, noise, level)
        for k, one in enumerate(found)
    ]
    natural_good = best.at is None or (natural_allowed and not _worse(found, NATURAL, best, noise, level))
    able = [pick for pick in tops if pick is not None and pick.at is not None and good[pick.at][pick.place]]
    if natural_good:
        able = [NATURAL, *(pick for pick in able if not _generated(found, pick, tokens))]
    least = min(money_of(found, pick, tokens) for pick in able)
    able = [pick for pick in able if money_of(found, pick, tokens) == least]
    chosen = able[first_lowest([value_of(found, pick) for pick in able])]
    return Choice(best, chosen, good, natural_good, codes, tops)


def _allowed(one: Prediction) -> Mask:
    return np.ones(len(one.shares), dtype=bool) if one.allowed is None else one.allowed


def _top(one: Prediction, k: int, codes: list[list[str]]) -> Pick | None:
    """The determined share of the lowest expected difference, the smallest of equals; the trained one beside it where
    that is as near as the grid is fine. A recipe with a law of its own has one share."""
    able = [i for i in np.flatnonzero(_allowed(one)).tolist() if not codes[i]]
    difference = one.laws[0].difference[0]
    if not able:
        return None
    best = able[first_lowest(difference[able])]
    if one.shares[best] == 0:
        return None
    trained = [i for i in able if one.shares[i] in one.trained and abs(one.shares[i] - one.shares[best]) < NEAR]
    return Pick(k, trained[0] if trained else best)


@dataclass(frozen=True)
class Bands:
    """Differences of every share (m,) with their ends, widened to what every law predicts; NaN where not known."""

    mid: Array
    low: Array
    high: Array
    level: float

    def at(self, place: int) -> Interval:
        """One of them."""
        return Interval(
            low=float(self.low[place]), mid=float(self.mid[place]), high=float(self.high[place]), level=self.level
        )


def _bands(columns: Sequence[tuple[Array, str | None]], level: float) -> Bands:
    """What :func:`difference` makes of one option, for all shares at once: each (1 + d, m) array is a law's."""
    mids, lows, highs = [], [], []
    for column, why in columns:
        if why is not None or len(column) < 3:
            low = high = np.full(column.shape[1], np.nan)
        else:
            low, high = np.quantile(column[1:], [(1 - level) / 2, (1 + level) / 2], axis=0)
        mids.append(column[0])
        lows.append(low)
        highs.append(high)
    if len(columns) == 1:
        return Bands(mids[0], lows[0], highs[0], level)
    low, high = np.min([*lows, *mids], axis=0), np.max([*highs, *mids], axis=0)
    return Bands(mids[0], low, high, level)


def value_of(found: Sequence[Prediction], pick: Pick) -> float:
    """Expected difference from natural text alone, nats per token."""
    return 0.0 if pick.at is None else float(found[pick.at].laws[0].difference[0, pick.place])


def share_of(found: Sequence[Prediction], pick: Pick) -> float:
    """Its synthetic share."""
    return 0.0 if pick.at is None else float(found[pick.at].shares[pick.place])


def money_of(found: Sequence[Prediction], pick: Pick, tokens: float) -> float:
    """What its synthetic tokens cost."""
    return 0.0 if pick.at is None else float(found[pick.at].money(tokens)[pick.place])


def _generated(found: Sequence[Prediction], pick: Pick, tokens: float) -> bool:
    """Whether its synthetic tokens take compute that is known."""
    flops = None if pick.at is None else found[pick.at].generation(tokens)
    return flops is not None and bool(flops[pick.place] > 0)


def difference(found: Sequence[Prediction], pick: Pick, other: Pick, level: float) -> Interval:
    """Loss of one option minus that of another, its interval widened to what every law of theirs predicts."""
    return envelope(
        [
            interval_of(float(mine[0] - theirs[0]), mine[1:] - theirs[1:], level, why)
            for mine, theirs, why in _pairs(found, pick, other)
        ]
    )


def clear(found: Interval, noise: float) -> Literal[-1, 0, 1]:
    """-1 clearly below zero, +1 clearly above: the interval excludes zero and the value exceeds one run's noise."""
    return found.sign(noise)


def _pairs(found: Sequence[Prediction], pick: Pick, other: Pick) -> list[tuple[Array, Array, str | None]]:
    """Differences from natural text (1 + d,) of both: each law with the same law of the other, since one of them is
    taken to be true of both sources; all pairs where they have none in common."""
    mine, theirs = _columns(found, pick), _columns(found, other)
    pairs = []
    for a, b in _joined(mine, theirs):
        (left, why_left), (right, why_right) = mine[a], theirs[b]
        count = _paired(len(left), len(right))
        pairs.append((np.resize(left, count), np.resize(right, count), why_left or why_right))
    return pairs


def _joined(mine: Mapping[str, object], theirs: Mapping[str, object]) -> list[tuple[str, str]]:
    """Names of the laws that are held against each other."""
    return [(name, name) for name in mine if name in theirs] or [(one, two) for one in mine for two in theirs]


def _paired(a: int, b: int) -> int:
    return max(a, b) if min(a, b) == 1 else min(a, b)


def _worse_shares(found: Sequence[Prediction], kind: int, best: Pick, noise: float, level: float) -> Mask:
    """(m,) which shares of a prediction are clearly worse than the best option."""
    mine = {law.fit.law.name: (law.difference, law.fit.why) for law in found[kind].laws}
    theirs = _columns(found, best)
    columns = []
    for a, b in _joined(mine, theirs):
        (left, why_left), (right, why_right) = mine[a], theirs[b]
        count = _paired(len(left), len(right))
        columns.append((left[:count] - np.resize(right, count)[:, None], why_left or why_right))
    bands = _bands(columns, level)
    with np.errstate(invalid="ignore"):
        return (bands.low > 0) & (bands.high > 0) & (bands.mid > max(noise, ROUNDING))


def _columns(found: Sequence[Prediction], pick: Pick) -> dict[str, tuple[Array, str | None]]:
    """Law -> its differences at the option, and why they have no draws."""
    if pick.at is None:
        return {"": (np.zeros(1), None)}
    return {law.fit.law.name: (law.difference[:, pick.place], law.fit.why) for law in found[pick.at].laws}


def _worse(found: Sequence[Prediction], pick: Pick, best: Pick, noise: float, level: float) -> bool:
    return clear(difference(found, pick, best, level), noise) > 0
