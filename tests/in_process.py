"""An engine without processes, for tests of a study that are not about its workers: these take seconds to start."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

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

    def check_folder(self, folder: Path) -> None:
        pass

    def close(self, *, at_once: bool = False) -> None:
        pass
