"""MinHash signatures of many texts at once (Broder 1997).

``datasketch`` makes one signature at a time; whole batches in numpy are several times as fast (benchmarks/filters.py).
The permutations are nearly those of its version 2: h -> a h modulo 2^32 with an odd a, of hashes that are mixed well.
Its offset b is left out: over 6,000 pairs neither bias nor spread of the estimate changed (docs/log.md).
"""

import math

import numpy as np

from synthmix.generation.ngrams import Words

PERMUTATIONS = 256
BANDS = 16
SKETCH_BYTES = PERMUTATIONS // 4
SHINGLE = 5
_BLOCK = 65_536  # hashes at a time: they stay in the second-level cache
_FOUND = 0.998
_MULTIPLIERS = np.random.default_rng(1).integers(0, 2**31, PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)


def rows_for(threshold: float) -> int:
    """Rows of each of the 16 bands so that a pair at ``threshold`` shares a band with probability 0.998 or more:
    1 - (1 - t^r)^16 (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4)."""
    rows = math.log(1 - (1 - _FOUND) ** (1 / BANDS)) / math.log(threshold)
    return min(max(int(rows), 1), PERMUTATIONS // BANDS)


def signatures(words: Words) -> np.ndarray:
    """MinHash of the set of word 5-grams of each text: uint32, shape (texts, 256).

    A text of fewer than five words has no 5-gram and the largest value everywhere.
    """
    hashes, bounds = words.ngrams(SHINGLE)
    values = (hashes >> np.uint64(32)).astype(np.uint32)  # mixed already
    texts = np.flatnonzero(np.diff(bounds))
    starts, ends = bounds[texts], bounds[texts + 1]
    least = np.empty((PERMUTATIONS, len(texts)), dtype=np.uint32)
    scratch = np.empty(max(_BLOCK, int(np.max(ends - starts, initial=0))), dtype=np.uint32)
    done = 0
    while done < len(texts):
        to = max(done + 1, int(np.searchsorted(ends, starts[done] + _BLOCK, side="right")))
        block = values[starts[done] : ends[to - 1]]
        own, part = starts[done:to] - starts[done], scratch[: len(block)]
        for row in range(PERMUTATIONS):
            np.multiply(block, _MULTIPLIERS[row], out=part)
            np.minimum.reduceat(part, own, out=least[row, done:to])
        done = to
    found = np.full((len(bounds) - 1, PERMUTATIONS), 2**32 - 1, dtype=np.uint32)
    found[texts] = least.T
    return found


def band_keys(signature: np.ndarray, rows: int) -> np.ndarray:
    """Signatures, shape (texts, 256) -> a hash of each band of ``rows`` rows: uint64, shape (texts, 16)."""
    banded = signature[:, : BANDS * rows].reshape(len(signature), BANDS, rows).astype(np.uint64)
    keys = np.broadcast_to(np.arange(1, BANDS + 1, dtype=np.uint64), (len(signature), BANDS)).copy()
    for row in range(rows):
        keys = (keys ^ banded[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(32)
    return keys


def sketches(signature: np.ndarray) -> np.ndarray:
    """Two bits of each value, four to a byte: uint8, shape (texts, 64) (b-bit minwise hashing, Li & König 2010)."""
    low = ((signature * np.uint32(0x9E3779B1)) >> np.uint32(30)).astype(np.uint8)
    return low[:, ::4] | (low[:, 1::4] << np.uint8(2)) | (low[:, 2::4] << np.uint8(4)) | (low[:, 3::4] << np.uint8(6))


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Jaccard similarity estimated from two sketches each, shape (pairs, 64) -> float64, shape (pairs,).

    Unrelated values agree in 1 of 4: (m - 1/4) / (3/4) for a share m that agrees.
    """
    unlike = one ^ other
    differ = np.bitwise_count((unlike | (unlike >> np.uint8(1))) & np.uint8(0b01010101)).sum(axis=1, dtype=np.int64)
    return (1 - differ / PERMUTATIONS - 1 / 4) / (3 / 4)


def spread(similarity: float) -> float:
    """Standard deviation of that estimate: 0.030 at 0.8."""
    agree = similarity + (1 - similarity) / 4
    return math.sqrt(agree * (1 - agree) / PERMUTATIONS) / (3 / 4)
