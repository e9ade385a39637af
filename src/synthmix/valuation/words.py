"""Words of texts as numbers, fast enough for pools: what the n-gram methods and filters count.

A word is a run of letters and digits, or one other character that is no space; a character of a script that is written
without spaces (Chinese, Japanese, Thai, Lao, Khmer, Burmese) is a word of its own.
"""

import re
import zlib
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from synthmix.errors import BadInput
from synthmix.statistics.count import UNSPACED
from synthmix.valuation.pool import Batch, Pool

WORD = re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+|[^\w\s]")

_MOST_CACHED = 1_000_000
_MOST_KEPT = 8_000_000  # characters of texts whose words are kept


class _Hashes(dict[str, int]):
    """A word's number by its spelling alone: the same in every process."""

    def __missing__(self, word: str) -> int:
        if len(self) > _MOST_CACHED:
            self.clear()
        made = self[word] = zlib.crc32(word.encode("utf-8", "surrogatepass"))
        return made


_HASHES = _Hashes()


class _Texts(dict[str, np.ndarray]):
    """The words of the last texts: several filters read one batch, and each of several folds the same sample."""

    held = 0

    def __missing__(self, text: str) -> np.ndarray:
        if self.held > _MOST_KEPT:
            self.clear()
            self.held = 0
        self.held += len(text)
        made = self[text] = np.array([_HASHES[word] for word in WORD.findall(text.lower())], np.uint64)
        return made


_TEXTS = _Texts()


def words_of(text: str) -> list[str]:
    """In order, in lower case."""
    return WORD.findall(text.lower())


def hashed_words(texts: Sequence[str], word: re.Pattern[str] = WORD) -> tuple[np.ndarray, np.ndarray]:
    """(numbers of all words (m,) uint64 below 2^32, words of each text (n,)); ``word``: what one is."""
    if word is WORD:
        each = [_TEXTS[text] for text in texts]
        lengths = np.array([len(words) for words in each], np.int64)
        return np.concatenate([np.zeros(0, np.uint64), *each]), lengths
    numbers: list[int] = []
    lengths, before = np.empty(len(texts), np.int64), 0
    for at, text in enumerate(texts):
        numbers.extend(map(_HASHES.__getitem__, word.findall(text.lower())))
        lengths[at], before = len(numbers) - before, len(numbers)
    return np.array(numbers, np.uint64), lengths


def texts_in(batch: Batch) -> Sequence[str]:
    """The texts of a batch.

    Raises:
        BadInput: it holds an array.
    """
    if isinstance(batch.items, np.ndarray):
        raise BadInput("holds arrays, where words are counted", remedy="give text, or another method")
    texts: Sequence[str] = batch.items
    return texts


def hashed_bags(texts: Sequence[str], buckets: int) -> csr_matrix:
    """(n, buckets) counts of hashed words and of hashed pairs of words beside each other, float32."""
    words, lengths = hashed_words(texts)
    owner = np.repeat(np.arange(len(texts)), lengths)
    inside = owner[1:] == owner[:-1]
    pairs = (words[:-1] * np.uint64(0x9E3779B97F4A7C15) + words[1:] * np.uint64(0xC2B2AE3D27D4EB4F))[inside]
    place = np.concatenate([_bucket(words, buckets), _bucket(pairs, buckets)])
    whose = np.concatenate([owner, owner[1:][inside]])
    made = csr_matrix((np.ones(len(place), np.float32), (whose, place)), shape=(len(texts), buckets))
    made.sum_duplicates()
    return made


def _bucket(keys: np.ndarray, buckets: int) -> np.ndarray:
    mixed = keys * np.uint64(0xD6E8FEB86659FD93)
    mixed ^= mixed >> np.uint64(32)
    mixed *= np.uint64(0xD6E8FEB86659FD93)
    return np.asarray((mixed >> np.uint64(16)) % np.uint64(buckets), np.int64)


class Vocabulary:
    """The distinct words of a reference by number: 0 unknown, 1 before a text, 2 its end, then the words."""

    UNKNOWN, BEFORE, END = 0, 1, 2

    def __init__(self, texts: Sequence[str]) -> None:
        words, _ = hashed_words(texts)
        self._known = np.unique(words)
        self.size = len(self._known) + 3

    def stream(self, texts: Sequence[str], before: int) -> tuple[np.ndarray, np.ndarray]:
        """(ids of all texts, each after ``before`` times :data:`BEFORE` and followed by :data:`END`; tokens of each
        text (n,) without what stands before it)."""
        words, lengths = hashed_words(texts)
        place = np.minimum(np.searchsorted(self._known, words), max(len(self._known) - 1, 0))
        ids = np.where(self._known[place] == words, place + 3, 0) if len(self._known) else np.zeros(len(words), int)
        starts = np.cumsum(lengths + before + 1) - (lengths + before + 1)
        made = np.full(int((lengths + before + 1).sum()), self.BEFORE, np.int64)
        own = np.arange(len(words)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        made[np.repeat(starts + before, lengths) + own] = ids
        made[starts + before + lengths] = self.END
        return made, lengths + 1


def batches_of(pool: Pool, words: int | None = None) -> Iterator[Sequence[str]]:
    """The texts of a pool, a batch at a time, until more than ``words`` words (about: five characters and a space
    each) were read."""
    left = np.inf if words is None else 6.0 * words
    for batch in pool.batches():
        texts = texts_in(batch)
        yield texts
        left -= sum(map(len, texts))
        if left <= 0:
            return
