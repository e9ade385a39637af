"""The last pass of a build: from chunks to shards and the table of documents, in the order of hashes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np

from synthmix.corpus.chunks import COLUMNS, SUFFIXES, Chunk, gathered
from synthmix.corpus.corpus import DOCUMENTS, WORDS
from synthmix.corpus.ingest import UNIT_MEMORY
from synthmix.corpus.ingested import Ingested
from synthmix.corpus.meta import Counts
from synthmix.corpus.shards import SHARD_TOKENS, Shard, ShardWriter
from synthmix.corpus.spread import Tasks, spread
from synthmix.files import content_hash

_RANGE_TOKENS = 2**21
_GROUP_ROWS = 2**16
_FAN_IN = 128  # chunks that are read side by side


@dataclass
class Packed:
    """What was written: shards per stream, held-out stream per domain, counts per domain on each side."""

    streams: dict[str, list[Shard]]
    heldout_streams: dict[str, str]
    train: dict[str, Counts]
    heldout: dict[str, Counts]
    words: list[Shard]


def pack(
    ingested: Ingested,
    stays: np.ndarray,
    folder: Path,
    spool: Path,
    *,
    eos_id: int,
    shard_tokens: int = SHARD_TOKENS,
    engine: Tasks | None = None,
) -> Packed:
    """Write ``train/``, ``heldout/`` and ``documents.parquet`` below ``folder``, in the order of hashes.

    Each shard of the training part is a task, the held-out part is one, and so is the table of documents. A task goes
    through its documents by ranges of hashes: a range lies in one piece of each chunk. Many chunks are merged first, so
    that these pieces are not too small. Memory of a task: a shard, and 60 bytes a token of a range.

    Args:
        spool: for what tasks are given, and merged chunks; ``engine``: whose workers see both folders.
    """
    if len(ingested.chunks) > _FAN_IN:
        ingested, stays = _merged(ingested, stays, spool, engine)
    data = _Data.held(ingested, stays, None if engine is None else spool / "packing")
    held = sorted({ingested.names[i] for i in np.unique(ingested.domains[stays & ingested.heldout]).tolist()})
    names = {domain: f"heldout/{folder_name(domain)}" for domain in held}
    (folder / "train").mkdir()
    edges = _shard_edges(ingested, stays, shard_tokens)
    works: list[_Work] = [_Shard(data, folder, eos_id, number, *edge) for number, edge in enumerate(edges)]
    works.append(_Heldout(data, folder, eos_id, names, shard_tokens))
    works.append(_Table(data, folder, names))
    if not ingested.lossless:
        works.append(_Words(data, folder, shard_tokens))
    found = {work.label: result for work, result in spread(engine, _done, works)}
    train = [found[work.label] for work in works[: len(edges)]]
    streams = {"train": train} | found["held-out documents"]
    counts, heldout = (dict(sorted(side.items())) for side in found["table of documents"])
    return Packed(streams, names, counts, heldout, found.get("words", []))


@dataclass
class _Data:
    """The documents, and which of them stay; ``folder``: where :meth:`held` wrote them, for workers."""

    ingested: Ingested | Path
    stays: np.ndarray | Path

    @classmethod
    def held(cls, ingested: Ingested, stays: np.ndarray, folder: Path | None) -> Self:
        if folder is None:
            return cls(ingested, stays)
        at = ingested.save(folder)
        np.save(at / "stays.npy", stays)
        return cls(at, at / "stays.npy")

    def opened(self) -> tuple[Ingested, np.ndarray]:
        """Both, mapped where they are files."""
        stays = np.load(self.stays, mmap_mode="r") if isinstance(self.stays, Path) else self.stays
        return Ingested.of(self.ingested), stays


class _Work(Protocol):
    """A task, known by its label."""

    @property
    def label(self) -> str: ...
    def __call__(self) -> Any: ...


def _done(work: _Work) -> Any:
    return work()


@dataclass
class _Shard:
    """One shard of the training part: ``tokens`` of the documents with hashes from ``low`` to before ``high`` (None:
    to the end), of which the first ``skip`` tokens lie in the shard before it."""

    data: _Data
    folder: Path
    eos_id: int
    number: int
    low: int
    high: int | None
    skip: int
    tokens: int
    memory_bytes: int = UNIT_MEMORY

    @property
    def label(self) -> str:
        return f"train shard {self.number}"

    def __call__(self) -> Shard:
        ingested, stays = self.data.opened()
        writer = ShardWriter(self.folder, "train", ingested.dtype, self.tokens, first=self.number)
        skip, left = self.skip, self.tokens
        for part in _ranges(ingested, stays, self.low, self.high, ".tokens"):
            own = np.flatnonzero(~part.heldout)
            tokens = gathered(part.tokens, part.starts[own], part.columns["length"][own], self.eos_id)
            taken = tokens[skip : skip + left]
            writer.write(taken)
            skip, left = max(skip - len(tokens), 0), left - len(taken)
        [shard] = writer.close()
        return shard


@dataclass
class _Heldout:
    """The held-out part, a stream a domain."""

    data: _Data
    folder: Path
    eos_id: int
    names: dict[str, str]
    shard_tokens: int

    label = "held-out documents"

    def __call__(self) -> dict[str, list[Shard]]:
        ingested, stays = self.data.opened()
        writers = {
            name: ShardWriter(self.folder, name, ingested.dtype, self.shard_tokens) for name in self.names.values()
        }
        numbers = {name: ingested.names.index(domain) for domain, name in self.names.items()}
        chosen = stays & ingested.heldout
        for part in _ranges(ingested, chosen, 0, None, ".tokens") if writers else ():
            for name, writer in writers.items():
                own = np.flatnonzero(part.domains == numbers[name])
                writer.write(gathered(part.tokens, part.starts[own], part.columns["length"][own], self.eos_id))
        return {name: writer.close() for name, writer in writers.items()}


@dataclass
class _Words:
    """Hashes of the words of all documents, where the tokenizer may lose something."""

    data: _Data
    folder: Path
    shard_tokens: int

    label = "words"

    def __call__(self) -> list[Shard]:
        writer = ShardWriter(self.folder, WORDS, np.dtype("<u4"), self.shard_tokens)
        for part in _ranges(*self.data.opened(), 0, None, ".words"):
            writer.write(gathered(part.tokens, part.starts, part.columns["words"], None))
        return writer.close()


@dataclass
class _Table:
    """``documents.parquet``; counts of the training part and of the held-out one by domain."""

    data: _Data
    folder: Path
    names: dict[str, str]

    label = "table of documents"

    def __call__(self) -> tuple[dict[str, Counts], dict[str, Counts]]:
        ingested, stays = self.data.opened()
        train, heldout = dict[str, Counts](), dict[str, Counts]()
        places = dict.fromkeys(["train", *self.names], 0)  # tokens so far
        with _DocumentTable(self.folder / DOCUMENTS, not ingested.lossless) as table:
            for part in _ranges(ingested, stays, 0, None, None):
                start, sizes = np.empty(len(part), dtype=np.int64), part.columns["length"] + 1
                for number in np.unique(part.domains).tolist():
                    domain = ingested.names[number]
                    for side, on_it in ((train, ~part.heldout), (heldout, part.heldout)):
                        mine = on_it & (part.domains == number)
                        if mine.any():
                            side[domain] = side.get(domain, Counts()) + part.counts(mine)
                for name in places:
                    own = ~part.heldout
                    if name != "train":
                        own = part.heldout & (part.domains == ingested.names.index(name))
                    start[own] = places[name] + np.cumsum(sizes[own]) - sizes[own]
                    places[name] += int(sizes[own].sum())
                table.write(part, start, ingested.names)
        return train, heldout


def _shard_edges(ingested: Ingested, stays: np.ndarray, shard_tokens: int) -> list[tuple[int, int | None, int, int]]:
    """Of each shard of the training part the hashes, the tokens to skip, and its tokens: see :class:`_Shard`."""
    train = stays & ~ingested.heldout
    digests = ingested.digests[train]
    order = np.argsort(digests)
    digests, sizes = digests[order], ingested.lengths[train][order] + 1
    ends = np.cumsum(sizes)
    total, found = int(ends[-1]) if len(ends) else 0, []
    for start in range(0, total, shard_tokens):
        stop = min(start + shard_tokens, total)
        first, last = (int(np.searchsorted(ends, at, side="right")) for at in (start, stop - 1))
        high = int(digests[last + 1]) if last + 1 < len(digests) else None
        found.append((int(digests[first]), high, start - int(ends[first] - sizes[first]), stop - start))
    return found


def _merged(ingested: Ingested, stays: np.ndarray, spool: Path, engine: Tasks | None) -> tuple[Ingested, np.ndarray]:
    """The documents that stay in fewer chunks, each merged of :data:`_FAN_IN`."""
    data = _Data.held(ingested, stays, None if engine is None else spool / "merging")
    works, rows, chunks = [], [], []
    for first in range(0, len(ingested.chunks), _FAN_IN):
        last = min(first + _FAN_IN, len(ingested.chunks))
        start = int(ingested.starts[first])
        own = np.flatnonzero(stays[start : int(ingested.starts[last])]) + start
        if len(own):
            works.append(_Merge(data, first, last, spool / f"merged-{first:06d}"))
            chunks.append(Chunk(works[-1].to, ingested.dtype))
            rows.append(own[np.argsort(ingested.digests[own])])
    for work, _ in spread(engine, _done, works):
        for chunk in ingested.chunks[work.first : work.last] if engine is None else ():
            for suffix in SUFFIXES:  # nobody goes on with these, as with those of workers
                Path(f"{chunk.base}{suffix}").unlink(missing_ok=True)
    order = np.concatenate(rows)
    columns = {name: getattr(ingested, name)[order] for name in ("digests", "heldout", "domains", "lengths", "kept")}
    starts = np.cumsum([0, *map(len, rows)])
    fewer = Ingested(chunks, starts=starts, names=ingested.names, lossless=ingested.lossless, **columns)
    return fewer, np.ones(len(order), dtype=bool)


@dataclass
class _Merge:
    """Chunks ``first`` to before ``last`` made one, without what does not stay."""

    data: _Data
    first: int
    last: int
    to: Path

    @property
    def label(self) -> str:
        return f"chunks {self.first} to {self.last - 1}"

    def __call__(self) -> None:
        import pyarrow as pa

        ingested, stays = self.data.opened()
        some = ingested.some(self.first, self.last)
        mine = stays[int(ingested.starts[self.first]) : int(ingested.starts[self.last])]
        held = []
        for suffix, column in ((".tokens", "length"), (".words", "words")):
            if suffix == ".words" and ingested.lossless:
                continue
            with open(str(self.to) + suffix, "wb") as file:
                for part in _ranges(some, mine, 0, None, suffix):
                    file.write(gathered(part.tokens, part.starts, part.columns[column], None).tobytes())
                    if suffix == ".tokens":
                        keys = {"key": pa.array(part.columns.pop("key"), pa.string())}
                        held.append(pa.table(part.columns | keys))
        table = pa.concat_tables(held)
        with pa.OSFile(f"{self.to}.arrow", "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)


def folder_name(domain: str) -> str:
    """A folder's name for a domain: itself where that is plain, else with its hash so that none collide."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", domain)[:60]
    return plain if plain == domain else f"{plain}-{content_hash(domain)[:8]}"


@dataclass
class _Part:
    """Documents of a range of hashes, in their order. ``starts``: of each in ``tokens`` (or words); ``domains``: their
    numbers; ``columns``: of the chunks."""

    tokens: np.ndarray
    starts: np.ndarray
    columns: dict[str, np.ndarray]
    domains: np.ndarray
    heldout: np.ndarray

    def __len__(self) -> int:
        return len(self.domains)

    def counts(self, mine: np.ndarray) -> Counts:
        """Of the documents ``mine``, bool, shape (documents,)."""
        count, sizes = int(mine.sum()), self.columns["size"][mine]
        tokens = int(self.columns["length"][mine].sum()) + count
        return Counts(documents=count, tokens=tokens, bytes=int(sizes.sum()))


def _ranges(ingested: Ingested, stays: np.ndarray, low: int, high: int | None, suffix: str | None) -> Iterator[_Part]:
    """The documents that stay, with hashes from ``low`` to before ``high``, by ranges in which about
    :data:`_RANGE_TOKENS` are read.

    Args:
        suffix: of the files whose content is read: ``.tokens``, ``.words``; None: columns only.
    """
    starts = ingested.starts
    pieces = [ingested.digests[a:b] for a, b in pairwise(starts)]
    rows = [_rows_between(own, low, high) for own in pieces]
    bounds = [(begin + a, begin + b) for begin, (a, b) in zip(starts.tolist(), rows, strict=False)]
    # Of all documents, since what lies between those that stay is read too: held-out ones are few.
    numbers = np.concatenate([np.arange(a, b) for a, b in bounds])
    if not len(numbers):
        return
    digests = ingested.digests[numbers]
    order = np.argsort(digests)
    cuts = np.flatnonzero(np.diff(np.cumsum(ingested.lengths[numbers][order] + 1) // _RANGE_TOKENS)) + 1
    firsts = [low, *digests[order[cuts]].tolist()]
    for begin, end in zip(firsts, [*firsts[1:], high], strict=True):
        yield _part(ingested, stays, [_rows_between(own, begin, end) for own in pieces], suffix)


def _rows_between(digests: np.ndarray, low: int, high: int | None) -> tuple[int, int]:
    first = int(np.searchsorted(digests, np.uint64(low)))
    return first, len(digests) if high is None else int(np.searchsorted(digests, np.uint64(high)))


def _part(ingested: Ingested, stays: np.ndarray, rows: list[tuple[int, int]], suffix: str | None) -> _Part:
    names = [*COLUMNS, "key", *([] if ingested.lossless else ["words"])]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in names}
    places, flat, held = list[np.ndarray](), list[np.ndarray](), 0
    domains, heldout = [], []
    for chunk, begin, (first, last) in zip(ingested.chunks, ingested.starts, rows, strict=False):
        if first == last:
            continue
        own = np.flatnonzero(stays[begin + first : begin + last])
        for name in names:
            columns[name].append(chunk.column(name, first, last)[own])
        domains.append(ingested.domains[begin + first : begin + last][own])
        heldout.append(ingested.heldout[begin + first : begin + last][own])
        if suffix is not None:
            at, lengths = chunk.places(words=suffix == ".words")
            low, high = int(at[first]), int(at[last - 1] + lengths[last - 1])
            flat.append(chunk.read(low, high, suffix))
            places.append(at[first:last][own] - low + held)
            held += high - low
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(joined["digest"])
    none = np.empty(0, dtype=np.int64)
    return _Part(
        np.concatenate(flat) if flat else none,
        np.concatenate(places)[order] if places else none,
        {name: column[order] for name, column in joined.items()},
        np.concatenate(domains)[order],
        np.concatenate(heldout)[order],
    )


class _DocumentTable:
    """``documents.parquet``, in groups of as many rows whatever the ranges were."""

    def __init__(self, path: Path, words: bool) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        columns = {"split": pa.string(), "domain": pa.string(), "start": pa.int64(), "tokens": pa.int64()}
        columns |= {"bytes": pa.int64(), "key": pa.string()}
        if words:
            columns["words"] = pa.int64()
        columns |= {"digest": pa.uint64(), "input": pa.int32(), "place": pa.int64()}
        self._schema = pa.schema(list(columns.items()))
        self._writer = pq.ParquetWriter(path, self._schema)
        self._held: list[Any] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self._flush(1)
        self._writer.close()

    def write(self, part: _Part, start: np.ndarray, names: list[str]) -> None:
        """Append the rows of a range. ``start``: of each document within its stream."""
        import pyarrow as pa

        domain = pa.array(names, pa.string()).take(pa.array(part.domains))
        split = pa.array(["train", "heldout"], pa.string()).take(pa.array(part.heldout.astype(np.int8)))
        columns = part.columns
        values = {"split": split, "domain": domain, "start": start, "tokens": columns["length"] + 1}
        values |= {"bytes": columns["size"], "key": pa.array(columns["key"], pa.string())}
        values |= {name: columns[name] for name in ("words", "digest", "input", "place") if name in columns}
        self._held.append(pa.table(values, schema=self._schema))
        self._flush(_GROUP_ROWS)

    def _flush(self, least: int) -> None:
        import pyarrow as pa

        if sum(len(one) for one in self._held) < least:
            return
        table = pa.concat_tables(self._held).combine_chunks()
        whole = len(table) // least * least if least > 1 else len(table)
        self._writer.write_table(table.slice(0, whole), row_group_size=_GROUP_ROWS)
        self._held = [table.slice(whole)] if whole < len(table) else []
