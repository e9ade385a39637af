"""One method on one task: its scores, and what they cost."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from benchmarks.valuation.tasks.task import Task
from synthmix.errors import BadInput
from synthmix.valuation.score import Method


class PeakMemory:
    """How far resident memory rose within the block, in MB, looked at every 5 ms (Linux; elsewhere NaN)."""

    def __enter__(self) -> Self:
        self._start = self._top = _resident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._done.set()
        self._thread.join()
        self.megabytes = (max(self._top, _resident()) - self._start) / 2**20

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            self._top = max(self._top, _resident())


def _resident() -> float:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096.0
    except FileNotFoundError:
        return float("nan")


def measure(make: Callable[[Task], Method], task: Task) -> dict[str, Any]:
    """Scores by reference and contributor, terms, seconds (fit and scores of all, a reference's mean) and peak memory.

    A method that cannot take this kind of data says so: ``{"refused": why}``.
    """
    names = [each.name for each in task.contributors]
    scores, terms, warnings, fitting, scoring = [], [], set[str](), 0.0, 0.0
    try:
        with PeakMemory() as memory:
            for reference in task.references:
                began = time.perf_counter()
                method = make(task).fit(reference)
                fitted = time.perf_counter()
                pools = [each.pool for each in task.contributors]
                together = getattr(method, "score_together", None)
                found = together(pools) if together else [method.score(pool) for pool in pools]
                fitting += (fitted - began) / len(task.references)
                scoring += (time.perf_counter() - fitted) / len(task.references)
                scores.append([float(each.value) for each in found])
                terms.append({each.name: {key: float(value) for key, value in each.terms.items()} for each in found})
                warnings |= {line for each in found for line in each.warnings}
    except BadInput as error:
        return {"refused": str(error)}
    return {
        "scores": [dict(zip(names, row, strict=True)) for row in scores],
        "terms": terms[0],
        "fit_seconds": fitting,
        "score_seconds": scoring,
        "seconds": fitting + scoring,
        "peak_mb": memory.megabytes,
        "warnings": sorted(warnings),
    }


def matrix(found: dict[str, Any], names: list[str]) -> np.ndarray:
    """Scores (references, contributors)."""
    return np.array([[row[name] for name in names] for row in found["scores"]])
