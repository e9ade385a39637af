"""The check before spending: what a design would answer, what it could not, and which ladder would answer best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from synthmix.design.design import Design
from synthmix.design.linear import Linearised, linearised
from synthmix.design.propose import propose, score
from synthmix.design.simulate import Simulated, simulate
from synthmix.design.worlds import World, known_worlds, public_worlds
from synthmix.errors import BadInput
from synthmix.quantities import format_count, listed, percent
from synthmix.results import Warn
from synthmix.results.decisions import FAR
from synthmix.runs import RunsTable
from synthmix.table import Column, Table

STUDIES = 20
PROPOSED = (0.5, 1.0, 2.0)  # costs of the proposals, in that of the design
RUNS_IN_TIME = 1_500  # a study of more runs is not simulated (CHOSEN: minutes a study)
SECONDS_A_RUN = 0.04  # of a simulated study, on a core of a small machine (measured: 48 to 640 runs)
OPEN = 0.8  # of the studies "not determined": the design is said not to answer (CHOSEN)

Basis = Literal["earlier runs", "public priors"]


@dataclass(frozen=True)
class SeedWorth:
    """Linearised width of the answer with one seed a cell, as designed, and with one seed more in every cell; nats."""

    one: float
    designed: float
    more: float


@dataclass(frozen=True)
class Proposal:
    """A ladder of ``cost`` times the design's FLOPs; ``width`` linearised, ``simulated`` by the tool itself (None where
    there was no time); of the design itself ``cost`` is 1 and ``planned`` true."""

    cost: float
    design: Design
    width: float
    simulated: tuple[Simulated, ...] | None
    planned: bool = False


@dataclass(frozen=True)
class DesignCheck:
    """What a design would answer.

    Attributes:
        question: N and D asked about. basis: what the worlds are from.
        decades: by which the question lies beyond the largest run, in N, D and compute.
        studies: how many were simulated; 0: none, and ``notes`` says why.
        simulated: of each source. spread: of the losses of the first simulated study, nats.
        seeds: what they are worth. proposals: ladders, the design itself among them.
        notes: coded warnings, what stands in the way first.
    """

    design: Design
    question: tuple[float, float]
    basis: Basis
    decades: tuple[float, float, float]
    studies: int
    simulated: tuple[Simulated, ...]
    seeds: SeedWorth
    proposals: tuple[Proposal, ...]
    notes: tuple[Warn, ...]

    def as_json(self) -> dict[str, Any]:
        """What ``synthmix design --json`` prints."""
        return {
            "question": {"params": self.question[0], "tokens": self.question[1]},
            "design": _plain(self.design),
            "basis": self.basis,
            "decades_beyond": dict(zip(("N", "D", "compute"), self.decades, strict=True)),
            "studies": self.studies,
            "sources": [_answers(one) for one in self.simulated],
            "seeds": vars(self.seeds),
            "proposals": [
                {
                    "cost": one.cost,
                    "planned": one.planned,
                    "design": _plain(one.design),
                    "linearised_width": one.width,
                    "simulated": None if one.simulated is None else [_answers(each) for each in one.simulated],
                }
                for one in self.proposals
            ],
            "notes": [{"code": note.code, "message": note.message} for note in self.notes],
        }

    def tables(self) -> list[Table | str]:
        """For the terminal: the answer expected of each source, the notes, and the proposals."""
        size, budget = (format_count(each) for each in self.question)
        n, d, compute = self.decades
        beyond = (
            f"{compute:.1f} decades of compute beyond the largest run ({n:.1f} in N, {d:.1f} in D)"
            if max(self.decades) > 0
            else "within the runs"
        )
        head = (
            f"Design check at {size} parameters and {budget} tokens, {beyond}: {self.studies} simulated studies "
            f"by {self.basis}."
        )
        found: list[Table | str] = [head]
        if self.simulated:
            found.append(_expected(self.simulated))
        found.append("\n".join(f"{note.code}: {note.message}" for note in self.notes))
        found.append(
            f"Seeds (linearised width): {self.seeds.one:.2g} nats with one a cell, {self.seeds.designed:.2g} as "
            f"designed, {self.seeds.more:.2g} with one more in every cell."
        )
        if self.proposals:
            found.append(_proposed(self.proposals))
            found += [f"{_cost(one)}: {one.design.said()}" for one in self.proposals]
        return [each for each in found if each != ""]


def design_for(
    flops: float,
    question: tuple[float, float],
    sources: Sequence[str] = ("synthetic",),
    *,
    known: RunsTable | None = None,
    vocab: int = 50_000,
    seed: int = 0,
) -> Design:
    """The ladder of at most ``flops`` whose answer at the question (N, D) would be narrowest, by linearisation.

    Raises:
        BadInput: the cost is below that of the smallest ladder.
    """
    if not (flops > 0 and math.isfinite(flops)):
        raise BadInput(f"{flops!r} is not a positive number of FLOPs", where="design", key="cost")
    like = Design.grid((100e3, 200e3, 400e3), (1e6, 2e6, 4e6), (0.0, 1 / 3, 2 / 3, 1.0), sources)
    worlds = known_worlds(known, sources, 8, seed=seed) if known is not None else ""
    if isinstance(worlds, str):
        worlds = public_worlds(like, 8, vocab=vocab, seed=seed)
    return propose([[linearised(w, source, question, like) for w in worlds] for source in sources], flops, like).design


def check_design(
    design: Design,
    question: tuple[float, float],
    *,
    known: RunsTable | None = None,
    studies: int = STUDIES,
    verified: int = 5,
    proposals: Sequence[float] = PROPOSED,
    vocab: int = 50_000,
    seed: int = 0,
    seconds: float | None = None,
) -> DesignCheck:
    """Simulate a design and say what it would answer at the question.

    Args:
        question: N and D, non-embedding parameters and training tokens.
        known: earlier runs, whose laws are simulated; None, or where they have no law: public priors.
        studies: that are simulated. verified: that each proposal is simulated in; 0: none is.
        proposals: costs of the ladders to propose, in that of the design.
        vocab: of the tokenizer: guessing every token alike has the loss ln(vocab), which bounds the public priors.
        seconds: no study is begun after so many, but for the first two of the design.

    Raises:
        BadInput: no synthetic source, a question that is not positive, a cost that no ladder fits in.
    """
    if not design.sources:
        raise BadInput("has no synthetic text to decide about", where="design", remedy="give shares above 0")
    if not (min(question) > 0 and all(map(math.isfinite, question))):
        raise BadInput("is not a positive number of parameters and of tokens", where="design", key="question")
    if studies < 2:
        raise BadInput(f"is {studies}", where="design", key="studies", remedy="simulate 2 or more")
    if vocab < 2:
        raise BadInput(f"is {vocab}", where="design", key="vocab", remedy="name the tokenizer's vocabulary")
    notes: list[Warn] = []
    basis: Basis = "public priors"
    worlds: Sequence[World] = ()
    if known is not None:
        from_known = known_worlds(known, design.sources, studies, seed=seed)
        if isinstance(from_known, str):
            notes.append(Warn(code="no_earlier_law", message=f"public priors stand in: {from_known}"))
        else:
            worlds, basis = from_known, "earlier runs"
    if not worlds:
        worlds = public_worlds(design, studies, vocab=vocab, seed=seed)
    laws = [
        [linearised(world, source, question, design) for world in worlds[: max(8, studies // 2)]]
        for source in design.sources
    ]
    seeds = _worth(laws, design)
    simulated: list[Simulated] = []
    most = RUNS_IN_TIME if seconds is None else min(RUNS_IN_TIME, seconds / (2 * SECONDS_A_RUN))
    if len(design.runs) > most:
        message = f"{len(design.runs)} runs are not simulated in the time there was: linearised only"
        notes.append(Warn(code="not_simulated", message=message))
    else:
        simulated = simulate(design, worlds, question, seed=seed, seconds=seconds)
        done = simulated[0].studies
        if done < len(worlds):
            message = f"{done} of {len(worlds)} studies were simulated in the time there was"
            notes.append(Warn(code="sampled", message=message))
    found: list[Proposal] = []
    if proposals:
        found = _proposals(design, laws, worlds[:verified], question, proposals, seed, seconds)
        own = tuple(simulated) or None
        found.insert(0, Proposal(1.0, design, score(laws, design), own, planned=True))
    decades = _beyond(design, question)
    notes = [*_stands(simulated, decades, design), *notes]
    count = simulated[0].studies if simulated else 0
    return DesignCheck(design, question, basis, decades, count, tuple(simulated), seeds, tuple(found), tuple(notes))


def _worth(laws: Sequence[Sequence[Linearised]], design: Design) -> SeedWorth:
    one, own, more = (score(laws, each) for each in (design.single_seeds(), design, design.more_seeds()))
    return SeedWorth(one, own, more)


def _proposals(
    design: Design, laws: Sequence[Sequence[Linearised]], worlds: Sequence[World], question: tuple[float, float],
    costs: Sequence[float], seed: int, seconds: float | None,
) -> list[Proposal]:  # fmt: skip
    found = []
    for cost in costs:
        best = propose(laws, cost * design.flops, design)
        simulated = None
        limit = None if seconds is None else seconds / len(costs)
        most = RUNS_IN_TIME if limit is None else min(RUNS_IN_TIME, limit / (2 * SECONDS_A_RUN))
        if len(worlds) > 1 and len(best.design.runs) <= most:
            simulated = tuple(simulate(best.design, worlds, question, seed=seed + 1, seconds=limit))
        found.append(Proposal(cost, best.design, best.width, simulated))
    return found


def _beyond(design: Design, question: tuple[float, float]) -> tuple[float, float, float]:
    compute = max(run.params * run.tokens for run in design.runs)
    N, D = question
    n, d, c = (
        max(0.0, math.log10(ratio)) for ratio in (N / max(design.sizes), D / max(design.budgets), N * D / compute)
    )
    return n, d, c


def _stands(simulated: Sequence[Simulated], decades: tuple[float, float, float], design: Design) -> list[Warn]:
    """What stands in the way of an answer."""
    notes = []
    if max(decades[:2]) >= FAR:
        needed = [
            f"{format_count(max(values) * 10 ** (far - FAR))} {what}"
            for values, far, what in (
                (design.sizes, decades[0], "parameters"),
                (design.budgets, decades[1], "tokens"),
            )
            if far >= FAR
        ]
        message = (
            f"the question lies {decades[0]:.1f} decades in N and {decades[1]:.1f} in D beyond the largest run, and "
            f"from {FAR:.0f} on no answer has high confidence: train beyond {listed(needed)}, or ask nearer"
        )
        notes.append(Warn(code="too_far", message=message))
    for one in simulated:
        if one.open >= OPEN:
            wide = "not even an interval" if one.width is None else f"an interval of {one.width:.2g} nats"
            message = f"{percent(one.open)} of the simulated studies say 'not determined', the median with {wide}"
            notes.append(Warn(code="cannot_answer", message=message, about=one.source))
        codes = {code: part for code, part in one.undetermined.items() if part >= 0.1}
        if codes:
            said = listed([f"{code} ({percent(part)} of the studies)" for code, part in codes.items()])
            notes.append(
                Warn(code="unidentified", message=f"the laws would not be determined: {said}", about=one.source)
            )
    for column, values in (("sizes", design.sizes), ("budgets", design.budgets)):
        if len(values) < 3:
            message = f"{len(values)} {column} leave E, a factor and an exponent undetermined: train 3 or more"
            notes.append(Warn(code="few_values", message=message))
    if len(design.shares) < 3:
        notes.append(Warn(code="few_shares", message=f"{len(design.shares)} shares have no law in the share: train 3"))
    return notes


def _expected(simulated: Sequence[Simulated]) -> Table:
    columns = [
        Column("source"),
        Column("width", "width of the difference", ".2g", unit="nats", missing="none"),
        Column("best_width", "of the best share", percent, missing="none"),
        Column("open", "not determined", percent),
        Column("low", "helps or hurts, low confidence", percent),
        Column("high", "high confidence", percent),
        Column("wrong", "wrong sign", percent),
    ]
    rows = []
    for one in simulated:
        low, high = (one.chance("helps", "hurts", confidence=how) for how in ("low", "high"))
        wrong = sum(answer.wrong for answer in one.answers) / one.studies
        rows.append((one.source, one.width, one.best_width, one.open, low, high, wrong))
    return Table("expected_answer", columns, rows, title="What the study would say")


def _proposed(proposals: Sequence[Proposal]) -> Table:
    columns = [
        Column("cost"),
        Column("runs"),
        Column("flops", "FLOPs", ".2g"),
        Column("width", "linearised width", ".2g", unit="nats"),
        Column("simulated", "simulated width", ".2g", unit="nats", missing="none"),
        Column("open", "not determined", percent, missing=""),
    ]
    rows = []
    for one in proposals:
        widest = [each.width for each in one.simulated or ()]
        wide = None if not widest or None in widest else max(width for width in widest if width is not None)
        still = max((each.open for each in one.simulated), default=None) if one.simulated else None
        rows.append((_cost(one), len(one.design.runs), one.design.flops, one.width, wide, still))
    return Table("proposals", columns, rows, title="Ladders that answer best, of equal and of other cost")


def _cost(one: Proposal) -> str:
    return "as designed" if one.planned else f"{one.cost:g} x"


def _plain(design: Design) -> dict[str, Any]:
    return {
        "runs": len(design.runs),
        "sizes": design.sizes,
        "budgets": design.budgets,
        "shares": design.shares,
        "sources": design.sources,
        "seeds": int(np.bincount(_cells(design)).max()),
        "replicated_cells": int((np.bincount(_cells(design)) > 1).sum()),
        "trunk": design.trunk,
        "flops": design.flops,
    }


def _cells(design: Design) -> np.ndarray:
    keys = [f"{run.recipe}|{run.params}|{run.tokens}" for run in design.runs]
    return np.unique(keys, return_inverse=True)[1]


def _answers(one: Simulated) -> dict[str, Any]:
    return {
        "source": one.source,
        "studies": one.studies,
        "width": one.width,
        "best_share_width": one.best_width,
        "not_determined": one.open,
        "helps_or_hurts": {how: one.chance("helps", "hurts", confidence=how) for how in ("low", "high")},
        "wrong_sign": sum(answer.wrong for answer in one.answers) / one.studies,
        "covered": one.covered,
        "undetermined": one.undetermined,
    }
