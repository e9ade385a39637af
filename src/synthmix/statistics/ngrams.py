"""n-grams of token ids as sorted integers with counts: exact, mergeable, in memory or memory-mapped.

An n-gram is ``n`` successive tokens of one document: a window that holds an end-of-document token is none, so nothing
crosses a boundary. A window of ids below ``2**bits`` is the integer with those ids as its digits, first id highest:
the order of the integers is the order of the n-grams, and ``n * bits`` must fit into 64. Tables that do not fit into
memory are merged and compared range of keys by range of keys.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KEY, COUNT = np.dtype("<u8"), np.dtype("<i8")
BLOCK = 2**22  # entries of all tables together that are held at once
HELD = 2**24  # n-grams that are tallied at once, and distinct ones that are held before they are spilled


@dataclass(frozen=True)
class NgramCounts:
    """``keys``: uint64, sorted, distinct, shape (types,); ``counts``: int64, above zero, same shape."""

    n: int
    vocab_size: int
    keys: np.ndarray
    counts: np.ndarray
    total: int

    def __len__(self) -> int:
        return len(self.keys)

    def __add__(self, other: "NgramCounts") -> "NgramCounts":
        """The counts of both texts together.

        Raises:
            ValueError: n-grams of another length or vocabulary.
        """
        check_same((self, other))
        return merged((self, other))

    def ids(self, which: slice | np.ndarray = slice(None)) -> np.ndarray:
        """The n-grams as token ids, int64, shape (types, n)."""
        return unpack(self.keys[which], self.n, self.vocab_size)

    def save(self, folder: Path) -> Path:
        """Write both columns to ``folder``, from which :func:`opened` maps them."""
        folder.mkdir(parents=True, exist_ok=True)
        np.ascontiguousarray(self.keys, dtype=KEY).tofile(folder / "keys.u8")
        np.ascontiguousarray(self.counts, dtype=COUNT).tofile(folder / "counts.i8")
        return folder


def opened(folder: Path, n: int, vocab_size: int) -> NgramCounts:
    """What :meth:`NgramCounts.save` wrote, memory-mapped."""
    if not (folder / "keys.u8").stat().st_size:
        return empty(n, vocab_size)
    counts = np.memmap(folder / "counts.i8", dtype=COUNT, mode="r")
    return NgramCounts(n, vocab_size, np.memmap(folder / "keys.u8", dtype=KEY, mode="r"), counts, int(counts.sum()))


def empty(n: int, vocab_size: int) -> NgramCounts:
    """No n-grams yet."""
    return NgramCounts(n, vocab_size, np.empty(0, KEY), np.empty(0, COUNT), 0)


def bits_of(vocab_size: int) -> int:
    """Bits that an id below ``vocab_size`` takes."""
    return max(1, (vocab_size - 1).bit_length())


def check_packable(n: int, vocab_size: int) -> None:
    """Raises ValueError where n-grams of such a vocabulary do not fit into 64 bits, or ``n`` is below one."""
    if n < 1:
        raise ValueError(f"n-grams of {n} tokens")
    if n * bits_of(vocab_size) > 64:
        raise ValueError(f"{n}-grams of a vocabulary of {vocab_size} ids do not fit into 64 bits; count shorter ones")


def check_same(tables: Iterable[NgramCounts]) -> None:
    """Raises ValueError unless all count n-grams of one length and vocabulary."""
    kinds = {(table.n, table.vocab_size) for table in tables}
    if len(kinds) > 1:
        told = " and ".join(f"{n}-grams of {size} ids" for n, size in sorted(kinds))
        raise ValueError(f"counts of different n-grams: {told}")


def pack(tokens: np.ndarray, n: int, vocab_size: int, eos: int | None) -> np.ndarray:
    """The n-grams of ``tokens`` in reading order, uint32 where they fit and else uint64; none that holds ``eos``.

    Raises:
        ValueError: an id outside the vocabulary, or n-grams too long for 64 bits.
    """
    check_packable(n, vocab_size)
    if len(tokens) and int(tokens.max()) >= vocab_size:
        raise ValueError(f"token id {int(tokens.max())} in a vocabulary of {vocab_size}")
    if len(tokens) < n:
        return np.empty(0, dtype=np.uint32)
    bits, windows = bits_of(vocab_size), len(tokens) - n + 1
    kind = np.uint32 if n * bits <= 32 else np.uint64
    keys = tokens[:windows].astype(kind)
    for step in range(1, n):
        np.left_shift(keys, kind(bits), out=keys)
        np.bitwise_or(keys, tokens[step : step + windows].astype(kind, copy=False), out=keys)
    if eos is None:
        return keys
    within = tokens != eos
    inside = within[:windows].copy()
    for step in range(1, n):
        inside &= within[step : step + windows]
    return keys[inside]


def unpack(keys: np.ndarray, n: int, vocab_size: int) -> np.ndarray:
    """Token ids of packed n-grams, int64, shape (len(keys), n)."""
    bits = bits_of(vocab_size)
    mask, keys = np.uint64((1 << bits) - 1), np.asarray(keys, dtype=np.uint64)
    return np.stack([(keys >> np.uint64(bits * (n - 1 - i))) & mask for i in range(n)], axis=-1).astype(np.int64)


def tallied(keys: np.ndarray, n: int, vocab_size: int) -> NgramCounts:
    """Counts of packed n-grams in any order (sorted in place)."""
    keys.sort()
    first = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), dtype=bool), keys[1:] != keys[:-1]]))
    counts = np.diff(np.append(first, len(keys))).astype(COUNT)
    return NgramCounts(n, vocab_size, keys[first].astype(KEY), counts, len(keys))


def merged(tables: Iterable[NgramCounts]) -> NgramCounts:
    """The counts of several texts together, in memory: associative, and in any order the same."""
    tables = list(tables)
    if len(tables) == 1:
        return tables[0]
    keys = np.concatenate([table.keys for table in tables])
    order = np.argsort(keys, kind="stable")  # finds the sorted runs and merges them
    keys = keys[order]
    first = np.flatnonzero(np.concatenate([np.ones(min(len(keys), 1), dtype=bool), keys[1:] != keys[:-1]]))
    counts = np.concatenate([table.counts for table in tables])[order]
    summed = np.add.reduceat(counts, first) if len(first) else counts
    return NgramCounts(tables[0].n, tables[0].vocab_size, keys[first], summed, sum(table.total for table in tables))


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
