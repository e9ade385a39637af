"""What is valued, and what it is valued against: items of one kind, with or without labels, read as often as needed."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Self

import numpy as np

from synthmix.errors import BadInput

BATCH = 1024  # documents that are held at once
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Batch:
    """``items``: texts (list of n) or an array (n, ...) of images or features; ``labels``: (n,) integers, or None."""

    items: Any
    labels: np.ndarray | None = None
    _made: dict[Callable[["Batch"], Any], Any] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.items)

    def by(self, make: Callable[["Batch"], Any]) -> Any:
        """``make(batch)``, made once however many ask: a list or an array of n, or a tuple of them."""
        if make not in self._made:
            self._made[make] = make(self)
        return self._made[make]

    @classmethod
    def joined(cls, batches: Sequence["Batch"]) -> "Batch":
        """One after the other; what was made of a single one is kept."""
        if len(batches) == 1:
            return batches[0]
        items: Any = (
            np.concatenate([b.items for b in batches])
            if isinstance(batches[0].items, np.ndarray)
            else [item for b in batches for item in b.items]
        )
        labels = [b.labels for b in batches if b.labels is not None]
        return cls(items, np.concatenate(labels) if labels else None)

    def rows(self, which: np.ndarray) -> "Batch":
        """Some items, with what was made of them."""
        labels = None if self.labels is None else self.labels[which]
        return Batch(_some(self.items, which), labels, {make: _some(it, which) for make, it in self._made.items()})


class Pool:
    """A dataset by its name.

    Attributes:
        name: what tables call it.
        share: the share of natural items pi, where it is known; a pool of one kind has 1 or 0.
    """

    def __init__(self, name: str, read: Callable[[], Iterable[Batch]], *, share: float | None = None) -> None:
        """``read`` makes a fresh stream of batches of at most :data:`BATCH` items, the same ones in each pass."""
        self.name, self.share, self._read = name, share, read

    @classmethod
    def of(
        cls, name: str, items: Sequence[str] | np.ndarray, labels: Any = None, *, share: float | None = None
    ) -> Self:
        """Of texts (n) or an array (n, ...) in memory, with labels (n,) or without.

        Half of a surrogate pair, which no encoding has, becomes U+FFFD, as a reader of files would make it; a score
        then tells how many texts hold such characters.

        Raises:
            BadInput: an item that is no text; as many labels as items are needed; labels are whole numbers; values must
                be finite.
        """
        if isinstance(items, str):
            raise BadInput("is one text, where a list of texts is needed", where=name, remedy="put it in a list")
        held = items if isinstance(items, np.ndarray) else [_text(name, at, item) for at, item in enumerate(items)]
        marks = None if labels is None else _whole(name, labels)
        if marks is not None and len(marks) != len(held):
            raise BadInput(f"{len(marks)} labels for {len(held)} items", where=name, key="labels")
        if isinstance(held, np.ndarray) and not all(np.isfinite(batch.items).all() for batch in _held(held, None)):
            raise BadInput("holds values that are not finite", where=name, remedy="drop or mend those rows")
        return cls(name, partial(_held, held, marks), share=share)

    def batches(self) -> Iterator[Batch]:
        """Every item once, in the same order each time; empty batches are left out.

        Raises:
            BadInput: there is no item.
        """
        count = 0
        for batch in self._read():
            count += len(batch)
            if len(batch):
                yield batch
        if not count:
            raise BadInput("holds no items", where=self.name)

    def take(self, most: int, *, seed: int = 0) -> Batch:
        """A uniform sample of ``most`` items in their order (all where there are fewer), in one pass of bounded memory.

        The sample depends on the seed and on the positions only: pools of equal items give equal samples.
        """
        sample = Sample(most, seed)
        for batch in self.batches():
            sample.add(batch)
        return sample.batch()

    def values(self, judge: Callable[[Batch], np.ndarray]) -> np.ndarray:
        """(n, ...) what ``judge`` says of every item, in order, in one pass; it looks at no other batch."""
        return np.concatenate([judge(batch) for batch in self.batches()])

    def all(self) -> Batch:
        """Everything at once: for methods that cannot stream."""
        return Batch.joined(list(self.batches()))


def labels_of(batch: Batch, where: str | None, method: str) -> np.ndarray:
    """The labels (n,).

    Raises:
        BadInput: there are none.
    """
    if batch.labels is None:
        raise BadInput(f"has no labels, which {method} needs", where=where, key="labels")
    return batch.labels


class Sample:
    """A uniform sample of a stream of batches: the items with the ``most`` smallest random numbers, one an item."""

    def __init__(self, most: int, seed: int = 0) -> None:
        self.most, self._rng = most, np.random.default_rng(seed)
        self._kept: list[tuple[float, int, Any, Any]] = []
        self._place = 0

    def add(self, batch: Batch) -> None:
        """The next batch of the stream."""
        draws = self._rng.random(len(batch))
        marks = [None] * len(batch) if batch.labels is None else list(batch.labels)
        places = range(self._place, self._place + len(batch))
        self._kept += list(zip(draws, places, batch.items, marks, strict=True))
        self._place += len(batch)
        if len(self._kept) > 2 * self.most + BATCH:
            self._kept = sorted(self._kept, key=lambda row: row[0])[: self.most]

    def batch(self) -> Batch:
        """The sample so far, in the stream's order."""
        kept = sorted(sorted(self._kept, key=lambda row: row[0])[: self.most], key=lambda row: row[1])
        items: Any = [row[2] for row in kept]
        if not isinstance(items[0], str):
            items = np.stack(items)
        return Batch(items, None if kept[0][3] is None else np.array([row[3] for row in kept]))


def _text(name: str, at: int, item: Any) -> str:
    if not isinstance(item, str):
        raise BadInput(
            f"item {at} is {type(item).__name__}, where text is needed",
            where=name,
            remedy="give strings, or an array of numbers",
        )
    return item if item.isascii() else _SURROGATE.sub("\ufffd", item)


def _held(items: Any, labels: np.ndarray | None) -> Iterator[Batch]:
    for start in range(0, len(items), BATCH):
        part = slice(start, start + BATCH)
        yield Batch(items[part], None if labels is None else labels[part])


def _some(held: Any, which: np.ndarray) -> Any:
    if isinstance(held, np.ndarray):
        return held[which]
    if isinstance(held, tuple):
        parts = [_some(each, which) for each in held]
        return type(held)(*parts) if hasattr(held, "_fields") else tuple(parts)
    return [held[i] for i in np.flatnonzero(which)] if which.dtype == bool else [held[i] for i in which]


def _whole(name: str, labels: Any) -> np.ndarray:
    marks = np.asarray(labels)
    if marks.ndim != 1 or not (np.issubdtype(marks.dtype, np.integer) or np.array_equal(marks, marks.astype(int))):
        raise BadInput("labels must be whole numbers, one an item", where=name, key="labels")
    return marks.astype(np.int64)
