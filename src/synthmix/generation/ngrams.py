"""Words of many texts at once as 64-bit hashes, hashes of their n-grams, and an index of n-grams: numpy over bytes.

A word is a run of ASCII letters and digits and of bytes above 127 that are no punctuation; ASCII letters count in
lower case. A CJK, Thai, Lao, Khmer or Burmese character is a word of its own. The hash of a word or an n-gram is a
polynomial in an odd base modulo
2^64 (Karp & Rabin 1987), read off prefix sums: the base has an inverse, so a window's hash does not depend on where it
stands.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from synthmix.batching import batched
from synthmix.corpus.near_duplicates import SHINGLE, mixed, signatures

_BASE = 0x9E3779B97F4A7C15
_INVERSE = pow(_BASE, -1, 2**64)
_WORD = np.zeros(256, dtype=bool)
_WORD[[*b"abcdefghijklmnopqrstuvwxyz0123456789", *range(128, 256)]] = True
_powers: dict[int, np.ndarray] = {}
_BATCH_CHARACTERS = 1_000_000
_MAX_TABLE = 2**28


@dataclass(frozen=True)
class Words:
    """``hashes``: uint64, shape (words,), text after text; ``bounds``: int64, shape (texts + 1,): text i has the words
    ``bounds[i]`` to ``bounds[i + 1]``. ``raw``: the UTF-8 of all texts, ASCII in lower case, a zero byte before,
    between and after; text i lies between the zeros at ``zeros[i]`` and ``zeros[i + 1]``."""

    hashes: np.ndarray
    bounds: np.ndarray
    raw: np.ndarray
    zeros: np.ndarray
    _windows: dict[int, np.ndarray] = field(default_factory=dict)

    @property
    def counts(self) -> np.ndarray:
        """Words of each text, int64, shape (texts,)."""
        return np.diff(self.bounds)

    @property
    def sizes(self) -> np.ndarray:
        """UTF-8 bytes of each text, int64, shape (texts,)."""
        return np.diff(self.zeros) - 1

    def windows(self, n: int) -> np.ndarray:
        """Hash of the ``n`` words that begin at each word, whether or not they cross into the next text: uint64, shape
        (max(words - n + 1, 0),). Evenly spread as they are, since the words' hashes are."""
        if n not in self._windows:
            sums = np.cumsum(self.hashes * _power(_BASE, len(self.hashes)), dtype=np.uint64)
            found = sums[n - 1 :].copy()
            found[1:] -= sums[: max(len(sums) - n, 0)]
            found *= _power(_INVERSE, len(found))
            self._windows[n] = found
        return self._windows[n]

    def ngrams(self, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Hashes of the n-grams of words, which do not cross from text to text.

        Returns:
            hashes: uint64, shape (n-grams,), text after text, in order.
            bounds: int64, shape (texts + 1,).
        """
        windows = self.windows(n)
        inside = np.ones(len(windows), dtype=bool)
        late = (self.bounds[1:-1, None] - np.arange(1, n)).ravel()  # windows that begin in a text's last n - 1 words
        inside[late[(late >= 0) & (late < len(windows))]] = False
        return windows[inside], np.concatenate([[0], np.cumsum(np.maximum(self.counts - (n - 1), 0))])


def words_of(texts: Sequence[str]) -> Words:
    """The words of ``texts``. Memory: about 30 bytes per byte of text while it works; give it a megabyte at a time."""
    joined = "\0".join(texts)
    if joined.count("\0") != max(len(texts) - 1, 0):
        joined = "\0".join(text.replace("\0", " ") for text in texts)
    raw = np.frombuffer(f"\0{joined}\0".encode("utf-8", "replace").lower(), dtype=np.uint8)
    zeros = np.flatnonzero(raw == 0) if texts else np.zeros(1, dtype=np.int64)
    letter = _WORD.take(raw)
    alone = _unicode(raw, letter)
    begins, ends = letter[1:] & ~letter[:-1], letter[:-1] & ~letter[1:]
    if alone is not None:
        begins |= alone[1:]
        ends |= letter[:-1] & alone[1:]
    first, behind = np.flatnonzero(begins) + 1, np.flatnonzero(ends) + 1
    sums = raw.astype(np.uint64)
    sums *= _power(_BASE, len(raw))
    np.cumsum(sums, out=sums)
    hashes = (sums[behind - 1] - sums[first - 1]) * _power(_INVERSE, len(raw))[first]
    return Words(mixed(hashes), np.searchsorted(first, zeros), raw, zeros)


def word_signatures(words: Words) -> np.ndarray:
    """MinHash of the set of word 5-grams of each text: uint32, shape (texts, 256).

    A text of fewer than five words has no 5-gram and the largest value everywhere.
    """
    hashes, bounds = words.ngrams(SHINGLE)
    return signatures((hashes >> np.uint64(32)).astype(np.uint32), bounds)


def _unicode(raw: np.ndarray, letter: np.ndarray) -> np.ndarray | None:
    """Take punctuation beyond ASCII out of ``letter``; where CJK characters and words behind them begin, if any do."""
    leads = np.flatnonzero(raw >= 0xC2)
    if not len(leads):
        return None
    lead, second = raw[leads], raw[leads + 1]  # a zero byte ends the array, so there is a second one
    two = leads[lead == 0xC2]  # U+0080 to U+00BF
    # U+2000 to U+207F: dashes, quotes, spaces; U+3000 to U+303F: CJK punctuation; U+FF00 to U+FF3F: full-width forms.
    three = leads[((lead == 0xE2) & (second <= 0x81)) | ((lead == 0xE3) & (second == 0x80)) | (lead == 0xEF)]
    letter[two] = letter[two + 1] = False
    for step in range(3):
        letter[np.minimum(three + step, len(raw) - 1)] = False
    # Scripts without spaces: CJK from U+3040 on; Thai and Lao U+0E00 to U+0EFF; Burmese U+1000; Khmer U+1780 to U+17FF.
    unspaced = (lead >= 0xE3) & (lead <= 0xED)
    unspaced |= (lead == 0xE0) & (second >= 0xB8) & (second <= 0xBB)
    unspaced |= (lead == 0xE1) & ((second <= 0x81) | (second == 0x9E) | (second == 0x9F))
    cjk = leads[unspaced & letter[leads]]
    if not len(cjk):
        return None
    alone = np.zeros(len(raw), dtype=bool)
    alone[cjk] = True
    behind = np.minimum(cjk + 3, len(raw) - 1)  # a word of letters may follow without a space
    alone[behind] |= letter[behind]
    return alone


def _power(base: int, length: int) -> np.ndarray:
    """``base`` to the powers 0 to ``length`` - 1 modulo 2^64; kept for the next batch of this size."""
    have = _powers.get(base)
    if have is None or len(have) < length:
        have = np.full(1 << max(length - 1, 1).bit_length(), base, dtype=np.uint64)
        have[0] = 1
        np.multiply.accumulate(have, out=have)
        _powers[base] = have
    return have[:length]


class HashSet:
    """``values``: different hashes, uint64, sorted, shape (n,). 16 to 24 bytes each while there are few (the table
    stops at 256 MB)."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values
        slots = min(_MAX_TABLE, 1 << max(8 * len(values) - 1, 2**12).bit_length())
        self._mask = np.uint64(slots - 1)
        self._table = np.zeros(slots, dtype=bool)
        self._table[values & self._mask] = True

    def find(self, hashes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Where in ``hashes`` a value of the set stands, and where in the set that value does."""
        if not len(self.values):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        likely = np.flatnonzero(self._table.take((hashes & self._mask).view(np.int64)))
        at = np.minimum(np.searchsorted(self.values, hashes[likely]), len(self.values) - 1)
        same = self.values[at] == hashes[likely]
        return likely[same], at[same]


class NgramIndex:
    """The n-grams of words of some texts. One that was not indexed counts as found with a probability of 2^-64 times
    the n-grams indexed.

    Args:
        batches: batches of texts.
        n: words of an n-gram.
        short: n-grams of fewer words, down to this many, are indexed where a whole text is one; 0: none.
    """

    def __init__(self, batches: Iterable[Sequence[str]], n: int, *, short: int = 0) -> None:
        found: dict[int, list[np.ndarray]] = {n: []}
        for batch in batches:
            words = words_of(batch)
            found[n].append(np.unique(words.ngrams(n)[0]))
            for size in sorted({int(count) for count in words.counts if short and short <= count < n}):
                found.setdefault(size, []).append(words.windows(size)[words.bounds[:-1][words.counts == size]])
        self.n = n
        self._sets = {size: HashSet(np.unique(np.concatenate(parts))) for size, parts in found.items() if parts}

    def __len__(self) -> int:
        return sum(len(one.values) for one in self._sets.values())

    def counts(self, words: Words) -> np.ndarray:
        """How many n-grams of each text are indexed, int64, shape (texts,)."""
        total = np.zeros(len(words.bounds) - 1, dtype=np.int64)
        for size, known in self._sets.items():
            text, _ = within(words, known.find(words.windows(size))[0], size)
            total += np.bincount(text, minlength=len(total))
        return total


def within(words: Words, positions: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Of windows of ``n`` words that begin at ``positions``: the text of each that does not cross into the next one,
    and which they are (bool, shape of ``positions``)."""
    text = np.searchsorted(words.bounds, positions, side="right") - 1
    inside = positions + n <= words.bounds[text + 1]
    return text[inside], inside


def batches_of(texts: Iterable[str]) -> Iterator[list[str]]:
    """``texts`` in batches of about a million characters."""
    return batched(texts, len, _BATCH_CHARACTERS)
