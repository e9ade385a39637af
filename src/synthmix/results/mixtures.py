"""The best mixture of many sources, as codes and numbers. Sentences are made of them in report/mixture_sentences.py."""

from typing import Literal

from pydantic import Field

from synthmix.interval import Interval
from synthmix.results.parts import Part, Warn

ShareVerdict = Literal["in", "at most", "none", "all", "not determined"]
Limit = Literal["supply", "most", "least", "money", "group"]
Unit = Literal["nats", "error", "both"]

#: Code of a caveat -> what it says.
MIXTURE_CAVEATS = {
    "beyond": "the question lies beyond the N or D of the runs; intervals are widened by what a held-out scale showed",
    "scale_not_tested": "the question lies beyond the runs, and no scale could be held out to test the law there",
    "repetition_quoted": "no run repeats a source: what repetition costs is the literature's R*, not measured here",
    "repetition_ignored": "the runs' tokens are not known, so the law cannot tell what repetition costs",
    "scale_unknown": "N or D of the runs is not known, so what is said holds at the runs' own scale",
    "natural_repeats": "natural text alone would be gone through more often than is allowed",
    "natural_unknown": "which sources are natural text is not known, so there is no gain over it",
    "wide": "the interval of the loss is wider than the spread of the measured losses",
    "loss_only": "held-out loss is all that was measured",
}


class Group(Part):
    """Sources whose shares together lie between ``least`` and ``most``."""

    name: str
    sources: tuple[str, ...]
    least: float = 0.0
    most: float = 1.0


class MixtureQuestion(Part):
    """What will be trained, and which mixtures are allowed.

    Attributes:
        params: non-embedding parameters; tokens: the training budget. None: as the runs', where they all agree.
        supply: source -> unique tokens there are; a source that is not named has as many as are needed.
        epochs: source -> how often its tokens may be gone through; ``most_epochs`` for the others.
        prices: source -> money per million tokens; what is bought is gone through once. budget_money: at most.
        least, most: source -> bounds of its share. groups: bounds of several together.
        objective: domain or task -> weight of its loss or error; empty: all alike.
        natural: shares of natural text alone, adding up to one; empty: not known.
        beside: name -> shares, adding up to one, of mixtures that the best one is compared with.
    """

    params: int | None = None
    tokens: int | None = None
    supply: dict[str, int] = Field(default={})
    epochs: dict[str, float] = Field(default={})
    most_epochs: float = 4.0
    prices: dict[str, float] = Field(default={})
    budget_money: float | None = None
    least: dict[str, float] = Field(default={})
    most: dict[str, float] = Field(default={})
    groups: tuple[Group, ...] = ()
    objective: dict[str, float] = Field(default={})
    natural: dict[str, float] = Field(default={})
    beside: dict[str, dict[str, float]] = Field(default={})


class SourceShare(Part):
    """One source in the best mixture.

    Attributes:
        source: its name. share: recommended. interval: of its best share.
        verdict: ``at most``: leaving it out costs less than the noise of one run; ``none``: its share is 0; ``all``: it
            alone; ``not determined``: the interval covers more than half of what is allowed; ``in`` otherwise.
        without: loss of the best mixture without it minus that of the best, nats; None: it cannot be left out.
        tokens: of the budget. epochs: how often it is gone through; None: supply or budget not known.
        limit: which bound it stands at; None: none.
        more: loss saved by one more billion unique tokens of it; None: its supply is not limited.
        cheaper: loss saved if it cost half; None: no money is spent on it.
    """

    source: str
    share: float
    interval: Interval
    verdict: ShareVerdict
    without: float | None
    tokens: float | None = None
    epochs: float | None = None
    limit: Limit | None = None
    more: Interval | None = None
    cheaper: Interval | None = None


class Compared(Part):
    """Another mixture beside the best: its loss, and its loss minus the best's (``gain`` of the best).

    ``epochs``: of the sources whose supply is known. ``allowed``: whether it keeps the question's bounds and supply.
    """

    name: str
    shares: dict[str, float]
    loss: Interval
    gain: Interval
    epochs: dict[str, float] = Field(default={})
    allowed: bool = True


class Swap(Part):
    """Up to ``most`` of the tokens can go from one source to the other within the noise of one run."""

    out_of: str
    into: str
    most: float


class Moved(Part):
    """The best mixture at another scale, under the same supply."""

    params: int | None
    tokens: int | None
    shares: dict[str, float]
    loss: float


class MeasuredMixture(Part):
    """A measured mixture with what the law says of it: held out where ``held_out`` is not None."""

    shares: dict[str, float]
    measured: float
    predicted: float
    held_out: float | None = None


class SourceCurve(Part):
    """The objective along one source's share, the others in the proportions of the best mixture."""

    source: str
    shares: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]


class Surface(Part):
    """Expected losses of mixtures of three sources at the question; ``shares``: a row each, as ``sources`` stand."""

    sources: tuple[str, str, str]
    shares: list[tuple[float, float, float]]
    losses: list[float]


class MixtureDecision(Part):
    """The best mixture at the question, decided once: every page, table and command shows this object.

    Attributes:
        law, formula: that predicted. runs: how many it was fitted to. level: of intervals. draws: of the posterior.
        question: with the N and D that hold. domains: weights of the objective.
        shares: of all sources, as in the runs. loss: expected; new_run: of one further run.
        noise: standard deviation of one run's objective.
        unit: of the objective: nats per token, the error 1 - score of tasks, or a weighted sum of ``both``.
        natural, single: natural text alone; the best recipe of one source (with natural text where that is known).
        best_measured: the measured mixture of the lowest loss at the largest scale measured.
        beside: the mixtures that the question names, in its order.
        repetition: R*, the epochs after which repeated tokens are worth little, where runs repeat a source; None: the
            literature's is taken.
        swaps: directions along which nothing changes, the widest first. moves: how the best mixture moves.
        error: mean relative error on held-out mixtures; scale_error: on the held-out scale, None: none was.
        caveats: codes of :data:`MIXTURE_CAVEATS`. warnings: of the fit.
        measured, curves, surface: for pictures; the surface of three sources alone.
    """

    law: str
    formula: str
    runs: int
    level: float
    draws: int
    question: MixtureQuestion
    domains: dict[str, float]
    shares: list[SourceShare]
    loss: Interval
    new_run: Interval
    noise: float
    unit: Unit = "nats"
    natural: Compared | None = None
    single: Compared | None = None
    best_measured: Compared | None = None
    beside: list[Compared] = Field(default=[])
    repetition: Interval | None = None
    swaps: list[Swap] = Field(default=[])
    moves: list[Moved] = Field(default=[])
    error: float
    scale_error: float | None = None
    caveats: list[str] = Field(default=[])
    warnings: list[Warn] = Field(default=[])
    measured: list[MeasuredMixture] = Field(default=[])
    curves: list[SourceCurve] = Field(default=[])
    surface: Surface | None = None

    @property
    def mixture(self) -> dict[str, float]:
        """Source -> recommended share, sources without one left out."""
        return {each.source: each.share for each in self.shares if each.share > 0}

    def __repr__(self) -> str:
        named = ", ".join(f"{share:.1%} {name}" for name, share in self.mixture.items())
        return f"<MixtureDecision: {named}; loss {self.loss}>"

    __str__ = __repr__
