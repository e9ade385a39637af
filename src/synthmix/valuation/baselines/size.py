"""How much there is."""

import numpy as np

from synthmix.valuation.baselines.base import Baseline, Counted, Found


class Size(Baseline):
    """The number of documents; terms: words (text) or numbers (arrays)."""

    name = "size"

    def _value(self, pool: Counted) -> Found:
        amount = 0
        for batch in pool.batches():
            amount += (
                batch.items.size if isinstance(batch.items, np.ndarray) else sum(len(t.split()) for t in batch.items)
            )
        return Found(pool.count, {"amount": amount})
