"""The paper's fourth term: sqrt(max(pi, 1 - pi) / n) of n items with a share pi of natural ones (FOUND, 2511.13640)."""

from collections.abc import Callable
from typing import Any

import numpy as np

from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.term import COUNT, Sums

NATURAL = "natural"  # natural items; the valuer adds it, since it knows the pool's share


class Balance:
    """sqrt(max(pi, 1 - pi) / n): a generalization term that falls with the size of the larger part."""

    name = reads = "balance"
    scale = 1.0
    most: int | None = None
    prepares: Callable[[Batch], Any] | None = None

    def fit(self, reference: Pool) -> None:
        """Nothing depends on the reference."""

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
