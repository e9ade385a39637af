"""A small classifier of features or images that is trained nearly fully in about a second."""

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Self

import numpy as np

from synthmix.errors import BadInput, Failure
from synthmix.valuation.encoding import Encoder
from synthmix.valuation.learners.inputs import Features, Images
from synthmix.valuation.learners.learner import Checkpoint, Reader
from synthmix.valuation.learners.reading import Reading
from synthmix.valuation.pool import Batch, Pool

ROWS = 1024  # items of one forward pass


class ClassifierLearner(Reader):
    """A perceptron on an encoder's features, or a small convolutional net on images.

    The training rule (CHOSEN): AdamW, cosine without warm-up, batches of ``batch`` from a fresh permutation an epoch;
    ``epochs`` passes, but no fewer than ``least`` and no more than ``most`` steps. It looks at the pool's own size and
    at the seed alone. ``hold`` items at most are held and trained on, a uniform sample of a larger pool.
    """

    name = "classifier"

    def __init__(
        self,
        *,
        encoder: Encoder | None = None,
        network: Literal["auto", "perceptron", "convolution"] = "auto",
        hidden: Sequence[int] = (64,),
        epochs: float = 15,
        least: int = 200,
        most: int = 2000,
        batch: int = 32,
        rate: float = 3e-3,
        decay: float = 0.01,
        hold: int = 100_000,
    ) -> None:
        """``encoder``: fitted; by default the one for what the reference holds. ``network``: auto takes the
        convolution for arrays (n, h, w) or (n, h, w, channels) where no encoder is given."""
        self.encoder, self.network, self.hidden = encoder, network, tuple(hidden)
        self.epochs, self.least, self.most, self.batch = epochs, least, most, batch
        self.rate, self.decay, self.hold = rate, decay, hold

    def fit(self, reference: Pool) -> Self:
        """Inputs, and the classes: the labels of the reference, whatever whole numbers they are.

        Raises:
            BadInput: no labels, or one class only.
        """
        marks = [needed(batch, reference.name) for batch in reference.batches()]
        found = np.unique(np.concatenate(marks))
        if len(found) < 2:
            raise BadInput("holds one class only", where=reference.name, remedy="a classifier needs two or more")
        self.marks, self.classes = found, len(found)
        first = next(iter(reference.batches())).items
        image = isinstance(first, np.ndarray) and first.ndim in (3, 4)
        if self.network == "convolution" and not image:
            raise BadInput("a convolution needs images (n, h, w) or (n, h, w, channels)", where=reference.name)
        convolves = self.network == "convolution" or (self.network == "auto" and image and self.encoder is None)
        self.inputs = (Images() if convolves else Features(self.encoder)).fit(reference)
        return self

    def initial(self, seed: int = 0) -> Any:
        """See :class:`.Learner`; the global random numbers are left alone."""
        import torch

        from synthmix.training.device import best_device
        from synthmix.valuation.learners.networks import ConvNet, Perceptron

        with torch.random.fork_rng():
            torch.manual_seed(seed)
            made: Any = (
                ConvNet(self.inputs.shape, 8, self.hidden[-1], self.classes)
                if isinstance(self.inputs, Images)
                else Perceptron(self.inputs.shape[0], self.hidden, self.classes)
            )
        return made.to(best_device()).eval()

    def steps(self, items: int) -> int:
        """Of a training on ``items`` items."""
        return max(self.least, min(self.most, math.ceil(self.epochs * items / self.batch)))

    def train(self, pool: Pool, *, seed: int = 0) -> Any:
        """See :class:`.Learner`.

        Raises:
            BadInput: no labels, one class only, or a label that the reference does not have.
            Failure: the loss is no longer finite.
        """
        return self._trained(pool, seed, 0)[0]

    def path(self, pool: Pool, *, seed: int = 0, stops: int = 4) -> list[Checkpoint]:
        """See :class:`.Learner`."""
        return self._trained(pool, seed, stops)[1]

    def _trained(self, pool: Pool, seed: int, stops: int) -> tuple[Any, list[Checkpoint]]:
        import torch

        from synthmix.training.model import optimizer_for

        held = pool.take(self.hold)
        labels = self._labels(held, pool.name)
        if len(np.unique(labels)) < 2:
            raise BadInput("holds one class only", where=pool.name, remedy="a classifier cannot be trained on it")
        model = self.initial(seed)
        device = next(model.parameters()).device
        x, y = torch.from_numpy(self.inputs(held.items)).to(device), torch.from_numpy(labels).to(device)
        steps = self.steps(len(held))
        rates = [self.rate * 0.5 * (1 + math.cos(math.pi * (step + 0.5) / steps)) for step in range(steps)]
        optimizer = optimizer_for(model, self.rate, self.decay, (0.9, 0.95))
        kept, part, loss = [], steps / max(1, stops), torch.zeros(())
        middles = {round((i + 0.5) * part): i for i in range(stops)}
        for step, rows in enumerate(orders(len(held), self.batch, steps, seed)):
            if step in middles:
                mine = rates[round(middles[step] * part) : round((middles[step] + 1) * part)]
                kept.append(Checkpoint(copy.deepcopy(model).eval(), sum(mine)))
            for group in optimizer.param_groups:
                group["lr"] = rates[step]
            loss = torch.nn.functional.cross_entropy(model(x[rows])[0], y[rows])
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
        if not math.isfinite(float(loss.detach())):
            raise Failure("the loss is no longer finite", where=pool.name, remedy="lower the learner's rate")
        return model.eval(), kept

    def tensors(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """See :class:`.Reader`."""
        import torch

        labels = self._labels(batch, None)
        for start in range(0, len(batch), ROWS):
            part = slice(start, start + ROWS)
            made = torch.from_numpy(self.inputs(batch.items[part]))
            yield {"x": made, "y": torch.from_numpy(labels[part])}

    def call(self, model: Any, tensors: dict[str, Any], *, hidden: bool = False) -> Reading:
        """See :class:`.Reader`."""
        logits, before = model(tensors["x"])
        targets = tensors["y"][:, None]
        weights = logits.new_ones(targets.shape)
        return Reading(logits[:, None], targets, weights, before[:, None] if hidden else None, bias=True)

    def _labels(self, batch: Batch, where: str | None) -> np.ndarray:
        labels = needed(batch, where)
        at = np.minimum(np.searchsorted(self.marks, labels), self.classes - 1)
        if (strange := labels[self.marks[at] != labels]).size:
            raise BadInput(f"has the label {strange[0]}, which the reference does not have", where=where, key="labels")
        return at


def needed(batch: Batch, where: str | None) -> np.ndarray:
    """The labels (n,).

    Raises:
        BadInput: there are none.
    """
    if batch.labels is None:
        raise BadInput("has no labels, which a classifier needs", where=where, key="labels")
    return batch.labels


def orders(items: int, batch: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of each step: a fresh permutation of the ``items`` an epoch, its short end left out."""
    rng, size = np.random.default_rng(seed), min(batch, items)
    order, at = rng.permutation(items), 0
    for _ in range(steps):
        if at + size > items:
            order, at = rng.permutation(items), 0
        yield order[at : at + size]
        at += size
