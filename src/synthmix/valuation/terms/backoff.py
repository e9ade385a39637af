"""The hierarchical Dirichlet model of n-grams (MacKay & Peto 1995): its probabilities, loss and slope, from counts.

With w the token and h its history,

    p_n(w | h) = (c(h w) + kappa_n p_{n-1}(w | h')) / (c(h) + kappa_n),    p_0 = 1 / V,

linear in counts above and below the line, so that counts of pools give the model of any mixture. Counts are of the
n-grams of :class:`.Grams`: ``c1``, ``c2``, ... (u_n,) by order, and ``tokens`` (a number), of all text.
"""

import numpy as np

from synthmix.valuation.terms.grams import Grams
from synthmix.valuation.terms.term import Sums

KAPPAS = tuple(4.0**i for i in range(-1, 8))  # that are tried; 16 times as much of single tokens


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


def settled(documents: list[np.ndarray], vocab: int, order: int) -> np.ndarray:
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
