"""Methods that ask a model: gradients of a pool's items beside those of the reference.

TRAK's influence, and kernel mean matching of mean gradients.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.gradients import GradientFeatures, Kind
from synthmix.valuation.learners import Scalar
from synthmix.valuation.methods.baseline import HOLD, Baseline, CountedPool, Result, pool_of
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.score import Score

RIDGE = 1e-5  # of a matrix of cosines (CHOSEN)
SINGULAR = 1e-6  # of a matrix of cosines: below this eigenvalue its weights are not unique

On = Literal["reference", "pool", "initial"]


class GradientMethod(Baseline):
    """Halves the reference: one half to train on where a method does, the other to ask of; never the same items.

    Which model (``on``): trained on the first half of the ``reference``, once for all candidates; trained on the
    ``pool`` itself; or ``initial``, untrained or as it was given.
    """

    on: On = "reference"
    choices: tuple[On, ...] = ("reference", "pool", "initial")
    of: Scalar = "loss"
    max_queries = 1000  # items of the reference that are asked of, at most

    def __init__(self, *, kind: Kind = "projected", width: int = 1024, on: On | None = None, **shared: Any) -> None:
        """``kind`` and ``width`` of the gradients; ``on``: see the class, by default the method's own."""
        super().__init__(**shared)
        self.kind, self.width, self.on = kind, width, on or self.on
        if self.on not in self.choices:
            raise BadInput(
                f"is {self.on!r}", where=self.name, key="on", remedy=f"choose from {', '.join(self.choices)}"
            )

    def _fit(self, reference: Pool) -> None:
        self._learner(reference)
        held = reference.take(HOLD, seed=self.seed)
        if len(held) < 4:
            raise BadInput(f"holds {len(held)} items, where {self.name} needs four", where=reference.name)
        order = np.random.default_rng(self.seed).permutation(len(held))  # at random: labels may well alternate
        self.train_half = pool_of(reference.name, held.rows(np.sort(order[::2])))
        other = pool_of(reference.name, held.rows(np.sort(order[1::2])))
        self.queries = other.take(min(self.most, self.max_queries), seed=self.seed)
        self.model = self.learner.train(self.train_half, seed=self.seed) if self.on == "reference" else None
        if self.on == "initial":
            self.model = self.learner.initial(self.seed)

    def _model(self, pool: Pool) -> Any:
        return self.learner.train(pool, seed=self.seed) if self.on == "pool" else self.model

    def _gradients(self, model: Any) -> GradientFeatures:
        return GradientFeatures(self.learner, model, self.kind, of=self.of, width=self.width, seed=self.seed)

    def _each(self, gradients: GradientFeatures, batch: Batch) -> np.ndarray:
        """(n, d) float64, in parts of bounded memory."""
        found = [gradients(batch.rows(np.arange(at, min(at + 256, len(batch))))) for at in range(0, len(batch), 256)]
        return np.concatenate(found).astype(np.float64)


def damped_solve(gram: np.ndarray, damping: float, right: np.ndarray) -> np.ndarray:
    """(gram + damping tr(gram) / d I)^-1 right, for gram (d, d) positive semidefinite, by Cholesky.

    Raises:
        BadInput: gram is 0: no gradient reaches these features.
    """
    from scipy.linalg import cho_factor, cho_solve

    scale = float(np.trace(gram)) / len(gram)
    if not scale > 0:
        raise BadInput("the kernel is singular: all gradients are 0", key="gradients", remedy="take another model")
    return np.asarray(cho_solve(cho_factor(gram + damping * scale * np.eye(len(gram)), lower=True), right))


class Trak(GradientMethod):
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
                self.learner.train(self.train_half, seed=first + i)
                if self.on == "reference"
                else self.learner.initial(i)
                for i in range(1, self.models)
            ]
            self._views = [self._view(model, self.train_half) for model in trained]

    def _view(self, model: object, taught: Pool) -> tuple[object, np.ndarray]:
        """A model, and (d,): the mean reference's side of the product."""
        gradients = self._gradients(model)
        phi = self._each(gradients, self._sample(taught))
        target = self._each(gradients, self.queries).mean(axis=0)
        return model, damped_solve(phi.T @ phi / len(phi), self.ridge, target)

    def _value(self, pool: CountedPool) -> Result:
        influences = self.documents(pool)
        return Result(influences.mean(), {"harmful": np.mean(influences < 0)}, influences.nbytes, each=influences)

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


class Kmm(GradientMethod):
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
        self._target = self._direction_of(self.queries)

    def _direction_of(self, batch: Batch) -> np.ndarray:
        mean = self._each(self._gradients(self.model), batch).mean(axis=0)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-300))

    def _value(self, pool: CountedPool) -> Result:
        self._latest = mine = self._direction_of(self._sample(pool))
        cosine = float(mine @ self._target)
        return Result(float(_soft(cosine, self.penalty)), {"alignment": cosine}, mine.nbytes)

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
