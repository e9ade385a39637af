"""Interpolated modified Kneser-Ney of words, as KenLM estimates it, and what it says of a dataset, both ways.

FOUND: Chen and Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1999): three discounts an
order from counts of counts, continuation counts below the longest order, interpolation down to the uniform
distribution; Heafield et al., "Scalable Modified Kneser-Ney Language Model Estimation" (ACL 2013).
CHOSEN: what is counted. Datasets are compared by sub-words of the reference, 4-grams (CCNet's models are of sub-words,
too; on the development tasks a closed vocabulary of words orders instruction sets far worse, .25 against .80); single
documents by words, 3-grams, which are read several times as fast (the reference's words, and one for all others).
Every text stands after as many marks of its beginning as histories are long.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.valuation.methods.baseline import Baseline, CountedPool, DocumentMethod, Result
from synthmix.valuation.pool import Pool
from synthmix.valuation.terms.ngram_transfer import text_transfer
from synthmix.valuation.words import Vocabulary, batches_of

ORDER, PIECES_ORDER = 3, 4
MOST_WORDS = 10_000_000  # of one side, that a model is counted on

FALLBACK = (0.5, 1.0, 1.5)  # KenLM's discounts where counts of counts give none


@dataclass(frozen=True)
class _Level:
    """One order: its n-grams ``keys`` (u,) (number of the history << bits | word), ascending; of each n-gram the
    discounted share ``above`` (u,) of its history; of each history's n-grams ``left`` (histories,), 1 of one that was
    never seen."""

    keys: np.ndarray
    above: np.ndarray
    left: np.ndarray


class KneserNey:
    """Counted on a stream of ids (:meth:`.Vocabulary.stream` with ``order - 1`` before each text)."""

    def __init__(self, ids: np.ndarray, vocab: int, order: int = ORDER) -> None:
        self.vocab, self.order, self.bits = vocab, order, max(1, int(vocab - 1).bit_length())
        self.levels: list[_Level] = []
        predicted = ids != Vocabulary.BEFORE
        tables: list[tuple[np.ndarray, np.ndarray]] = []  # of each order: n-grams, and the number of each place's
        histories = np.zeros(len(ids), np.int64)
        for _ in range(order):
            keys, number = np.unique((histories << self.bits) | ids, return_inverse=True)
            tables.append((keys, number))
            histories = np.concatenate([[0], number[:-1]])  # the n-gram that ends before each place
        for n, (keys, number) in enumerate(tables, start=1):
            sizes = len(tables[n - 2][0]) if n > 1 else 1
            if n == order:
                counts = np.bincount(number[predicted], minlength=len(keys))
            else:  # distinct words before it: n-grams one longer, each once
                longer = tables[n][1]
                first = np.full(len(tables[n][0]), -1)
                first[longer[::-1]] = np.arange(len(ids))[::-1]
                counts = np.bincount(number[first[predicted[first]]], minlength=len(keys))
            self.levels.append(_level(keys, counts, sizes, self.bits))

    def log_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """(m,) natural log of the probability of each id after those before it; 0 of marks of a beginning."""
        p = np.full(len(ids), 1.0 / self.vocab)
        history = np.zeros(len(ids), np.int64)  # number of what stands before, in the order below; -1: never seen
        for level in self.levels:
            keys = (history << self.bits) | ids
            at = np.minimum(np.searchsorted(level.keys, keys), len(level.keys) - 1)
            hit = (history >= 0) & (level.keys[at] == keys)
            left = np.where(history >= 0, level.left[np.maximum(history, 0)], 1.0)
            p = np.where(hit, level.above[at], 0.0) + left * p
            history = np.concatenate([[-1], np.where(hit, at, -1)[:-1]])
        return np.asarray(np.where(ids == Vocabulary.BEFORE, 0.0, np.log(p)))


def _level(keys: np.ndarray, counts: np.ndarray, histories: int, bits: int) -> _Level:
    own = keys >> bits
    discounts = np.concatenate([[0.0], discounts_of(counts)])
    taken = discounts[np.minimum(counts, 3)]
    total = np.bincount(own, counts, minlength=histories)
    given = np.bincount(own, taken, minlength=histories)
    left = np.divide(given, total, out=np.ones(histories), where=total > 0)
    return _Level(keys, (counts - taken) / np.maximum(total[own], 1), left)


def discounts_of(counts: np.ndarray) -> np.ndarray:
    """(3,) of n-grams that were counted once, twice, and more often (Chen and Goodman, eq. 26)."""
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(float)[1:5]
    if n.min() == 0:
        return np.array(FALLBACK)
    y = n[0] / (n[0] + 2 * n[1])
    made = np.array([k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)])
    return made if ((made >= 0) & (made <= (1, 2, 3))).all() else np.array(FALLBACK)


class KneserNeyTransfer(Baseline):
    """Minus the cross-entropy of the reference, nats a token, under a Kneser-Ney model of the pool: what training an
    n-gram model on the pool gives."""

    name = "kneser_ney"

    def _fit(self, reference: Pool) -> None:
        texts = held(reference)
        self.tokenizer, _ = text_transfer(reference)
        self.target = self._stream(texts)

    def _stream(self, texts: Sequence[str]) -> np.ndarray:
        """Ids as :meth:`.Vocabulary.stream` gives them; 0 is never used."""
        documents = self.tokenizer.encode_batch(list(texts))
        lengths = np.array([len(ids) for ids in documents])
        made = np.full(int((lengths + PIECES_ORDER).sum()), Vocabulary.BEFORE, np.int64)
        ends = np.cumsum(lengths + PIECES_ORDER) - 1
        for ids, end, length in zip(documents, ends, lengths, strict=True):
            made[end - length : end] = ids
            made[end - length : end] += 3
        made[ends] = Vocabulary.END
        return made

    def _value(self, pool: CountedPool) -> Result:
        ids = np.concatenate([self._stream(texts) for texts in batches_of(pool, MOST_WORDS)])
        model = KneserNey(ids, self.tokenizer.vocab_size + 3, PIECES_ORDER)
        nats = -model.log_probabilities(self.target).sum() / max((self.target != Vocabulary.BEFORE).sum(), 1)
        return Result(-float(nats), {"loss": float(nats)}, ids.nbytes)


class KneserNeyFilter(DocumentMethod):
    """The mean over documents of the log probability a word under a Kneser-Ney model of the reference: the perplexity
    filter of CCNet (Wenzek et al., LREC 2020). Short, simple and repeated text is likely: known to mislead."""

    name = "kneser_ney_filter"

    def _fit(self, reference: Pool) -> None:
        texts = held(reference)
        self.vocabulary = Vocabulary(texts)
        self.model = KneserNey(self.vocabulary.stream(texts, ORDER - 1)[0], self.vocabulary.size)

    def of_texts(self, texts: Sequence[str]) -> np.ndarray:
        """See :class:`.DocumentMethod`."""
        ids, lengths = self.vocabulary.stream(texts, ORDER - 1)
        logs = self.model.log_probabilities(ids)
        ends = np.cumsum(lengths + ORDER - 1)
        sums = np.add.reduceat(logs, ends - lengths - ORDER + 1)
        return np.asarray(sums / lengths)


def held(reference: Pool) -> list[str]:
    """The reference's texts, up to :data:`MOST_WORDS`."""
    return [text for texts in batches_of(reference, MOST_WORDS) for text in texts]
