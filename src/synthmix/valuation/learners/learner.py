"""What valuation asks of a model, whatever it models: start, train, run; losses and gradients follow from outputs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self

import numpy as np

from synthmix.errors import BadInput, Failure
from synthmix.valuation.pool import Batch, Pool

if TYPE_CHECKING:
    from torch import Tensor

Scalar = Literal["output", "loss", "margin"]


@dataclass(frozen=True)
class ModelOutput:
    """n items at t positions each (1 for a classifier) with c classes or tokens to choose from; torch tensors.

    Attributes:
        logits: (n, t, c). targets: the true ones (n, t).
        weights: of the positions (n, t); an item's add up to 1, padding has 0.
        hidden: what the output layer is given (n, t, d), where it was asked for.
        bias: whether the output layer has one.
    """

    logits: "Tensor"
    targets: "Tensor"
    weights: "Tensor"
    hidden: "Tensor | None" = None
    bias: bool = False

    def outputs(self) -> "Tensor":
        """(n,): the true class's logit less the mean logit (theory/ntk.py), the mean over positions."""
        return ((self._true() - self.logits.mean(-1)) * self.weights).sum(-1)

    def losses(self) -> "Tensor":
        """(n,): cross-entropy in nats, the mean over positions."""
        return ((self.logits.logsumexp(-1) - self._true()) * self.weights).sum(-1)

    def margins(self) -> "Tensor":
        """(n,): log p / (1 - p) of the true class, the mean over positions (TRAK, arXiv 2303.14186, eq. 2)."""
        return ((self._true() - self._others().logsumexp(-1)) * self.weights).sum(-1)

    def scalar(self, of: Scalar) -> "Tensor":
        """The scalar an item (n,) whose gradient is asked for."""
        return {"output": self.outputs, "loss": self.losses, "margin": self.margins}[of]()

    def true_share(self) -> "Tensor":
        """(n,): probability of the true class, the mean over positions."""
        return ((self._true() - self.logits.logsumexp(-1)).exp() * self.weights).sum(-1)

    def right(self) -> "Tensor":
        """(n,): share of the positions whose likeliest class is the true one."""
        return ((self.logits.argmax(-1) == self.targets).to(self.weights.dtype) * self.weights).sum(-1)

    def errors(self, of: Scalar, basis: "Tensor") -> "Tensor":
        """Derivative of :meth:`scalar` by the logits, times ``basis`` (c, l): (n, t, l). No backward pass.

        With a narrow basis the (n, t, c) derivative of the output itself is never made.
        """
        import torch

        here = basis[self.targets]
        if of == "output":
            made = here - basis.mean(0)
        elif of == "loss":
            made = torch.softmax(self.logits, -1) @ basis - here
        else:
            made = here - torch.softmax(self._others(), -1) @ basis
        return made * self.weights[..., None]

    def _true(self) -> "Tensor":
        return self.logits.gather(-1, self.targets[..., None])[..., 0]

    def _others(self) -> "Tensor":
        return self.logits.scatter(-1, self.targets[..., None], float("-inf"))


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
        """An untrained torch module (or the pretrained one)."""
        ...

    def train(self, pool: Pool, *, seed: int = 0) -> Any:
        """A module trained on ``pool`` alone, by a rule that looks at nothing but ``pool`` and ``seed``."""
        ...

    def path(self, pool: Pool, *, seed: int = 0, stops: int = 4) -> list[Checkpoint]:
        """Models in the middle of ``stops`` equal parts of that same training."""
        ...

    def read(self, model: Any, batch: Batch, *, hidden: bool = False) -> Iterator[ModelOutput]:
        """Outputs for the items, in order, a few at a time; with a graph where gradients are enabled."""
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

    def outputs(self, model: Any, batch: Batch) -> "Tensor":
        """(n,) torch tensor: the scalar an item whose gradient makes the kernel; see :meth:`.ModelOutput.outputs`."""
        ...


class Reader:
    """The part of a learner that follows from ``tensors`` (items to tensors) and ``call`` (tensors to outputs)."""

    name = ""

    def tensors(self, batch: Batch) -> Iterator[dict[str, "Tensor"]]:
        """Inputs of a few items at a time; every tensor's first axis is the item."""
        raise NotImplementedError

    def call(self, model: Any, tensors: dict[str, "Tensor"], *, hidden: bool = False) -> ModelOutput:
        """One forward pass."""
        raise NotImplementedError

    def readable(self, model: Any) -> Any:
        """The model itself, unless a kind of model needs more."""
        return model

    def read(self, model: Any, batch: Batch, *, hidden: bool = False) -> Iterator[ModelOutput]:
        """See :meth:`Learner.read`."""
        if hidden:
            model = self.readable(model)
        for tensors in self.placed(model, batch):
            yield self.call(model, tensors, hidden=hidden)

    def placed(self, model: Any, batch: Batch) -> Iterator[dict[str, "Tensor"]]:
        """:meth:`tensors` on the model's device."""
        device = next(model.parameters()).device
        for tensors in self.tensors(batch):
            yield {name: tensor.to(device) for name, tensor in tensors.items()}

    def losses(self, model: Any, batch: Batch) -> np.ndarray:
        """See :meth:`Learner.losses`."""
        return self._each(model, batch, "losses")

    def outputs(self, model: Any, batch: Batch) -> "Tensor":
        """See :meth:`Learner.outputs`."""
        import torch

        return torch.cat([output.outputs() for output in self.read(model, batch)])

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
            found = [getattr(output, what)().double().cpu().numpy() for output in self.read(model, batch)]
        return np.concatenate(found)


class Pretrained:
    """Models that are read as they are: ``initial`` is the model, whatever the seed; training is refused."""

    model: Any
    where: str

    def fit(self, reference: Pool) -> Self:
        """Nothing to fit."""
        return self

    def initial(self, seed: int = 0) -> Any:
        """The model itself."""
        return self.model

    def train(self, pool: Pool, *, seed: int = 0) -> Any:
        """Refused.

        Raises:
            BadInput: always.
        """
        remedy = "value with on='initial', or by a method that trains nothing"
        raise BadInput("a pretrained model is not trained here", where=self.where, remedy=remedy)

    def path(self, pool: Pool, *, seed: int = 0, stops: int = 4) -> list[Checkpoint]:
        """Refused, as :meth:`train`."""
        return [Checkpoint(self.train(pool), 0.0)]
