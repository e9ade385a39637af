"""An engine without processes, for tests of a study that are not about its workers: these take seconds to start."""

import pickle
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import cloudpickle

from synthmix.engine.contract import label_of, nothing
from synthmix.engine.worker import guarded


class InProcess:
    """One worker of one thread, here. What an item's task raises is its result, as with every engine."""

    workers = threads = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = nothing
    ) -> Iterator[tuple[Any, Any]]:
        import torch

        threads = torch.get_num_threads()
        for item in items:
            torch.set_num_threads(self.threads)
            try:
                outcome, _ = guarded(task, item, label_of(item))
            finally:
                torch.set_num_threads(threads)
            tick()
            yield item, outcome

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ()) -> None:
        pass

    def close(self, *, at_once: bool = False) -> None:
        pass


class Shuffled(InProcess):
    """``workers`` of them, whose items and results travel as they would to another process, and end in an order of
    their own."""

    def __init__(self, workers: int = 3, seed: int = 0) -> None:
        self.workers, self.seed = workers, seed

    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = nothing
    ) -> Iterator[tuple[Any, Any]]:
        for item in random.Random(self.seed).sample(list(items), len(items)):
            there = pickle.loads(cloudpickle.dumps((task, item)))  # noqa: S301
            [(_, found)] = super().each(there[0], [there[1]], tick=tick)
            yield item, pickle.loads(cloudpickle.dumps(found))  # noqa: S301
