"""What valuation asks of a model, whatever it models: start, train, read. Everything else follows from a reading."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np

from synthmix.errors import Failure
from synthmix.valuation.learners.reading import Reading
from synthmix.valuation.pool import Batch, Pool


@dataclass(frozen=True)
class Checkpoint:
    """A model on its way, and the learning rates of the steps that it stands for, added up (TracIn's eta)."""

    model: Any
    rate: float


class Learner(Protocol):
    """Models of one kind for one target: fitted once on the reference, the same for every candidate."""

    name: str

    def fit(self, reference: Pool) -> Self:
        """Fix inputs, classes or the vocabulary by the reference; no weight is trained."""
        ...

    def initial(self, seed: int = 0) -> Any:
        """An untrained torch module (or the one that was given)."""
        ...

    def train(self, pool: Pool, *, seed: int = 0) -> Any:
        """A module trained on ``pool`` alone, by a rule that looks at nothing but ``pool`` and ``seed``."""
        ...

    def path(self, pool: Pool, *, seed: int = 0, stops: int = 4) -> list[Checkpoint]:
        """Models in the middle of ``stops`` equal parts of that same training."""
        ...

    def read(self, model: Any, batch: Batch, *, hidden: bool = False) -> Iterator[Reading]:
        """Readings of the items, in order, a few at a time; with a graph where gradients are enabled."""
        ...

    def readable(self, model: Any) -> Any:
        """The same function with its linear layers as modules that hooks see."""
        ...

    def losses(self, model: Any, batch: Batch) -> np.ndarray:
        """(n,) float64, nats an item (text: mean nats a token)."""
        ...

    def loss(self, model: Any, pool: Pool) -> float:
        """Mean of :meth:`losses` over a pool, in one stream."""
        ...

    def outputs(self, model: Any, batch: Batch) -> Any:
        """(n,) torch tensor: the scalar an item whose gradient makes the kernel; see :meth:`.Reading.outputs`."""
        ...


class Reader:
    """The part of a learner that follows from ``tensors`` (items to tensors) and ``call`` (tensors to a reading)."""

    name = ""

    def tensors(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """Inputs of a few items at a time; every tensor's first axis is the item."""
        raise NotImplementedError

    def call(self, model: Any, tensors: dict[str, Any], *, hidden: bool = False) -> Reading:
        """One forward pass."""
        raise NotImplementedError

    def readable(self, model: Any) -> Any:
        """The model itself, unless a kind of model needs more."""
        return model

    def read(self, model: Any, batch: Batch, *, hidden: bool = False) -> Iterator[Reading]:
        """See :meth:`Learner.read`."""
        if hidden:
            model = self.readable(model)
        for tensors in self.placed(model, batch):
            yield self.call(model, tensors, hidden=hidden)

    def placed(self, model: Any, batch: Batch) -> Iterator[dict[str, Any]]:
        """:meth:`tensors` on the model's device."""
        device = next(model.parameters()).device
        for tensors in self.tensors(batch):
            yield {name: tensor.to(device) for name, tensor in tensors.items()}

    def losses(self, model: Any, batch: Batch) -> np.ndarray:
        """See :meth:`Learner.losses`."""
        return self._each(model, batch, "losses")

    def outputs(self, model: Any, batch: Batch) -> Any:
        """See :meth:`Learner.outputs`."""
        import torch

        return torch.cat([reading.outputs() for reading in self.read(model, batch)])

    def right(self, model: Any, batch: Batch) -> np.ndarray:
        """(n,) float64: 1 where the likeliest class is the true one (text: the share of such tokens)."""
        return self._each(model, batch, "right")

    def true_share(self, model: Any, batch: Batch) -> np.ndarray:
        """(n,) float64: the probability of the true class (text: the mean over tokens)."""
        return self._each(model, batch, "true_share")

    def loss(self, model: Any, pool: Pool) -> float:
        """See :meth:`Learner.loss`.

        Raises:
            Failure: it is not finite.
        """
        found = self._mean(model, pool, "losses")
        if not np.isfinite(found):
            raise Failure(f"the loss is {found}", where=pool.name, remedy="lower the learning rate of the learner")
        return found

    def accuracy(self, model: Any, pool: Pool) -> float:
        """Mean of :meth:`right` over a pool."""
        return self._mean(model, pool, "right")

    def _mean(self, model: Any, pool: Pool, what: str) -> float:
        total, count = 0.0, 0
        for batch in pool.batches():
            total += float(self._each(model, batch, what).sum())
            count += len(batch)
        return total / count

    def _each(self, model: Any, batch: Batch, what: str) -> np.ndarray:
        import torch

        with torch.no_grad():
            found = [getattr(reading, what)().double().cpu().numpy() for reading in self.read(model, batch)]
        return np.concatenate(found)
