"""From items to feature vectors (n, d) that are fixed by the reference: no candidate changes another's."""

import re
from collections.abc import Sequence
from typing import Any, Protocol, Self

import numpy as np

from synthmix.errors import BadInput
from synthmix.theory.products import ExactProduct
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.term import block_of

_WORD = re.compile(r"\b\w\w+\b")  # scikit-learn's: two letters or more

SAMPLE = 20_000  # items of the reference from which an encoder is fitted
ROWS = 2_048  # texts whose products with each other give the directions: more cost their cube


class Encoder(Protocol):
    """Fitted on the reference once."""

    def fit(self, reference: Pool) -> Self:
        """Fix everything: vocabulary weights, directions, scales."""
        ...

    def encode(self, items: Any) -> np.ndarray:
        """Features (n, d), float32; those of an item do not depend on the items beside it."""
        ...

    def seen(self, items: int) -> np.ndarray:
        """(items,) True for those of the reference's items that directions were fitted to: they lie nearer to them
        than any other text does, so that even text of the reference's own kind would seem far from it."""
        ...


def half(items: int) -> np.ndarray:
    """(items,) the half to which directions are fitted; all of a handful."""
    return block_of(np.arange(items), 2) == 0 if items > 3 else np.ones(items, bool)


class TextEncoder:
    """The reference's words and word pairs, TF-IDF weighted, on the leading directions of the reference; no download.

    CHOSEN (science file, "Text features need no download"): the leading right singular vectors of the reference's rows,
    then rows of length 1. The vectors come from the products of the rows with each other, which are exact and far
    smaller than rows of so many columns. A word that the reference does not have is 0 in every direction and is not
    counted.
    """

    def __init__(self, width: int = 256, *, pairs: bool = True, seed: int = 0) -> None:
        self.width, self.pairs, self.seed = width, pairs, seed

    def fit(self, reference: Pool) -> Self:
        """Weights of half of at most :data:`SAMPLE` texts, directions of at most :data:`ROWS` of these."""
        from sklearn.feature_extraction.text import TfidfTransformer

        texts = reference.take(SAMPLE, seed=self.seed).items
        texts = [text for text, fits in zip(texts, half(len(texts)), strict=True) if fits]
        self._grams = WordGrams(texts, pairs=self.pairs)
        counts = self._grams.counts(texts)
        self._weights = TfidfTransformer(sublinear_tf=True).fit(counts)
        rows = self._weights.transform(counts[:ROWS])
        values, vectors = np.linalg.eigh((rows @ rows.T).toarray().astype(float))
        kept = np.flatnonzero(values > 1e-6 * max(values[-1], 1e-12))[::-1][: max(1, min(self.width, len(texts) - 1))]
        self._directions = rows.T @ (vectors[:, kept] / np.sqrt(values[kept])).astype(np.float32)
        return self

    def encode(self, items: Any) -> np.ndarray:
        """Features (n, width) of texts; a text without a known word is 0."""
        if isinstance(items, np.ndarray):
            raise BadInput("an array, where the reference is text", remedy="give both sides in one form")
        rows = self._weights.transform(self._grams.counts(items))
        made = np.asarray(rows @ self._directions)
        lengths = np.linalg.norm(made, axis=1, keepdims=True)
        return np.asarray(made / np.maximum(lengths, 1e-9), dtype=np.float32)

    def seen(self, items: int) -> np.ndarray:
        """Half of them."""
        return half(items) if items > 3 else np.zeros(items, bool)


class ArrayEncoder:
    """Arrays (n, ...) flattened, centred and scaled by the reference, on its leading directions beyond ``width``."""

    def __init__(self, width: int = 256, *, seed: int = 0) -> None:
        self.width, self.seed = width, seed

    def fit(self, reference: Pool) -> Self:
        """Mean, one scale for all columns, and directions."""
        rows = self._flat(reference.take(SAMPLE, seed=self.seed).items)
        self._columns, self._mean = rows.shape[1], rows.mean(axis=0)
        centred = rows - self._mean
        self._scale = float(np.sqrt((centred**2).mean())) or 1.0
        self._directions: ExactProduct | None = None
        if rows.shape[1] > self.width:
            found = np.linalg.svd(centred[half(len(centred))][:4000], full_matrices=False)[2]
            self._directions = ExactProduct(found[: self.width].T)
        return self

    def encode(self, items: Any) -> np.ndarray:
        """Features (n, d).

        Raises:
            BadInput: other sizes than the reference's, or values that are not finite.
        """
        rows = self._flat(items)
        if rows.shape[1] != self._columns:
            raise BadInput(f"features of size {rows.shape[1]}, where the reference has {self._columns}")
        if not np.isfinite(rows).all():
            raise BadInput("holds values that are not finite", remedy="drop or mend those rows")
        made = (rows - self._mean) / self._scale
        return np.asarray(made if self._directions is None else self._directions(made), dtype=np.float32)

    def seen(self, items: int) -> np.ndarray:
        """Half of them, where directions were fitted; none where only the mean and the scale were."""
        return half(items) if self._directions is not None and items > 3 else np.zeros(items, bool)

    @staticmethod
    def _flat(items: Any) -> np.ndarray:
        if not isinstance(items, np.ndarray):
            raise BadInput("text, where the reference is an array", remedy="give both sides in one form")
        return items.reshape(len(items), -1).astype(np.float64)


def encoder_for(reference: Pool) -> Encoder:
    """The default for what the reference holds, fitted."""
    first = next(iter(reference.batches())).items
    return (ArrayEncoder() if isinstance(first, np.ndarray) else TextEncoder()).fit(reference)


class Encoded:
    """Features (n, d) by an encoder that is fitted already."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder

    def seen(self, items: int) -> np.ndarray:
        """(items,) True where the encoder was fitted to the reference's item."""
        return self.encoder.seen(items)

    def __call__(self, batch: Batch) -> np.ndarray:
        made = self.encoder.encode(batch.items)
        if not np.isfinite(made).all():
            raise BadInput("features are not finite", remedy="drop or mend those items, or take another encoder")
        return made


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
