"""The runs of a sweep of learning rates: executed, and read back as points of loss against rate."""

import math
from typing import Any

from synthmix.engine import Engine
from synthmix.errors import BadInput, Failure, SynthmixError
from synthmix.evaluation.losses import average
from synthmix.progress import Progress
from synthmix.store import Store
from synthmix.study.execute import execute
from synthmix.study.tasks import RunTask
from synthmix.training.shape import shape_for
from synthmix.training.spec import RunSpec
from synthmix.training.tuning import Sweep

Lost = list[tuple[int, float, int]]  # params, rate, seed


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
