"""What would flatter or spoil a score, counted while a pool is read: leaked runs of the reference, copies, odd texts.

No part of a score. ``leak`` is reported beside it, the rest becomes warnings; copies are left out of all sums.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from synthmix.statistics.count import UNSPACED
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.counts import item_hash
from synthmix.valuation.terms.term import COUNT, Sums, Term
from synthmix.valuation.words import hashed_words

RUN = 8  # words in a row: chance hardly ever repeats them
MOST_RUNS = 100_000  # of the reference, of more an even sample
REMEMBERED, MERGED = 4_000_000, 50_000  # items that a stream's copies are looked for among
SHORT = 0.1  # of the reference's median length
_LETTERS = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
_ODD = re.compile("[\ufffd\ud800-\udfff\x00-\x08\x0e-\x1f]")
_FILTER_BITS = 22


class Copies:
    """Which items of a stream came before, with their labels: the first :data:`REMEMBERED` different ones are known,
    at eight bytes each."""

    def __init__(self) -> None:
        self._old, self._new, self.count = np.zeros(0, np.uint64), set[int](), 0

    def left_out(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The stream without them; ``count`` is how many there were."""
        for batch in batches:
            again = self.of(batch)
            self.count += int(again.sum())
            if not again.any():
                yield batch
            elif not again.all():
                yield batch.rows(np.flatnonzero(~again))

    def of(self, batch: Batch) -> np.ndarray:
        """(n,) True where the same item stood before, here or in an earlier batch; empty texts are no copies."""
        marks = [None] * len(batch) if batch.labels is None else batch.labels.tolist()
        found = np.zeros(len(batch), bool)
        keys = np.array([_key(*each) for each in zip(batch.items, marks, strict=True)], np.uint64)
        place = np.minimum(np.searchsorted(self._old, keys), max(len(self._old) - 1, 0))
        old = self._old[place] == keys if len(self._old) else found.copy()
        room = len(self._old) + len(self._new) < REMEMBERED
        for at, key in enumerate(keys.tolist()):
            if isinstance(item := batch.items[at], str) and not item.strip():
                continue
            found[at] = old[at] or key in self._new
            if room and not found[at]:
                self._new.add(key)
        if len(self._new) >= MERGED:
            self._old = np.union1d(self._old, np.fromiter(self._new, np.uint64, len(self._new)))
            self._new = set()
        return found


def _key(item: Any, label: int | None) -> int:
    made = int.from_bytes(item_hash(item), "little")
    return made if label is None else (made + label * 0x9E3779B97F4A7C15) % 2**64


class Leak(Term):
    """Share of the reference's runs of :data:`RUN` words that stand in the pool, whatever stands between the words and
    whether they are capitals; and how many texts are empty, very short, or hold characters that no encoding has."""

    name = reads = "leak"

    def fit(self, reference: Pool) -> None:
        """Hash the runs."""
        runs, lengths = [np.zeros(0, np.uint64)], []
        for batch in reference.batches():
            runs.append(runs_of(batch.items)[0])
            lengths += [len(text) for text in batch.items]
        found = np.unique(np.concatenate(runs))
        step = -(-max(len(found), 1) // MOST_RUNS)
        self._runs = found[found % np.uint64(step) == 0] if step > 1 else found
        self._short = SHORT * float(np.median(lengths))
        self._maybe = np.zeros(1 << _FILTER_BITS, bool)
        self._maybe[_slot(self._runs)] = True

    def read(self, batch: Batch) -> Sums:
        """Places of each of the reference's runs, odd texts, and all."""
        runs, _ = runs_of(batch.items)
        runs = runs[self._maybe[_slot(runs)]]
        place = np.minimum(np.searchsorted(self._runs, runs), max(len(self._runs) - 1, 0))
        hits = place[self._runs[place] == runs] if len(self._runs) else place[:0]
        empty = sum(not text.strip() for text in batch.items)
        return {
            "runs": np.bincount(hits, minlength=len(self._runs)).astype(float),
            "empty": np.array(float(empty)),
            "short": np.array(float(sum(len(text) < self._short for text in batch.items) - empty)),
            "odd": np.array(float(sum(_ODD.search(text) is not None for text in batch.items))),
            COUNT: np.array(float(len(batch))),
        }

    def value(self, sums: Sums, without: int | None = None) -> float:
        """Between 0 and 1; 0 of a reference without so long a text."""
        return float((sums["runs"] > 0).mean()) if len(self._runs) else 0.0


def runs_of(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(hashes of all runs of :data:`RUN` words inside a text (m,), the number of each one's text (m,))."""
    words, lengths = hashed_words(texts, _LETTERS)
    owner = np.repeat(np.arange(len(texts)), lengths)
    size = len(words) - RUN + 1
    if size <= 0:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    made = np.zeros(size, np.uint64)
    for at in range(RUN):
        made = made * np.uint64(0x9E3779B97F4A7C15) + words[at : at + size]
    made ^= made >> np.uint64(29)
    inside = owner[:size] == owner[RUN - 1 :]
    return made[inside], owner[:size][inside]


def _slot(runs: np.ndarray) -> np.ndarray:
    return np.asarray((runs * np.uint64(0xD6E8FEB86659FD93)) >> np.uint64(64 - _FILTER_BITS))
