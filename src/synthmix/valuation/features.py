"""What terms make of a batch: objects that are made once for a reference, so that terms share what they made."""

from collections.abc import Callable
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.theory.mmd import fourier_features, median_distance
from synthmix.theory.products import rounded
from synthmix.valuation.encoding import Encoder
from synthmix.valuation.pool import Batch, Pool

SAMPLE = 2000  # items of the reference that fix a bandwidth
# Of a lifted feature, whose squares sum to about 2 an item: products are multiples of 2^-36, so that their sums are
# exact, and add up to the last bit, for up to 2^16 items. What is lost is a thousandth of the smallest ridge.
LIFTED_BITS = 18


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


class Lifted:
    """The encoder's features and random Fourier features of a Gaussian kernel of the reference's median distance.

    A linear part and a smooth one (CHOSEN): a kernel regression on them is linear in the items, whatever their number.
    Both parts have a mean square of 1 over the reference.
    """

    def __init__(
        self, encode: Callable[[Batch], np.ndarray], reference: Pool, *, features: int = 256, seed: int = 0
    ) -> None:
        self.encode, self.features, self.seed = encode, features, seed
        rows = encode(reference.take(SAMPLE, seed=seed))
        self.bandwidth = median_distance(rows, seed=seed)
        self._scale = float(np.sqrt((rows.astype(float) ** 2).sum(axis=1).mean())) or 1.0

    def __call__(self, batch: Batch) -> np.ndarray:
        rows = batch.by(self.encode)
        made = [rows / self._scale]
        if self.features:
            made.append(fourier_features(rows, self.bandwidth, features=self.features, seed=self.seed))
        return rounded(np.concatenate(made, axis=1), LIFTED_BITS)


class Tokenized:
    """Documents of token ids of a batch of texts, by anything with ``encode_batch``."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, batch: Batch) -> list[np.ndarray]:
        if isinstance(batch.items, np.ndarray):
            raise BadInput("an array, where the reference is text", remedy="give both sides in one form")
        return [np.asarray(ids, dtype=np.int64) for ids in self.tokenizer.encode_batch(batch.items)]
