"""Which recipe: the lowest expected loss, all that is as good within the noise, and what to do about it.

The rules (CHOSEN, those of the study's report): a recipe is worse than another only where the interval of their
difference excludes zero *and* the difference exceeds the seed noise of one run. Intervals are widened to what every
law of a kind says. Of the recipes that are as good as the best, among real text alone and the best share of each kind,
the cheapest is recommended, and of equally cheap ones that with the lowest loss: text is not paid for on the strength
of a gain that the runs do not show.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.advice.outlook import Outlook
from synthmix.interval import Interval
from synthmix.scaling.inputs import Array
from synthmix.scaling.quantiles import interval_of
from synthmix.study.fits import envelope


@dataclass(frozen=True)
class Pick:
    """One option: a kind (its place among the outlooks) and a place among its shares; kind None: real text alone."""

    kind: int | None
    place: int = 0


NATURAL = Pick(None)


@dataclass(frozen=True)
class Decision:
    """``as_good``: for each kind, a mask over its shares; ``natural_good``: the same of real text alone."""

    best: Pick
    recommended: Pick
    as_good: list[np.ndarray]
    natural_good: bool


def decide(looks: Sequence[Outlook], tokens: float, noise: float, level: float) -> Decision:
    """Decide at a budget of ``tokens``; ``noise``: one run's, nats."""
    tops = [Pick(k, int(np.argmin(look.said[0].difference[0]))) for k, look in enumerate(looks)]
    tops = [pick for pick in tops if share_of(looks, pick) > 0]
    best = min([NATURAL, *tops], key=lambda pick: value_of(looks, pick))
    good = [~_worse(looks, k, best, noise, level) for k in range(len(looks))]
    natural_good = not _natural_worse(looks, best, noise, level)
    able = [NATURAL] if natural_good else []
    able += [pick for pick in tops if pick.kind is not None and good[pick.kind][pick.place]]
    chosen = min(able, key=lambda pick: (money_of(looks, pick, tokens), value_of(looks, pick)))
    return Decision(best, chosen, good, natural_good)


def value_of(looks: Sequence[Outlook], pick: Pick) -> float:
    """Expected difference from real text alone, nats per token."""
    return 0.0 if pick.kind is None else float(looks[pick.kind].said[0].difference[0, pick.place])


def share_of(looks: Sequence[Outlook], pick: Pick) -> float:
    """Its synthetic share."""
    return 0.0 if pick.kind is None else float(looks[pick.kind].shares[pick.place])


def money_of(looks: Sequence[Outlook], pick: Pick, tokens: float) -> float:
    """What its synthetic tokens cost."""
    return 0.0 if pick.kind is None else float(looks[pick.kind].money(tokens)[pick.place])


def difference(looks: Sequence[Outlook], pick: Pick, other: Pick, level: float) -> Interval:
    """Loss of one option minus that of another, its interval widened to what every law of theirs says."""
    said = [
        interval_of(float(mine[0] - theirs[0]), mine[1:] - theirs[1:], level, why)
        for mine, theirs, why in _pairs(looks, pick, other)
    ]
    return envelope(said)


def _pairs(looks: Sequence[Outlook], pick: Pick, other: Pick) -> list[tuple[Array, Array, str | None]]:
    """Differences from real text (1 + draws,) of both: each law with the same law of the other, since one of them is
    taken to be true of both kinds; all pairs where they have none in common."""
    mine, theirs = _columns(looks, pick), _columns(looks, other)
    joined = [(mine[name], theirs[name]) for name in mine if name in theirs]
    joined = joined or [(one, two) for one in mine.values() for two in theirs.values()]
    found = []
    for (a, why_a), (b, why_b) in joined:
        count = max(len(a), len(b)) if min(len(a), len(b)) == 1 else min(len(a), len(b))
        found.append((np.resize(a, count), np.resize(b, count), why_a or why_b))
    return found


def _columns(looks: Sequence[Outlook], pick: Pick) -> dict[str, tuple[Array, str | None]]:
    """Law -> its differences at the option, and why they have no draws."""
    if pick.kind is None:
        return {"": (np.zeros(1), None)}
    return {said.law.law.name: (said.difference[:, pick.place], said.law.why) for said in looks[pick.kind].said}


def _worse(looks: Sequence[Outlook], kind: int, best: Pick, noise: float, level: float) -> np.ndarray:
    """Which shares of a kind are clearly worse than the best option."""
    places = range(len(looks[kind].shares))
    return np.array([_clear(difference(looks, Pick(kind, i), best, level), noise) for i in places])


def _natural_worse(looks: Sequence[Outlook], best: Pick, noise: float, level: float) -> bool:
    return best.kind is not None and _clear(difference(looks, NATURAL, best, level), noise)


def _clear(found: Interval, noise: float) -> bool:
    return found.mid is not None and found.mid > noise and found.low is not None and found.low > 0
