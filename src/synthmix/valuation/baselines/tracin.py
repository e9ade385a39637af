"""How much training on a pool lowers the reference's loss, to first order, along the way."""

from typing import Any

import numpy as np

from synthmix.valuation.baselines.base import Counted, Found
from synthmix.valuation.baselines.graded import Graded, On
from synthmix.valuation.pool import Pool


class TracIn(Graded):
    """Sum over checkpoints of eta times the product of the mean loss gradients of candidate and reference: Pruthi et
    al., "Estimating Training Data Influence by Tracing Gradient Descent" (NeurIPS 2020), section 3.2 (TracInCP).

    FOUND: the sum over checkpoints of the training on the pool. CHOSEN: the means over documents make it a dataset's;
    four checkpoints, each in the middle of the steps that it stands for; gradients projected. So it trains on every
    candidate; ``on="reference"`` takes the checkpoints of one training on half of the reference instead.
    """

    name = "tracin"
    on: On = "pool"
    stops = 4
    asks = 200  # they are asked of at every checkpoint of every candidate

    def _fit(self, reference: Pool) -> None:
        on, self.on = self.on, "pool"  # no model of the end of training is needed
        super()._fit(reference)
        self.on = on
        self.path = None if on == "pool" else self._checkpoints(self.taught)

    def _value(self, pool: Counted) -> Found:
        influences = self.documents(pool)
        return Found(influences.mean(), {"harmful": np.mean(influences < 0)}, influences.nbytes, each=influences)

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,): influences of the sampled documents, in order."""
        batch, total = self._sample(pool), np.zeros(0)
        for checkpoint in self.path or self._checkpoints(pool):
            gradients = self._gradients(checkpoint.model)
            target = self._each(gradients, self.asked).mean(axis=0)
            found = checkpoint.rate * (self._each(gradients, batch) @ target)
            total = found if not len(total) else total + found
        return total

    def _checkpoints(self, pool: Pool) -> Any:
        if self.on == "initial":
            from synthmix.valuation.learners import Checkpoint

            return [Checkpoint(self.learner.initial(self.seed), 1.0)]
        return self.learner.path(pool, seed=self.seed, stops=self.stops)
