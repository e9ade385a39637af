"""n-grams of token ids as sorted integers with counts: exact, mergeable, in memory or memory-mapped.

An n-gram is ``n`` successive tokens of one document: a window that holds an end-of-document token is none, so nothing
crosses a boundary. A window of ids below ``2**bits`` is the integer with those ids as its digits, first id highest:
the order of the integers is the order of the n-grams, and ``n * bits`` must fit into 64.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

KEY, COUNT = np.dtype("<u8"), np.dtype("<i8")


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
