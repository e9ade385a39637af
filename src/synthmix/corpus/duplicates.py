"""What a build removes as near-duplicates: across the split always, within the training part where that is asked for.

Across the split every training document is looked up among the held-out ones, which are few
(:class:`synthmix.corpus.near_duplicates.NearDuplicates`): 400 bytes of memory each and 5 to 9 a token, once a machine.

Within the training part there are two passes. In the first every piece of a chunk becomes a file of band keys and
sketches, 220 bytes a document (16 bands of 5 rows; a pair of similarity 0.8 shares one with probability 0.998). In the
second, bands are joined by sorted merges, a range of one band's keys at a time: each document that shares a key with
one of a smaller hash is paired with the smallest and with the next one below it, and pairs whose sketches agree are
compared exactly. A document goes when one of a smaller hash nearly duplicates it. What goes depends on the documents
alone, not on chunks, pieces or workers. Memory: 40 bytes for each of :data:`JOINED` documents, or a million tokens.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.batching import batched
from synthmix.corpus.corpus import DOCUMENTS, Corpus
from synthmix.corpus.fast_bpe import usable_cores
from synthmix.corpus.ingested import Ingested, Piece
from synthmix.corpus.near_duplicates import (
    BANDS,
    THRESHOLD,
    NearDuplicates,
    band_keys,
    jaccard,
    rows_for,
    shingles,
    signatures,
    similarity,
    sketches,
)
from synthmix.corpus.near_duplicates import spread as deviation
from synthmix.corpus.spread import Tasks, spread
from synthmix.progress import Progress

BATCH_TOKENS = 1_000_000
PIECE_TOKENS = 2**24  # of a task for workers; here a batch is one, so that all cores have some
JOINED = 2**22  # documents of which one band is held at once
_ROWS = rows_for(THRESHOLD)
_PERMUTATIONS = BANDS * _ROWS
_LEAST = THRESHOLD - 3 * deviation(THRESHOLD, _PERMUTATIONS)  # of a sketch: 1 in 1,000 pairs at the threshold is lost
Data = Ingested | Path


def without_near_duplicates(
    ingested: Ingested,
    against: Sequence[Corpus],
    folder: Path,
    *,
    within: bool,
    task: str,
    progress: Progress,
    engine: Tasks | None,
) -> np.ndarray:
    """Which documents stay, bool, shape (documents,); counts of the others go to ``ingested.removed``.

    Compared are tokens, or the text's words where the tokenizer may lose something: two texts are no duplicates because
    neither can be spelt.

    Three rules, in this order, so that neither the order of building nor of naming lets anything through, and with
    ``within`` a fourth:
    1. a held-out document goes when the training part of another corpus holds a near-duplicate of it;
    2. a training document goes when it nearly duplicates a held-out one of this corpus,
    3. or one of another corpus,
    4. or another training document, of a smaller hash.

    Args:
        folder: for what tasks leave to each other; ``engine``: whose workers see it.
    """
    made = _Removal(ingested, folder, task, progress, engine)
    made.across(against)
    if within:
        made.within()
    return made.stays


class _Removal:
    def __init__(self, ingested: Ingested, folder: Path, task: str, progress: Progress, engine: Tasks | None) -> None:
        self.ingested, self.folder, self.task, self.progress, self.engine = ingested, folder, task, progress, engine
        self.stays = ingested.kept.copy()
        self.data: Data = ingested if engine is None else ingested.save(folder / "columns")
        self.pieces = ingested.pieces(BATCH_TOKENS if engine is None else PIECE_TOKENS)

    def _given(self, index: NearDuplicates, name: str) -> NearDuplicates | Path | None:
        """As tasks are given it; None: it is empty."""
        if not len(index):
            return None
        return index if self.engine is None else index.save(self.folder / name)

    def across(self, against: Sequence[Corpus]) -> None:
        """Rules 1 to 3."""
        ingested, removed = self.ingested, self.ingested.removed
        heldout = np.flatnonzero(ingested.heldout & ingested.kept)
        removed.update({"near_duplicates_of_heldout": 0, "heldout_trained_on_elsewhere": 0})
        own = self._given(
            NearDuplicates(batch for _, batch in ingested.compared(heldout, BATCH_TOKENS)), "heldout-index"
        )
        if own is not None:
            works = [
                Elsewhere(other.folder.resolve(), group, own)
                for other in against
                if len(other.train)
                for group in range(_row_groups(other))
            ]
            for _, near in spread(self.engine, matched, works, threads=usable_cores()):
                self.stays[heldout[near]] = False
        removed["heldout_trained_on_elsewhere"] = len(heldout) - int(self.stays[heldout].sum())
        foreign = self._given(
            _heldout_index(tuple((other.folder, other.id) for other in against if other.heldout_domains)),
            "foreign-index",
        )
        if own is None and foreign is None:
            return
        train = ingested.kept & ~ingested.heldout
        alive: np.ndarray | Path = self.stays[heldout]
        if self.engine is not None:
            np.save(self.folder / "alive.npy", self.stays[heldout])
            alive = self.folder / "alive.npy"
        lookups = [LookUp(self.data, piece, own, alive, foreign) for piece in self.pieces]
        for numbers in self._each(looked_up, lookups, "near-duplicates", int(train.sum())):
            self.stays[numbers] = False
            removed["near_duplicates_of_heldout"] += len(numbers)

    def within(self) -> None:
        """Rule 4."""
        ingested, self.ingested.removed["near_duplicates"] = self.ingested, 0
        train = self.stays & ~ingested.heldout
        count = int(train.sum())
        if not count:
            return
        folder = self.folder / "bands"
        shutil.rmtree(folder, ignore_errors=True)  # of a build that was interrupted
        folder.mkdir()
        np.save(folder / "train.npy", train)
        signed = [Signing(self.data, piece, folder / f"{at:08d}") for at, piece in enumerate(self.pieces)]
        for _ in self._each(sign, signed, "signatures", count):
            pass
        ranges = max(1, -(-count // JOINED))
        joins = [Joining(self.data, folder, band, part, ranges) for band in range(BANDS) for part in range(ranges)]
        for done, _ in enumerate(spread(self.engine, join, joins, threads=usable_cores()), start=1):
            self.progress.update(self.task, len(ingested), note=f"bands joined: {done} of {len(joins)}")
        compared = [Comparing(self.data, piece, folder) for piece in self.pieces]
        for numbers in self._each(compare, compared, "pairs", count):
            self.stays[numbers] = False
            ingested.removed["near_duplicates"] += len(numbers)

    def _each(self, task: Any, works: Sequence[Any], what: str, documents: int) -> Iterator[Any]:
        seen = 0
        for work, result in spread(self.engine, task, works, threads=usable_cores()):
            seen += work.piece.last - work.piece.first
            note = f"{what}: {min(seen, documents)} of {documents} documents compared"
            self.progress.update(self.task, len(self.ingested), note=note)
            yield result


# Across the split


@dataclass(frozen=True)
class Elsewhere:
    """A row group of another corpus's documents, whose training documents are looked up."""

    folder: Path
    group: int
    index: NearDuplicates | Path

    @property
    def label(self) -> str:
        """In messages."""
        return str(self.folder)


def matched(work: Elsewhere) -> np.ndarray:
    """Numbers, within the index, of what the other corpus trains on."""
    index, found = NearDuplicates.of(work.index), set[int]()
    documents = Corpus.open(work.folder).compared_documents("train", group=work.group)
    for batch in batched(documents, len, BATCH_TOKENS):
        for near in index.matches(batch):
            found.update(near)
    return np.array(sorted(found), dtype=np.int64)


def _row_groups(corpus: Corpus) -> int:
    import pyarrow.parquet as pq

    return pq.read_metadata(corpus.folder / DOCUMENTS).num_row_groups


@lru_cache(maxsize=1)
def _heldout_index(corpora: tuple[tuple[Path, str], ...]) -> NearDuplicates:
    """What is held out in ``corpora`` (folder, content id): mostly the same for one corpus of a study after another."""
    every = (Corpus.open(folder).compared_documents("heldout") for folder, _ in corpora)
    return NearDuplicates(batch for documents in every for batch in batched(documents, len, BATCH_TOKENS))


@dataclass(frozen=True)
class LookUp:
    """A piece whose training documents are looked up. ``alive``: which of the own index count, bool, or where that
    lies: tasks are many, and stay small."""

    data: Data
    piece: Piece
    own: NearDuplicates | Path | None
    alive: np.ndarray | Path
    foreign: NearDuplicates | Path | None

    @property
    def label(self) -> str:
        """In messages."""
        return f"chunk {self.piece.chunk}"


def looked_up(work: LookUp) -> np.ndarray:
    """Numbers of the documents that nearly duplicate a held-out one."""
    data = Ingested.of(work.data)
    own = None if work.own is None else NearDuplicates.of(work.own)
    foreign = None if work.foreign is None else NearDuplicates.of(work.foreign)
    alive = np.load(work.alive, mmap_mode="r") if isinstance(work.alive, Path) else work.alive
    found = []
    for numbers, batch in data.compared(data.training(work.piece), BATCH_TOKENS):
        none = list[list[int]]([[]] * len(batch))
        mine, theirs = (none if index is None else index.matches(batch) for index in (own, foreign))
        for number, near, far in zip(numbers.tolist(), mine, theirs, strict=True):
            if far or any(alive[near]):
                found.append(number)
    return np.array(found, dtype=np.int64)


# Within the training part


@dataclass(frozen=True)
class Signing:
    """A piece whose training documents get signatures, in files beginning with ``base``."""

    data: Data
    piece: Piece
    base: Path

    @property
    def label(self) -> str:
        """In messages."""
        return f"chunk {self.piece.chunk}"


def sign(work: Signing) -> None:
    """Write of each training document its 16 band keys, each band in the order of keys, and its sketch."""
    data = Ingested.of(work.data)
    train = np.load(work.base.parent / "train.npy", mmap_mode="r")
    keys, held, every = [], [], []
    for numbers, batch in data.compared(data.numbers(work.piece, train), BATCH_TOKENS):
        hashes, ends = shingles(batch)
        values = (hashes & np.uint64(2**32 - 1)).astype(np.uint32)
        signature = signatures(values, np.concatenate([[0], ends]), _PERMUTATIONS)
        keys.append(band_keys(signature, _ROWS))
        held.append(sketches(signature))
        every.append(numbers)
    if not every:
        return
    banded = np.concatenate(keys).T
    order = np.argsort(banded, axis=1, kind="stable")
    np.save(work.base.with_suffix(".order.npy"), order.astype(np.uint32))
    np.save(work.base.with_suffix(".sketches.npy"), np.concatenate(held))
    np.save(work.base.with_suffix(".numbers.npy"), np.concatenate(every))
    np.save(work.base.with_suffix(".keys.npy"), np.take_along_axis(banded, order, axis=1))


@dataclass(frozen=True)
class Joining:
    """One of ``ranges`` equal ranges of the keys of a band, to be joined over all pieces that have signatures in
    ``folder``."""

    data: Data
    folder: Path
    band: int
    part: int
    ranges: int

    @property
    def label(self) -> str:
        """In messages."""
        return f"band {self.band}"


def join(work: Joining) -> None:
    """Write pairs of documents, (larger hash, smaller hash), that share a key and whose sketches agree: int64, shape
    (pairs, 2), in order."""
    low = work.part * 2**64 // work.ranges
    high = (work.part + 1) * 2**64 // work.ranges
    names = sorted(path.name.removesuffix(".keys.npy") for path in work.folder.glob("*.keys.npy"))
    bases = [work.folder / name for name in names]
    keys, numbers, held = [], [], []
    for base in bases:
        own = np.load(base.with_suffix(".keys.npy"), mmap_mode="r")[work.band]
        first = int(np.searchsorted(own, np.uint64(low)))
        last = len(own) if high == 2**64 else int(np.searchsorted(own, np.uint64(high)))
        rows = np.load(base.with_suffix(".order.npy"), mmap_mode="r")[work.band, first:last]
        keys.append(own[first:last])
        numbers.append(np.load(base.with_suffix(".numbers.npy"), mmap_mode="r")[rows])
        held.append(rows)
    key, number, row = np.concatenate(keys), np.concatenate(numbers), np.concatenate(held)
    piece = np.repeat(np.arange(len(bases)), [len(each) for each in keys])
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    shared = order[np.concatenate([same, [False]]) | np.concatenate([[False], same])] if len(order) else order
    key, number, row, piece = key[shared], number[shared], row[shared], piece[shared]
    order = np.lexsort((Ingested.of(work.data).digests[number], key))
    key, number, row, piece = key[order], number[order], row[order], piece[order]
    begins = np.concatenate([[True], key[1:] != key[:-1]])[: len(key)]
    of_run = np.flatnonzero(begins)[np.cumsum(begins) - 1] if len(key) else np.empty(0, dtype=np.int64)
    later = np.flatnonzero(~begins)
    one = np.concatenate([later, later])
    other = np.concatenate([of_run[later], later - 1])
    agree = np.zeros(len(one), dtype=bool)
    sketch = np.zeros((len(key), _PERMUTATIONS // 4), dtype=np.uint8)
    for at in np.unique(piece).tolist():
        mine = np.flatnonzero(piece == at)
        sketch[mine] = np.load(bases[at].with_suffix(".sketches.npy"), mmap_mode="r")[row[mine]]
    for start in range(0, len(one), 2**18):
        these = slice(start, start + 2**18)
        agree[these] = similarity(sketch[one[these]], sketch[other[these]]) >= _LEAST
    pairs = np.stack([number[one[agree]], number[other[agree]]], axis=1)
    np.save(work.folder / f"pairs-{work.band:02d}-{work.part:06d}.npy", np.unique(pairs, axis=0))


@dataclass(frozen=True)
class Comparing:
    """A piece whose documents are compared with those they were paired with, in files in ``folder``."""

    data: Data
    piece: Piece
    folder: Path

    @property
    def label(self) -> str:
        """In messages."""
        return f"chunk {self.piece.chunk}"


def compare(work: Comparing) -> np.ndarray:
    """Numbers of the documents that nearly duplicate one of a smaller hash."""
    data = Ingested.of(work.data)
    start = int(data.starts[work.piece.chunk])
    found = []
    for path in work.folder.glob("pairs-*.npy"):
        pairs = np.load(path, mmap_mode="r")
        first, last = np.searchsorted(pairs[:, 0], (start + work.piece.first, start + work.piece.last))
        found.append(np.array(pairs[first:last]))
    pairs = np.unique(np.concatenate(found), axis=0)
    gone = set[int]()
    for batch in batched(pairs.tolist(), lambda pair: int(data.lengths[pair].sum()), BATCH_TOKENS):
        left = [pair for pair in batch if pair[0] not in gone]
        numbers = sorted({number for pair in left for number in pair})
        hashes, ends = shingles(data.scattered(numbers))
        bounds = pairwise([0, *ends.tolist()])
        at = {number: slice(*own) for number, own in zip(numbers, bounds, strict=True)}
        for one, other in left:
            if one not in gone and jaccard(hashes[at[one]], hashes[at[other]]) >= THRESHOLD:
                gone.add(one)
    return np.array(sorted(gone), dtype=np.int64)
