"""Streams cut into batches: one way for all who read text a part at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def batched(
    items: Iterable[Item], size: Callable[[Item], int], most: int, *, count: int | None = None
) -> Iterator[list[Item]]:
    """``items`` in lists that end once their sizes reach ``most`` or they hold ``count`` items; no list is empty."""
    batch: list[Item] = []
    held = 0
    for item in items:
        batch.append(item)
        held += size(item)
        if held >= most or len(batch) == count:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def in_threads(task: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """``map`` on ``threads``, in order; an item is taken when there is a thread for it, and one more ahead."""
    with ThreadPoolExecutor(threads) as pool:
        waiting = deque[Future[Result]]()
        for item in items:
            waiting.append(pool.submit(task, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
