"""The share of a pool's items that stand in the reference too: not a part of any score, but said aloud."""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any

import numpy as np

from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.term import COUNT, Sums

HITS = "hits"


class Overlap:
    """Share of items that are equal to one of the reference's, by an eight-byte hash of the item."""

    name = reads = "overlap"
    scale = 1.0
    most: int | None = None
    prepares: Callable[[Batch], Any] | None = None

    def fit(self, reference: Pool) -> None:
        """Hash the reference: a hundred bytes an item."""
        self._known = {_hash(item) for batch in reference.batches() for item in batch.items}

    def read(self, batch: Batch) -> Sums:
        """Items found in the reference, and all."""
        hits = sum(_hash(item) in self._known for item in batch.items)
        return {HITS: np.array(float(hits)), COUNT: np.array(float(len(batch)))}

    def value(self, sums: Sums, without: int | None = None) -> float:
        """Between 0 and 1."""
        return float(sums[HITS]) / max(float(sums[COUNT]), 1e-12)

    def slope(self, sums: Sums) -> Sums:
        """Of a mean."""
        n = max(float(sums[COUNT]), 1e-12)
        return {HITS: np.array(1 / n), COUNT: np.array(-float(sums[HITS]) / n**2)}

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) change of the share by one more of each item."""
        hits = np.array([_hash(item) in self._known for item in batch.items], float)
        return np.asarray(hits * float(slope[HITS]) + float(slope[COUNT]))


def _hash(item: Any) -> bytes:
    held = item.encode() if isinstance(item, str) else np.ascontiguousarray(item).tobytes()
    return blake2b(held, digest_size=8).digest()
