"""Weights of datasets whose mean gradients add up to the reference's."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from synthmix.valuation.baselines.base import Counted, Found
from synthmix.valuation.baselines.graded import Graded, On
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.scored import Score

RIDGE = 1e-5  # of a matrix of cosines (CHOSEN)
SINGULAR = 1e-6  # of a matrix of cosines: below this eigenvalue its weights are not unique


class Kmm(Graded):
    """Kernel mean matching on mean gradients: Zeng et al., "Convex Dataset Valuation for Post-Training" (arXiv
    2605.16704): min over b of b'K b / 2 - c'b + lambda |b|_1, lambda = 1e-2 (FOUND); K_ij = <g_i, g_j> of the
    candidates' mean loss gradients, c_i = <g_i, g_reference>.

    CHOSEN: mean gradients at length 1, so that K and c are cosines and lambda has one meaning; the model is the one
    that is there before training (the paper's is the one to be post-trained), because one that knows the target has
    mean gradients of noise. The method needs all candidates (:meth:`score_all`); :meth:`score` is its form for one:
    then b = c less lambda, in size, which is the paper's gradient alignment baseline and knows nothing of redundancy.
    """

    name = "kmm"
    on: On = "initial"
    choices: tuple[On, ...] = ("initial", "reference")
    penalty = 1e-2

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        self._target = self._direction_of(self.asked)

    def _direction_of(self, batch: Batch) -> np.ndarray:
        mean = self._each(self._gradients(self.model), batch).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-300))

    def _value(self, pool: Counted) -> Found:
        self._latest = mine = self._direction_of(self._sample(pool))
        cosine = float(mine @ self._target)
        return Found(float(_soft(cosine, self.penalty)), {"alignment": cosine}, mine.nbytes)

    def score_all(self, pools: Sequence[Pool]) -> list[Score]:
        """The weights b of all candidates together: a value that depends on the company, as the paper means it."""
        alone, found = [], []
        for pool in pools:
            alone.append(self.score(pool))
            found.append(self._latest)
        rows = np.stack(found)
        kernel = rows @ rows.T
        weights = lasso(kernel, rows @ self._target, self.penalty)
        singular = float(np.linalg.eigvalsh(kernel)[0]) < SINGULAR
        said = ("singular-kernel: some candidates' gradients are the same mixture; their weights are shared evenly",)
        return [
            replace(score, value=float(weight), warnings=said if singular else ())
            for score, weight in zip(alone, weights, strict=True)
        ]


def lasso(kernel: np.ndarray, target: np.ndarray, penalty: float, *, sweeps: int = 1000) -> np.ndarray:
    """argmin b'K b / 2 - c'b + penalty |b|_1 for K (m, m), c (m,): coordinate descent, then, where the signs that it
    found stay, their linear system. A ridge of :data:`RIDGE` makes it unique: equal candidates get equal weights."""
    curved = kernel + RIDGE * np.eye(len(kernel))
    weights = np.zeros(len(target))
    for _ in range(sweeps):
        before = weights.copy()
        for i in range(len(target)):
            rest = target[i] - curved[i] @ weights + curved[i, i] * weights[i]
            weights[i] = _soft(rest, penalty) / curved[i, i]
        if np.abs(weights - before).max() < 1e-10:
            break
    chosen = weights != 0
    solved = np.zeros(len(target))
    signs = np.sign(weights[chosen])
    solved[chosen] = np.linalg.solve(curved[np.ix_(chosen, chosen)], target[chosen] - penalty * signs)
    return solved if (np.sign(solved[chosen]) == signs).all() else weights


def _soft(value: float, penalty: float) -> float:
    return float(np.sign(value) * max(abs(value) - penalty, 0.0))
