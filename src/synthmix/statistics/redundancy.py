"""How much a text repeats itself: compression ratio and near-duplicate rate, both of samples of equal size."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np

from synthmix.corpus.near_duplicates import NearDuplicates
from synthmix.interval import Interval

SAMPLE_BYTES, SAMPLE_DOCUMENTS, ZSTD_LEVEL = 2_000_000, 3000, 12
_BATCH = 512


@dataclass(frozen=True)
class Compression:
    """``ratio``: bytes over compressed bytes (zstd, all documents together) of the first ``bytes`` of text."""

    ratio: float
    bytes: int


@dataclass(frozen=True)
class Duplication:
    """``rate``: share of the first ``documents`` that have a near-duplicate among them, with a Wilson interval."""

    rate: Interval
    documents: int


def compression(texts: Iterable[str], limit: int = SAMPLE_BYTES) -> Compression | None:
    """Of the first ``limit`` bytes, so that texts are compared at equal size (a longer one compresses better)."""
    import zstandard

    sample = first_bytes(texts, limit)
    if not sample:
        return None
    return Compression(len(sample) / len(zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(sample)), len(sample))


def first_bytes(texts: Iterable[str], limit: int) -> bytes:
    """At most ``limit`` bytes of the texts, a line break after each."""
    data = bytearray()
    for text in texts:
        data += text.encode() + b"\n"
        if len(data) >= limit:
            break
    return bytes(data[:limit])


def near_duplicates(
    documents: Iterable[np.ndarray], limit: int = SAMPLE_DOCUMENTS, level: float = 0.9
) -> Duplication | None:
    """Of the first ``limit`` documents of token ids or hashed words (Jaccard similarity of 5-grams of 0.8 or more)."""
    sample = [tokens for tokens in islice(documents, limit) if len(tokens)]
    if not sample:
        return None
    index = NearDuplicates(_batches(sample))
    found, number = 0, 0
    for batch in _batches(sample):
        for near in index.matches(batch):
            found += any(other != number for other in near)
            number += 1
    return Duplication(wilson(found, len(sample), level), len(sample))


def wilson(found: int, of: int, level: float = 0.9) -> Interval:
    """Wilson's (1927) interval of a share."""
    from scipy.stats import binomtest

    ends = binomtest(found, of).proportion_ci(level, method="wilson")
    return Interval(low=float(ends.low), mid=found / of, high=float(ends.high), level=level, covers="sampling")


def _batches(documents: list[np.ndarray]) -> Iterator[list[np.ndarray]]:
    for at in range(0, len(documents), _BATCH):
        yield documents[at : at + _BATCH]
