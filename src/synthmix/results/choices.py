"""Which runs of a study were chosen, and why."""

from typing import Literal

from pydantic import Field

from synthmix.results.parts import Part

Basis = Literal["first runs", "laws", "mixture law", "recipes"]
Measure = Literal["width", "regret", "confidence"]
Unit = Literal["seconds", "flops"]
Stopped = Literal["reached", "cost", "all made", "nothing tells", "unreachable"]


class Standing(Part):
    """How well a decision is known.

    Attributes:
        named: the mixture that would be named now. width: of the 90 % interval of its loss minus that of natural text
            alone, nats; of the widest of several sources that may be best. None: not determined.
        regret: expected loss of naming it instead of the mixture that is best in truth, nats.
        confidence: probability that it is better than natural text alone, or that it is not, whichever is likelier.
    """

    named: str | None = None
    width: float | None = None
    regret: float | None = None
    confidence: float | None = None


class ChosenRun(Part):
    """A run, its cost and why it was chosen.

    Attributes:
        cost: in the unit of the choices. flops: of the run.
        before, after: what is open about the decision without and with it, those chosen before in its round being made,
            nats: the sum of expected improvements over the named mixture (target ``regret``), or the standard deviation
            of its difference from natural text alone (``width``). None: a first run.
        instead, instead_after: the run that was next best for its cost, and what would be open after that.
    """

    recipe: str
    params: int
    tokens: int
    seed: int
    cost: float
    flops: float
    before: float | None = None
    after: float | None = None
    instead: str | None = None
    instead_after: float | None = None


class ChoiceRound(Part):
    """Runs that are chosen together.

    ``basis``: what the choice rests on; ``first runs``: the fewest from which a law can be fitted, the cheapest ones.
    ``standing``: of the decision before them. ``spent``: what the runs of earlier rounds cost.
    """

    basis: Basis
    target: Literal["regret", "width"] | None = None
    standing: Standing = Standing()
    spent: float = 0.0
    runs: list[ChosenRun]


class Choices(Part):
    """All rounds of a study whose runs are chosen.

    Attributes:
        until, cost: what was asked, as it was written. unit: of costs: seconds of all workers together, or FLOPs.
        candidates: runs of the study file. stopped: why no further run is chosen; None: not finished.
        standing: of the decision after the last round. needed: what would reach ``until``, in words.
    """

    until: str | None = None
    cost: str | None = None
    unit: Unit = "seconds"
    candidates: int
    rounds: list[ChoiceRound] = Field(default=[])
    stopped: Stopped | None = None
    standing: Standing = Standing()
    needed: str | None = None

    @property
    def runs(self) -> list[ChosenRun]:
        """Of all rounds."""
        return [run for each in self.rounds for run in each.runs]

    @property
    def spent(self) -> float:
        """What they cost."""
        return sum(run.cost for run in self.runs)
