"""What advice consists of, as validated objects that go to JSON as they are."""

from typing import Literal

from pydantic import Field

from synthmix.results import Decision, Interval, Part, Question, Range
from synthmix.results.evidence import BreakEven, Combined, KindPrior
from synthmix.results.mixtures import MixtureDecision
from synthmix.study.value_curves import ValueCurve, ValueMixture


class KindValue(ValueCurve):
    """What the valuation score says of one kind, beside the laws.

    Attributes:
        by_laws: the laws' best share at the question.
        verdict, reason: whether this and the score's best share are one.
    """

    by_laws: Interval
    verdict: Literal["agree", "disagree", "not determined"]
    reason: str


class SourceValue(Part):
    """One text's share of the score's best mixture, beside that of the laws' best mixture at the question."""

    source: str
    share: Interval
    by_laws: Interval
    verdict: Literal["agree", "disagree", "not determined"]
    reason: str


class Scores(Part):
    """The study's valuation scores.

    Attributes:
        ranking: Spearman correlation of the score with the measured losses, over ``recipes`` in ``groups`` combinations
            of size, budget and held-out domain.
        ranks: the interval of ``ranking`` lies above 0: the score ranked what was measured.
        chooses, regret: the recipe that it would have taken at the largest size and budget, nats above the best one.
        kinds: each beside the laws in its share; empty where ``mixture`` is.
        mixture: of a study with designed mixtures, the best one of all texts by the score; ``sources``: the shares of
            it beside those of the laws; ``curves``: the score over the share of each kind in natural text.
    """

    ranking: Interval
    recipes: int
    groups: int
    ranks: bool
    chooses: str | None
    regret: float | None
    kinds: list[KindValue]
    mixture: ValueMixture | None = None
    sources: list[SourceValue] = Field(default=[])
    curves: list[ValueCurve] = Field(default=[])


class PilotStudy(Part):
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
    """All of it.

    Attributes:
        basis: a study's ``decision``, or published ``priors``. study: its name.
        measured, headline, confidence, recommendation, caveats, evidence: the sentences that every page and command
            shows; what was measured stands before what is predicted.
        mixture: of a study with designed mixtures, the best one at the question; the headline is then its.
        alternatives: without a study, the shares of the highest expected gain as far as tokens and money reach.
        scores_note: why there are no ``scores``.
        priors: without a study, what published effects say of each kind. pilot_study: the study that would replace
            them. together: with one, its own best recipe of each kind and the published effects, and both as one.
        break_even: generating each kind beside more natural text and beside more epochs.
    """

    question: Question
    basis: Literal["study", "priors"]
    study: str | None = None
    measured: str = ""
    headline: str
    recommendation: str = ""
    confidence: str
    decision: Decision | None = None
    mixture: MixtureDecision | None = None
    caveats: list[str] = Field(default=[])
    evidence: list[str] = Field(default=[])
    alternatives: list[Range] = Field(default=[])
    scores: Scores | None = None
    scores_note: str = ""
    priors: list[KindPrior] = Field(default=[])
    together: list[Combined] = Field(default=[])
    break_even: list[BreakEven] = Field(default=[])
    pilot_study: PilotStudy | None = None
