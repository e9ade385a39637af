"""How well n-gram models counted on a pool predict the reference: transfer without training, for text.

CHOSEN (not in arXiv 2511.13640): the paper's terms look at the pool and at its distance from the reference; this one is
the loss on the reference of learners whose optimum is known in closed form (:mod:`.ngrams`).

The strengths of the back-off are fixed by the reference, one half of whose documents predicts the other. That is the
best a learner could do who knew how alike the two are. One who has to find out, from text that may be less alike,
trusts a history only after it was seen more often; how much more, depends on learner and text and is not known. So the
value is the mean over learners, from the best one to one who needs :data:`SLOWER` times as many occurrences.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.ngrams import Grams, fit_strengths, nats, probabilities, slope, tokens
from synthmix.valuation.terms.term import REFERENCE_BLOCKS, Sums, Term

Tokenize = Callable[[Batch], Sequence[np.ndarray]]
SLOWER = (1.0, 4.0, 16.0, 64.0)


class Tokenized:
    """Documents of token ids of a batch of texts, by anything with ``encode_batch``."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def __call__(self, batch: Batch) -> list[np.ndarray]:
        if isinstance(batch.items, np.ndarray):
            raise BadInput("an array, where the reference is text", remedy="give both sides in one form")
        return [np.asarray(ids, dtype=np.int64) for ids in self.tokenizer.encode_batch(batch.items)]


class NgramTransfer(Term):
    """Cross-entropy of the reference, nats per token, under the n-gram model of the pool.

    Args:
        tokenize: a batch of texts to documents of token ids below ``vocab``.
        order: the longest n-gram.
        kappas: strengths of the back-off by order, or None: from the reference. slower: learners, by the factor by
            which all of these are multiplied.
        tokens: of the reference that are kept.
        after: what ends the prompt of a text (its first occurrence): of the reference only what follows is scored.
    """

    name = reads = "transfer"

    def __init__(
        self,
        tokenize: Tokenize,
        vocab: int,
        *,
        order: int = 4,
        kappas: Sequence[float] | None = None,
        slower: Sequence[float] = SLOWER,
        tokens: int = 400_000,
        after: str | None = None,
    ) -> None:
        self.after = after
        self.tokenize, self.vocab, self.order, self.tokens = tokenize, vocab, order, tokens
        self.scale = float(np.log(vocab))
        self.prepares = tokenize
        self.kappas = None if kappas is None else np.asarray(kappas, float)
        self.slower = tuple(slower)
        self._last: tuple[Sums, np.ndarray] | None = None  # sums, and their nats (blocks,)

    def fit(self, reference: Pool) -> None:
        """Number the reference's n-grams, and fix kappa."""
        documents: list[np.ndarray] = []
        starts: list[int] = []
        total = 0
        for batch in reference.batches():
            for ids, start in zip(batch.by(self.tokenize), self._starts(batch), strict=True):
                if total < self.tokens and len(ids):
                    documents.append(np.asarray(ids))
                    starts.append(start)
                    total += len(ids)
        self.grams = Grams(documents, self.vocab, self.order, REFERENCE_BLOCKS, starts)
        self._scored, self._last = tokens(self.grams), None
        if self.kappas is None:
            self.kappas = fit_strengths(documents, self.vocab, self.order)

    def read(self, batch: Batch) -> Sums:
        """Counts of the reference's n-grams, by length, and of all tokens."""
        documents = batch.by(self.tokenize)
        made = {f"c{n}": counts for n, counts in enumerate(self.grams.counts(documents), start=1)}
        made["tokens"] = np.array(float(sum(len(d) for d in documents)))
        return made

    def value(self, sums: Sums, without: int | None = None) -> float:
        """Nats per token of the reference: the mean over learners."""
        if self._last is None or any(self._last[0].get(name) is not array for name, array in sums.items()):
            each = [nats(self.grams, probabilities(self.grams, sums, kappas)) for kappas in self._learners()]
            self._last = sums, np.mean(each, axis=0)  # asked again for another part of the reference?
        keep = np.arange(len(self._scored)) != (-1 if without is None else without)
        return float(self._last[1][keep].sum() / max(float(self._scored[keep].sum()), 1.0))

    def slope(self, sums: Sums) -> Sums:
        """The mean over learners."""
        each = [slope(self.grams, sums, kappas) for kappas in self._learners()]
        return {name: np.mean([made[name] for made in each], axis=0) for name in sums}

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) change of the value by one more of each document, to first order."""
        documents = batch.by(self.tokenize)
        total = self.lengths(batch).astype(float) * float(slope["tokens"])
        for n, (number, owner) in enumerate(self.grams.places(documents), start=1):
            total = total + np.bincount(owner, slope[f"c{n}"][number], minlength=len(documents))
        return np.asarray(total)

    def lengths(self, batch: Batch) -> np.ndarray:
        """(n,) tokens of each document."""
        return np.array([len(d) for d in batch.by(self.tokenize)])

    def _starts(self, batch: Batch) -> list[int]:
        """The first token of each text that is scored; all of a text without a prompt."""
        if self.after is None:
            return [0] * len(batch)
        parts = [text.partition(self.after) for text in batch.items]
        prompts = [first + end if end else "" for first, end, _ in parts]
        return [len(ids) for ids in self.tokenize(Batch(prompts))]

    def _learners(self) -> list[np.ndarray]:
        """The kappas (order,) of each."""
        assert self.kappas is not None
        return [slower * self.kappas for slower in self.slower]


def text_transfer(
    reference: Pool, tokenizer: Any = None, *, order: int = 4, after: str | None = None
) -> tuple[Any, NgramTransfer]:
    """(tokenizer, term), the term not yet fitted; None: a tokenizer is trained on the reference."""
    if tokenizer is None:
        from synthmix.corpus import train_tokenizer

        texts = reference.take(20_000).items
        tokenizer = train_tokenizer(iter(texts), vocabulary(sum(map(len, texts))))
    return tokenizer, NgramTransfer(Tokenized(tokenizer), tokenizer.vocab_size, order=order, after=after)


def vocabulary(characters: int) -> int:
    """Tokens of a vocabulary that is trained on so much text: one for each 300 characters, from 300 to 4096.

    CHOSEN: a larger one holds whole phrases of a small reference, which no other text contains, and the n-gram model of
    any pool then knows next to nothing of it (docs/log.md).
    """
    return int(np.clip(characters // 300, 300, 4096))
