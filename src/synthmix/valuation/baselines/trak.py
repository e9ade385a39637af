"""Influence in the linear model that a network's tangent kernel is near its end of training."""

import numpy as np

from synthmix.valuation.baselines.base import Counted, Found
from synthmix.valuation.baselines.graded import Graded, On, damped_solve
from synthmix.valuation.learners import Scalar
from synthmix.valuation.pool import Pool


class Trak(Graded):
    """Mean over the reference z and the documents x of phi(z)' (Phi'Phi)^-1 phi(x) (1 - p(x)): Park et al., "TRAK:
    Attributing Model Behavior at Scale" (arXiv 2303.14186), eq. 13 with one model.

    FOUND: phi are projected gradients of log p / (1 - p), Phi those of the training set. CHOSEN: Phi is of half of the
    reference, the documents are asked as if they were added to it; a ridge of 1e-3 of the mean diagonal; several
    ``models`` of other seeds are averaged. The paper's network is a trained one. At the end of a training on the pool
    the mean over the pool is near 0 by construction, so ``on="pool"`` values documents, hardly datasets; one trained on
    the reference meets noise and other domains with its largest gradients. So the default is the network before
    training, whose tangent kernel the method approximates anyway; the others are there to be compared.

    The library ``traker`` computes the same documents' scores (tests/valuation/test_trak.py compares them), but writes
    every gradient to disk, wants the training set and its targets at once, and knows models as modules of
    (images, labels): its scores fit a list of documents, not a stream of datasets.
    """

    name = "trak"
    on: On = "initial"
    of: Scalar = "margin"
    models = 1
    ridge = 1e-3

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        first, self._views = self.seed, []
        if self.on != "pool":
            trained = [self.model] + [
                self.learner.train(self.taught, seed=first + i) if self.on == "reference" else self.learner.initial(i)
                for i in range(1, self.models)
            ]
            self._views = [self._view(model, self.taught) for model in trained]

    def _view(self, model: object, taught: Pool) -> tuple[object, np.ndarray]:
        """A model, and (d,): the mean reference's side of the product."""
        gradients = self._gradients(model)
        phi = self._each(gradients, self._sample(taught))
        target = self._each(gradients, self.asked).mean(axis=0)
        return model, damped_solve(phi.T @ phi / len(phi), self.ridge, target)

    def _value(self, pool: Counted) -> Found:
        influences = self.documents(pool)
        return Found(influences.mean(), {"harmful": np.mean(influences < 0)}, influences.nbytes, each=influences)

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,): scores of the sampled documents, in order."""
        views = self._views
        if not views:
            views = [self._view(self.learner.train(pool, seed=self.seed + i), pool) for i in range(self.models)]
        batch, found = self._sample(pool), []
        for model, direction in views:
            missing = 1 - self.learner.true_share(model, batch)
            found.append(self._each(self._gradients(model), batch) @ direction * missing)
        return np.asarray(np.mean(found, axis=0))
