"""A number that has nothing to do with worth."""

from hashlib import blake2b

import numpy as np

from synthmix.valuation.baselines.base import Baseline, Counted, Found


class Chance(Baseline):
    """Uniform on [0, 1), drawn from the seed and the documents: equal data score equal, whatever their name."""

    name = "random"

    def _value(self, pool: Counted) -> Found:
        digest = blake2b(digest_size=8)
        for batch in pool.batches():
            items = batch.items
            texts = [items.tobytes()] if isinstance(items, np.ndarray) else [text.encode() for text in items]
            for each in [*texts, *([] if batch.labels is None else [batch.labels.tobytes()])]:
                digest.update(each)
        return Found(float(np.random.default_rng([self.seed, int.from_bytes(digest.digest(), "big")]).random()))
