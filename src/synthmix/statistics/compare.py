"""One training text against one held-out text, unigrams or n-grams: coverage, divergences, what costs most, overlap.

Everything is a sum over the n-grams that either text holds, so it streams over :func:`aligned` blocks and needs no
more memory than one of them. Divergences are in nats, the direction is in the name. What stands in the denominator of
the logarithm must not be zero, so it is smoothed, by name:

- ``additive:ALPHA`` (Lidstone): (c + alpha) / (n + alpha cells); alpha = 0.5 (Krichevsky and Trofimov 1981) is CHOSEN.
- ``good-turing`` (Good 1953): the mass of what is unseen is N1 / n, N1 being the ids seen once; it is spread evenly
  over the unseen ids and the seen ones are scaled down alike. (CHOSEN: only the mass of the unseen is Good's, not the
  discount of each count, so that the same holds for expected counts; with N1 = 0 it counts as one.)

``cells`` is how many ids there are: the vocabulary for unigrams; for n-grams those that occur in either text, named so.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.statistics.ngrams import BLOCK, NgramCounts, aligned

DEFAULT = "additive:0.5"
USUAL = (DEFAULT, "additive:0.01", "additive:1", "good-turing")  # the first is the one that headlines use
Probability = Callable[[np.ndarray], np.ndarray]
ALPHA = 0.5
AT_LEAST = (1, 2, 5, 10, 100)
Blocks = Callable[[], Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]]  # keys, training counts, held-out counts


@dataclass(frozen=True)
class Summary:
    """What smoothing must know of the training counts: their sum, the ids seen, those seen once, and all there are."""

    total: float
    seen: int
    once: float
    cells: int

    @classmethod
    def of(cls, counts: np.ndarray, cells: int | None = None) -> "Summary":
        """From counts, or expected counts (of which e^-c c is how often a Poisson draw shows the id once)."""
        whole = np.issubdtype(counts.dtype, np.integer) or bool(np.all(counts == np.floor(counts)))
        once = float((counts == 1).sum()) if whole else float((counts * np.exp(-counts)).sum())
        return cls(float(counts.sum()), int(np.count_nonzero(counts)), once, len(counts) if cells is None else cells)


def smoothed(name: str, summary: Summary) -> Probability:
    """Counts (or expected counts) to probabilities, under the smoothing called ``name``.

    Raises:
        BadInput: an unknown name, or an alpha that is not above zero.
    """
    kind, _, amount = name.partition(":")
    if kind == "additive":
        alpha = _alpha(name, amount)
        return lambda counts: (counts + alpha) / (summary.total + alpha * summary.cells)
    if name != "good-turing":
        raise BadInput(f"unknown smoothing '{name}'", key="--smoothing", remedy="write additive:0.5 or good-turing")
    if summary.seen >= summary.cells:
        return lambda counts: counts / summary.total
    unseen = max(summary.once, 1.0) / (summary.total + 1)
    each = unseen / (summary.cells - summary.seen)
    return lambda counts: np.where(counts > 0, (1 - unseen) * counts / summary.total, each)


def check_smoothing(name: str) -> str:
    """``name``, when it is a smoothing.

    Raises:
        BadInput: it is not.
    """
    smoothed(name, Summary(1, 1, 0, 2))
    return name


def _alpha(name: str, amount: str) -> float:
    try:
        alpha = float(amount or "0.5")
    except ValueError:
        alpha = 0.0
    if not 0 < alpha < float("inf"):
        raise BadInput(f"'{name}' has no alpha above zero", key="--smoothing", remedy="write additive:0.5")
    return alpha


class Coverage(NamedTuple):
    """Shares in [0, 1]: of the held-out tokens (``mass``) and of the distinct held-out ids (``types``)."""

    mass: float
    types: float


def coverage(train: np.ndarray, test: np.ndarray, *, at_least: int = 1, expected: bool = False) -> Coverage:
    """Share of the held-out mass and types that training shows ``at_least`` times.

    Args:
        train: counts in training, shape (vocab_size,): exact ones, or expectations with ``expected``.
        test: counts in the held-out text, shape (vocab_size,).
        expected: ``train`` holds means lambda; each id then counts with P(Poisson(lambda) >= at_least) (DERIVED: the
            limit of drawing tokens independently; natural text clumps, so this overstates coverage a little).

    Raises:
        ValueError: an empty held-out text.
    """
    total, types = test.sum(), np.count_nonzero(test)
    if not total:
        raise ValueError("the held-out text is empty")
    seen = _poisson_tail(train, at_least) if expected else (train >= at_least).astype(np.float64)
    return Coverage(float(seen @ test / total), float(seen @ (test > 0) / types))


def _poisson_tail(means: np.ndarray, at_least: int) -> np.ndarray:
    from scipy.special import pdtrc

    return np.ones(len(means)) if at_least == 0 else pdtrc(at_least - 1, means)


def kl_test_train(test: np.ndarray, train: np.ndarray, *, alpha: float = ALPHA) -> float:
    """KL(test || train): the nats per token that a unigram code of the training text wastes on the held-out text.

    Args:
        test, train: counts (or expected counts), shape (vocab_size,); ``train`` is smoothed, ``test`` is not.

    Raises:
        ValueError: different vocabularies, or an empty ``test``. Infinite without smoothing where an id is unseen.
    """
    return float(kl_contributions(test, train, alpha=alpha).sum())


def kl_train_test(train: np.ndarray, test: np.ndarray, *, alpha: float = ALPHA) -> float:
    """KL(train || test), ``test`` smoothed: large when training is about what the held-out text never says."""
    return float(kl_contributions(train, test, alpha=alpha).sum())


def kl_contributions(p: np.ndarray, q: np.ndarray, *, alpha: float = ALPHA) -> np.ndarray:
    """Each id's term p ln(p/q) of KL(p || q), nats, shape (vocab_size,); ``q`` is smoothed. They add up to the KL.

    Raises:
        ValueError: as :func:`kl_test_train`.
    """
    p_hat, q_hat = _normalised(p, q), (q + alpha) / (q.sum() + alpha * len(q))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p_hat > 0, p_hat * (np.log(p_hat) - np.log(q_hat)), 0.0)


def jensen_shannon(a: np.ndarray, b: np.ndarray) -> float:
    """Jensen-Shannon divergence in nats, in [0, ln 2], of the unsmoothed distributions (Lin 1991); symmetric.

    Raises:
        ValueError: different vocabularies, or an empty side.
    """
    a_hat, b_hat = _normalised(a, b), _normalised(b, a)
    middle = (a_hat + b_hat) / 2
    return unigram_entropy(middle) - (unigram_entropy(a_hat) + unigram_entropy(b_hat)) / 2


def unigram_entropy(counts: np.ndarray) -> float:
    """Entropy of the unigram distribution in nats: the loss of the best model that ignores the context."""
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())


def _normalised(p: np.ndarray, other: np.ndarray) -> np.ndarray:
    if p.shape != other.shape:
        raise ValueError(f"vocabularies of {len(p)} and {len(other)} ids")
    total = p.sum()
    if not total:
        raise ValueError("an empty text has no distribution")
    return p / total


@dataclass(frozen=True)
class Divergences:
    """Nats per token (or per n-gram) under one named smoothing; ``jensen_shannon`` needs none."""

    smoothing: str
    kl_test_train: float
    kl_train_test: float
    jensen_shannon: float


@dataclass(frozen=True)
class Comparison:
    """``coverage_mass[k]``: share of the held-out tokens seen ``k`` times or more in training; ``overlap_*``: the
    reverse, the share of the training text that the held-out text holds too; ``jaccard``: of the two sets of types."""

    n: int
    train_tokens: float
    test_tokens: float
    train_types: int
    test_types: int
    coverage_mass: dict[int, float]
    coverage_types: dict[int, float]
    overlap_mass: float
    overlap_types: float
    jaccard: float
    divergences: list[Divergences]


def compare_unigrams(
    train: np.ndarray, test: np.ndarray, *, smoothings: Sequence[str] = (DEFAULT,), at_least: Sequence[int] = AT_LEAST
) -> Comparison:
    """Of exact or expected counts over one vocabulary, both of shape (vocab_size,).

    Raises:
        ValueError: different vocabularies. BadInput: an empty text, or an unknown smoothing.
    """
    if train.shape != test.shape:
        raise ValueError(f"vocabularies of {len(train)} and {len(test)} ids")
    keys = np.arange(len(train))
    return compare_counts(1, lambda: iter([(keys, train, test)]), len(train), smoothings, at_least)


def compare_ngrams(
    train: NgramCounts, test: NgramCounts, *, smoothings: Sequence[str] = (DEFAULT,), at_least: Sequence[int] = AT_LEAST
) -> Comparison:
    """The same for n-grams; smoothing counts as cells the n-grams that occur in either text.

    Raises:
        ValueError: n-grams of different lengths or vocabularies. BadInput: an empty text, or an unknown smoothing.
    """
    return compare_counts(train.n, _pairs(train, test), None, smoothings, at_least)


def top_contributions(
    train: NgramCounts | np.ndarray,
    test: NgramCounts | np.ndarray,
    count: int = 20,
    *,
    smoothing: str = DEFAULT,
) -> list[tuple[np.ndarray, float, int, float]]:
    """The n-grams that cost most: (ids, nats of KL(test || train), held-out count, training count), largest first."""
    blocks, cells, ids = _as_blocks(train, test)
    of_train, of_test = _summaries(blocks, cells)
    probability, total = smoothed(smoothing, of_train), of_test.total
    best: list[tuple[float, int, int, float]] = []
    for keys, shown, held in blocks():
        there = np.flatnonzero(held)
        p = held[there] / total
        cost = p * (np.log(p) - np.log(probability(shown[there])))
        for i in np.argsort(-cost, kind="stable")[:count].tolist():
            at = there[i]
            best.append((float(cost[i]), int(keys[at]), int(held[at]), float(shown[at])))
        best = sorted(best, key=lambda each: (-each[0], each[1]))[:count]
    return [(ids(np.array([key], dtype=np.uint64))[0], cost, held, shown) for cost, key, held, shown in best]


def _as_blocks(
    train: NgramCounts | np.ndarray, test: NgramCounts | np.ndarray
) -> tuple[Blocks, int | None, Callable[[np.ndarray], np.ndarray]]:
    if isinstance(train, np.ndarray) and isinstance(test, np.ndarray):
        keys = np.arange(len(train))
        return lambda: iter([(keys, train, test)]), len(train), lambda found: found.astype(np.int64)[:, None]
    if isinstance(train, NgramCounts) and isinstance(test, NgramCounts):
        from synthmix.statistics.ngrams import unpack

        return _pairs(train, test), None, lambda found: unpack(found, train.n, train.vocab_size)
    raise ValueError("counts of unigrams against counts of n-grams")


def _pairs(train: NgramCounts, test: NgramCounts) -> Blocks:
    """The blocks of both, aligned once and kept where they are one block."""
    if len(train) + len(test) <= BLOCK:
        kept = [(keys, counts[0], counts[1]) for keys, counts in aligned((train, test))]
        return lambda: iter(kept)
    return lambda: ((keys, counts[0], counts[1]) for keys, counts in aligned((train, test)))


def _summaries(blocks: Blocks, cells: int | None) -> tuple[Summary, Summary]:
    """Of the training and of the held-out side; ``cells`` None: the n-grams that either holds."""
    sums, union = np.zeros((2, 3)), 0
    for keys, *counts in blocks():
        union += len(keys)
        for row, side in zip(sums, counts, strict=True):
            found = Summary.of(side)
            row += (found.total, found.seen, found.once)
    all_cells = union if cells is None else cells
    train, test = (Summary(float(total), int(seen), float(once), all_cells) for total, seen, once in sums)
    for summary, what in ((train, "training"), (test, "held-out")):
        if not summary.total:
            raise BadInput(f"the {what} text is empty", remedy="give text that holds at least one such n-gram")
    return train, test


def compare_counts(
    n: int, blocks: Blocks, cells: int | None, smoothings: Sequence[str], at_least: Sequence[int]
) -> Comparison:
    """The same of aligned blocks of counts; ``cells``: how many ids there are, None: those of either text.

    Raises:
        BadInput: an empty text, or an unknown smoothing.
    """
    train, test = _summaries(blocks, cells)
    rules = [(name, smoothed(name, train), smoothed(name, test)) for name in smoothings]
    mass, types = dict.fromkeys(at_least, 0.0), dict.fromkeys(at_least, 0)
    forward, backward, middle = [0.0] * len(rules), [0.0] * len(rules), 0.0
    both, both_mass, union = 0, 0.0, 0
    for _, shown, held in blocks():
        p, q = held / test.total, shown / train.total
        in_test, in_train = held > 0, shown > 0
        for k in at_least:
            mass[k] += float(p[shown >= k].sum())
            types[k] += int((in_test & (shown >= k)).sum())
        both += int((in_test & in_train).sum())
        union += int((in_test | in_train).sum())
        both_mass += float(q[in_test].sum())
        half = (p + q) / 2
        middle += (_relative(p[in_test], half[in_test]) + _relative(q[in_train], half[in_train])) / 2
        for i, (_, of_train, of_test) in enumerate(rules):
            forward[i] += _relative(p[in_test], of_train(shown[in_test]))
            backward[i] += _relative(q[in_train], of_test(held[in_train]))
    return Comparison(
        n=n,
        train_tokens=train.total,
        test_tokens=test.total,
        train_types=train.seen,
        test_types=test.seen,
        coverage_mass={k: min(value, 1.0) for k, value in mass.items()},
        coverage_types={k: value / test.seen for k, value in types.items()},
        overlap_mass=min(both_mass, 1.0),
        overlap_types=both / train.seen,
        jaccard=both / union,
        divergences=[
            Divergences(name, forward[i], backward[i], max(middle, 0.0)) for i, (name, *_) in enumerate(rules)
        ],
    )


def _relative(p: np.ndarray, q: np.ndarray) -> float:
    """Sum of p ln(p / q) over ids with p above zero."""
    return float((p * (np.log(p) - np.log(q))).sum())
