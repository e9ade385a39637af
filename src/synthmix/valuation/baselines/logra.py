"""Influence functions on projected gradients."""

import numpy as np

from synthmix.valuation.baselines.base import Counted, Found
from synthmix.valuation.baselines.graded import Graded, On, damped_solve
from synthmix.valuation.pool import Pool


class LoGra(Graded):
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
        self._direction = None if self.on == "pool" else self._solved(self.model, self.taught)

    def _solved(self, model: object, taught: Pool) -> np.ndarray:
        gradients = self._gradients(model)
        rows = self._each(gradients, self._sample(taught))
        return damped_solve(rows.T @ rows / len(rows), self.damping, self._each(gradients, self.asked).mean(axis=0))

    def _value(self, pool: Counted) -> Found:
        influences = self.documents(pool)
        return Found(influences.mean(), {"harmful": np.mean(influences < 0)}, influences.nbytes, each=influences)

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,): influences of the sampled documents, in order."""
        model = self._model(pool)
        direction = self._solved(model, pool) if self._direction is None else self._direction
        return np.asarray(self._each(self._gradients(model), self._sample(pool)) @ direction)
