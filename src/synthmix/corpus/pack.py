"""The last pass of a build: from chunks to shards and the table of documents, in the order of hashes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from synthmix.corpus.chunks import COLUMNS, gathered
from synthmix.corpus.corpus import DOCUMENTS, WORDS
from synthmix.corpus.ingest import Ingested
from synthmix.corpus.meta import Counts
from synthmix.corpus.shards import SHARD_TOKENS, Shard, ShardWriter
from synthmix.files import content_hash

_RANGE_TOKENS = 2**22
_GROUP_ROWS = 2**16


@dataclass
class Packed:
    """What was written: shards per stream, held-out stream per domain, counts per domain on each side."""

    streams: dict[str, list[Shard]]
    heldout_streams: dict[str, str]
    train: dict[str, Counts]
    heldout: dict[str, Counts]
    words: list[Shard]


def pack(
    ingested: Ingested, stays: np.ndarray, folder: Path, *, eos_id: int, shard_tokens: int = SHARD_TOKENS
) -> Packed:
    """Write ``train/``, ``heldout/`` and ``documents.parquet`` below ``folder``, in the order of hashes.

    A range of hashes at a time: it lies in one piece of each chunk. Memory: a shard, and 60 bytes a token of the range.
    """
    held = sorted({ingested.names[i] for i in np.unique(ingested.domains[stays & ingested.heldout]).tolist()})
    names = {domain: f"heldout/{folder_name(domain)}" for domain in held}
    numbers = {names[domain]: ingested.names.index(domain) for domain in held}
    dtype = ingested.dtype
    writers = {name: ShardWriter(folder, name, dtype, shard_tokens) for name in ["train", *names.values()]}
    packed = Packed({}, names, {}, {}, [])
    words = None if ingested.lossless else ShardWriter(folder, WORDS, np.dtype("<u4"), shard_tokens)
    with _DocumentTable(folder / DOCUMENTS, words is not None) as table:
        for part in _ranges(ingested, stays):
            if words:
                words.write(gathered(part.words, part.word_starts, part.columns["words"], None))
            start = np.empty(len(part), dtype=np.int64)
            for number in np.unique(part.domains).tolist():
                domain = ingested.names[number]
                for side, on_it in ((packed.train, ~part.heldout), (packed.heldout, part.heldout)):
                    mine = on_it & (part.domains == number)
                    if mine.any():
                        side[domain] = side.get(domain, Counts()) + part.counts(mine)
            for name, writer in writers.items():
                own = ~part.heldout if name == "train" else part.heldout & (part.domains == numbers[name])
                mine = np.flatnonzero(own)
                lengths = part.columns["length"][mine]
                start[mine] = writer.tokens + np.cumsum(lengths + 1) - (lengths + 1)
                writer.write(gathered(part.tokens, part.starts[mine], lengths, eos_id))
            table.write(part, start, ingested.names)
    packed.streams = {name: writer.close() for name, writer in writers.items()}
    packed.words = words.close() if words else []
    packed.train, packed.heldout = dict(sorted(packed.train.items())), dict(sorted(packed.heldout.items()))
    return packed


def folder_name(domain: str) -> str:
    """A folder's name for a domain: itself where that is plain, else with its hash so that none collide."""
    plain = re.sub(r"[^a-z0-9_-]+", "-", domain)[:60]
    return plain if plain == domain else f"{plain}-{content_hash(domain)[:8]}"


@dataclass
class _Part:
    """Documents of a range of hashes, in their order. ``starts``, ``word_starts``: of each in ``tokens`` and ``words``;
    ``domains``: their numbers; ``columns``: of the chunks."""

    tokens: np.ndarray
    starts: np.ndarray
    words: np.ndarray
    word_starts: np.ndarray
    columns: dict[str, np.ndarray]
    domains: np.ndarray
    heldout: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def counts(self, mine: np.ndarray) -> Counts:
        """Of the documents ``mine``, bool, shape (documents,)."""
        count, sizes = int(mine.sum()), self.columns["size"][mine]
        tokens = int(self.columns["length"][mine].sum()) + count
        return Counts(documents=count, tokens=tokens, bytes=int(sizes.sum()))


def _ranges(ingested: Ingested, stays: np.ndarray) -> Iterator[_Part]:
    starts = ingested.starts()
    pieces = [ingested.digests[a:b] for a, b in pairwise(starts)]
    for low, high in _bounds(ingested, stays):
        rows = [_rows_between(own, low, high) for own in pieces]
        yield _part(ingested, stays, starts, rows)


def _bounds(ingested: Ingested, stays: np.ndarray) -> list[tuple[int, int | None]]:
    """Ranges of hashes whose documents have about :data:`_RANGE_TOKENS` tokens together."""
    lengths = np.concatenate([chunk.column("length") for chunk in ingested.chunks])[stays]
    digests = ingested.digests[stays]
    order = np.argsort(digests)
    cuts = np.flatnonzero(np.diff(np.cumsum(lengths[order] + 1) // _RANGE_TOKENS)) + 1
    firsts = [0, *digests[order[cuts]].tolist()]
    return list(zip(firsts, [*firsts[1:], None], strict=True))


def _rows_between(digests: np.ndarray, low: int, high: int | None) -> tuple[int, int]:
    first = int(np.searchsorted(digests, np.uint64(low)))
    return first, len(digests) if high is None else int(np.searchsorted(digests, np.uint64(high)))


def _part(ingested: Ingested, stays: np.ndarray, starts: np.ndarray, rows: list[tuple[int, int]]) -> _Part:
    names = [*COLUMNS, "key", *([] if ingested.lossless else ["words"])]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in names}
    places: dict[str, list[np.ndarray]] = {".tokens": [], ".words": []}
    flat: dict[str, list[np.ndarray]] = {".tokens": [], ".words": []}
    held = {".tokens": 0, ".words": 0}
    domains, heldout = [], []
    for chunk, begin, (first, last) in zip(ingested.chunks, starts, rows, strict=False):
        if first == last:
            continue
        own = np.flatnonzero(stays[begin + first : begin + last])
        for name in names:
            columns[name].append(chunk.column(name, first, last)[own])
        domains.append(ingested.domains[begin + first : begin + last][own])
        heldout.append(ingested.heldout[begin + first : begin + last][own])
        for suffix in (".tokens",) if ingested.lossless else (".tokens", ".words"):
            at, lengths = chunk.places(words=suffix == ".words")
            low, high = int(at[first]), int(at[last - 1] + lengths[last - 1])
            flat[suffix].append(chunk.read(low, high, suffix))
            places[suffix].append(at[first:last][own] - low + held[suffix])
            held[suffix] += high - low
    joined = {name: np.concatenate(parts) for name, parts in columns.items()}
    order = np.argsort(joined["digest"])
    none = np.empty(0, dtype=np.int64)
    return _Part(
        np.concatenate(flat[".tokens"]),
        np.concatenate(places[".tokens"])[order],
        none if ingested.lossless else np.concatenate(flat[".words"]),
        none if ingested.lossless else np.concatenate(places[".words"])[order],
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
