"""What every engine does, and what it may ask of a task."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from synthmix.errors import BadInput, SynthmixError

Item = TypeVar("Item")
Result = TypeVar("Result")
POLL_SECONDS = 0.5


def nothing() -> None:
    """The tick of someone who does not look on."""


class Engine(Protocol[Item, Result]):
    """``workers`` tasks at once, ``threads`` threads each.

    An item may say ``memory_bytes`` (what its task would like to have at its peak), ``memory_least`` (what it cannot do
    without; the same unless it says so) and ``label`` (its name in messages).
    """

    workers: int
    threads: int

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None: ...

    def each(
        self, task: Callable[[Item], Result], items: Sequence[Item], *, tick: Callable[[], Any] = nothing
    ) -> Iterator[tuple[Item, Result | SynthmixError]]:
        """Yield ``(item, result)`` as they finish; an item's own ``SynthmixError`` is its result.

        A task whose process or node is lost is tried again; lost once more, its result is a ``Failure``.

        Args:
            task: a function that can be imported where it runs.
            tick: called about twice a second while waiting, and at each result (for progress).

        Raises:
            BadInput: an item asks for more memory than there is; said before the first task starts.
            Failure: no worker could start, or the cluster is lost.
        """
        ...

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ()) -> None:
        """Make sure that every node sees ``folder``, and the files that tasks will read.

        Raises:
            BadInput: one does not.
        """
        ...

    def close(self, *, at_once: bool = False) -> None:
        """End the workers; ``at_once`` without waiting for what they do (a run in its middle resumes later)."""
        ...


def memory_of(item: object) -> int:
    """Bytes that the item's task would like to have; 0: not known."""
    return int(getattr(item, "memory_bytes", 0))


def least_of(item: object) -> int:
    """Bytes that the item's task cannot do without."""
    return int(getattr(item, "memory_least", memory_of(item)))


def label_of(item: object) -> str:
    """The item's name in messages."""
    label = getattr(item, "label", None)
    if isinstance(label, str):
        return label
    text = repr(item)
    return text if len(text) <= 80 else text[:79] + "…"


def gibibytes(count: float) -> str:
    """Memory for people: ``1.5 GiB``."""
    return f"{count / 2**30:.3g} GiB"


def too_large(item: object, there: str) -> BadInput:
    """The error for an item that asks for more memory than is ``there``."""
    return BadInput(
        f"needs {gibibytes(least_of(item))} of memory, {there}",
        where=label_of(item),
        remedy="lower the size or training.context, or use a larger machine",
    )
