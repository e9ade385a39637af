"""The stages of a build as tasks: on an engine's workers, or in threads of this process."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from synthmix.batching import in_threads
from synthmix.errors import SynthmixError

Item = TypeVar("Item")
Result = TypeVar("Result")


class Tasks(Protocol):
    """What is asked of an engine (:class:`synthmix.engine.Engine`)."""

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ...) -> None: ...
    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = ...
    ) -> Iterator[tuple[Any, Any]]: ...


def spread(
    engine: Tasks | None, task: Callable[[Item], Result], items: Sequence[Item], *, threads: int = 1
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, as they are done.

    Args:
        threads: of this process, without an engine.

    Raises:
        SynthmixError: what a task raises, or the loss of its worker again and again.
    """
    if engine is None:
        done = map(task, items) if threads == 1 else in_threads(task, items, threads)
        yield from zip(items, done, strict=True)
        return
    for item, result in engine.each(task, items):
        if isinstance(result, SynthmixError):
            raise result
        yield item, result
