"""Models that are handed over: any Hugging Face folder or hub id, read as it is and never trained here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from synthmix.corpus.tokenizer import load_tokenizer
from synthmix.errors import BadInput
from synthmix.valuation.learners.classifier import needed
from synthmix.valuation.learners.language import ROWS, LanguageReader
from synthmix.valuation.learners.learner import Checkpoint, Reader
from synthmix.valuation.learners.reading import Reading
from synthmix.valuation.learners.rows import texts_of
from synthmix.valuation.pool import Batch, Pool

REMEDY = "value with on='initial', or by a method that trains nothing"


class Given:
    """The part that both kinds share: ``initial`` is the model, whatever the seed; training is refused."""

    model: Any
    where: str

    def fit(self, reference: Pool) -> Self:
        """Nothing to fit."""
        return self

    def initial(self, seed: int = 0) -> Any:
        """The model that was given."""
        return self.model

    def train(self, pool: Pool, *, seed: int = 0) -> Any:
        """Refused.

        Raises:
            BadInput: always.
        """
        raise BadInput("a given model is read, not trained", where=self.where, remedy=REMEDY)

    def path(self, pool: Pool, *, seed: int = 0, stops: int = 4) -> list[Checkpoint]:
        """Refused, as :meth:`train`."""
        raise BadInput("a given model is read, not trained", where=self.where, remedy=REMEDY)


class GivenLanguageModel(Given, LanguageReader):
    """A causal language model and its own tokenizer, from a checkpoint of ours or any of transformers'."""

    name = "given-language"

    def __init__(self, where: str | Path, *, context: int = 128) -> None:
        """
        Raises:
            BadInput: no model or no tokenizer there.
        """
        from synthmix.training.checkpoint import load_checkpoint

        self.where, self.context = str(where), context
        self.tokenizer = load_tokenizer(where)
        self.model = load_checkpoint(where)


class GivenClassifier(Given, Reader):
    """A sequence classifier of transformers' and its own tokenizer. Labels of pools are the model's class numbers, or
    the numbers that :func:`synthmix.valuation.opening.class_number` gives to the model's class names."""

    name = "given-classifier"

    def __init__(self, where: str | Path, *, context: int = 128) -> None:
        """
        Raises:
            BadInput: no sequence classifier or no tokenizer there, or one without an output layer of its own.
        """
        from torch import nn
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        from synthmix.training.device import best_device
        from synthmix.valuation.opening import class_number

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

        texts, labels = texts_of(batch.items, None), self._labels(needed(batch, None))
        for start in range(0, len(texts), ROWS):
            coded = self.tokens(
                texts[start : start + ROWS],
                padding=True,
                truncation=True,
                max_length=self.context,
                return_tensors="pt",
                return_token_type_ids=False,
            )
            y = torch.from_numpy(labels[start : start + ROWS])
            yield {"ids": coded["input_ids"], "mask": coded["attention_mask"], "y": y}

    def _labels(self, labels: np.ndarray) -> np.ndarray:
        strange = [label for label in np.unique(labels) if int(label) not in self._known]
        if strange:
            said = f"has the label {strange[0]}, and the model of {self.where} neither this class nor a name for it"
            raise BadInput(said, key="labels", remedy=f"label with 0 to {self.classes - 1}, or with the model's names")
        return np.array([self._known[int(label)] for label in labels])

    def call(self, model: Any, tensors: dict[str, Any], *, hidden: bool = False) -> Reading:
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
        return Reading(
            logits[:, None], targets, logits.new_ones(targets.shape), before, bias=self._head.bias is not None
        )
