"""Influence on projected gradients, and along a training."""

from typing import Any

import numpy as np

from synthmix.valuation.methods.baseline import CountedPool, Result
from synthmix.valuation.methods.influence import GradientMethod, On, damped_solve
from synthmix.valuation.pool import Pool


class LoGra(GradientMethod):
    """Mean over documents of g_V' (F + lambda I)^-1 g(x): Choe et al., "What is Your Data Worth to GPT?" (arXiv
    2405.13954).

    FOUND: gradients of the loss by every linear layer, projected on both sides; F their second moment over the training
    set; damping. CHOSEN: F is of half of the reference, g_V the mean over the other half, lambda a tenth of F's mean
    eigenvalue; the model is the one before training (for why, see :class:`.Trak`).
    """

    name = "logra"
    on: On = "initial"
    damping = 0.1

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        self._direction = None if self.on == "pool" else self._solved(self.model, self.train_half)

    def _solved(self, model: object, taught: Pool) -> np.ndarray:
        gradients = self._gradients(model)
        rows = self._each(gradients, self._sample(taught))
        return damped_solve(rows.T @ rows / len(rows), self.damping, self._each(gradients, self.queries).mean(axis=0))

    def _value(self, pool: CountedPool) -> Result:
        influences = self.documents(pool)
        return Result(influences.mean(), {"harmful": np.mean(influences < 0)}, influences.nbytes, each=influences)

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,): influences of the sampled documents, in order."""
        model = self._model(pool)
        direction = self._solved(model, pool) if self._direction is None else self._direction
        return np.asarray(self._each(self._gradients(model), self._sample(pool)) @ direction)


class TracIn(GradientMethod):
    """Sum over checkpoints of eta times the product of the mean loss gradients of candidate and reference: Pruthi et
    al., "Estimating Training Data Influence by Tracing Gradient Descent" (NeurIPS 2020), section 3.2 (TracInCP).

    FOUND: the sum over checkpoints of the training on the pool. CHOSEN: the means over documents make it a dataset's;
    four checkpoints, each in the middle of the steps that it stands for; gradients projected. So it trains on every
    candidate; ``on="reference"`` takes the checkpoints of one training on half of the reference instead.
    """

    name = "tracin"
    on: On = "pool"
    stops = 4
    max_queries = 200  # they are asked of at every checkpoint of every candidate

    def _fit(self, reference: Pool) -> None:
        on, self.on = self.on, "pool"  # no model of the end of training is needed
        super()._fit(reference)
        self.on = on
        self.path = None if on == "pool" else self._checkpoints(self.train_half)

    def _value(self, pool: CountedPool) -> Result:
        influences = self.documents(pool)
        return Result(influences.mean(), {"harmful": np.mean(influences < 0)}, influences.nbytes, each=influences)

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,): influences of the sampled documents, in order."""
        batch, total = self._sample(pool), np.zeros(0)
        for checkpoint in self.path or self._checkpoints(pool):
            gradients = self._gradients(checkpoint.model)
            target = self._each(gradients, self.queries).mean(axis=0)
            found = checkpoint.rate * (self._each(gradients, batch) @ target)
            total = found if not len(total) else total + found
        return total

    def _checkpoints(self, pool: Pool) -> Any:
        if self.on == "initial":
            from synthmix.valuation.learners import Checkpoint

            return [Checkpoint(self.learner.initial(self.seed), 1.0)]
        return self.learner.path(pool, seed=self.seed, stops=self.stops)
