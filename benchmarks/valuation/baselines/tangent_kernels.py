"""Methods of the tangent kernel: a generalization bound at initialization (DAVINZ), the distance of two regressions."""

import math
from typing import Any, Literal

import numpy as np

from benchmarks.valuation.baselines.exact_kernel import factors, tangent_kernel
from synthmix.errors import BadInput
from synthmix.theory.bound import complexity, feature_kernel
from synthmix.valuation.gradients import GradientFeatures, Kind
from synthmix.valuation.learners import ClassifierLearner, Scalar
from synthmix.valuation.methods.baseline import CountedPool, Result
from synthmix.valuation.methods.featured import Mmd
from synthmix.valuation.methods.influence import GradientMethod, On, damped_solve
from synthmix.valuation.pool import Batch, Pool


class Davinz(Mmd):
    """-kappa sqrt(y_hat' Theta_0^-1 y_hat / n) - MMD: Wu, Shu and Low, "DAVINZ: Data Valuation using Deep Neural
    Networks at Initialization" (ICML 2022).

    FOUND: the formula, the kernel of the true class's logit, y_hat = 1 - f; written from the formula alone. n is the
    number of items in the kernel. CHOSEN: the output is the logit less the mean logit, the kernel has a mean diagonal
    of 1 and a ridge of 1e-3 (theory/bound.py); kappa brings both terms to one magnitude by the reference alone, the
    length of its mean embedding over its own complexity term, because one that is taken from the candidates would make
    a score depend on its company. The kernel of features needs more columns than items: in a narrower one, what cannot
    be fitted counts as one over the ridge.
    """

    name = "davinz"

    def __init__(
        self,
        *,
        kind: Kind | Literal["tangent"] | None = None,
        width: int = 4096,
        kappa: float | None = None,
        **shared: Any,
    ) -> None:
        """``kind``: the exact kernel of every linear layer by its factors (``tangent``; None: for our classifiers), or
        features of ``width`` columns (None: ``projected`` for all else, where an item has many positions); ``kappa``:
        instead of the rule."""
        super().__init__(**shared)
        self.kind, self.width, self.kappa = kind, width, kappa

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        learner = self._learner(reference)
        self.model = learner.initial(self.seed)
        kind = self.kind or ("tangent" if isinstance(learner, ClassifierLearner) else "projected")
        self._gradients = (
            None
            if kind == "tangent"
            else GradientFeatures(learner, self.model, kind, of="output", width=self.width, seed=self.seed)
        )
        if self.kappa is None:
            inside = self._inside(self._sample(reference))
            length = math.sqrt(float(self._own.mean()))
            self.kappa = length / inside if inside > 0 else 1.0

    def _inside(self, batch: Batch) -> float:
        import torch

        with torch.no_grad():
            residual = 1 - self.learner.outputs(self.model, batch).double().cpu().numpy()
        found = complexity(self._theta(batch), residual)
        if not math.isfinite(found):
            raise BadInput("the kernel is singular: all gradients are 0", key="gradients")
        return math.sqrt(found / len(batch))

    def _theta(self, batch: Batch) -> np.ndarray:
        made = self._gradients
        if made is None:
            return tangent_kernel(factors(self.learner, self.model, batch))
        return feature_kernel(np.concatenate([made(Batch(items, labels)) for items, labels in _parts(batch, 256)]))

    def _value(self, pool: CountedPool) -> Result:
        apart = super()._value(pool)
        inside = self._inside(self._sample(pool))
        assert self.kappa is not None
        terms = {"complexity": inside, "mmd": -apart.value, "kappa": self.kappa}
        return Result(apart.value - self.kappa * inside, terms, apart.kept)


def _parts(batch: Batch, count: int) -> Any:
    for at in range(0, len(batch), count):
        which = slice(at, at + count)
        yield batch.items[which], None if batch.labels is None else batch.labels[which]


class Deviation(GradientMethod):
    """Minus the model deviation |f_S - f_V| in the space of the tangent kernel: Lin, Xu, Wu, Ng and Low,
    "Distributionally Robust Data Valuation" (ICML 2024).

    FOUND: model deviation of kernel (tangent kernel) regressions as a proxy of the change of the distributionally
    robust generalization error; the paper's other model is trained on all contributors' data. CHOSEN: here it is of
    the reference, so that a score does not look at other candidates; regression of y_hat = 1 - f on projected gradients
    of the outputs at initialization, ridge 1e-2 of the mean diagonal.
    """

    name = "deviation"
    on: On = "initial"
    choices: tuple[On, ...] = ("initial", "reference")
    of: Scalar = "output"
    ridge = 1e-2

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        self._theirs = self._weights(self.queries, self.model)

    def _weights(self, batch: Batch, model: object) -> np.ndarray:
        import torch

        phi = self._each(self._gradients(model), batch)
        with torch.no_grad():
            residual = 1 - self.learner.outputs(model, batch).double().cpu().numpy()
        return damped_solve(phi.T @ phi / len(phi), self.ridge, phi.T @ residual / len(phi))

    def _value(self, pool: CountedPool) -> Result:
        mine = self._weights(self._sample(pool), self.model)
        distance = float(np.linalg.norm(mine - self._theirs))
        return Result(-distance, {"deviation": distance, "norm": np.linalg.norm(mine)}, mine.nbytes)
