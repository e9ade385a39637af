"""What the models of the sentiment task's truth read: hashed words, nothing of any reference in it."""

from typing import Any, Self

import numpy as np

from synthmix.valuation.pool import Pool


class HashedWords:
    """Signed counts of words in ``width`` buckets, rows of length 1.

    Not the encoder of the methods: the truth must not share their view of the text.
    """

    def __init__(self, width: int = 4096) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        self.width = width
        self._hash = HashingVectorizer(n_features=width, norm="l2", token_pattern=r"\w+|[^\w\s]")

    def fit(self, reference: Pool) -> Self:
        """There is nothing to fit."""
        return self

    def encode(self, items: Any) -> np.ndarray:
        """Features (n, width), float32."""
        return np.asarray(self._hash.transform(items).toarray(), dtype=np.float32)
