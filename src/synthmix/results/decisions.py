"""What is decided: options, verdicts and what they rest on, as codes and numbers. Sentences are made of these in one
place (report/sentences.py)."""

import math
from typing import Literal

from pydantic import Field

from synthmix.interval import Interval
from synthmix.results.parts import Part

State = Literal["helps", "hurts", "not determined"]
Confidence = Literal["high", "low", "not determined"]
Edge = Literal["none", "bottom", "top"]

NEARLY_FREE = 4.0  # epochs up to which repeats cost next to nothing (arXiv 2305.16264, abstract; FOUND)
FAR = 1.0  # decades beyond which a fit's interval is not to be taken at its word (CHOSEN)

#: Code of a caveat -> what it says; the clauses with numbers are in report/sentences.py.
CAVEATS = {
    "no_replicates": "no run was repeated with another seed, so the noise is unknown",
    "within_noise": "two runs of one recipe may differ by as much through the seed alone",
    "both_signs": "the interval of the difference holds zero",
    "no_interval": "the difference has no interval",
    "not_every_recipe": "not every recipe of the source is clearly worse",
    "not_determined": "no law determines an option of the source",
    "far": "the question lies a decade or more beyond the largest run",
    "beyond": "the question lies beyond the largest run",
    "not_tested": "the law was not tested on runs held out of its fit",
    "held_out": "the law missed runs that it was not fitted to by as much as the difference",
    "laws_disagree": "laws that fit the runs alike predict different differences at the question",
    "too_often": "natural text alone would be gone through more often than is allowed",
    "repetition": "natural text alone would be repeated more often than the law of repetition was tested for",
    "tasks_disagree": "loss and task scores disagree about the best share",
    "valuation_disagrees": "the valuation score, which ranked what was measured, puts the best share elsewhere",
    "diverged": "runs that diverged were left out",
    "loss_only": "held-out loss is all that was measured, on the study's own domains and protocol",
}

#: Code of why an option is not determined -> what it says.
UNDETERMINED = {
    "no_law": "no law was fitted to its runs",
    "few_points": "its law has fewer distinct points than parameters and half as many again",
    "exponent_at_bound": "an exponent of its law is at the edge of its range",
    "not_identified": "parameters of its law can change together without changing any loss that was measured",
    "no_interval": "nothing tells how large the noise is, so there is no interval",
    "wide": "the interval is wider than the spread of the losses that were measured",
    "impossible": "its law predicts losses below zero",
}


class Prices(Part):
    """What compute and generation cost, in any money.

    Attributes:
        gpu_hour: money for an hour of one GPU. flops: that it can do in a second at most, in the precision of training.
        mfu: the part of these that a training run makes use of (model FLOP utilisation).
        generated: kind of synthetic text -> money per million generated tokens, where its own price is not said.
    """

    gpu_hour: float
    flops: float
    mfu: float
    generated: dict[str, float] = Field(default={})

    def hours(self, flops: float) -> float:
        """GPU-hours that ``flops`` take."""
        return flops / (self.flops * self.mfu) / 3600

    def training(self, params: int) -> float:
        """Money per million tokens trained at a size, 6 FLOPs a parameter and token."""
        return self.hours(6.0 * params * 1e6) * self.gpu_hour


class Kind(Part):
    """A kind of synthetic text that may be mixed in.

    Attributes:
        name: as in the study, or that of a published kind.
        price: money per million tokens; 0 for text that is paid already.
        tokens: how many there are or can be had; None: as many as are paid for.
        params: the generator's size, where known: its FLOPs are then charged.
        like: without a study, the published kind that it resembles, when its name is none.
        files: its text, for the study file that is written.
        per_token: FLOPs to generate one token, where they are known otherwise than by ``params``.
        epochs: how often it may be gone through; None: as often as is needed.
    """

    name: str
    price: float = 0.0
    tokens: int | None = None
    params: int | None = None
    like: str | None = None
    files: str | None = None
    per_token: float | None = None
    epochs: float | None = None

    @property
    def generation_flops(self) -> float | None:
        """FLOPs to generate one token: forward passes over a prompt as long as the output and the output itself, 2 a
        parameter (CHOSEN; exact for text that the study sampled itself). None: not known."""
        if self.per_token is not None:
            return self.per_token
        return None if self.params is None else 4.0 * self.params


class Question(Part):
    """What will be trained, and under which constraints. Money is in whatever the prices are in.

    Attributes:
        params: non-embedding parameters. tokens: the training budget.
        natural: unique natural tokens; None: as many as are needed. natural_epochs: how often they may be gone through;
            None: as often as is needed.
        kinds: the synthetic text there is. budget_money: for synthetic tokens, at most.
        price_training: money per million tokens trained at this size; prices: the list that it is from, if it is.
    """

    params: int
    tokens: int
    natural: int | None = None
    natural_epochs: float | None = None
    kinds: tuple[Kind, ...] = ()
    budget_money: float | None = None
    price_training: float | None = None
    prices: Prices | None = None

    def limit(self, kind: Kind) -> float:
        """Unique tokens of a kind that can be had: what there is, and what the money buys."""
        there = math.inf if kind.tokens is None else float(kind.tokens)
        if self.budget_money is None or kind.price == 0:
            return there
        return min(there, self.budget_money / kind.price * 1e6)


class Measured(Part):
    """A recipe as it was measured at one size and budget, the mean over ``runs`` seeds; no law is in it.

    ``difference``: from natural text alone at the same place, with the seed noise's interval.
    """

    recipe: str
    share: float
    params: int
    tokens: int
    runs: int
    loss: Interval
    difference: Interval


class Collapse(Part):
    """Whether a recipe's curve flattens against that of natural text."""

    verdict: str
    reason: str


class Option(Part):
    """One recipe at the question, under what there is of each text.

    Attributes:
        recipe: its name. kind, share: the synthetic kind and its share; None and 0: natural text alone; None and a
            share: several kinds. shares: source -> share of the training tokens.
        law: the scaling law that predicts it; None: measured only.
        undetermined: codes of why no law determines it (:data:`UNDETERMINED`); empty when it is
            determined. Its predictions are then without a value, and ``measured`` is what is known.
        measured: as trained, or the trained recipe of the nearest share, at the largest cell; None: none was.
        loss, new_run: expected, nats per token: of the mean, and of one new run. difference: from natural text alone
            under the same limits; below zero the mixture is better. above_best: loss above that of the best option.
        sign: -1 clearly better than natural text alone, +1 clearly worse, 0 neither is shown.
        as_good: not clearly worse than the best option. allowed: no text is gone through more often than the question
            allows; an option that is not is neither best nor as good.
        bought: unique synthetic tokens. money: their price.
        overhead: FLOPs of their generation over those of the training; None: the generator is not known.
        natural_epochs, synthetic_epochs: how often each text is gone through; None: the supply is not known.
        speedup: budget over the tokens that this recipe needs for the loss of natural text alone at the whole budget.
        charged: the same in FLOPs, the generation of the synthetic tokens charged.
        tokens_saved: budget minus those tokens. worth: tokens saved for each synthetic token that is bought.
        pays_below: price of a million synthetic tokens up to which training saved outweighs them (needs the price of
            training).
        gpu_hours: of training it, by the price list; training_money: their price; total_money: with that of its text.
            net: what the tokens that it saves are worth minus the price of its text. None: there is no price list.
    """

    recipe: str
    kind: str | None
    share: float
    shares: dict[str, float]
    law: str | None
    undetermined: list[str] = Field(default=[])
    measured: Measured | None = None
    loss: Interval
    new_run: Interval
    difference: Interval
    above_best: Interval
    sign: Literal[-1, 0, 1] = 0
    as_good: bool
    allowed: bool = True
    bought: float = 0.0
    money: float = 0.0
    overhead: float | None = None
    natural_epochs: float | None = None
    synthetic_epochs: float = 0.0
    speedup: Interval
    charged: Interval | None = None
    tokens_saved: Interval
    worth: Interval
    pays_below: Interval | None = None
    gpu_hours: float | None = None
    training_money: float | None = None
    total_money: float | None = None
    net: Interval | None = None
    collapse: Collapse | None = None

    @property
    def determined(self) -> bool:
        """A law, or the measurement itself where nothing is extrapolated, determines it."""
        return not self.undetermined

    @property
    def is_natural(self) -> bool:
        """Natural text alone."""
        return self.share == 0


class Range(Part):
    """Shares of one kind that are all as good as the best option within the noise; money at both ends."""

    kind: str | None
    low: float
    high: float
    money_low: float
    money_high: float


class KindCurve(Part):
    """Difference from natural text alone against the share of one kind, at the question.

    Attributes:
        best: the best share. flat: shares within the seed noise of it. measured: shares trained.
        loss, loss_low, loss_high: the same curve as losses.
        extrapolation: mean relative error of the law on the largest runs, held out of its fit.
        undetermined: codes of why it is not determined: it has then no best share and no points.
    """

    kind: str
    law: str
    rivals: list[str]
    undetermined: list[str] = Field(default=[])
    best: Interval
    flat: tuple[float, float] | None
    shares: list[float]
    mean: list[float]
    low: list[float]
    high: list[float]
    loss: list[float] = Field(default=[])
    loss_low: list[float] = Field(default=[])
    loss_high: list[float] = Field(default=[])
    measured: list[float]
    extrapolation: float


class Caveat(Part):
    """A reason to hold a verdict loosely: a code with its numbers. ``grave``: reason enough not to act on it alone."""

    code: str
    about: str | None = None
    grave: bool = False
    numbers: dict[str, float] = Field(default={})
    names: list[str] = Field(default=[])


class Verdict(Part):
    """The judgement of one synthetic source.

    Attributes:
        source: its name; None: several synthetic sources together.
        option: the place of the option that it rests on; None: no option of it is determined or measured.
        tried: options of it. best: its best share; edge: whether that is an end of the shares tried.
        held_out: relative error of the law on runs that it was not fitted to.
    """

    source: str | None
    state: State
    option: int | None
    tried: int
    best: Interval | None
    edge: Edge
    held_out: float | None
    confidence: Confidence
    caveats: list[Caveat]


class Sensitivity(Part):
    """What would change the answer.

    Attributes:
        what: ``price``, ``price against training``, ``worth``, ``tokens``, ``params``, ``natural``, ``budget_money``,
            ``several kinds``.
        about: the kind. now: the value as asked. value: that from which another answer holds; None: none was found.
        code: why, or what then holds. recipe_now, recipe_then: the recommended recipe at both.
    """

    what: str
    about: str | None = None
    now: float | None
    value: float | None
    code: str
    recipe_now: str | None = None
    recipe_then: str | None = None
    names: list[str] = Field(default=[])


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


class Decision(Part):
    """The answer, decided once: every page, table and command shows this object.

    Attributes:
        basis: ``laws``: predicted at the question; ``measured``: at the largest cell that was trained, nothing
            extrapolated (no question, or no law).
        question: None: none was asked. params, tokens: where the options hold.
        level: of every interval. two_runs: how far two runs that differ only in their seed lie apart, at that level,
            nats; None: no run was repeated.
        decades_params, decades_tokens, decades_compute: log10 of the question over the largest trained.
        measured: every recipe at the largest cell, natural text alone first.
        options: natural text alone first. best: the place of the one with the lowest expected loss, of those that are
            determined; recommended: of the as good ones the cheapest. None: nothing to choose from.
        verdicts: of every synthetic source, the best first. caveats: of all of it.
        alternatives: all that is as good as the best.
        uncompared: code of why nothing can be compared (``one_recipe``, ``no_natural``, ``no_synthetic``,
            ``no_common_cell``); None: something can.
        next_run_to_mix: the recipe of two kinds that no run mixed and that may be better than both.
    """

    study: str
    basis: Literal["laws", "measured"]
    question: Question | None
    params: int
    tokens: int
    level: float
    two_runs: float | None = None
    decades_params: float = 0.0
    decades_tokens: float = 0.0
    decades_compute: float = 0.0
    measured: list[Measured]
    options: list[Option]
    best: int | None
    recommended: int | None
    verdicts: list[Verdict]
    caveats: list[Caveat] = Field(default=[])
    alternatives: list[Range] = Field(default=[])
    curves: list[KindCurve] = Field(default=[])
    sensitivity: list[Sensitivity] = Field(default=[])
    next_runs: list[NextRun] = Field(default=[])
    next_run_to_mix: dict[str, float] | None = None
    uncompared: str | None = None

    @property
    def natural(self) -> Option | None:
        """Natural text alone."""
        return next((option for option in self.options if option.is_natural), None)

    def option(self, recipe: str) -> Option | None:
        """The option of a recipe's name."""
        return next((option for option in self.options if option.recipe == recipe), None)

    def __repr__(self) -> str:
        at = f"{self.params:,} parameters, {self.tokens:,} tokens"
        states = ", ".join(f"{verdict.source or 'several'} {verdict.state}" for verdict in self.verdicts)
        named = None if self.recommended is None else self.options[self.recommended].recipe
        return f"<Decision at {at} ({self.basis}): {states or 'nothing to compare'}; recommended: {named}>"

    __str__ = __repr__
