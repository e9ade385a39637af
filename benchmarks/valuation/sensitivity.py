"""What our score's settings change: Spearman with the truth by task, one setting at a time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from benchmarks.valuation.correlation import agreements, signed
from benchmarks.valuation.measure import matrix, measure
from benchmarks.valuation.tasks import HELD_OUT, make_task
from benchmarks.valuation.tasks.task import Task
from benchmarks.valuation.truth import truth

from synthmix.markdown import markdown_table
from synthmix.valuation.encoding import ArrayEncoder, TextEncoder
from synthmix.valuation.pool import Pool
from synthmix.valuation.scored import Method
from synthmix.valuation.valuer import Valuer

Change = Callable[[Task], Task]


def settings() -> Iterator[tuple[str, Callable[[Task], Method], Change]]:
    """A row's name, how it makes the method, and what it does to the task before."""

    def with_(**changed: Any) -> Callable[[Task], Method]:
        return lambda task: Valuer(**changed)

    yield "default", with_(), _as_it_is
    for seed in (1, 2):
        yield f"seed of all random features {seed}", with_(seed=seed), _as_it_is
    for width in (32, 64, 256):
        yield f"encoder of {width} directions", _encoded(width), _as_it_is
    for features in (64, 256, 2048):
        yield f"{features} random features a kernel (MMD)", with_(features=features), _as_it_is
    for lift in (0, 128, 2048):
        yield f"{lift} random features of the regression (labelled tasks)", with_(lift=lift), _as_it_is
    for order in (1, 2, 3, 5):
        yield f"n-grams up to {order} (language tasks)", with_(order=order), _as_it_is
    for share in (0.1, 0.25, 0.5):
        yield f"{share:.0%} of the reference", with_(), _smaller_reference(share)
    for most in (50, 100, 400):
        yield f"at most {most} items of each dataset", with_(), _subsampled(most)


def tables(names: Sequence[str]) -> Iterator[str]:
    """One table; tasks whose truth nothing may be chosen by are left out."""
    tasks = [make_task(name) for name in names if name not in HELD_OUT]
    worth = [truth(task) for task in tasks]
    rows = []
    for name, make, change in settings():
        found = [_spearman(make, change(task), each) for task, each in zip(tasks, worth, strict=True)]
        rows.append([name, *(f"{value:.3f}" for value in found), f"{np.nanmean(found):.3f}"])
    yield "## Sensitivity\n"
    yield markdown_table(["setting", *(task.name for task in tasks), "mean"], rows) + "\n"


def _spearman(make: Callable[[Task], Method], task: Task, worth: dict[str, dict[str, Any]]) -> float:
    result = measure(make, task)
    if "refused" in result:
        return float("nan")
    names = [each.name for each in task.contributors]
    target = signed(worth, names, task.metrics[0])
    whole = np.arange(len(names))[None]
    return float(np.mean([agreements(row, target, whole)["spearman"].value for row in matrix(result, names)]))


def _as_it_is(task: Task) -> Task:
    return task


def _encoded(width: int) -> Callable[[Task], Method]:
    def make(task: Task) -> Method:
        first = next(iter(task.reference.batches())).items
        encoder = ArrayEncoder(width) if isinstance(first, np.ndarray) else TextEncoder(width)
        return Valuer(encoder=encoder.fit(task.reference))

    return make


def _smaller_reference(share: float) -> Change:
    def change(task: Task) -> Task:
        size = max(20, round(share * len(task.reference.all())))
        return replace(task, references=tuple(_sampled(pool, size) for pool in task.references))

    return change


def _subsampled(most: int) -> Change:
    def change(task: Task) -> Task:
        smaller = (replace(each, pool=_sampled(each.pool, most)) for each in task.contributors)
        return replace(task, contributors=tuple(smaller))

    return change


def _sampled(pool: Pool, most: int) -> Pool:
    batch = pool.take(most, seed=1)
    return Pool.of(pool.name, batch.items, batch.labels, share=pool.share)
