"""What the reference's own text would save: the n-gram learner after a mixture, and after the same number of words with
some of them replaced by other documents of the reference.

DERIVED. Under the hypothesis that the mixture is text like the reference, documents of both are exchangeable: as many
words of either added to the same base are worth the same in expectation, and the difference is 0. What it is above 0
lies on words which the reference shares between its documents and the mixture shows too rarely: the gap, and its parts
by word add up to it. A word that stands in one document alone saves nothing, however rare: no other document helps.
The learner is the hierarchical one of :mod:`synthmix.valuation.terms.ngrams` (linear in counts), the mean over learners
from the best to one that needs 64 times as many occurrences. Half of the reference's documents is scored after the
other half, and the other way round.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.valuation.terms.ngram_transfer import SLOWER
from synthmix.valuation.terms.ngrams import Grams, fit_strengths, probabilities
from synthmix.valuation.terms.term import block_of

ORDER = 3
BLOCKS = 20  # of the reference's documents: intervals are over these
MOST_ROWS = 40  # blocks of all domains together
FOLDS = 4  # parts of the mixture that are replaced, one at a time


@dataclass(frozen=True)
class Pool:
    """One source: its documents with every word that the reference lacks as one number, and its share."""

    documents: Sequence[np.ndarray]
    share: float


@dataclass(frozen=True)
class Saving:
    """Of every n-gram that is scored (those of the longest history that its place allows), over all orders.

    Attributes:
        last: number of its last word (n,). key: its number among the pairs (n,), -1 where it has no history.
        count: how often it stands in the reference (n,). nats: after the mixture (n,); saved: less, when replaced (n,).
            All three weighed: the words of a domain count as many as those of another, and as many as there are in all.
        tokens: weighed words of each block (blocks,). gained: nats saved of each, a row for each part of the mixture
            that was replaced (FOLDS, blocks).
        replaced: words of the mixture that were replaced. mixture: words of the mixture.
        shown: of each number in one word of the mixture (vocab,).
        pairs: packed pairs of words (p,). pair_shown: of each in one word of the mixture (p,).
    """

    last: np.ndarray
    key: np.ndarray
    count: np.ndarray
    nats: np.ndarray
    saved: np.ndarray
    tokens: np.ndarray
    gained: np.ndarray
    replaced: float
    mixture: float
    shown: np.ndarray
    pairs: np.ndarray
    pair_shown: np.ndarray
    bits: int


def saving(
    reference: Sequence[np.ndarray],
    pools: Sequence[Pool],
    vocab: int,
    words: float,
    domains: np.ndarray | None = None,
) -> Saving:
    """The loss of the reference after ``words`` words of the mixture of ``pools``, and what its own text saves.

    Args:
        reference: documents as numbers below ``vocab``; their order is random.
        words: at most; less where a pool would be read more than once.
        domains: number of each document's domain (documents,); None: one. Domains weigh the same.
    """
    domains = np.zeros(len(reference), np.int64) if domains is None else domains
    number = int(domains.max()) + 1
    each = max(2, min(BLOCKS, MOST_ROWS // number) // 2 * 2)  # even: halves are made of blocks
    block = np.zeros(len(reference), np.int64)
    for domain in range(number):
        mine = np.flatnonzero(domains == domain)
        block[mine] = domain * each + block_of(np.arange(len(mine)), each)
    grams = Grams(reference, vocab, ORDER, number * each, block=block)
    kappas = fit_strengths(list(reference), vocab, ORDER)
    lengths = np.array([len(one) for one in reference], float)
    of_domain = np.bincount(domains, lengths, minlength=number)
    weight = lengths.sum() / number / np.maximum(of_domain, 1)  # of a word of each domain
    rows = np.repeat(weight, each)
    owner = block % 2
    halves = [np.flatnonzero(owner == side) for side in (0, 1)]
    sizes = [float(sum(map(len, pool.documents))) for pool in pools]
    mixture = min([words, *(size / pool.share for size, pool in zip(sizes, pools, strict=True) if pool.share > 0)])
    replaced = min(mixture / 2, *(float((lengths * weight[domains])[half].sum()) for half in halves))
    part = replaced / mixture
    whole, bases = _mixed(grams, pools, mixture, part)
    before = _nats(grams, whole, kappas)
    after = []
    for half in halves:
        own = {name: np.zeros_like(zero) for name, zero in whole.items()}
        for domain in range(number):
            # Of each domain as many words, from the first documents on; what one has too few of counts more.
            mine, taken, held = half[domains[half] == domain], 0.0, []
            for i in mine:
                if taken >= replaced / number:
                    break
                held.append(reference[i])
                taken += lengths[i]
            counted = _counts(grams, held)
            own = {name: own[name] + replaced / number / max(taken, 1.0) * counted[name] for name in own}
        after.append([_nats(grams, {name: base[name] + own[name] for name in base}, kappas) for base in bases])
    parity = np.arange(number * each) % 2
    parts: list[tuple[np.ndarray, ...]] = []
    tokens, gained = np.zeros(number * each), np.zeros((FOLDS, number * each))
    mask = (1 << grams.bits) - 1
    for n, order in enumerate(grams.orders):
        # The text of one half is scored after the other half of the reference.
        less = [[before[n] - each[n] for each in after[1 - side]] for side in (0, 1)]
        weighed = rows[:, None] * order.scored
        scored = [weighed[parity == side].sum(axis=0) for side in (0, 1)]
        total, saved = scored[0] + scored[1], sum(scored[side] * np.mean(less[side], axis=0) for side in (0, 1))
        use = np.flatnonzero(total > 0)
        pair = np.full(len(use), -1) if n == 0 else use if n == 1 else order.suffix[use]
        parts.append((order.keys[use] & mask, pair, total[use], (total * before[n])[use], np.asarray(saved)[use]))
        tokens += weighed.sum(axis=1)
        for side in (0, 1):
            for fold, drop in enumerate(less[side]):
                gained[fold, parity == side] += weighed[parity == side] @ drop
    last, key, count, nats, saving_of = (np.concatenate(column) for column in zip(*parts, strict=True))
    shown = np.zeros(vocab)
    shown[grams.orders[0].keys] = whole["c1"] / mixture
    return Saving(
        last=last, key=key, count=count, nats=nats, saved=saving_of, tokens=tokens, gained=gained, replaced=replaced,
        mixture=mixture, shown=shown, pairs=grams.orders[1].keys, pair_shown=whole["c2"] / mixture, bits=grams.bits,
    )  # fmt: skip


def _counts(grams: Grams, documents: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Of the reference's n-grams, in batches so that memory does not grow with the text."""
    made = {f"c{n}": np.zeros(len(order.keys)) for n, order in enumerate(grams.orders, start=1)}
    made["tokens"] = np.array(float(sum(map(len, documents))))
    for at in range(0, len(documents), 2000):
        for n, found in enumerate(grams.counts(documents[at : at + 2000]), start=1):
            made[f"c{n}"] += found
    return made


def _mixed(
    grams: Grams, pools: Sequence[Pool], mixture: float, part: float
) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    """Counts of the mixture, and of it without ``part`` of every pool: each time another one."""
    whole = {f"c{n}": np.zeros(len(order.keys)) for n, order in enumerate(grams.orders, start=1)}
    whole["tokens"] = np.array(0.0)
    bases = [dict(whole) for _ in range(FOLDS)]
    for pool in pools:
        if not pool.share:
            continue
        ends = np.cumsum([len(d) for d in pool.documents])
        counted, wanted = _counts(grams, pool.documents), pool.share * mixture
        whole = {name: whole[name] + wanted / ends[-1] * counted[name] for name in whole}
        for fold in range(FOLDS):
            place = (ends - fold / FOLDS * ends[-1]) % ends[-1]
            gone = place < part * ends[-1]
            gone[np.argmin(place)] |= len(place) > 1  # one document at least
            removed = _counts(grams, [d for d, go in zip(pool.documents, gone, strict=True) if go])
            left = float(ends[-1] - removed["tokens"])
            scale = (1 - part) * wanted / left if left else 0.0
            bases[fold] = {n: base + scale * (counted[n] - removed[n]) for n, base in bases[fold].items()}
    return whole, bases


def _nats(grams: Grams, counts: dict[str, np.ndarray], kappas: np.ndarray) -> list[np.ndarray]:
    """Of each n-gram's last word (u_n,) by order: the mean over learners."""
    made = [np.zeros(len(order.keys)) for order in grams.orders]
    for slower in SLOWER:
        for total, p in zip(made, probabilities(grams, counts, slower * kappas), strict=True):
            total -= np.log(p) / len(SLOWER)
    return made
