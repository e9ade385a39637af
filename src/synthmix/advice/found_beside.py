"""What stands beside the laws, as validated objects: valuation scores, and recipes of several kinds as measured."""

from typing import Literal

from synthmix.interval import Interval
from synthmix.results import Part
from synthmix.study.value_curves import ValueCurve


class KindValue(ValueCurve):
    """What the valuation score says of one kind, beside the laws.

    Attributes:
        by_laws: the laws' best share at the question.
        verdict, reason: whether this and the score's best share are one. says: all of it in a sentence.
    """

    by_laws: Interval
    verdict: Literal["agree", "disagree", "cannot tell"]
    reason: str
    says: str


class Scores(Part):
    """The study's valuation scores.

    Attributes:
        ranking: Spearman correlation of the score with the measured losses, over ``recipes`` in ``groups`` combinations
            of size, budget and held-out domain.
        trusted: the interval of ``ranking`` lies above 0.
        chooses, regret: the recipe that it would have taken at the largest size and budget, nats above the best one.
    """

    ranking: Interval
    recipes: int
    groups: int
    trusted: bool
    chooses: str | None
    regret: float | None
    says: str
    kinds: list[KindValue]


class Several(Part):
    """A recipe of several synthetic kinds at once, as measured at one size and budget: no law holds it.

    Attributes:
        shares: corpus -> share. money: what its synthetic tokens would cost at the question.
        params, tokens, runs: where, and how many runs of it.
        difference: its loss minus that of real text alone there, nats; the interval is that of the seed noise.
        rival, above_rival: the best measured recipe of at most one kind there, and the loss above it.
        as_good: not clearly worse than ``rival``.
    """

    recipe: str
    shares: dict[str, float]
    money: float
    params: int
    tokens: int
    runs: int
    difference: Interval
    rival: str
    above_rival: Interval
    as_good: bool
