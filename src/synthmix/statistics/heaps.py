"""Heaps' law: how many types the first n tokens of a text hold, V(n) = K n^b, and the exponent at the text's end.

CHOSEN: b is the least-squares slope of ln V against ln n over the last decade of n, since the curve of a tokenizer's
ids bends down towards its vocabulary and has no single exponent. Interval: the jackknife over ten successive segments
(the documents of a corpus stand in the order of their hash, so segments are random samples of it).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from synthmix.interval import Interval
from synthmix.statistics.unigrams import Stream

SEGMENTS, NEVER = 10, np.iinfo(np.int64).max
_BLOCK = 2**18


@dataclass(frozen=True)
class Heaps:
    """``tokens`` and ``types`` trace the curve; ``exponent`` is its slope over the last decade, with interval."""

    tokens: list[int]
    types: list[int]
    exponent: Interval


def first_seen(stream: Stream, vocab_size: int, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Position (counted from ``start``) at which each id first occurs, else ``NEVER``: int64, shape (vocab_size,)."""
    stop = len(stream) if stop is None else stop
    first = np.full(vocab_size, NEVER, dtype=np.int64)
    for at in range(start, stop, _BLOCK):
        block = stream.read(at, min(at + _BLOCK, stop))
        new = np.flatnonzero(first[block] == NEVER)
        ids, where = np.unique(block[new], return_index=True)
        first[ids] = new[where] + (at - start)
    return first


def heaps(
    segments: Sequence[np.ndarray], lengths: Sequence[int], *, level: float = 0.9, points: int = 60
) -> Heaps | None:
    """From :func:`first_seen` of successive segments of ``lengths`` tokens; None for an empty or too short text."""
    total = sum(lengths)
    if total < 100:
        return None
    whole = _joined(segments, lengths)
    tokens = np.unique(np.round(np.geomspace(1, total, points)).astype(np.int64))
    slope, count = _slope(whole, total), len(segments)
    if count > 1:
        left = [_slope(_joined(*_without(segments, lengths, i)), total - lengths[i]) for i in range(count)]
        spread = float(np.sqrt((count - 1) / count * np.sum((np.array(left) - np.mean(left)) ** 2)))
    else:
        spread = 0.0
    from scipy.stats import t

    reach = spread * float(t.ppf(0.5 + level / 2, max(count - 1, 1)))
    types = np.searchsorted(np.sort(whole), tokens)
    exponent = Interval(low=slope - reach, mid=slope, high=slope + reach, level=level, covers="sampling")
    return Heaps(tokens.tolist(), types.tolist(), exponent)


def heaps_of(stream: Stream, vocab_size: int, stop: int | None = None, *, level: float = 0.9) -> Heaps | None:
    """The same of the first ``stop`` tokens of a stream, cut into ten segments."""
    stop = len(stream) if stop is None else stop
    edges = np.linspace(0, stop, SEGMENTS + 1).astype(np.int64).tolist()
    parts = list(pairwise(edges))
    return heaps([first_seen(stream, vocab_size, a, b) for a, b in parts], [b - a for a, b in parts], level=level)


def _without(segments: Sequence[np.ndarray], lengths: Sequence[int], out: int) -> tuple[list[np.ndarray], list[int]]:
    keep = [i for i in range(len(segments)) if i != out]
    return [segments[i] for i in keep], [lengths[i] for i in keep]


def _joined(segments: Sequence[np.ndarray], lengths: Sequence[int]) -> np.ndarray:
    first, begun = np.full(len(segments[0]), NEVER, dtype=np.int64), 0
    for segment, length in zip(segments, lengths, strict=True):
        here = np.where(segment == NEVER, NEVER, segment + begun)
        first, begun = np.minimum(first, here), begun + length
    return first


def _slope(first: np.ndarray, total: int) -> float:
    at = np.unique(np.round(np.geomspace(total / 10, total, 20)).astype(np.int64))
    types = np.searchsorted(np.sort(first), at)
    return float(np.polyfit(np.log(at), np.log(np.maximum(types, 1)), 1)[0])
