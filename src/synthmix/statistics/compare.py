"""One training text against one held-out text, unigrams or n-grams: coverage, divergences, what costs most, overlap.

Everything is a sum over the n-grams that either text holds, so it streams over :func:`aligned` blocks and needs no
more memory than one of them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.statistics.ngrams import NgramCounts
from synthmix.statistics.runs import BLOCK, aligned
from synthmix.statistics.smoothing import DEFAULT, Summary, smoothed

AT_LEAST = (1, 2, 5, 10, 100)
Blocks = Callable[[], Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]]  # keys, training counts, held-out counts


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
    return _compare(1, lambda: iter([(keys, train, test)]), len(train), smoothings, at_least)


def compare_ngrams(
    train: NgramCounts, test: NgramCounts, *, smoothings: Sequence[str] = (DEFAULT,), at_least: Sequence[int] = AT_LEAST
) -> Comparison:
    """The same for n-grams; smoothing counts as cells the n-grams that occur in either text.

    Raises:
        ValueError: n-grams of different lengths or vocabularies. BadInput: an empty text, or an unknown smoothing.
    """
    return _compare(train.n, _pairs(train, test), None, smoothings, at_least)


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


def _compare(
    n: int, blocks: Blocks, cells: int | None, smoothings: Sequence[str], at_least: Sequence[int]
) -> Comparison:
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
