"""What published effects say of a kind of synthetic text, and what they and a user's own runs say together."""

from typing import Literal

from synthmix.interval import Interval
from synthmix.results.parts import Part


class StudySays(Part):
    """What one study found of a kind, as published.

    Attributes:
        study, source, link: which. rows: its effects in this unit. low, high: the least and the greatest of them,
            mixture minus natural text alone. shares, params: from and to; None: not said.
    """

    study: str
    source: str
    link: str
    rows: int
    low: float
    high: float
    shares: tuple[float, float] | None
    params: tuple[float, float] | None


class MetricPrior(Part):
    """The prior of one kind for one unit.

    Attributes:
        unit: ``nats`` (a loss, lower is better) or ``score`` (0 to 1, higher is better).
        share: the best share as far as tokens and money reach, with its interval. effect: mixture minus natural text
            alone there, of one new study with a new text. helps: the probability that it is better than natural text.
        shares, mid, low, high: the effect along the share, with its band.
        rows, studies: behind the prior in this unit, of all kinds. says: those on this kind.
        decades: how far the question is from the nearest of these rows, in log10 compute; None: no row on this kind.
    """

    unit: Literal["nats", "score"]
    share: Interval
    effect: Interval
    helps: float
    shares: list[float]
    mid: list[float]
    low: list[float]
    high: list[float]
    rows: int
    studies: int
    says: list[StudySays]
    decades: float | None


class Statement(Part):
    """What a source states of a kind without an effect: its best share, or a speed-up."""

    source: str
    link: str
    recipe: str
    unit: Literal["share", "speedup"]
    value: float
    params: float | None
    tokens: float | None
    obtained: str


class KindPrior(Part):
    """What published effects say of a kind at a size and a budget; nothing of it was measured on the text asked about.

    Attributes:
        kind: as it is called here. published: the published kind that it is or is like; None: none, and the prior is
            that of a kind that nobody studied.
    """

    kind: str
    published: str | None
    metrics: list[MetricPrior]
    statements: list[Statement]

    def of(self, unit: str) -> MetricPrior:
        return next(each for each in self.metrics if each.unit == unit)


class Combined(Part):
    """A user's own runs and the published effects together, for one recipe, nats per token.

    Attributes:
        own: the runs' difference from natural text alone, its law's own error within. prior: the published one.
        both: precision-weighted. weight: of the runs, 0 to 1.
        apart: the two intervals do not meet.
    """

    recipe: str
    kind: str
    share: float
    own: Interval
    prior: Interval
    both: Interval
    weight: float
    apart: bool


class BreakEven(Part):
    """Generating a kind beside buying or filtering more natural text and beside more epochs of what there is.

    The effect of the mixture is turned into tokens by a published law of natural text, and repeated text counts by the
    law of repetition; without an effect that is better than natural text alone, nothing is worth its price.

    Attributes:
        kind, share, tokens: what is mixed in. basis: ``prior``, or ``together`` with a study's own runs.
        effect: mixture minus natural text alone, nats per token.
        hours: GPU-hours to generate it, by published throughputs. hours_money: these at the price of a GPU-hour; None:
            no price list. money: at the price per token that was said.
        natural_tokens: new natural tokens that bring the same effect at this budget, beside what there is; 0: none.
        natural_price: money per million of them at which they cost as much as the synthetic text; above it, generating
            is the cheaper way to the effect.
        more_tokens: training tokens beyond the budget, the natural text there is gone through again, for the same
            effect. more_money: at the price of training; None: that is not said. epochs: its natural epochs then.
    """

    kind: str
    share: float
    tokens: float
    basis: Literal["prior", "together"]
    effect: Interval
    hours: Interval
    hours_money: Interval | None
    money: float
    natural_tokens: Interval
    natural_price: Interval
    more_tokens: Interval
    more_money: Interval | None
    epochs: float | None
