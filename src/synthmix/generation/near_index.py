"""An index of texts seen so far in which near-duplicates of new ones are looked up, in about 200 bytes a text.

Each segment holds, per text, a sketch of 64 bytes and one slot of five bytes for each of its 16 bands: the text's
number and eight bits of the band's key, in an open-addressing table. A full segment is followed by one of twice its
size, so nothing is ever moved. A pair is found when it shares a band and its sketches say so.
"""

import numpy as np

from synthmix.generation.minhash import BANDS, SKETCH_BYTES, band_keys, rows_for, similarity, sketches, spread

FIRST_TEXTS = 2**15
_LOAD = 0.7
_PROBES = 8


class NearIndex:
    """Texts are added in batches, each known by its number in order of adding.

    Pairs of exactly the similarity ``threshold`` are found with a probability of about 0.97 (benchmarks/filters.py
    measures it): sketches count when they fall no more than two standard deviations short, so some pairs of 0.1 less
    are found as well.

    Args:
        threshold: Jaccard similarity of the sets of word 5-grams, 0.6 to 1.
        texts: how many are expected; only the number of segments depends on it.
    """

    def __init__(self, threshold: float = 0.8, texts: int = FIRST_TEXTS) -> None:
        self.rows = rows_for(threshold)
        self.least = threshold - 2 * spread(threshold)
        self._segments = [_Segment(max(texts, 1))]
        self._starts = [0]

    def __len__(self) -> int:
        return self._starts[-1] + self._segments[-1].used

    @property
    def bytes(self) -> int:
        """Memory that the tables take, those parts that are still empty included."""
        return sum(segment.bytes for segment in self._segments)

    def candidates(self, signature: np.ndarray) -> list[list[int]]:
        """For each signature, shape (texts, 256), the numbers of the texts that nearly duplicate it, sorted."""
        keys, own = band_keys(signature, self.rows), sketches(signature)
        found: list[list[int]] = [[] for _ in signature]
        for start, segment in zip(self._starts, self._segments, strict=True):
            texts, others = segment.sharing(keys)
            near = similarity(own[texts], segment.sketches[others]) >= self.least
            for text, other in zip(texts[near].tolist(), others[near].tolist(), strict=True):
                found[text].append(start + other)
        return [sorted(numbers) for numbers in found]

    def add(self, signature: np.ndarray) -> None:
        """Add texts by their signatures, shape (texts, 256)."""
        keys, own = band_keys(signature, self.rows), sketches(signature)
        while len(keys):
            segment = self._segments[-1]
            fits = segment.texts - segment.used
            segment.add(keys[:fits], own[:fits])
            keys, own = keys[fits:], own[fits:]
            if len(keys):
                self._starts.append(len(self))
                self._segments.append(_Segment(2 * segment.texts))


class _Segment:
    def __init__(self, texts: int) -> None:
        slots = 1 << max(int(texts * BANDS / _LOAD) - 1, 1).bit_length()
        self.texts, self.used = int(slots * _LOAD / BANDS), 0  # as many as the table was rounded up to
        self._numbers = np.zeros(slots, dtype=np.uint32)  # of a text plus one; 0: free
        self._tags = np.zeros(slots, dtype=np.uint8)
        self._mask = np.uint64(slots - 1)
        self.sketches = np.zeros((self.texts, SKETCH_BYTES), dtype=np.uint8)

    @property
    def bytes(self) -> int:
        return self._numbers.nbytes + self._tags.nbytes + self.sketches.nbytes

    def _places(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (keys & self._mask).view(np.int64), (keys >> np.uint64(56)).astype(np.uint8)

    def add(self, keys: np.ndarray, own: np.ndarray) -> None:
        first, self.used = self.used, self.used + len(keys)
        self.sketches[first : self.used] = own
        slots, tags = self._places(keys.ravel())
        numbers = np.repeat(np.arange(first + 1, self.used + 1, dtype=np.uint32), BANDS)
        # Of several texts at one slot the last one written has it, and should be the earliest: when many are alike, the
        # others may find no slot in any band, but each of them finds the earliest.
        slots, tags, numbers = slots[::-1], tags[::-1], numbers[::-1]
        for _ in range(_PROBES):  # a band that finds no slot is left out: the text has 15 more
            free = self._numbers[slots] == 0
            self._numbers[slots[free]] = numbers[free]
            won = np.zeros(len(slots), dtype=bool)
            won[free] = self._numbers[slots[free]] == numbers[free]
            self._tags[slots[won]] = tags[won]
            slots, tags, numbers = (slots[~won] + 1) & int(self._mask), tags[~won], numbers[~won]
            if not len(slots):
                return

    def sharing(self, keys: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Pairs (row of ``keys``, number here) that share a band, each once; now and then one that does not."""
        slots, tags = self._places(keys.ravel())
        asking = np.repeat(np.arange(len(keys), dtype=np.int64), BANDS)
        pairs = []
        for _ in range(_PROBES):
            numbers = self._numbers[slots]
            same = (numbers > 0) & (self._tags[slots] == tags)
            pairs.append((asking[same] << 32) | (numbers[same].astype(np.int64) - 1))
            taken = numbers > 0
            slots, tags, asking = (slots[taken] + 1) & int(self._mask), tags[taken], asking[taken]
            if not len(slots):
                break
        distinct = np.unique(np.concatenate(pairs))
        return distinct >> 32, distinct & (2**32 - 1)
