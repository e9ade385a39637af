"""How long documents are."""

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.baselines.base import Baseline, Counted, Found


class MeanLength(Baseline):
    """Mean number of words of a document; for text only."""

    name = "mean_length"

    def _value(self, pool: Counted) -> Found:
        words = 0
        for batch in pool.batches():
            if isinstance(batch.items, np.ndarray):
                raise BadInput(f"an array, where {self.name} needs text", where=pool.name)
            words += sum(len(text.split()) for text in batch.items)
        return Found(words / pool.count, {"words": words})
