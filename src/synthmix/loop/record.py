"""What a loop decided, with the figures it decided by: ``decisions.json``."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from synthmix.interval import Interval
from synthmix.loop.bandit import Round

Unit = Literal["tokens", "money"]
#: Why a loop ended: the budget is used up, no arm is worth its price, the arms have no more text, or the limits allow
#: none of those that have.
Stop = Literal["budget", "price", "supply", "limits"]
DECISIONS = "decisions.json"


class Considered(BaseModel):
    """An arm when a decision was made.

    Attributes:
        tokens, cost: of the round that it offered.
        gain: expected of that round, nats per token of the reference's loss; its ends one-sided at the confidence.
        index: upper quantile of the gain per unit of cost, by which arms are chosen; None: before the first look.
        pays: probability that the round is worth its price.
        allowed: whether the limits allowed it.
    """

    model_config = ConfigDict(frozen=True)

    arm: str
    tokens: float
    cost: float
    gain: Interval
    index: float | None
    pays: float | None
    allowed: bool


class Decision(BaseModel):
    """One round.

    Attributes:
        asked: documents of the arm that are asked about when it ends. texts: numbers of the arm's texts, from and to.
        look: it is the first look at the arm.
        tokens, cost: what it brought. gain: measured, with ``error``, a standard deviation. value: of all rounds.
        measures: of all text written so far. stop: why this arm gives no more.
        done: False while it is at work.
    """

    model_config = ConfigDict(frozen=True)

    round: int
    arm: str
    look: bool
    asked: int
    considered: list[Considered]
    done: bool = False
    texts: tuple[int, int] = (0, 0)
    tokens: float = 0.0
    cost: float = 0.0
    gain: Interval | None = None
    error: float = 0.0
    value: float = 0.0
    measures: dict[str, float | None] = {}
    stop: str | None = None

    def as_round(self, arms: list[str]) -> Round:
        """As the bandit reads it."""
        gain = 0.0 if self.gain is None or self.gain.mid is None else self.gain.mid
        return Round(arms.index(self.arm), self.tokens, self.cost, gain, self.error)


class Decisions(BaseModel):
    """The file: the budget in ``unit``, and the rounds; the last may be at work."""

    model_config = ConfigDict(frozen=True)

    unit: Unit
    budget: float
    rounds: list[Decision]


class ArmRow(BaseModel):
    """An arm at the end.

    Attributes:
        tokens, documents, cost: in all; published: documents of these in the text.
        gain: that its rounds brought. next: expected of a further round, with what that would cost.
        measures: of its own text.
    """

    model_config = ConfigDict(frozen=True)

    arm: str
    voice: str
    rounds: int
    documents: int
    published: int
    tokens: float
    cost: float
    gain: float
    next: Interval | None
    next_cost: float | None
    measures: dict[str, float | None]


class LoopSummary(BaseModel):
    """The outcome, also kept as ``generation.json``.

    Attributes:
        budget, spent: in ``unit``; ``lost``: of that, what tries without an answer may have cost.
        stopped: see :data:`Stop`. worth: of a hundredth of a nat, in ``unit``; None: any gain was worth its price.
        value: what all rounds added, by the half of the reference that chose; checked: what the published text adds, by
            the half that did not.
        documents, tokens: published; held_back: documents that were left out: they break the
            limits, or their round took from the value.
        measures: of the published text.
    """

    model_config = ConfigDict(frozen=True)

    name: str = "loop"
    folder: str
    unit: Unit
    budget: float
    spent: float
    lost: float
    stopped: Stop
    confidence: float
    worth: float | None
    rounds: int
    documents: int
    tokens: float
    held_back: int
    value: float
    checked: Interval | None
    measures: dict[str, float | None]
    limits: dict[str, float]
    arms: list[ArmRow]
    files: list[str]
    generator: dict[str, Any]
