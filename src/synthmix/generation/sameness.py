"""Texts that repeat themselves or their source, by their word 5-grams.

Few texts do, so tables that overstate it are asked first, which is several times as fast as sorting; the texts that
they suspect are counted exactly.
"""

import numpy as np

from synthmix.generation.minhash import SHINGLE
from synthmix.generation.words import Words, mixed

_SPREAD = np.uint64(0x9E3779B97F4A7C15)


def repeats(words: Words, least: float) -> np.ndarray:
    """Whether fewer than ``least`` of each text's 5-grams are different, or more than half of its bytes repeat the byte
    before: bool, shape (texts,)."""
    keys, bounds = _keys(words)
    slots = _slots(keys, 16 * len(keys))
    last = np.empty(len(slots) and int(slots.max()) + 1, dtype=np.int32)
    number = np.arange(len(slots), dtype=np.int32)
    last[slots] = number
    found = _counts(last[slots] == number, bounds) < least * np.diff(bounds)  # two may share a slot: too low, if wrong
    for text in np.flatnonzero(found):
        own = keys[bounds[text] : bounds[text + 1]]
        found[text] = len(np.unique(own)) < least * len(own)
    runs = np.diff(np.searchsorted(np.flatnonzero(words.raw[1:] == words.raw[:-1]), words.zeros))
    return found | (runs > words.sizes / 2)


def copies(words: Words, sources: Words, most: float) -> np.ndarray:
    """Whether more than ``most`` of each text's 5-grams are in its source too: bool, shape (texts,)."""
    (own, bounds), (theirs, given) = _keys(words), _keys(sources)
    size = 32 * max(len(theirs), 128)
    table = np.zeros(1 << size.bit_length(), dtype=bool)
    table[_slots(theirs, size)] = True
    found = _counts(table[_slots(own, size)], bounds) > most * np.diff(bounds)  # too high, if wrong
    for text in np.flatnonzero(found):
        mine = own[bounds[text] : bounds[text + 1]]
        known = np.isin(mine, theirs[given[text] : given[text + 1]])
        found[text] = known.sum() > most * len(mine)
    return found


def _keys(words: Words) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of text and 5-gram together, and the texts' bounds."""
    hashes, bounds = words.ngrams(SHINGLE)
    owner = mixed(np.arange(1, len(bounds), dtype=np.uint64) * _SPREAD)
    return hashes ^ np.repeat(owner, np.diff(bounds)), bounds


def _slots(keys: np.ndarray, size: int) -> np.ndarray:
    return (keys & np.uint64((1 << max(size, 1).bit_length()) - 1)).view(np.int64)


def _counts(flags: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """How many flags are set between the bounds of each text."""
    return np.diff(np.searchsorted(np.flatnonzero(flags), bounds))
