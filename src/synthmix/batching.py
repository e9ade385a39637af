"""Streams cut into batches: one way for all who read text a part at a time."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


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
