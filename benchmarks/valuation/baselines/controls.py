"""What knows nothing of worth: the number of documents, their length, chance."""

from hashlib import blake2b

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.methods.baseline import Baseline, CountedPool, Result


class Size(Baseline):
    """The number of documents; terms: words (text) or numbers (arrays)."""

    name = "size"

    def _value(self, pool: CountedPool) -> Result:
        amount = 0
        for batch in pool.batches():
            amount += (
                batch.items.size if isinstance(batch.items, np.ndarray) else sum(len(t.split()) for t in batch.items)
            )
        return Result(pool.count, {"amount": amount})


class MeanLength(Baseline):
    """Mean number of words of a document; for text only."""

    name = "mean_length"

    def _value(self, pool: CountedPool) -> Result:
        words = 0
        for batch in pool.batches():
            if isinstance(batch.items, np.ndarray):
                raise BadInput(f"an array, where {self.name} needs text", where=pool.name)
            words += sum(len(text.split()) for text in batch.items)
        return Result(words / pool.count, {"words": words})


class Chance(Baseline):
    """Uniform on [0, 1), drawn from the seed and the documents: equal data score equal, whatever their name."""

    name = "random"

    def _value(self, pool: CountedPool) -> Result:
        digest = blake2b(digest_size=8)
        for batch in pool.batches():
            items = batch.items
            texts = [items.tobytes()] if isinstance(items, np.ndarray) else [text.encode() for text in items]
            for each in [*texts, *([] if batch.labels is None else [batch.labels.tobytes()])]:
                digest.update(each)
        return Result(float(np.random.default_rng([self.seed, int.from_bytes(digest.digest(), "big")]).random()))
