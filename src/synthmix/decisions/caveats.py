"""Reasons to hold a verdict loosely, as codes with their numbers; which of them are grave."""

import math
from collections.abc import Sequence

import numpy as np

from synthmix.decisions.predict import Prediction
from synthmix.results import Caveat, Confidence, Interval, Option, Question, State
from synthmix.results.decisions import FAR, NEARLY_FREE
from synthmix.rounding import ROUNDING
from synthmix.runs import RunsTable
from synthmix.scaling.noise import PooledNoise

#: Of each task's scores: its name, whether any run is above chance, whether its best share is another than by loss.
Tasks = Sequence[tuple[str, bool, bool]]


def source_caveats(
    state: State,
    option: Option | None,
    options: Sequence[Option],
    *,
    two_runs: float | None,
    held_out: float | None,
    far: tuple[float, float, float],
    asked: bool,
    predicted: Prediction | None,
    noise: PooledNoise,
) -> list[Caveat]:
    """Reasons to hold the verdict of one source loosely, the grave ones first.

    Args:
        option: that it rests on. options: all of the source. two_runs: how far seeds alone may part two runs, nats.
        held_out: relative error of the law on unseen runs; None: not tested. far: decades in N, D and compute.
        asked: something is extrapolated. predicted: the source's laws at the question.
    """
    found: list[Caveat] = []
    difference = option.difference if option is not None else Interval(mid=None)
    size = abs(difference.mid or 0.0)
    if state == "not determined":
        found += _why_open(difference, option, options)
    if two_runs is None:
        found.append(Caveat(code="no_replicates", grave=True))
    elif difference.mid is not None and size <= max(two_runs, ROUNDING):
        found.append(Caveat(code="within_noise", grave=True, numbers={"nats": two_runs}))
    if asked:
        decades = dict(zip(("params", "tokens", "compute"), far, strict=True))
        if max(far[:2]) >= FAR:
            found.append(Caveat(code="far", grave=True, numbers=decades))
        elif max(far[:2]) > 0:
            found.append(Caveat(code="beyond", numbers=decades))
        if option is not None and option.determined:
            found += _law(option, held_out, size, predicted, noise)
    return sorted(found, key=lambda caveat: not caveat.grave)


def _why_open(difference: Interval, option: Option | None, options: Sequence[Option]) -> list[Caveat]:
    if option is None or not option.determined:
        codes = list(dict.fromkeys(code for each in options for code in each.undetermined))
        return [Caveat(code="not_determined", grave=True, names=codes)]
    if not difference.bounded:
        return [Caveat(code="no_interval", grave=True)]
    if difference.holds(0.0) or abs(difference.mid or 0.0) <= ROUNDING:
        return [Caveat(code="both_signs", grave=True)]
    if (difference.mid or 0.0) > 0 and len(options) > 1:
        return [Caveat(code="not_every_recipe", grave=True)]
    return []


def _law(
    option: Option, held_out: float | None, size: float, predicted: Prediction | None, noise: PooledNoise
) -> list[Caveat]:
    found = []
    if held_out is None:
        found.append(Caveat(code="not_tested"))
    elif option.loss.mid is not None and held_out * option.loss.mid >= max(size, ROUNDING):
        missed = {"nats": held_out * option.loss.mid, "relative": held_out}
        found.append(Caveat(code="held_out", grave=True, numbers=missed))
    if predicted is not None and len(predicted.laws) > 1:
        lowest = {law.fit.law.name: float(law.difference[0].min()) for law in predicted.laws}
        if max(lowest.values()) - min(lowest.values()) > max(noise.sd or 0.0, 0.5 * size, ROUNDING):
            found.append(Caveat(code="laws_disagree", about=predicted.name, numbers=lowest))
    return found


def confidence(state: State, found: Sequence[Caveat]) -> Confidence:
    """High, low where a caveat is grave, and not determined where the verdict is."""
    if state == "not determined":
        return "not determined"
    return "low" if any(caveat.grave for caveat in found) else "high"


def common_caveats(question: Question | None, tasks: Tasks, table: RunsTable) -> list[Caveat]:
    """Caveats of the whole answer; ``table``: its runs, those that diverged among them."""
    found = []
    codes = table.text("diverged")
    if lost := [recipe or "?" for recipe, code in zip(table.text("recipe"), codes, strict=True) if code is not None]:
        numbers = {"runs": float(len(lost)), "of": float(len(codes))}
        found.append(Caveat(code="diverged", numbers=numbers, names=list(dict.fromkeys(lost))))
    if question is not None and question.natural is not None and question.tokens / question.natural > NEARLY_FREE:
        epochs = question.tokens / question.natural
        found.append(Caveat(code="repetition", grave=True, numbers={"epochs": epochs, "free": NEARLY_FREE}))
    if question is not None and question.natural is not None and question.natural_epochs is not None:
        epochs = question.tokens / question.natural
        if epochs > question.natural_epochs:
            numbers = {"epochs": epochs, "allowed": question.natural_epochs}
            found.append(Caveat(code="too_often", numbers=numbers))
    above_chance = [(name, disagrees) for name, above, disagrees in tasks if above]
    parted = list(dict.fromkeys(name for name, disagrees in above_chance if disagrees))
    if parted:
        found.append(Caveat(code="tasks_disagree", grave=True, names=parted))
    return found if above_chance else [*found, Caveat(code="loss_only")]


def decades(table: RunsTable, params: float, tokens: float) -> tuple[float, float, float]:
    """log10 of a question over the largest N, D and compute (6 N D) of one run; 0 inside."""
    sizes, budgets = table.column("N"), table.column("D")
    most = float(np.max(6.0 * sizes * budgets))
    reach = (params / float(sizes.max()), tokens / float(budgets.max()), 6.0 * params * tokens / most)
    return tuple(max(0.0, math.log10(each)) for each in reach)  # type: ignore[return-value]
