"""The n-grams of a reference by number, their counts in other text, and the model that counts make.

An n-gram of token ids is packed into one 64-bit integer, exactly: no hashing. Memory depends on the reference alone.

The model is the hierarchical Dirichlet one of n-grams (MacKay & Peto 1995). With w the token and h its history,

    p_n(w | h) = (c(h w) + kappa_n p_{n-1}(w | h')) / (c(h) + kappa_n),    p_0 = 1 / V,

linear in counts above and below the line, so that counts of pools give the model of any mixture. Counts are of the
n-grams of :class:`.Grams`: ``c1``, ``c2``, ... (u_n,) by order, and ``tokens`` (a number), of all text.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.terms.term import Sums, block_of

KAPPAS = tuple(4.0**i for i in range(-1, 8))  # that are tried; 16 times as much of single tokens

_FILTER_BITS = 22


@dataclass(frozen=True)
class Order:
    """The distinct n-grams of one length.

    Attributes:
        keys: packed, ascending (u,).
        prefix: the number of each one's first n - 1 tokens in the order below (u,).
        suffix: that of its last n - 1 tokens (u,).
        scored: how often each block of the reference's documents is predicted by this order (blocks, u): the longest
            order that the beginning of the document allows.
    """

    keys: np.ndarray
    prefix: np.ndarray
    suffix: np.ndarray
    scored: np.ndarray


class Grams:
    """N-grams up to length ``order`` of documents of token ids below ``vocab``; documents belong to ``blocks`` by
    :func:`.block_of`."""

    def __init__(
        self,
        documents: Sequence[np.ndarray],
        vocab: int,
        order: int,
        blocks: int = 1,
        starts: Sequence[int] | None = None,
        block: np.ndarray | None = None,
    ) -> None:
        """``starts``: the first token of each document that is scored; what stands before it is history only.
        ``block``: of each document (n,), below ``blocks``; None: by :func:`.block_of`."""
        self.bits = max(1, int(vocab - 1).bit_length())
        if self.bits * order > 63:
            raise BadInput(
                f"{order}-grams of a vocabulary of {vocab} do not fit 64 bits",
                remedy=f"at most {63 // self.bits}-grams",
            )
        self.vocab, self.order = vocab, order
        packed = [self.packed(documents, n) for n in range(1, order + 1)]
        keys = [np.unique(each) for each in packed]
        self.orders: list[Order] = []
        for n, mine in enumerate(keys, start=1):
            # Where a document's token n - 1 stands, no longer history is there; beyond it the longest order predicts.
            last, owner = (packed[-1], self._owners(documents, n)) if n == order else self._starts(documents, n)
            if starts is not None:
                place = self._lasts(documents, n) if n == order else np.full(len(last), n - 1)
                counts = place >= np.asarray(starts)[owner]
                last, owner = last[counts], owner[counts]
            scored = np.zeros((blocks, len(mine)))
            places = block_of(owner, blocks) if block is None else block[owner]
            np.add.at(scored, (places, np.searchsorted(mine, last)), 1.0)
            if n == 1:
                none = np.zeros(len(mine), np.int64)
                self.orders.append(Order(mine, none, none, scored))
                continue
            below = keys[n - 2]
            prefix = np.searchsorted(below, mine >> self.bits)
            suffix = np.searchsorted(below, mine & ((1 << (self.bits * (n - 1))) - 1))
            self.orders.append(Order(mine, prefix, suffix, scored))
        self.tokens = sum(float(o.scored.sum()) for o in self.orders)  # that are scored
        self._maybe = [self._filter(each) for each in keys]
        short = range(1, min(order, _FILTER_BITS // self.bits) + 1)
        self._numbers = {n: self._table(keys[n - 1], n) for n in short}

    def packed(self, documents: Sequence[np.ndarray], n: int) -> np.ndarray:
        """Every n-gram inside a document, as one array."""
        if not documents:
            return np.zeros(0, np.int64)
        stream = np.concatenate(documents).astype(np.int64)
        if len(stream) < n:
            return np.zeros(0, np.int64)
        made = stream[: len(stream) - n + 1].copy()
        for i in range(1, n):
            made <<= self.bits
            made |= stream[i : len(stream) - n + 1 + i]
        return np.asarray(made[self._inside(documents, n)]) if n > 1 else made

    def counts(self, documents: Sequence[np.ndarray]) -> list[np.ndarray]:
        """How often each of the reference's n-grams stands in ``documents``: (u,) a length."""
        return [
            np.bincount(found, minlength=len(o.keys)).astype(float)
            for o, (found, _) in zip(self.orders, self.places(documents), strict=True)
        ]

    def places(self, documents: Sequence[np.ndarray]) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each length (numbers of the n-grams found, number of the document of each)."""
        stream = np.concatenate(documents).astype(np.int64) if documents else np.zeros(0, np.int64)
        owner = np.repeat(np.arange(len(documents)), [len(d) for d in documents])
        found = []
        place = np.arange(len(stream))  # where an n-gram may stand: where both of its (n - 1)-grams do
        for n, order in enumerate(self.orders, start=1):
            keys = stream[place]
            for further in range(1, n):
                keys = (keys << self.bits) | stream[place + further]
            if (numbers := self._numbers.get(n)) is not None:
                number = numbers[keys]
                hit = number >= 0
            else:
                maybe = np.flatnonzero(self._maybe[n - 1][_slot(keys)])
                place, keys = place[maybe], keys[maybe]
                number = np.searchsorted(order.keys, keys)
                number[number == len(order.keys)] = 0
                hit = order.keys[number] == keys if len(order.keys) else np.zeros(len(keys), bool)
            place = place[hit]
            found.append((number[hit], owner[place]))
            follows = np.flatnonzero(place[1:] == place[:-1] + 1)
            place = place[follows]
            place = place[place + n < len(stream)]
            place = place[owner[place] == owner[place + n]]
        return found

    def _lasts(self, documents: Sequence[np.ndarray], n: int) -> np.ndarray:
        """The place in its document of each window's last token."""
        places = np.concatenate([np.arange(len(d)) for d in documents])
        return np.asarray(places[n - 1 :][self._inside(documents, n)] if n > 1 else places)

    def _owners(self, documents: Sequence[np.ndarray], n: int) -> np.ndarray:
        """The document of each window of n tokens."""
        owner = np.repeat(np.arange(len(documents)), [len(d) for d in documents])
        return owner if n == 1 else np.asarray(owner[: max(0, len(owner) - n + 1)][self._inside(documents, n)])

    def _inside(self, documents: Sequence[np.ndarray], n: int) -> np.ndarray:
        """Which windows of n tokens of the joined stream lie in one document."""
        lengths = np.array([len(d) for d in documents])
        total = int(lengths.sum()) - n + 1
        keep = np.ones(max(total, 0), bool)
        ends = np.cumsum(lengths)
        for back in range(1, n):
            cut = ends - back
            cut = cut[(cut >= 0) & (cut < total)]
            keep[cut] = False
        return keep

    def _starts(self, documents: Sequence[np.ndarray], n: int) -> tuple[np.ndarray, np.ndarray]:
        """The first n-gram of each document, and the number of the document."""
        owner = np.array([i for i, d in enumerate(documents) if len(d) >= n], dtype=np.int64)
        return self.packed([documents[i][:n] for i in owner], n), owner

    def _filter(self, keys: np.ndarray) -> np.ndarray:
        """A table of what may be a key: most n-grams of other text are dismissed by one look at it."""
        table = np.zeros(1 << _FILTER_BITS, bool)
        table[_slot(keys)] = True
        return table

    def _table(self, keys: np.ndarray, n: int) -> np.ndarray:
        """The number of every possible n-gram, -1 of one that the reference lacks."""
        table = np.full(1 << (self.bits * n), -1)
        table[keys] = np.arange(len(keys))
        return table


def _slot(keys: np.ndarray) -> np.ndarray:
    mixed = keys.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(mixed >> np.uint64(64 - _FILTER_BITS))


def probabilities(grams: Grams, counts: Sums, kappas: np.ndarray) -> list[np.ndarray]:
    """p of each n-gram's last token after its others: (u_n,) by order."""
    p = [(counts["c1"] + kappas[0] / grams.vocab) / (float(counts["tokens"]) + kappas[0])]
    for n in range(2, grams.order + 1):
        o = grams.orders[n - 1]
        above = counts[f"c{n}"] + kappas[n - 1] * p[-1][o.suffix]
        p.append(above / (counts[f"c{n - 1}"][o.prefix] + kappas[n - 1]))
    return p


def nats(grams: Grams, p: list[np.ndarray]) -> np.ndarray:
    """(blocks,) of the documents that ``grams`` are of."""
    return -sum((o.scored @ np.log(each) for o, each in zip(grams.orders, p, strict=True)), np.zeros(1))


def tokens(grams: Grams) -> np.ndarray:
    """(blocks,) that are scored."""
    return sum((o.scored.sum(axis=1) for o in grams.orders), np.zeros(1))


def slope(grams: Grams, counts: Sums, kappas: np.ndarray) -> Sums:
    """d (nats per token) / d counts, by reverse differentiation through the orders, the longest first."""
    p = probabilities(grams, counts, kappas)
    made: Sums = {name: np.zeros_like(array, dtype=float) for name, array in counts.items()}
    above: np.ndarray = np.zeros(len(grams.orders[-1].keys))
    for n in range(grams.order, 0, -1):
        o, here = grams.orders[n - 1], p[n - 1]
        by_p = above - o.scored.sum(axis=0) / here / grams.tokens
        if n == 1:
            below = float(counts["tokens"]) + kappas[0]
            made["c1"] += by_p / below
            made["tokens"] += -float((by_p * here).sum()) / below
            break
        line = counts[f"c{n - 1}"][o.prefix] + kappas[n - 1]
        made[f"c{n}"] += by_p / line
        size = len(grams.orders[n - 2].keys)
        made[f"c{n - 1}"] += np.bincount(o.prefix, -by_p * here / line, minlength=size)
        above = np.bincount(o.suffix, by_p * kappas[n - 1] / line, minlength=size)
    return made


def fit_strengths(documents: list[np.ndarray], vocab: int, order: int) -> np.ndarray:
    """(order,) each order's kappa in turn, twice: the best with which even documents predict odd ones, or the
    second half of a single one the first."""
    ours, theirs = documents[::2], documents[1::2]
    if not theirs:
        cut = len(ours[0]) // 2
        ours, theirs = [ours[0][cut:]], [ours[0][:cut]]
    grams = Grams(ours, vocab, order)
    counts: Sums = {f"c{n}": found for n, found in enumerate(grams.counts(theirs), start=1)}
    counts["tokens"] = np.array(float(sum(len(d) for d in theirs)))
    kappas = np.full(order, 16.0)
    for _ in range(2):
        for n in range(order):
            tried = []
            for kappa in KAPPAS:
                kappas[n] = kappa * (16 if n == 0 else 1)
                tried.append((float(nats(grams, probabilities(grams, counts, kappas)).sum()), kappas[n]))
            kappas[n] = min(tried)[1]
    return kappas
