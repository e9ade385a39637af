"""What all scores of a task cost, as a share of one training run on all its data: the truth's model, and a larger one.

The truth's models are small so that hundreds could be trained; nobody would value data in order to save one of them. A
score's cost does not grow with the model that is trained afterwards.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.valuation.tables import markdown_table
from benchmarks.valuation.tasks import DEVELOPMENT, make_task
from benchmarks.valuation.tasks.task import Task
from benchmarks.valuation.truth import together
from synthmix.valuation.valuer import Valuer

ROUNDS = 3
# what is changed of the truth's learner: about 20 to 40 times its parameters
LARGER: dict[str, dict[str, Any]] = {
    "images": {"hidden": (4096,)},
    "sentiment": {"hidden": (1024,)},
    "instruction": {"params": 1_000_000},
    "reasoning": {"params": 1_000_000},
}


def tables(names: Sequence[str]) -> Iterator[str]:
    """A row a task: seconds of the fit and all scores (median of rounds), and of one training of either model."""
    rows = []
    for name in names:
        if name not in DEVELOPMENT:
            continue
        task = make_task(name)
        scoring = float(np.median([_seconds(lambda task=task: _score(task)) for _ in range(ROUNDS)]))  # type: ignore[misc]
        row = [name, f"{scoring:.2f}"]
        for changed in ({}, LARGER[name]):
            weights, seconds = _training(task, changed)
            row += [f"{weights:,}", f"{seconds:.1f}", f"{scoring / seconds:.1%}"]
        rows.append(row)
    yield "## Cost: all scores of a task, and one training run on all its data\n"
    head = [
        "task",
        "all scores, s",
        "weights of the truth's model",
        "one run, s",
        "scores cost",
        "weights of a larger one",
    ]
    yield markdown_table([*head, "one run, s", "scores cost"], rows) + "\n"


def _score(task: Task) -> None:
    valuer = Valuer().fit(task.reference)
    for each in task.contributors:
        valuer.score(each.pool)


def _training(task: Task, changed: dict[str, Any]) -> tuple[int, float]:
    """(weights, seconds of one training on everything)."""
    assert task.learner is not None
    learner: Any = task.learner()
    for key, value in changed.items():
        setattr(learner, key, value)
    learner.fit(task.reference)
    pool = together(task)
    seconds = _seconds(lambda: learner.train(pool, seed=0))
    return sum(each.numel() for each in learner.initial(0).parameters()), seconds


def _seconds(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
