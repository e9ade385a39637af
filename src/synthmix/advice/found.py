"""What advice consists of, as validated objects that go to JSON as they are."""

from typing import Literal

from pydantic import Field

from synthmix.advice.asked import Asked
from synthmix.advice.found_beside import Scores, Several
from synthmix.interval import Interval
from synthmix.results import Part


class Option(Part):
    """One recipe at the question, under what there is of each text.

    Attributes:
        kind, share: the synthetic kind and its share; None and 0: real text alone.
        shares: corpus -> share of the training tokens.
        loss: expected, nats per token. difference: from real text alone, under the same limits.
        above_best: its loss above that of the option with the lowest.
        as_good: not clearly worse than that option: the interval holds 0, or it is within the seed noise.
        bought: unique synthetic tokens. money: their price.
        overhead: FLOPs of their generation over those of the training; None: the generator's size is not known.
        real_epochs, synthetic_epochs: how often each text is gone through.
        speedup: budget over the tokens that this recipe needs for the loss of real text alone at the whole budget.
        charged: the same in FLOPs, the generation of the synthetic tokens charged.
        tokens_saved: budget minus those tokens. worth: tokens saved for each synthetic token that is bought.
        pays_below: price of a million synthetic tokens up to which training saved outweighs them (needs the price of
            training).
    """

    kind: str | None
    share: float
    shares: dict[str, float]
    law: str
    loss: Interval
    difference: Interval
    above_best: Interval
    as_good: bool
    bought: float
    money: float
    overhead: float | None
    real_epochs: float | None
    synthetic_epochs: float
    speedup: Interval
    charged: Interval | None
    tokens_saved: Interval
    worth: Interval
    pays_below: Interval | None


class Range(Part):
    """Shares of one kind that are all as good as the best option within the noise; money at both ends."""

    kind: str | None
    low: float
    high: float
    money_low: float
    money_high: float


class KindCurve(Part):
    """Difference from real text alone against the share of one kind, at the question; ``measured``: shares trained."""

    kind: str
    law: str
    rivals: list[str]
    best: Interval
    flat: tuple[float, float] | None
    shares: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    measured: list[float]
    extrapolation: float  # mean relative error of the law on the largest runs, held out of its fit


class Flip(Part):
    """What would change the answer: ``value`` of ``what`` from which ``then`` holds; None: nothing that was tried."""

    what: str
    now: float | None
    value: float | None
    then: str


class NextRun(Part):
    """A run that would narrow the answer.

    Attributes:
        recipe, kind, share, params, tokens: what to train.
        flops, seconds: its cost; seconds of one worker of the study's machine.
        sd_before, sd_after: standard deviation of the gain at the question (nats) without and with it, the runs
            named before it being there.
        repeats: how often the scarcest of its texts would be gone through, with what the study has built.
    """

    recipe: str
    kind: str | None
    share: float
    params: int
    tokens: int
    flops: float
    seconds: float | None
    sd_before: float
    sd_after: float
    repeats: float


class Finding(Part):
    """A published finding: a prior, not a measurement of this text."""

    kind: str
    says: str
    source: str
    mark: Literal["FOUND", "DERIVED", "CHOSEN"]
    share: tuple[float, float] | None = None
    speedup: tuple[float, float] | None = None


class Starter(Part):
    """The study that would replace the priors: its file, and what the planner says of it on this machine."""

    text: str
    runs: int
    tokens: int
    flops: float
    seconds: float
    device: str
    workers: int
    to_replace: list[str]


class Advice(Part):
    """All of it. ``basis``: a study's laws, or published priors. ``scores_note``: why there are no ``scores``."""

    asked: Asked
    basis: Literal["study", "priors"]
    study: str | None
    headline: str
    sureness: str
    recommended: Option | None = None
    best: Option | None = None
    alternatives: list[Range] = Field(default=[])
    options: list[Option] = Field(default=[])
    curves: list[KindCurve] = Field(default=[])
    flips: list[Flip] = Field(default=[])
    decades_params: float | None = None
    decades_tokens: float | None = None
    doubts: list[str] = Field(default=[])
    several: list[Several] = Field(default=[])
    evidence: list[str] = Field(default=[])
    scores: Scores | None = None
    scores_note: str = ""
    next_runs: list[NextRun] = Field(default=[])
    next_runs_note: str = ""
    findings: list[Finding] = Field(default=[])
    starter: Starter | None = None
