"""Tables of n-grams that need not fit into memory: merged and compared range of keys by range of keys."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from synthmix.statistics.ngrams import COUNT, KEY, NgramCounts, check_same, empty, merged, opened, tallied

BLOCK = 2**22  # entries of all tables together that are held at once
HELD = 2**24  # n-grams that are tallied at once, and distinct ones that are held before they are spilled


def ranges(tables: Sequence[NgramCounts], block: int = BLOCK) -> Iterator[list[NgramCounts]]:
    """The same range of keys of every table, range after range: at most about ``block`` entries in all together."""
    sizes = sum(len(table) for table in tables)
    pieces = -(-sizes // block) if sizes else 0
    starts = [0] * len(tables)
    for edge in _edges(tables, pieces):
        stops = [len(t) if edge is None else int(np.searchsorted(t.keys, edge)) for t in tables]
        yield [_part(t, start, stop) for t, start, stop in zip(tables, starts, stops, strict=True)]
        starts = stops


def aligned(tables: Sequence[NgramCounts], block: int = BLOCK) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """``keys`` (types,) that any table holds and ``counts`` (tables, types), zero where one lacks it; in blocks.

    Raises:
        ValueError: n-grams of different lengths or vocabularies.
    """
    check_same(tables)
    for parts in ranges(tables, block):
        keys = np.unique(np.concatenate([part.keys for part in parts]))
        counts = np.zeros((len(tables), len(keys)), dtype=COUNT)
        for row, part in zip(counts, parts, strict=True):
            row[np.searchsorted(keys, part.keys)] = part.counts
        yield keys, counts


def merge_runs(tables: Sequence[NgramCounts], folder: Path | None = None, block: int = BLOCK) -> NgramCounts:
    """The counts of several texts together.

    With ``folder`` the result is written there and memory-mapped: about ``block`` entries are held, whatever the size.

    Raises:
        ValueError: no table, or n-grams of different lengths or vocabularies.
    """
    if not tables:
        raise ValueError("nothing to merge")
    check_same(tables)
    if folder is None or sum(len(table) for table in tables) <= block:
        return merged(tables)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "keys.u8").open("wb") as keys, (folder / "counts.i8").open("wb") as counts:
        for parts in ranges(tables, block):
            whole = merged(parts)
            whole.keys.astype(KEY, copy=False).tofile(keys)
            whole.counts.astype(COUNT, copy=False).tofile(counts)
    return opened(folder, tables[0].n, tables[0].vocab_size)


class Gathering:
    """Tallies packed n-grams many at a time, merges the tallies when they are many, spills what grows too large."""

    def __init__(self, n: int, vocab_size: int, scratch: Path | None = None, held: int = HELD) -> None:
        self.n, self.vocab_size, self.scratch, self.held = n, vocab_size, scratch, held
        self._keys: list[np.ndarray] = []
        self._tables: list[NgramCounts] = []
        self._spilled: list[NgramCounts] = []

    def add(self, keys: np.ndarray) -> None:
        """Packed n-grams in any order."""
        self._keys.append(keys)
        if sum(map(len, self._keys)) >= self.held:
            self._tally()

    def result(self) -> NgramCounts:
        """Everything that was added; memory-mapped in ``scratch`` when it was spilled."""
        self._tally()
        tables = [*self._spilled, *self._tables] or [empty(self.n, self.vocab_size)]
        return merge_runs(tables, self.scratch / "merged" if self._spilled and self.scratch is not None else None)

    def _tally(self) -> None:
        if not self._keys:
            return
        self._tables.append(tallied(np.concatenate(self._keys), self.n, self.vocab_size))
        self._keys = []
        if sum(map(len, self._tables)) <= self.held:
            return
        whole = merged(self._tables)
        self._tables = [whole]
        if self.scratch is not None and 2 * len(whole) > self.held:  # else merging would begin again at each tally
            folder = whole.save(self.scratch / f"run-{len(self._spilled):05d}")
            self._spilled.append(opened(folder, self.n, self.vocab_size))
            self._tables = []


def _edges(tables: Sequence[NgramCounts], pieces: int) -> list[np.uint64 | None]:
    """Keys that cut all tables together into about equal pieces; None for the end."""
    if pieces <= 1:
        return [None] if pieces else []
    step = max(1, sum(len(table) for table in tables) // (64 * pieces))
    every = np.sort(np.concatenate([np.asarray(table.keys[::step]) for table in tables]))
    cuts = np.unique(every[np.linspace(0, len(every), pieces + 1)[1:-1].astype(np.int64)])
    return [*cuts, None]


def _part(table: NgramCounts, start: int, stop: int) -> NgramCounts:
    counts = np.asarray(table.counts[start:stop])
    return NgramCounts(table.n, table.vocab_size, np.asarray(table.keys[start:stop]), counts, int(counts.sum()))
