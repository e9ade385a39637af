"""Is any of these n-grams one of those? A table of bytes first, which loses nothing and answers most; then exactly."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from synthmix.batching import batched
from synthmix.generation.words import Words, words_of

_BATCH_CHARACTERS = 1_000_000
_MAX_TABLE = 2**28


class HashSet:
    """``values``: different hashes, uint64, sorted, shape (n,). 16 to 24 bytes each while there are few (the table
    stops at 256 MB)."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        slots = min(_MAX_TABLE, 1 << max(8 * len(values) - 1, 2**12).bit_length())
        self._mask = np.uint64(slots - 1)
        self._table = np.zeros(slots, dtype=bool)
        self._table[values & self._mask] = True

    def find(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in ``hashes`` a value of the set stands, and where in the set that value does."""
        if not len(self.values):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        likely = np.flatnonzero(self._table.take((hashes & self._mask).view(np.int64)))
        at = np.minimum(np.searchsorted(self.values, hashes[likely]), len(self.values) - 1)
        same = self.values[at] == hashes[likely]
        return likely[same], at[same]


class NgramIndex:
    """The n-grams of words of some texts. One that was not indexed counts as found with a probability of 2^-64 times
    the n-grams indexed.

    Args:
        batches: batches of texts.
        n: words of an n-gram.
        short: n-grams of fewer words, down to this many, are indexed where a whole text is one; 0: none.
    """

    def __init__(self, batches: Iterable[Sequence[str]], n: int, *, short: int = 0) -> None:
        found: dict[int, list[np.ndarray]] = {n: []}
        for batch in batches:
            words = words_of(batch)
            found[n].append(np.unique(words.ngrams(n)[0]))
            for size in sorted({int(count) for count in words.counts if short and short <= count < n}):
                found.setdefault(size, []).append(words.windows(size)[words.bounds[:-1][words.counts == size]])
        self.n = n
        self._sets = {size: HashSet(np.unique(np.concatenate(parts))) for size, parts in found.items() if parts}

    def __len__(self) -> int:
        return sum(len(one.values) for one in self._sets.values())

    def counts(self, words: Words) -> np.ndarray:
        """How many n-grams of each text are indexed, int64, shape (texts,)."""
        total = np.zeros(len(words.bounds) - 1, dtype=np.int64)
        for size, known in self._sets.items():
            text, _ = within(words, known.find(words.windows(size))[0], size)
            total += np.bincount(text, minlength=len(total))
        return total


def within(words: Words, positions: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Of windows of ``n`` words that begin at ``positions``: the text of each that does not cross into the next one,
    and which they are (bool, shape of ``positions``)."""
    text = np.searchsorted(words.bounds, positions, side="right") - 1
    inside = positions + n <= words.bounds[text + 1]
    return text[inside], inside


def batches_of(texts: Iterable[str]) -> Iterator[list[str]]:
    """``texts`` in batches of about a million characters."""
    return batched(texts, len, _BATCH_CHARACTERS)
