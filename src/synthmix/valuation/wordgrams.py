"""Words and word pairs that a reference knows, counted in other text by buckets.

What scikit-learn's HashingVectorizer counts, of known words alone: words are numbered by one dictionary of the
reference's and pairs are made of numbers, so that no string of a pair is ever built (docs/log.md has the times).
"""

import re
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

_WORD = re.compile(r"\b\w\w+\b")  # scikit-learn's: two letters or more


class WordGrams:
    """Counts of words, and of words beside each other, of ``texts``' vocabulary in ``buckets``."""

    def __init__(self, texts: Sequence[str], buckets: int, *, pairs: bool = True) -> None:
        self.buckets, self.pairs = buckets, pairs
        known = dict.fromkeys(word for text in texts for word in _WORD.findall(text.lower()))
        self._numbers = _Numbers((word, at) for at, word in enumerate(known, start=1))
        self._codes = np.array([0, *(zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in known)], np.uint64)

    def places(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(number of the text, bucket) of every known word, then of every pair of known words."""
        numbers: list[int] = []
        lengths = []
        for text in texts:
            before = len(numbers)
            numbers.extend(map(self._numbers.__getitem__, _WORD.findall(text.lower())))
            lengths.append(len(numbers) - before)
        ids, owner = np.array(numbers, np.int64), np.repeat(np.arange(len(texts)), lengths)
        code, known = self._codes[ids], ids > 0
        if not self.pairs:
            return owner[known], self._bucket(code[known])
        both = np.flatnonzero(known[1:] & known[:-1] & (owner[1:] == owner[:-1]))
        pair = (code[both] << np.uint64(32)) | code[both + 1]
        return np.concatenate([owner[known], owner[both]]), self._bucket(np.concatenate([code[known], pair]))

    def counts(self, texts: Sequence[str]) -> Any:
        """A sparse matrix (n, buckets), float32."""
        from scipy.sparse import csr_matrix

        rows, columns = self.places(texts)
        return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(len(texts), self.buckets))

    def _bucket(self, codes: np.ndarray) -> np.ndarray:
        """By Fibonacci hashing after one round of xor and multiply."""
        mixed = (codes ^ (codes >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(32))) * np.uint64(0x9E3779B97F4A7C15)
        return np.asarray((mixed >> np.uint64(33)) % np.uint64(self.buckets)).astype(np.int64)


class _Numbers(dict[str, int]):
    """0 for a word that is not known."""

    def __missing__(self, word: str) -> int:
        return 0
