"""Causal language models as learners: the project's own small Llama, trained by its session, or a pretrained one."""

import copy
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Self

import numpy as np

from synthmix.corpus.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from synthmix.errors import BadInput
from synthmix.valuation.learners.learner import Checkpoint, ModelOutput, Pretrained, Reader
from synthmix.valuation.pool import Batch, Pool

DOCUMENTS = 50_000  # of one pool that are trained on at most
TEXTS = 32  # texts of one forward pass
SOURCE = "pool"  # every pool's name in a run: equal pools give equal models
NOWHERE = Path("state-is-never-saved")  # a session saves by the clock, and these never do


class Packed:
    """Tokens in memory, read as a corpus's stream is (:class:`synthmix.training.trainer.Stream`)."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Tokens ``[start, stop)``."""
        return self.ids[start:stop]


def texts_of(items: Any, where: str | None) -> Sequence[str]:
    """The items, which must be texts.

    Raises:
        BadInput: they are an array.
    """
    if isinstance(items, np.ndarray):
        raise BadInput("an array, where a language model needs text", where=where)
    return list(items)


def packed(pool: Pool, tokenizer: Tokenizer, most: int | None, documents: int) -> Packed:
    """Documents in an order that depends on their positions alone, each followed by an end of document; at most
    ``most`` tokens.

    Args:
        documents: of a larger pool, a uniform sample of so many is taken.

    Raises:
        BadInput: not text.
    """
    texts = texts_of(pool.take(documents).items, pool.name)
    order = np.random.default_rng(0).permutation(len(texts))
    end = np.array([tokenizer.eos_id], dtype=tokenizer.dtype)
    pieces, held = [], 0
    for start in range(0, len(order), 1024):
        for ids in tokenizer.encode_batch([texts[i] for i in order[start : start + 1024]]):
            pieces += [ids, end]
            held += len(ids) + 1
        if most is not None and held >= most:
            break
    return Packed(np.concatenate(pieces)[:most])


def rows(texts: Sequence[str], tokenizer: Tokenizer, context: int, count: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Token ids (n, t + 1) int64 and weights (n, t) float32 of up to ``count`` texts at a time.

    A row starts with an end of document, as each text of a packed stream does, and ends with one where the text fits
    into ``context``; of a longer text its beginning is read (CHOSEN). An item's weights are equal and add up to 1.
    """
    for start in range(0, len(texts), count):
        coded = tokenizer.encode_batch(texts[start : start + count])
        lengths = [min(len(ids) + 1, context) for ids in coded]
        ids = np.full((len(coded), max(lengths) + 1), tokenizer.eos_id, dtype=np.int64)
        weights = np.zeros((len(coded), max(lengths)), dtype=np.float32)
        for row, (mine, length) in enumerate(zip(coded, lengths, strict=True)):
            used = mine[:length]
            ids[row, 1 : len(used) + 1] = used
            weights[row, :length] = 1 / length
        yield ids, weights


class LanguageReader(Reader):
    """How any causal language model reads texts: :func:`.rows`, one item a row."""

    tokenizer: Tokenizer | None
    context: int

    def tensors(self, batch: Batch) -> Iterator[dict[str, Any]]:
        """See :class:`.Reader`."""
        import torch

        for ids, weights in rows(texts_of(batch.items, None), self._known(), self.context, TEXTS):
            yield {"ids": torch.from_numpy(ids), "weights": torch.from_numpy(weights)}

    def call(self, model: Any, tensors: dict[str, Any], *, hidden: bool = False) -> ModelOutput:
        """See :class:`.Reader`; ``hidden`` needs a model as :meth:`readable` gives it."""
        ids = tensors["ids"]
        if hidden:
            made = model(input_ids=ids[:, :-1], use_cache=False, output_hidden_states=True)
            return ModelOutput(made.logits.float(), ids[:, 1:], tensors["weights"], made.hidden_states[-1].float())
        logits = model(input_ids=ids[:, :-1], use_cache=False).logits.float()
        return ModelOutput(logits, ids[:, 1:], tensors["weights"])

    def readable(self, model: Any) -> Any:
        """Ours as transformers' own, whose layers are called as modules."""
        from synthmix.training.llama import Llama
        from synthmix.training.model import as_transformers

        return as_transformers(model).eval() if isinstance(model, Llama) else model

    def _known(self) -> Tokenizer:
        if self.tokenizer is None:
            raise BadInput("has no tokenizer yet", where=self.name, remedy="call fit, or hand one over")
        return self.tokenizer


class LanguageLearner(LanguageReader):
    """A Llama of ``params`` non-embedding parameters, trained on exactly ``tokens`` tokens of packed texts.

    The training rule (CHOSEN): every pool gets the same budget, gone through again where the pool is smaller and cut
    where it is larger; or, with ``epochs``, that many passes over the pool, but no fewer than ten steps. Batch order
    and weights depend on the seed alone; the schedule is the project's (:class:`synthmix.training.protocol.Protocol`).
    """

    name = "language"

    def __init__(
        self,
        tokenizer: Tokenizer | None = None,
        *,
        vocab: int = 2048,
        params: int = 50_000,
        context: int = 128,
        batch: int = 2048,
        tokens: int = 250_000,
        epochs: float | None = None,
        rate: float | None = None,
        precision: str = "float32",
    ) -> None:
        """``tokenizer``: by default one of ``vocab`` ids trained on the reference. ``batch``: tokens a step. ``rate``:
        peak, by default the project's rule."""
        if batch % context:
            raise BadInput(f"{batch} tokens are not a whole number of sequences of {context}", key="batch")
        self.tokenizer, self.vocab, self.params, self.context = tokenizer, vocab, params, context
        self.batch, self.tokens, self.epochs, self.rate, self.precision = batch, tokens, epochs, rate, precision

    def fit(self, reference: Pool) -> Self:
        """Train the tokenizer, where none was given."""
        if self.tokenizer is None:
            texts = texts_of(reference.take(DOCUMENTS).items, reference.name)
            self.tokenizer = train_tokenizer(texts, self.vocab)
        return self

    def initial(self, seed: int = 0) -> Any:
        """See :class:`.Learner`; the weights that a training with ``seed`` starts from."""
        from synthmix.training.device import best_device
        from synthmix.training.model import make_model
        from synthmix.training.shape import shape_for

        known = self._known()
        made = make_model(shape_for(self.params), known.vocab_size, self.context, seed, known.eos_id)
        return made.to(best_device()).eval()

    def train(self, pool: Pool, *, seed: int = 0) -> Any:
        """See :class:`.Learner`.

        Raises:
            BadInput: not text, or fewer tokens than one sequence.
            Failure: the loss is no longer finite.
        """
        session = self._session(pool, seed)
        session.advance(session.spec.steps, save_to=NOWHERE, save_every=float("inf"))
        return session.finished()

    def path(self, pool: Pool, *, seed: int = 0, stops: int = 4) -> list[Checkpoint]:
        """See :class:`.Learner`."""
        session = self._session(pool, seed)
        spec, found = session.spec, []
        part = spec.steps / stops
        for i in range(stops):
            session.advance(round((i + 0.5) * part), save_to=NOWHERE, save_every=float("inf"))
            steps = range(round(i * part), round((i + 1) * part))
            rate = sum(spec.protocol.rate(step, spec.steps, spec.peak) for step in steps)
            found.append(Checkpoint(copy.deepcopy(session.finished()), rate))
        return found

    def _session(self, pool: Pool, seed: int) -> Any:
        from synthmix.training.protocol import Protocol
        from synthmix.training.spec import RunSpec
        from synthmix.training.trainer import Session

        known = self._known()
        stream = packed(pool, known, None if self.epochs else self.tokens + 1, DOCUMENTS)
        holds = (len(stream) - 1) // self.context
        if holds < 1:
            raise BadInput(f"{len(stream)} tokens are less than one sequence of {self.context}", where=pool.name)
        budget = self.epochs * holds * self.context if self.epochs else self.tokens
        steps = max(10, round(budget / self.batch))
        protocol = Protocol(
            context=self.context,
            batch=self.batch,
            learning_rate=self.rate,
            epochs=steps * self.batch / self.context / holds + 1,
        )
        spec = RunSpec(
            params=self.params,
            recipe=SOURCE,
            shares={SOURCE: Fraction(1)},
            corpora={SOURCE: SOURCE},
            tokenizer=known.hash,
            vocab=known.vocab_size,
            steps=steps,
            seed=seed,
            protocol=protocol,
        )
        streams: dict[str, Packed] = {SOURCE: stream}
        return Session(spec, streams, owner=SOURCE, precision=self.precision, eos=known.eos_id)


class PretrainedLanguageModel(Pretrained, LanguageReader):
    """A causal language model and its own tokenizer, from a checkpoint of ours or any of transformers'."""

    name = "pretrained-language"

    def __init__(self, where: str | Path, *, context: int = 128) -> None:
        """
        Raises:
            BadInput: no model or no tokenizer there.
        """
        from synthmix.training.checkpoint import load_checkpoint

        self.where, self.context = str(where), context
        self.tokenizer = load_tokenizer(where)
        self.model = load_checkpoint(where)
