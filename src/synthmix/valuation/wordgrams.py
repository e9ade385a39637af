"""Words and word pairs that a reference knows, counted in other text.

What scikit-learn's CountVectorizer counts with a fixed vocabulary; words are numbered by one dictionary and pairs are
made of numbers, so that no string of a pair is ever built (docs/log.md has the times).
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

_WORD = re.compile(r"\b\w\w+\b")  # scikit-learn's: two letters or more


class WordGrams:
    """Columns for the words, and words beside each other, of ``texts``; of more than ``most`` those of the fewest texts
    are left out.

    Attributes:
        columns: how many there are.
    """

    def __init__(self, texts: Sequence[str], *, pairs: bool = True, most: int = 2**18) -> None:
        self.pairs = pairs
        known = dict.fromkeys(word for text in texts for word in _WORD.findall(text.lower()))
        self._numbers = _Numbers((word, at) for at, word in enumerate(known, start=1))
        owner, codes = self._codes(texts)
        keys, number = np.unique(codes, return_inverse=True)
        seen = np.unique(np.stack([number, owner]), axis=1)[0]  # each text counts once
        frequent = np.sort(np.argsort(-np.bincount(seen, minlength=len(keys)), kind="stable")[:most])
        self._keys = keys[frequent] if len(keys) else np.array([-1])  # without a word one column that none has
        self.columns = len(self._keys)

    def counts(self, texts: Sequence[str]) -> Any:
        """A sparse matrix (n, columns), float32."""
        from scipy.sparse import csr_matrix

        owner, codes = self._codes(texts)
        column = np.searchsorted(self._keys, codes)
        column[column == self.columns] = 0
        hit = self._keys[column] == codes
        held = np.ones(int(hit.sum()), np.float32)
        return csr_matrix((held, (owner[hit], column[hit])), shape=(len(texts), self.columns))

    def _codes(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """(number of the text, code) of every known word, then of every pair of known words."""
        numbers: list[int] = []
        lengths = []
        for text in texts:
            before = len(numbers)
            numbers.extend(map(self._numbers.__getitem__, _WORD.findall(text.lower())))
            lengths.append(len(numbers) - before)
        ids, owner = np.array(numbers, np.int64), np.repeat(np.arange(len(texts)), lengths)
        known = ids > 0
        if not self.pairs:
            return owner[known], ids[known]
        both = np.flatnonzero(known[1:] & known[:-1] & (owner[1:] == owner[:-1]))
        pair = ids[both] * (len(self._numbers) + 1) + ids[both + 1]  # above every single word's number
        return np.concatenate([owner[known], owner[both]]), np.concatenate([ids[known], pair])


class _Numbers(dict[str, int]):
    """0 for a word that is not known."""

    def __missing__(self, word: str) -> int:
        return 0
