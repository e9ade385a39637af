"""Near-duplicates across the split: MinHash over token 5-grams (Broder 1997; LSH of `datasketch`).

Two documents are near-duplicates when the Jaccard similarity of their sets of token 5-grams is estimated at 0.8 or
more from 128 permutations (CHOSEN, as usual for web text; the estimate's standard error there is 0.035, and the LSH
bands miss a few pairs right at the threshold). Only the held-out documents are indexed, being few. Before MinHash, an
exact and vectorised test drops what cannot match: J(A, B) >= t implies |A n B| >= t |A|, so a document of whose
5-grams fewer than t are anywhere in the index has no near-duplicate there. That makes the search run at the speed of
hashing.

Memory: a table of one byte per slot, at least 16 slots per indexed token and at most 2^30; 8 bytes per indexed
token while it is made; 2 KiB per indexed document.
"""

from collections.abc import Iterable, Sequence

import numpy as np

SHINGLE = 5
THRESHOLD = 0.8
PERMUTATIONS = 128
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
    keyed = np.unique((owner[inside] << np.uint64(_HASH_BITS)) | (hashes[inside] >> np.uint64(64 - _HASH_BITS)))
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

        self._lsh = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
        self._signatures: list[np.ndarray] = []
        kept = []
        for batch in batches:
            hashes, ends = shingles(batch)
            kept.append(hashes)
            for signature in _signatures(np.split(hashes, ends[:-1])):
                self._lsh.insert(len(self._signatures), signature, check_duplication=False)
                self._signatures.append(signature.hashvalues)
        every = np.concatenate(kept) if kept else np.empty(0, dtype=np.uint64)
        slots = min(_MAX_TABLE, 1 << max(16 * len(every), 2**16).bit_length())
        self._mask = np.uint64(slots - 1)
        self._table = np.zeros(slots, dtype=bool)
        self._table[every & self._mask] = True

    def __len__(self) -> int:
        return len(self._signatures)

    def matches(self, documents: Sequence[np.ndarray]) -> list[list[int]]:
        """For each document the numbers (in order of indexing) of its near-duplicates in the index."""
        found: list[list[int]] = [[] for _ in documents]
        if not documents or not self._signatures:
            return found
        hashes, ends = shingles(documents)
        starts = np.concatenate([[0], ends[:-1]])
        known = np.add.reduceat(self._table[hashes & self._mask], starts, dtype=np.int64)
        candidates = np.flatnonzero(known >= THRESHOLD * (ends - starts))
        signatures = _signatures([hashes[starts[number] : ends[number]] for number in candidates])
        for number, signature in zip(candidates.tolist(), signatures, strict=True):
            near = [
                other
                for other in sorted(self._lsh.query(signature))
                if np.mean(self._signatures[other] == signature.hashvalues) >= THRESHOLD
            ]
            found[number] = near
        return found


def _signatures(sets: Sequence[np.ndarray]) -> list:
    from datasketch import MinHash

    # The shingles are hashes already (their low 32 bits are asked for), so hashing again is the identity.
    values = ((hashes & np.uint64(2**32 - 1)).tolist() for hashes in sets)
    return MinHash.bulk(values, num_perm=PERMUTATIONS, seed=_SEED, hashfunc=int) if len(sets) else []
