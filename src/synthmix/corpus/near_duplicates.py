"""Near-duplicates by MinHash (Broder 1997): whole batches of signatures in numpy, and two indexes of them.

A document is the set of its hashed 5-grams, of words (generated text) or of tokens (corpora). Two are near-duplicates
when the Jaccard similarity of their sets is 0.8 or more (CHOSEN, as usual for web text).

:class:`NearIndex` grows as texts are added, holds 200 bytes of each and estimates their similarity.
:class:`NearDuplicates` is made once, of few documents, and compares exactly.

``datasketch`` makes one signature at a time; batches are many times as fast (benchmarks/filters.py). The permutations
are nearly those of its version 2: h -> a h modulo 2^32 with an odd a, of hashes that are mixed well. Its offset b is
left out: over 6,000 pairs neither bias nor spread of the estimate changed (docs/log.md).
"""

import math
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

SHINGLE = 5
THRESHOLD = 0.8
_HASH_BITS = 40  # of a shingle; with 24 bits for the document's number they fill a sortable uint64
_MAX_BATCH = 2 ** (64 - _HASH_BITS)
_MAX_TABLE = 2**28
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_EXACT_BANDS, _EXACT_ROWS = 32, 5
_SAVED = ("bounds", "every", "table", "keys", "numbers")
PERMUTATIONS = 256
BANDS = 16
SKETCH_BYTES = PERMUTATIONS // 4
_BLOCK_HASHES = 65_536  # hashes at a time: they stay in the second-level cache
_FOUND = 0.998
_MULTIPLIERS = np.random.default_rng(1).integers(0, 2**31, PERMUTATIONS, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
FIRST_TEXTS = 2**15
_LOAD = 0.7
_PROBES = 8


def mixed(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele et al. 2014): every bit of the input moves every bit of the output."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def shingles(documents: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct hashed 5-grams of each document of token ids.

    A document of fewer than five tokens is one shingle of all of them.

    Returns:
        hashes: uint64 below 2^40, shape (n,), document after document, sorted within each.
        ends: int64, shape (documents,): where each document's hashes end.
    """
    owner, hashes = _windows(documents)
    keyed = np.sort((owner << np.uint64(_HASH_BITS)) | hashes)
    keyed = keyed[np.concatenate([[True], keyed[1:] != keyed[:-1]])[: len(keyed)]]  # np.unique is ten times slower
    ends = np.searchsorted(keyed >> np.uint64(_HASH_BITS), np.arange(len(documents), dtype=np.uint64), side="right")
    return keyed & np.uint64(2**_HASH_BITS - 1), ends


def _windows(documents: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The 5-grams as they stand: of each the number of its document, and its hash, uint64, shape (n,)."""
    if len(documents) > _MAX_BATCH:
        raise ValueError(f"at most {_MAX_BATCH} documents at a time")
    lengths = np.array([max(len(tokens), SHINGLE) for tokens in documents], dtype=np.int64)
    flat = np.zeros(int(lengths.sum()), dtype=np.uint64)
    for start, tokens in zip(np.cumsum(lengths) - lengths, documents, strict=True):
        flat[start : start + len(tokens)] = tokens
        flat[start : start + len(tokens)] += np.uint64(1)  # so that padding is no token
    windows = max(len(flat) - SHINGLE + 1, 0)
    hashes = np.zeros(windows, dtype=np.uint64)
    for step in range(SHINGLE):
        hashes = mixed((hashes ^ flat[step : step + windows]) + _GOLDEN)
    owner = np.repeat(np.arange(len(documents), dtype=np.uint64), lengths)[:windows]
    inside = np.arange(windows) + SHINGLE <= np.repeat(np.cumsum(lengths), lengths)[:windows]
    return owner[inside], hashes[inside] >> np.uint64(64 - _HASH_BITS)


def rows_for(threshold: float) -> int:
    """Rows of each of the 16 bands so that a pair at ``threshold`` shares a band with probability 0.998 or more:
    1 - (1 - t^r)^16 (Leskovec, Rajaraman & Ullman, Mining of Massive Datasets, section 3.4)."""
    rows = math.log(1 - (1 - _FOUND) ** (1 / BANDS)) / math.log(threshold)
    return min(max(int(rows), 1), PERMUTATIONS // BANDS)


def signatures(values: np.ndarray, bounds: np.ndarray, permutations: int = PERMUTATIONS) -> np.ndarray:
    """MinHash of each text: uint32, shape (texts, permutations); the largest value everywhere for a text without a
    value.

    Args:
        values: hashes of the texts' 5-grams, text after text, well mixed: uint32, shape (n,).
        bounds: text i has the values ``bounds[i]`` to ``bounds[i + 1]``, shape (texts + 1,).
    """
    texts = np.flatnonzero(np.diff(bounds))
    starts, ends = bounds[texts], bounds[texts + 1]
    least = np.empty((permutations, len(texts)), dtype=np.uint32)
    scratch = np.empty(max(_BLOCK_HASHES, int(np.max(ends - starts, initial=0))), dtype=np.uint32)
    done = 0
    while done < len(texts):
        to = max(done + 1, int(np.searchsorted(ends, starts[done] + _BLOCK_HASHES, side="right")))
        block = values[starts[done] : ends[to - 1]]
        own, part = starts[done:to] - starts[done], scratch[: len(block)]
        for row in range(permutations):
            np.multiply(block, _MULTIPLIERS[row], out=part)
            np.minimum.reduceat(part, own, out=least[row, done:to])
        done = to
    found = np.full((len(bounds) - 1, permutations), 2**32 - 1, dtype=np.uint32)
    found[texts] = least.T
    return found


def band_keys(signature: np.ndarray, rows: int, bands: int = BANDS) -> np.ndarray:
    """Signatures, shape (texts, 256) -> a hash of each band of ``rows`` rows: uint64, shape (texts, bands)."""
    banded = signature[:, : bands * rows].reshape(len(signature), bands, rows).astype(np.uint64)
    keys = np.broadcast_to(np.arange(1, bands + 1, dtype=np.uint64), (len(signature), bands)).copy()
    for row in range(rows):
        keys = (keys ^ banded[:, :, row]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(32)
    return keys


def sketches(signature: np.ndarray) -> np.ndarray:
    """Two bits of each value, four to a byte: uint8, shape (texts, values / 4) (b-bit minwise hashing, Li & König
    2010)."""
    low = ((signature * np.uint32(0x9E3779B1)) >> np.uint32(30)).astype(np.uint8)
    return low[:, ::4] | (low[:, 1::4] << np.uint8(2)) | (low[:, 2::4] << np.uint8(4)) | (low[:, 3::4] << np.uint8(6))


def similarity(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Jaccard similarity estimated from two sketches each, shape (pairs, bytes) -> float64, shape (pairs,).

    Unrelated values agree in 1 of 4: (m - 1/4) / (3/4) for a share m that agrees.
    """
    unlike = one ^ other
    differ = np.bitwise_count((unlike | (unlike >> np.uint8(1))) & np.uint8(0b01010101)).sum(axis=1, dtype=np.int64)
    return (1 - differ / (4 * one.shape[1]) - 1 / 4) / (3 / 4)


def spread(similarity: float, permutations: int = PERMUTATIONS) -> float:
    """Standard deviation of that estimate: 0.030 at 0.8 of 256 values."""
    agree = similarity + (1 - similarity) / 4
    return math.sqrt(agree * (1 - agree) / permutations) / (3 / 4)


class NearDuplicates:
    """An index, made once, in which near-duplicates of other documents are looked up; for few documents.

    Three tests, each cheaper than the next:

    1. J(A, B) >= t implies |A n B| >= t |A|: a document of whose 5-grams fewer than t are anywhere in the index has no
       near-duplicate there. Vectorised, loses nothing, and leaves few. Of most documents the first few 5-grams that are
       not in the index already show it, so that not all of them must be sorted to count those that differ.
    2. 32 bands of 5 rows: a pair with J = 0.8 shares a band with probability 1 - (1 - 0.8^5)^32 = 0.999997.
    3. The similarity itself, exact.

    Memory: a table of one byte per slot (4 to 8 slots per token, at most 2^28), and 400 bytes per document for the
    bands. The 5-grams themselves, 8 bytes per token, lie in a temporary file.

    Args:
        batches: batches of documents, each the token ids of one, shape (tokens,).
    """

    def __init__(self, batches: Iterable[Sequence[np.ndarray]]) -> None:
        keys, counts = [], [np.zeros(1, dtype=np.int64)]
        with tempfile.TemporaryFile() as file:
            for batch in batches:
                hashes, ends = shingles(batch)
                keys.append(_exact_keys(hashes, np.concatenate([[0], ends])).ravel())
                counts.append(np.diff(ends, prepend=0))
                file.write(hashes.tobytes())
            file.flush()
            self._bounds = np.cumsum(np.concatenate(counts))
            size = int(self._bounds[-1])
            self._every = np.memmap(file, np.uint64, "r", shape=(size,)) if size else np.empty(0, dtype=np.uint64)
        slots = min(_MAX_TABLE, 1 << max(4 * size, 2**16).bit_length())
        self._mask = np.uint64(slots - 1)
        self._table = np.zeros(slots, dtype=bool)
        for at in range(0, size, _MAX_BATCH):
            self._table[self._every[at : at + _MAX_BATCH] & self._mask] = True
        flat = np.concatenate(keys) if keys else np.empty(0, dtype=np.uint64)
        order = np.argsort(flat, kind="stable")
        self._keys, self._numbers = flat[order], (order // _EXACT_BANDS).astype(np.int64)

    def save(self, folder: Path) -> Path:
        """Write the index into ``folder``, which is given back."""
        folder.mkdir(exist_ok=True)
        for name in _SAVED:
            np.save(folder / f"{name}.npy", getattr(self, f"_{name}"))
        return folder

    @classmethod
    def of(cls, index: "NearDuplicates | Path") -> "NearDuplicates":
        """Itself, or what :meth:`save` wrote into a folder, mapped."""
        if isinstance(index, NearDuplicates):
            return index
        made = cls.__new__(cls)
        for name in _SAVED:
            setattr(made, f"_{name}", np.load(index / f"{name}.npy", mmap_mode="r"))
        made._mask = np.uint64(len(made._table) - 1)
        return made

    def __len__(self) -> int:
        return len(self._bounds) - 1

    def _set(self, number: int) -> np.ndarray:
        return np.asarray(self._every[self._bounds[number] : self._bounds[number + 1]])

    def matches(self, documents: Sequence[np.ndarray]) -> list[list[int]]:
        """For each document the numbers (in order of indexing) of its near-duplicates in the index."""
        found: list[list[int]] = [[] for _ in documents]
        if not documents or not len(self):
            return found
        maybe = self._not_excluded(documents)
        for number, near in zip(maybe, self._among([documents[number] for number in maybe]), strict=True):
            found[number] = near
        return found

    def _not_excluded(self, documents: Sequence[np.ndarray]) -> list[int]:
        """Documents of whose 5-grams t or more may be in the index.

        Of k and u different 5-grams that are and are not in it u <= k (1 - t) / t must hold. With K of them, counted as
        often as they stand, k <= K; and u is at least the number of different ones among any that are not in it.
        """
        owner, hashes = _windows(documents)
        known = self._table[hashes & self._mask]
        counted = np.bincount(owner.view(np.int64)[known], minlength=len(documents))
        unknown = np.flatnonzero(~known)
        whose = owner[unknown].view(np.int64)
        within = np.arange(len(unknown)) - np.searchsorted(whose, np.arange(len(documents)))[whose]
        few = unknown[within < counted[whose] // 2 + 32]
        keyed = np.sort((owner[few] << np.uint64(_HASH_BITS)) | hashes[few])
        keyed = keyed[np.concatenate([[True], keyed[1:] != keyed[:-1]])[: len(keyed)]]
        differ = np.bincount((keyed >> np.uint64(_HASH_BITS)).view(np.int64), minlength=len(documents))
        return np.flatnonzero(differ * THRESHOLD <= counted * (1 - THRESHOLD) + 1e-6).tolist()

    def _among(self, documents: Sequence[np.ndarray]) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in documents]
        if not documents:
            return found
        hashes, ends = shingles(documents)
        starts = np.concatenate([[0], ends[:-1]])
        known = np.add.reduceat(self._table[hashes & self._mask], starts, dtype=np.int64)
        likely = np.flatnonzero(known >= THRESHOLD * (ends - starts))
        if not len(likely):
            return found
        sets = [hashes[starts[number] : ends[number]] for number in likely]
        keys = _exact_keys(np.concatenate(sets), np.cumsum([0, *map(len, sets)]))
        first, behind = (np.searchsorted(self._keys, keys, side=side) for side in ("left", "right"))
        for number, own, lows, highs in zip(likely.tolist(), sets, first, behind, strict=True):
            sharing = [self._numbers[low:high] for low, high in zip(lows, highs, strict=True)]
            near = np.unique(np.concatenate(sharing)).tolist()
            found[number] = [other for other in near if jaccard(own, self._set(other)) >= THRESHOLD]
        return found


def _exact_keys(hashes: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    values = (hashes & np.uint64(2**32 - 1)).astype(np.uint32)  # of 40 bits, all well mixed
    return band_keys(signatures(values, bounds), _EXACT_ROWS, _EXACT_BANDS)


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Of two sets of hashes, each in order."""
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


class NearIndex:
    """Texts are added in batches, each known by its number in order of adding.

    Each segment holds, per text, a sketch of 64 bytes and one slot of five bytes for each of its 16 bands: the text's
    number and eight bits of the band's key, in an open-addressing table. A full segment is followed by one of twice its
    size, so nothing is ever moved. A pair is found when it shares a band and its sketches say so.

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
