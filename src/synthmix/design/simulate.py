"""Simulated studies: a design's runs in many worlds, each fitted and decided as the tool itself would do it."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synthmix.decisions import decide, fit_study
from synthmix.decisions.decide import free
from synthmix.design.design import Design
from synthmix.design.worlds import World
from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.results import Decision, Question
from synthmix.scaling.runs import Array

RESAMPLES = 40  # of each law: an interval's ends to a tenth of its width
GRID = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Answer:
    """What one simulated study said of one source, and what was true.

    Attributes:
        state, confidence: the verdict's.
        difference: from natural text alone, of the option that the verdict rests on; share: that option's.
        best: best share. undetermined: codes of why the law is not determined.
        true_difference: at that option. true_best: share. true_gain: difference at it.
    """

    state: str
    confidence: str
    difference: Interval | None
    share: float | None
    best: Interval | None
    undetermined: tuple[str, ...]
    true_difference: float | None
    true_best: float
    true_gain: float

    @property
    def wrong(self) -> bool:
        """The verdict says the opposite of what is true."""
        if self.state == "helps":
            return (self.true_difference or 0.0) > 0
        return self.state == "hurts" and self.true_gain < 0


@dataclass(frozen=True)
class Simulated:
    """The answers about one source in all simulated studies."""

    source: str
    answers: tuple[Answer, ...]
    failed: tuple[str, ...] = field(default=())

    @property
    def studies(self) -> int:
        """How many were simulated."""
        return len(self.answers) + len(self.failed)

    def chance(self, *states: str, confidence: str | None = None) -> float:
        """Part of the studies with one of these verdicts."""
        mine = [a for a in self.answers if a.state in states and confidence in (None, a.confidence)]
        return len(mine) / self.studies

    @property
    def open(self) -> float:
        """Part of the studies that would say "not determined", those that no law fits among them."""
        return self.chance("not determined") + len(self.failed) / self.studies

    @property
    def width(self) -> float | None:
        """Median full width of the interval of the difference, nats per token; one without an interval is infinitely
        wide. None: so is the median."""
        return _median([_width(answer.difference) for answer in self.answers] + [np.inf] * len(self.failed))

    @property
    def best_width(self) -> float | None:
        """Median full width of the interval of the best share; None as :attr:`width`."""
        return _median([_width(answer.best) for answer in self.answers] + [np.inf] * len(self.failed))

    @property
    def covered(self) -> float | None:
        """Part of the intervals of the difference that hold the truth."""
        held = [
            answer.difference.holds(answer.true_difference)
            for answer in self.answers
            if answer.difference is not None and answer.difference.bounded and answer.true_difference is not None
        ]
        return sum(map(bool, held)) / len(held) if held else None

    @property
    def best_covered(self) -> float | None:
        """Part of the intervals of the best share that hold the truth."""
        held = [a.best.holds(a.true_best) for a in self.answers if a.best is not None and a.best.bounded]
        return sum(map(bool, held)) / len(held) if held else None

    @property
    def undetermined(self) -> dict[str, float]:
        """Code of why a law would not be determined -> part of the studies."""
        counts = Counter(code for answer in self.answers for code in answer.undetermined)
        counts.update(self.failed)
        return {code: count / self.studies for code, count in counts.most_common()}


def simulate(
    design: Design,
    worlds: Sequence[World],
    question: tuple[float, float],
    *,
    seed: int = 0,
    seconds: float | None = None,
) -> list[Simulated]:
    """Simulate the study once in each world and decide it at the question (N, D).

    Args:
        seconds: none is begun after so many, but for the first two.
    """
    sources = design.sources
    asked = Question(params=round(question[0]), tokens=round(question[1]), kinds=free(sources))
    answers: dict[str, list[Answer]] = {source: [] for source in sources}
    failed: list[str] = []
    began = time.monotonic()
    for k, world in enumerate(worlds):
        if k >= 2 and seconds is not None and time.monotonic() - began > seconds:
            break
        table = world.simulate(design, np.random.default_rng([seed, k]))
        try:
            decision = decide(table, fit_study(table, bootstrap=RESAMPLES), asked, explore=False)
        except BadInput:
            failed.append("not_fitted")
            continue
        for source in sources:
            answers[source].append(_answer(decision, world, source, question))
    return [Simulated(source, tuple(answers[source]), tuple(failed)) for source in sources]


def _answer(decision: Decision, world: World, source: str, question: tuple[float, float]) -> Answer:
    curve: Array = world.difference(source, GRID, *question)
    verdict = next((one for one in decision.verdicts if one.source == source), None)
    truth = float(GRID[int(np.argmin(curve))]), float(curve.min())
    if verdict is None or decision.basis != "laws":
        return Answer("not determined", "not determined", None, None, None, ("no_law",), None, *truth)
    option = None if verdict.option is None else decision.options[verdict.option]
    mine = [each for each in decision.options if each.kind == source]
    codes = dict.fromkeys(code for each in mine for code in each.undetermined)
    share = None if option is None else option.share
    there = None if share is None else float(world.difference(source, np.array([share]), *question)[0])
    difference = None if option is None or not option.determined else option.difference
    return Answer(verdict.state, verdict.confidence, difference, share, verdict.best, tuple(codes), there, *truth)


def _width(interval: Interval | None) -> float:
    if interval is None or interval.low is None or interval.high is None:
        return np.inf
    return interval.high - interval.low


def _median(widths: list[float]) -> float | None:
    middle = float(np.median(widths)) if widths else np.inf
    return middle if np.isfinite(middle) else None
