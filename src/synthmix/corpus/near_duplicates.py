"""Near-duplicates across the split: MinHash over token 5-grams (Broder 1997; LSH of `datasketch`).

Two documents are near-duplicates when the Jaccard similarity of their sets of token 5-grams is 0.8 or more (CHOSEN, as
usual for web text). Only the held-out documents are indexed, being few. Three tests, each cheaper than the next:

1. J(A, B) >= t implies |A n B| >= t |A|: a document of whose 5-grams fewer than t are anywhere in the index has no
   near-duplicate there. Vectorised, loses nothing, and leaves few.
2. LSH with 25 bands of 5 rows: a pair with J = 0.8 shares a band with probability 1 - (1 - 0.8^5)^25 = 0.99995.
3. The similarity itself, exact.

Memory of the index: 8 bytes per token, a table of one byte per slot (16 to 32 slots per token, at most 2^30), and
about 5 KiB per document for the LSH.
"""

from collections.abc import Iterable, Sequence

import numpy as np

SHINGLE = 5
THRESHOLD = 0.8
_BANDS, _ROWS = 25, 5
_SEED = 1
_HASH_BITS = 40  # of a shingle; with 24 bits for the document's number they fill a sortable uint64
_MAX_BATCH = 2 ** (64 - _HASH_BITS)
_MAX_TABLE = 2**30


def shingles(documents: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Distinct hashed 5-grams of each document of token ids.

    A document of fewer than five tokens is one shingle of all of them.

    Returns:
        hashes: uint64 below 2^40, shape (n,), document after document, sorted within each.
        ends: int64, shape (documents,): where each document's hashes end.
    """
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
        hashes = _mixed(hashes ^ flat[step : step + windows])
    owner = np.repeat(np.arange(len(documents), dtype=np.uint64), lengths)[:windows]
    inside = np.arange(windows) + SHINGLE <= np.repeat(np.cumsum(lengths), lengths)[:windows]
    keyed = np.sort((owner[inside] << np.uint64(_HASH_BITS)) | (hashes[inside] >> np.uint64(64 - _HASH_BITS)))
    keyed = keyed[np.concatenate([[True], keyed[1:] != keyed[:-1]])[: len(keyed)]]  # np.unique is ten times slower
    ends = np.searchsorted(keyed >> np.uint64(_HASH_BITS), np.arange(len(documents), dtype=np.uint64), side="right")
    return keyed & np.uint64(2**_HASH_BITS - 1), ends


def _mixed(values: np.ndarray) -> np.ndarray:
    """The finaliser of splitmix64 (Steele et al. 2014), wrapping modulo 2^64."""
    values = (values + np.uint64(0x9E3779B97F4A7C15)).astype(np.uint64)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


class NearDuplicates:
    """An index of documents in which near-duplicates of others are looked up.

    Args:
        batches: batches of documents, each the token ids of one, shape (tokens,).
    """

    def __init__(self, batches: Iterable[Sequence[np.ndarray]]) -> None:
        from datasketch import MinHashLSH

        self._lsh = MinHashLSH(num_perm=_BANDS * _ROWS, params=(_BANDS, _ROWS))
        self._sets: list[np.ndarray] = []
        for batch in batches:
            hashes, ends = shingles(batch)
            sets = np.split(hashes, ends[:-1])
            for number, signature in enumerate(_signatures(sets), start=len(self._sets)):
                self._lsh.insert(number, signature, check_duplication=False)
            self._sets.extend(sets)
        every = np.concatenate(self._sets) if self._sets else np.empty(0, dtype=np.uint64)
        slots = min(_MAX_TABLE, 1 << max(16 * len(every), 2**16).bit_length())
        self._mask = np.uint64(slots - 1)
        self._table = np.zeros(slots, dtype=bool)
        self._table[every & self._mask] = True

    def __len__(self) -> int:
        return len(self._sets)

    def matches(self, documents: Sequence[np.ndarray]) -> list[list[int]]:
        """For each document the numbers (in order of indexing) of its near-duplicates in the index."""
        found: list[list[int]] = [[] for _ in documents]
        if not documents or not self._sets:
            return found
        hashes, ends = shingles(documents)
        starts = np.concatenate([[0], ends[:-1]])
        known = np.add.reduceat(self._table[hashes & self._mask], starts, dtype=np.int64)
        candidates = np.flatnonzero(known >= THRESHOLD * (ends - starts))
        sets = [hashes[starts[number] : ends[number]] for number in candidates]
        for number, own, signature in zip(candidates.tolist(), sets, _signatures(sets), strict=True):
            near = sorted(self._lsh.query(signature))
            found[number] = [other for other in near if _jaccard(own, self._sets[other]) >= THRESHOLD]
        return found


def _jaccard(a: np.ndarray, b: np.ndarray) -> float:
    both = len(np.intersect1d(a, b, assume_unique=True))
    return both / (len(a) + len(b) - both)


def _signatures(sets: Sequence[np.ndarray]) -> list:
    from datasketch import MinHash

    # The shingles are hashes already (their low 32 bits are asked for), so hashing again is the identity.
    values = ((hashes & np.uint64(2**32 - 1)).tolist() for hashes in sets)
    return MinHash.bulk(values, num_perm=_BANDS * _ROWS, seed=_SEED, hashfunc=int) if len(sets) else []
