"""Terms that count items only.

``balance`` is the fourth term of arXiv 2511.13640 (FOUND); ``overlap`` is no part of any score, but a warning.
"""

from hashlib import blake2b
from typing import Any

import numpy as np

from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.term import COUNT, Sums, Term

HITS = "hits"

NATURAL = "natural"  # natural items; the valuer adds it, since it knows the pool's share


class Balance(Term):
    """sqrt(max(pi, 1 - pi) / n): a generalization term that falls with the size of the larger part."""

    name = reads = "balance"

    def read(self, batch: Batch) -> Sums:
        """The number of items; how many are natural is not theirs to say."""
        return {COUNT: np.array(float(len(batch)))}

    def value(self, sums: Sums, without: int | None = None) -> float:
        """In 1 / sqrt(items)."""
        n, share = self._share(sums)
        return float(np.sqrt(max(share, 1 - share) / n))

    def slope(self, sums: Sums) -> Sums:
        """By the number of items, at a fixed share."""
        n, _ = self._share(sums)
        return {COUNT: np.array(-self.value(sums) / (2 * n))}

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) the same for every item."""
        return np.full(len(batch), float(slope[COUNT]))

    @staticmethod
    def _share(sums: Sums) -> tuple[float, float]:
        n = max(float(sums[COUNT]), 1e-12)
        return n, float(sums.get(NATURAL, sums[COUNT])) / n


class SampleSize(Balance):
    """2 max(w, 1 - w) log(8 / delta) / n, w the share of natural items, without a root: the sample term of arXiv
    2511.13640 by its public reviews (FOUND; delta = .05 CHOSEN). Reads the sums of :class:`Balance`."""

    name, reads = "sample", "balance"
    delta = 0.05

    def value(self, sums: Sums, without: int | None = None) -> float:
        """In 1 / items."""
        n, share = self._share(sums)
        return float(2 * max(share, 1 - share) * np.log(8 / self.delta) / n)

    def slope(self, sums: Sums) -> Sums:
        """By the number of items, at a fixed share."""
        n, _ = self._share(sums)
        return {COUNT: np.array(-self.value(sums) / n)}


class Overlap(Term):
    """Share of items that are equal to one of the reference's, by an eight-byte hash of the item."""

    name = reads = "overlap"

    def fit(self, reference: Pool) -> None:
        """Hash the reference: a hundred bytes an item."""
        self._known = {item_hash(item) for batch in reference.batches() for item in batch.items}

    def read(self, batch: Batch) -> Sums:
        """Items found in the reference, and all."""
        hits = sum(item_hash(item) in self._known for item in batch.items)
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
        hits = np.array([item_hash(item) in self._known for item in batch.items], float)
        return np.asarray(hits * float(slope[HITS]) + float(slope[COUNT]))


def item_hash(item: Any) -> bytes:
    """Eight bytes of a text or of an array's row: equal items have equal ones."""
    held = item.encode("utf-8", "surrogatepass") if isinstance(item, str) else np.ascontiguousarray(item).tobytes()
    return blake2b(held, digest_size=8).digest()
