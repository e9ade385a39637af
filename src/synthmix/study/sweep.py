"""A sweep of learning rates: which are tried, their runs executed, and read back as points of loss against rate."""

import math
from collections.abc import Sequence
from typing import Any

from synthmix.engine import Engine
from synthmix.errors import BadInput, Failure, SynthmixError
from synthmix.evaluation.losses import average
from synthmix.progress import Progress
from synthmix.store import Store
from synthmix.study.execute import execute
from synthmix.study.tasks import RunTask
from synthmix.training.protocol import peak_rate
from synthmix.training.shape import shape_for
from synthmix.training.spec import RunSpec
from synthmix.training.tuning import Sweep

SPREAD = 2.0  # from one rate to the next, where rates are a number

Lost = list[tuple[int, float, int]]  # params, rate, seed


def rate_grids(params: Sequence[int], rates: int | Sequence[float]) -> dict[int, list[float]]:
    """The rates of each size, to three digits: so many about the rule's, ``SPREAD`` apart, or these.

    Raises:
        BadInput: fewer than three, rates that do not rise, or sizes of one width.
    """
    widths = {size: shape_for(size).width for size in sorted(set(params))}
    if len(set(widths.values())) < 2:
        raise BadInput(
            "a rule needs two sizes of different width; " + ", ".join(f"{p} has {w}" for p, w in widths.items()),
            key="params",
            remedy="name a size four times as large",
        )
    count = rates if isinstance(rates, int) else len(rates)
    if count < 3:
        raise BadInput(f"{count} rates have no lowest point", key="rates", remedy="try three or more, five is better")
    if not isinstance(rates, int):
        if list(rates) != sorted(set(rates)) or min(rates) <= 0:
            raise BadInput("the rates must be positive and rise", key="rates", remedy="write .002,.004,.008")
        return {size: list(rates) for size in widths}
    middle = (rates - 1) / 2
    return {
        size: [float(f"{peak_rate(width) * SPREAD ** (i - middle):.3g}") for i in range(rates)]
        for size, width in widths.items()
    }


def run_sweep(tasks: list[RunTask], engine: Engine[Any, Any], progress: Progress) -> set[str]:
    """Execute what is left of ``tasks``; ids of the runs whose loss did not stay finite, which is their rate's fault.

    Raises:
        SynthmixError: the first run that failed otherwise; the others are finished first.
    """
    store = Store(tasks[0].runs)
    done = sum(task.tokens for task in tasks if task.is_done(store))
    left = [task for task in tasks if not task.is_done(store)]
    diverged: set[str] = set()
    failed: list[SynthmixError] = []
    progress.start("tune", sum(task.tokens for task in tasks), "tokens")
    progress.update("tune", done)
    for task, outcome in engine.each(execute, left) if left else ():
        if isinstance(outcome, Failure) and outcome.problem.startswith("the loss is"):
            diverged.add(task.run)
        elif isinstance(outcome, SynthmixError):
            failed.append(outcome)
            progress.say(f"failed: {outcome}")
        elif outcome == "busy":
            failed.append(BadInput("another process trains this run", where=store.run_folder(task.run)))
        done += task.tokens
        progress.update("tune", done)
    progress.finish("tune", f"{len(tasks)} runs")
    if failed:
        raise failed[0]
    return diverged


def read_sweeps(specs: list[RunSpec], store: Store, diverged: set[str]) -> tuple[list[Sweep], Lost]:
    """One sweep a size, and the runs that are no points: not finite, or worse than guessing every token alike."""
    sweeps, lost = [], []
    for size in dict.fromkeys(spec.params for spec in specs):
        points = []
        for spec in (spec for spec in specs if spec.params == size):
            record = None if spec.id in diverged else store.record(spec.id)
            loss = math.inf if record is None else average({n: score.nats for n, score in record.losses.items()})
            if loss < math.log(spec.vocab):
                points.append((spec.peak, loss, spec.seed))
            else:
                lost.append((spec.shape.params, spec.peak, spec.seed))
        rates, losses, seeds = zip(*points, strict=True) if points else ((), (), ())
        shape = shape_for(size)
        sweeps.append(Sweep(shape.params, shape.width, rates, losses, seeds))
    return sweeps, lost
