"""How well an n-gram model counted on a pool predicts the reference: transfer without training, for text.

CHOSEN (not in arXiv 2511.13640): the paper's terms look at the pool and at its distance from the reference; this one is
the loss on the reference of a learner whose optimum is known in closed form. The learner is the hierarchical Dirichlet
model (MacKay & Peto 1995): with w the token and h its history,

    p_n(w | h) = (c(h w) + kappa_n p_{n-1}(w | h')) / (c(h) + kappa_n),    p_0 = 1 / V,

linear in counts above and below the line, so that counts of pools give the model of any mixture. Kappa is fixed by the
reference: one half of its documents predicts the other.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.grams import Grams
from synthmix.valuation.terms.term import REFERENCE_BLOCKS, Sums

Tokenize = Callable[[Batch], Sequence[np.ndarray]]
KAPPAS = tuple(4.0**i for i in range(-1, 8))


class NgramTransfer:
    """Cross-entropy of the reference, nats per token, under the n-gram model of the pool.

    Args:
        tokenize: a batch of texts to documents of token ids below ``vocab``.
        order: the longest n-gram.
        kappas: strengths of the back-off by order, or None: from the reference.
        tokens: of the reference that are kept.
        after: what ends the prompt of a text (its first occurrence): of the reference only what follows is scored.
    """

    name = reads = "transfer"
    most: int | None = None

    def __init__(
        self,
        tokenize: Tokenize,
        vocab: int,
        *,
        order: int = 4,
        kappas: Sequence[float] | None = None,
        tokens: int = 400_000,
        after: str | None = None,
    ) -> None:
        self.after = after
        self.tokenize, self.vocab, self.order, self.tokens = tokenize, vocab, order, tokens
        self.scale = float(np.log(vocab))
        self.prepares = tokenize
        self.kappas = None if kappas is None else np.asarray(kappas, float)

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
        if self.kappas is None:
            self.kappas = self._settled(documents)

    def read(self, batch: Batch) -> Sums:
        """Counts of the reference's n-grams, by length, and of all tokens."""
        documents = batch.by(self.tokenize)
        made = {f"c{n}": counts for n, counts in enumerate(self.grams.counts(documents), start=1)}
        made["tokens"] = np.array(float(sum(len(d) for d in documents)))
        return made

    def value(self, sums: Sums, without: int | None = None) -> float:
        """Nats per token of the reference."""
        return _loss(self.grams, self._probabilities(self.grams, sums, self.kappas), without)

    def slope(self, sums: Sums) -> Sums:
        """By reverse differentiation through the orders, the longest first."""
        assert self.kappas is not None
        grams, kappas = self.grams, self.kappas
        p = self._probabilities(grams, sums, kappas)
        made: Sums = {name: np.zeros_like(array, dtype=float) for name, array in sums.items()}
        above: np.ndarray = np.zeros(len(grams.orders[-1].keys))
        for n in range(self.order, 0, -1):
            o, here = grams.orders[n - 1], p[n - 1]
            by_p = above - o.scored.sum(axis=0) / here / grams.tokens
            if n == 1:
                below = float(sums["tokens"]) + kappas[0]
                made["c1"] += by_p / below
                made["tokens"] += -float((by_p * here).sum()) / below
                break
            line = sums[f"c{n - 1}"][o.prefix] + kappas[n - 1]
            made[f"c{n}"] += by_p / line
            size = len(grams.orders[n - 2].keys)
            made[f"c{n - 1}"] += np.bincount(o.prefix, -by_p * here / line, minlength=size)
            above = np.bincount(o.suffix, by_p * kappas[n - 1] / line, minlength=size)
        return made

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

    def _settled(self, documents: list[np.ndarray]) -> np.ndarray:
        """Each order's kappa in turn, twice: the best with which odd documents predict even ones."""
        ours, theirs = documents[::2], documents[1::2]
        if not theirs:
            cut = len(ours[0]) // 2
            ours, theirs = [ours[0][cut:]], [ours[0][:cut]]
        grams = Grams(ours, self.vocab, self.order)
        sums: Sums = {f"c{n}": counts for n, counts in enumerate(grams.counts(theirs), start=1)}
        sums["tokens"] = np.array(float(sum(len(d) for d in theirs)))
        kappas = np.full(self.order, 16.0)
        for _ in range(2):
            for n in range(self.order):
                tried = []
                for kappa in KAPPAS:
                    kappas[n] = kappa * (16 if n == 0 else 1)
                    tried.append((_loss(grams, self._probabilities(grams, sums, kappas)), kappas[n]))
                kappas[n] = min(tried)[1]
        return kappas

    def _probabilities(self, grams: Grams, sums: Sums, kappas: Any) -> list[np.ndarray]:
        p = [(sums["c1"] + kappas[0] / self.vocab) / (float(sums["tokens"]) + kappas[0])]
        for n in range(2, self.order + 1):
            o = grams.orders[n - 1]
            above = sums[f"c{n}"] + kappas[n - 1] * p[-1][o.suffix]
            p.append(above / (sums[f"c{n - 1}"][o.prefix] + kappas[n - 1]))
        return p


def _loss(grams: Grams, p: list[np.ndarray], without: int | None = None) -> float:
    nats = tokens = 0.0
    for o, each in zip(grams.orders, p, strict=True):
        scored = o.scored.sum(axis=0) - (0 if without is None else o.scored[without])
        nats, tokens = nats - float((scored * np.log(each)).sum()), tokens + float(scored.sum())
    return nats / max(tokens, 1.0)
