"""Baselines that ask a model: gradients of a pool's items beside those of the reference."""

from typing import Any, Literal

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.baselines.base import HOLD, Baseline, pool_of
from synthmix.valuation.gradients import Gradients, Kind
from synthmix.valuation.learners import Scalar
from synthmix.valuation.pool import Batch, Pool

On = Literal["reference", "pool", "initial"]


class Graded(Baseline):
    """Halves the reference: one half to train on where a method does, the other to ask of; never the same items.

    Which model (``on``): trained on the first half of the ``reference``, once for all candidates; trained on the
    ``pool`` itself; or ``initial``, untrained or as it was given.
    """

    on: On = "reference"
    choices: tuple[On, ...] = ("reference", "pool", "initial")
    of: Scalar = "loss"
    asks = 1000  # items of the reference that are asked of, at most

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
        self.taught = pool_of(reference.name, held.rows(np.sort(order[::2])))
        other = pool_of(reference.name, held.rows(np.sort(order[1::2])))
        self.asked = other.take(min(self.most, self.asks), seed=self.seed)
        self.model = self.learner.train(self.taught, seed=self.seed) if self.on == "reference" else None
        if self.on == "initial":
            self.model = self.learner.initial(self.seed)

    def _model(self, pool: Pool) -> Any:
        return self.learner.train(pool, seed=self.seed) if self.on == "pool" else self.model

    def _gradients(self, model: Any) -> Gradients:
        return Gradients(self.learner, model, self.kind, of=self.of, width=self.width, seed=self.seed)

    def _each(self, gradients: Gradients, batch: Batch) -> np.ndarray:
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
