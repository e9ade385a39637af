"""What the first pass of a build leaves on disk: chunks of documents, in each of them in the order of their hash.

A chunk is a file of tokens, one document after the other, and a table with a row a document. Since every chunk has the
order that the corpus will have, whatever is to be written next lies in one piece of each of them.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

CHUNK_TOKENS = 2**24
_CHUNK_DOCUMENTS = 2**18
COLUMNS = {"digest": np.uint64, "input": np.int32, "place": np.int64, "length": np.int64, "size": np.int64}
SUFFIXES = (".tokens", ".words", ".arrow")
LOSSY_COLUMNS = {"words": np.int64, "lost": np.int64}


@dataclass
class ChunkWriter:
    """Takes documents in reading order and writes ``PREFIX-0000.tokens`` and ``.arrow`` (``.words``), and so on.

    Memory: the tokens of one chunk.
    """

    folder: Path
    prefix: str
    dtype: np.dtype[Any]
    lossy: bool
    written: int = 0
    _rows: list[tuple[Any, ...]] = field(default_factory=list)
    _tokens: list[np.ndarray] = field(default_factory=list)
    _words: list[np.ndarray] = field(default_factory=list)
    _held: int = 0

    def add(
        self,
        tokens: np.ndarray,
        words: np.ndarray | None = None,
        *,
        digest: int,
        input: int,
        place: int,
        size: int,
        domain: str,
        key: str | None,
        lost: int = 0,
    ) -> None:
        """Append a document: its tokens, the hashes of its words where it may lose text, and its row."""
        self._tokens.append(tokens)
        row = (digest, input, place, len(tokens), size)
        if words is None:
            self._rows.append((*row, domain, key))
        else:
            self._words.append(words)
            self._rows.append((*row, len(words), lost, domain, key))
        self._held += len(tokens)
        if self._held >= CHUNK_TOKENS or len(self._tokens) >= _CHUNK_DOCUMENTS:
            self._flush()

    def close(self) -> int:
        """Write what is left; the number of chunks."""
        if self._tokens:
            self._flush()
        return self.written

    def _flush(self) -> None:
        import pyarrow as pa

        base = self.folder / f"{self.prefix}-{self.written:04d}"
        kinds = {**COLUMNS, **(LOSSY_COLUMNS if self.lossy else {})}
        rows = dict(zip((*kinds, "domain", "key"), zip(*self._rows, strict=True), strict=True))
        order = np.argsort(np.array(rows["digest"], dtype=np.uint64), kind="stable")
        for suffix, parts in ((".tokens", self._tokens), (".words", self._words)):
            if parts or suffix == ".tokens":
                with base.with_suffix(suffix).open("wb") as file:
                    for at in range(0, len(order), 4096):
                        file.write(np.concatenate([parts[i] for i in order[at : at + 4096].tolist()]).tobytes())
        columns = {name: pa.array(np.array(rows[name], dtype=kind)[order]) for name, kind in kinds.items()}
        for name in ("domain", "key"):
            columns[name] = pa.array(rows[name], pa.string()).take(pa.array(order))
        columns["domain"] = columns["domain"].dictionary_encode()
        table = pa.table(columns)
        with pa.OSFile(str(base.with_suffix(".arrow")), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
        self.written += 1
        self._rows, self._tokens, self._words, self._held = [], [], [], 0


class Chunk:
    """A chunk that was written, read piece by piece."""

    def __init__(self, base: Path, dtype: np.dtype[Any]) -> None:
        self.base, self.dtype = base, dtype
        self._starts: dict[bool, np.ndarray] = {}

    @cached_property
    def _table(self) -> Any:
        import pyarrow as pa

        with pa.memory_map(str(self.base) + ".arrow") as file:
            return pa.ipc.open_file(file).read_all()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def column(self, name: str, first: int = 0, last: int | None = None) -> np.ndarray:
        """Values of the rows ``first`` to ``last``, shape (rows,); of the domain and the key as Python objects."""
        part = self._table.column(name).slice(first, None if last is None else last - first)
        if name in ("domain", "key"):
            return np.array(part.to_pylist(), dtype=object)
        return part.to_numpy()

    def domains(self) -> tuple[list[str], np.ndarray]:
        """Names of domains, and of each row which of them it has, shape (rows,)."""
        names, codes = list[str](), []
        for part in self._table.column("domain").chunks:
            own = part.dictionary.to_pylist()
            names += [name for name in own if name not in names]
            numbers = np.array([names.index(name) for name in own], dtype=np.int32)
            codes.append(numbers[part.indices.to_numpy()])
        return names, np.concatenate(codes) if codes else np.empty(0, dtype=np.int32)

    def read(self, start: int, stop: int, suffix: str = ".tokens") -> np.ndarray:
        """Tokens ``start`` to ``stop`` of the chunk, or hashed words, shape (stop - start,), a copy.

        The file is read and not mapped: the memory that a build takes stays what it says.
        """
        dtype = self.dtype if suffix == ".tokens" else np.dtype("<u4")
        size = (stop - start) * dtype.itemsize
        if not size:
            return np.empty(0, dtype=dtype)
        handle = os.open(str(self.base) + suffix, os.O_RDONLY)
        try:
            data = os.pread(handle, size, start * dtype.itemsize)
        finally:
            os.close(handle)
        if len(data) != size:
            raise OSError(f"{self.base}{suffix} is cut short")
        return np.frombuffer(data, dtype=dtype)

    def documents(self, rows: np.ndarray, *, words: bool = False) -> list[np.ndarray]:
        """Tokens (or words) of the documents ``rows``, ascending, shape (n,); read in one piece."""
        if not len(rows):
            return []
        starts, lengths = self.places(words=words)
        first = int(starts[rows[0]])
        held = self.read(first, int(starts[rows[-1]] + lengths[rows[-1]]), ".words" if words else ".tokens")
        return [
            held[s - first : s - first + n] for s, n in zip(starts[rows].tolist(), lengths[rows].tolist(), strict=True)
        ]

    def places(self, *, words: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Where each document starts in the file, and how long it is, shape (rows,)."""
        lengths = self.column("words" if words else "length")
        if words not in self._starts:
            self._starts[words] = np.cumsum(lengths) - lengths
        return self._starts[words], lengths


def gathered(flat: np.ndarray, starts: np.ndarray, lengths: np.ndarray, end: int | None) -> np.ndarray:
    """Pieces of ``flat`` one after the other, each followed by ``end`` unless that is None."""
    more = 0 if end is None else 1
    total = int(lengths.sum())
    before = np.cumsum(lengths) - lengths
    source = np.repeat(starts - before, lengths) + np.arange(total)
    if end is None:
        return flat[source]
    out = np.full(total + more * len(lengths), end, dtype=flat.dtype)
    inside = np.ones(len(out), dtype=bool)
    inside[np.cumsum(lengths + 1) - 1] = False
    out[inside] = flat[source]
    return out


def open_chunks(folder: Path, counts: Sequence[tuple[str, int]], dtype: np.dtype[Any]) -> list[Chunk]:
    """The chunks of units ``(prefix, how many)``."""
    return [Chunk(folder / f"{prefix}-{number:04d}", dtype) for prefix, count in counts for number in range(count)]
