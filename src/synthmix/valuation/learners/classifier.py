"""Classifiers as learners: a small one of features or images, trained in about a second, or a pretrained one."""

import copy
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from synthmix.errors import BadInput, Failure
from synthmix.valuation.encoding import SAMPLE, Encoder, encoder_for
from synthmix.valuation.learners.language import TEXTS, texts_of
from synthmix.valuation.learners.learner import Checkpoint, ModelOutput, Pretrained, Reader
from synthmix.valuation.pool import Batch, Pool, labels_of

ITEMS = 1024  # items of one forward pass


class Features:
    """An encoder's features at a root mean square of 1 (text features of length 1 would be tiny in each column)."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        self.encoder = encoder

    def fit(self, reference: Pool) -> Self:
        """Fit the encoder unless it was given (fitted), and the scale."""
        self.encoder = self.encoder or encoder_for(reference)
        made = self.encoder.encode(reference.take(SAMPLE).items)
        self.shape: tuple[int, ...] = (made.shape[1],)
        self._scale = float(np.sqrt(np.mean(made.astype(np.float64) ** 2))) or 1.0
        return self

    def __call__(self, items: Any) -> np.ndarray:
        """(n, d) float32."""
        assert self.encoder is not None
        return np.asarray(self.encoder.encode(items) / self._scale, dtype=np.float32)


class Images:
    """Arrays (n, h, w) or (n, h, w, channels), centred and scaled by one mean and one scale of the reference."""

    def fit(self, reference: Pool) -> Self:
        """Shape, mean and scale."""
        items = reference.take(SAMPLE).items
        self._form = items.shape[1:]
        self.shape: tuple[int, ...] = (1, *self._form) if len(self._form) == 2 else (self._form[2], *self._form[:2])
        self._mean, self._scale = float(items.mean()), float(items.std()) or 1.0
        return self

    def __call__(self, items: Any) -> np.ndarray:
        """(n, channels, h, w) float32.

        Raises:
            BadInput: images of another size, or values that are not finite.
        """
        form = getattr(items, "shape", ("text",))[1:]
        if form != self._form:
            raise BadInput(f"items of shape {tuple(form)}, where the reference has {tuple(self._form)}")
        if not np.isfinite(items).all():
            raise BadInput("holds values that are not finite", remedy="drop or mend those rows")
        made = (np.asarray(items, dtype=np.float32) - self._mean) / self._scale
        made = made[:, None] if len(self._form) == 2 else made.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(made, dtype=np.float32)


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
        marks = [labels_of(batch, reference.name, "a classifier") for batch in reference.batches()]
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
        for start in range(0, len(batch), ITEMS):
            part = slice(start, start + ITEMS)
            made = torch.from_numpy(self.inputs(batch.items[part]))
            yield {"x": made, "y": torch.from_numpy(labels[part])}

    def call(self, model: Any, tensors: dict[str, Any], *, hidden: bool = False) -> ModelOutput:
        """See :class:`.Reader`."""
        logits, before = model(tensors["x"])
        targets = tensors["y"][:, None]
        weights = logits.new_ones(targets.shape)
        return ModelOutput(logits[:, None], targets, weights, before[:, None] if hidden else None, bias=True)

    def _labels(self, batch: Batch, where: str | None) -> np.ndarray:
        labels = labels_of(batch, where, "a classifier")
        at = np.minimum(np.searchsorted(self.marks, labels), self.classes - 1)
        if (strange := labels[self.marks[at] != labels]).size:
            raise BadInput(f"has the label {strange[0]}, which the reference does not have", where=where, key="labels")
        return at


def orders(items: int, batch: int, steps: int, seed: int) -> Iterator[np.ndarray]:
    """Rows of each step: a fresh permutation of the ``items`` an epoch, its short end left out."""
    rng, size = np.random.default_rng(seed), min(batch, items)
    order, at = rng.permutation(items), 0
    for _ in range(steps):
        if at + size > items:
            order, at = rng.permutation(items), 0
        yield order[at : at + size]
        at += size


class PretrainedClassifier(Pretrained, Reader):
    """A sequence classifier of transformers' and its own tokenizer. Labels of pools are the model's class numbers, or
    the numbers that :func:`synthmix.valuation.load.class_number` gives to the model's class names."""

    name = "pretrained-classifier"

    def __init__(self, where: str | Path, *, context: int = 128) -> None:
        """
        Raises:
            BadInput: no sequence classifier or no tokenizer there, or one without an output layer of its own.
        """
        from torch import nn
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        from synthmix.training.device import best_device
        from synthmix.valuation.load import class_number

        self.where, self.context = str(where), context
        try:
            self.tokens = AutoTokenizer.from_pretrained(where, padding_side="right")
            model = AutoModelForSequenceClassification.from_pretrained(where, use_safetensors=True)
        except (OSError, ValueError) as error:
            first = str(error).strip().splitlines()[0][:160]
            raise BadInput(f"no classifier can be loaded ({first})", where=where) from error
        if self.tokens.pad_token is None:
            self.tokens.pad_token = self.tokens.eos_token
        model.config.pad_token_id = self.tokens.pad_token_id
        self.classes = int(model.config.num_labels)
        self._known = {class_number(str(name)): int(at) for at, name in model.config.id2label.items()}
        self._known |= {at: at for at in range(self.classes)}
        fitting = [m for m in model.modules() if isinstance(m, nn.Linear) and m.out_features == self.classes]
        if not fitting or self.classes < 2:
            raise BadInput("has no output layer over two classes or more", where=where)
        self.model, self._head = model.to(best_device()).eval(), fitting[-1]

    def tensors(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """See :class:`.Reader`."""
        import torch

        texts, labels = texts_of(batch.items, None), self._labels(labels_of(batch, None, "a classifier"))
        for start in range(0, len(texts), TEXTS):
            coded = self.tokens(
                texts[start : start + TEXTS],
                padding=True,
                truncation=True,
                max_length=self.context,
                return_tensors="pt",
                return_token_type_ids=False,
            )
            y = torch.from_numpy(labels[start : start + TEXTS])
            yield {"ids": coded["input_ids"], "mask": coded["attention_mask"], "y": y}

    def _labels(self, labels: np.ndarray) -> np.ndarray:
        strange = [label for label in np.unique(labels) if int(label) not in self._known]
        if strange:
            said = f"has the label {strange[0]}, and the model of {self.where} neither this class nor a name for it"
            raise BadInput(said, key="labels", remedy=f"label with 0 to {self.classes - 1}, or with the model's names")
        return np.array([self._known[int(label)] for label in labels])

    def call(self, model: Any, tensors: dict[str, Any], *, hidden: bool = False) -> ModelOutput:
        """See :class:`.Reader`; the hidden state is the one at the position that the model pools."""
        seen: list[Any] = []
        hook = self._head.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0])) if hidden else None
        try:
            logits = model(input_ids=tensors["ids"], attention_mask=tensors["mask"]).logits.float()
        finally:
            if hook:
                hook.remove()
        targets = tensors["y"][:, None]
        before = None
        if hidden:
            before = seen[-1].float()
            if before.dim() == 3:  # the head is applied everywhere and the last token's logits are taken
                last = tensors["mask"].sum(1) - 1
                before = before[range(len(last)), last]
            before = before[:, None]
        return ModelOutput(
            logits[:, None], targets, logits.new_ones(targets.shape), before, bias=self._head.bias is not None
        )
