"""Per-item gradient features of a model: streams of (n, d) whose inner products are the tangent kernel's."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from synthmix.errors import Failure
from synthmix.valuation.gradients.exact import exact
from synthmix.valuation.gradients.for_term import gradients_for
from synthmix.valuation.gradients.last_layer import hidden_means, last_layer
from synthmix.valuation.gradients.projected import projected
from synthmix.valuation.gradients.tangent import factors, tangent_kernel
from synthmix.valuation.gradients.watch import linear_layers
from synthmix.valuation.learners import Scalar
from synthmix.valuation.pool import Batch, Pool

Kind = Literal["last", "projected", "exact", "hidden"]

__all__ = [
    "Gradients",
    "Kind",
    "exact",
    "factors",
    "gradients_for",
    "hidden_means",
    "last_layer",
    "linear_layers",
    "projected",
    "tangent_kernel",
]


@dataclass
class Gradients:
    """One kind of features of one model, for batch after batch.

    Attributes:
        kind: ``last`` (output layer, factorised, no backward pass), ``projected`` (every linear layer), ``exact``
            (every weight), or ``hidden`` (no gradient: the state before the output layer).
        of: whose gradient; see :class:`synthmix.valuation.learners.Reading`.
        width: columns at most (``exact`` has the model's parameters).
    """

    learner: Any
    model: Any
    kind: Kind = "last"
    of: Scalar = "output"
    width: int = 4096
    seed: int = 0
    _read: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._read = self.model if self.kind == "exact" else self.learner.readable(self.model)  # converted once

    def __call__(self, batch: Batch) -> np.ndarray:
        """(n, d) float32.

        Raises:
            Failure: a gradient is not finite.
        """
        found = self._features(batch)
        if not np.isfinite(found).all():
            raise Failure("gradients are not finite", remedy="the model is broken: train it again, or take another")
        return found

    def _features(self, batch: Batch) -> np.ndarray:
        if self.kind == "exact":
            return exact(self.learner, self._read, batch, of=self.of)
        if self.kind == "hidden":
            return hidden_means(self.learner, self._read, batch)
        how = last_layer if self.kind == "last" else projected
        return how(self.learner, self._read, batch, of=self.of, width=self.width, seed=self.seed)

    def stream(self, pool: Pool) -> Iterator[tuple[Batch, np.ndarray]]:
        """Batches of a pool with their features."""
        for batch in pool.batches():
            yield batch, self(batch)

    def mean(self, pool: Pool) -> np.ndarray:
        """(d,) float64: the mean feature of a pool, in one stream."""
        total: Any = 0.0
        count = 0
        for batch, features in self.stream(pool):
            total = total + features.sum(axis=0, dtype=np.float64)
            count += len(batch)
        return np.asarray(total / count)
