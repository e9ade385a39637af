"""Token files: rows of ``context + 1`` token ids, one after the other, and what each reader wants beside them.

A row is one sequence of the training order: the first token is input only, the others are predicted. Formats, as their
authors publish them (FOUND), little-endian:

- ``megatron``: ``.bin`` (ids) and ``.idx`` (megatron/core/datasets/indexed_dataset.py: ``MMIDIDX``, version, code of
  the dtype, counts, int32 lengths, int64 byte offsets, int64 ends of documents); a row is a sequence and a document;
- ``olmo``: ``.npy`` without a header, as OLMo-core maps them (olmo_core/data/utils.py, ``load_array_slice``);
- ``datatrove``: ``.ds`` (ids), ``.ds.index`` (uint64 ends of documents, in tokens), ``.ds.metadata`` (tokenizer and
  bytes of a token; count), which ``DatatroveFolderDataset`` and nanotron read with ``seq_len = context``.
"""

import hashlib
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from synthmix.corpus.token_files import MEGATRON, MEGATRON_CODES
from synthmix.exporting.schema import ExportedFile
from synthmix.files import file_hash, write_text
from synthmix.quantities import format_count

Rows = Callable[[int, int], np.ndarray]  # (first, count) -> (count, width)
Saved = Callable[[int, int], None]  # rows of the file that are safe on disk, bytes of its side file

CHUNK = 2**22  # tokens that are in memory at once
SAVE_EVERY = 2**28  # bytes after which what is written is made safe, so that an interrupted export goes on from there
_CODES = {np.dtype(kind).name: code for code, kind in MEGATRON_CODES.items()}


@dataclass(frozen=True)
class TokenFormat:
    """``dtypes``: of 16-bit and of wider ids. ``shard``: tokens of a file; 0: all in one. ``index``: ends of documents
    are written beside the ids. ``finish``: what is written once a file is whole."""

    suffix: str
    dtypes: tuple[str, str]
    shard: int
    index: bool
    finish: Callable[[Path, int, int, np.dtype[Any], str], list[Path]]

    def dtype(self, vocab: int) -> np.dtype[Any]:
        """Of the ids of a vocabulary, little-endian."""
        return np.dtype(self.dtypes[vocab > 2**16]).newbyteorder("<")


def write_tokens(
    form: TokenFormat,
    path: Path,
    rows: Rows,
    *,
    first: int,
    count: int,
    width: int,
    dtype: np.dtype[Any],
    end: int,
    tokenizer: str,
    done: int,
    side: int,
    saved: Saved,
    told: Callable[[int], None],
) -> list[ExportedFile]:
    """Write rows ``first`` to ``first + count`` as one file, going on after ``done`` rows and ``side`` bytes of its
    index, which are known to be safe. The files, with their checksums."""
    partial = path.with_name(path.name + ".partial")
    index = path.with_name(path.name + ".index.partial")
    row_bytes = width * dtype.itemsize
    at, unsafe, beside = done, 0, side
    step = max(1, CHUNK // width)
    with _opened(partial, done * row_bytes) as file, _opened(index if form.index else None, side) as ends:
        assert file is not None
        digest = hashlib.blake2b(digest_size=16)
        for block in _read(partial, done * row_bytes):
            digest.update(block)
        while at < count:
            chunk = np.ascontiguousarray(rows(first + at, min(step, count - at)), dtype=dtype)
            held = chunk.reshape(-1).view(np.uint8).data
            file.write(held)
            digest.update(held)
            if ends is not None:
                beside += ends.write(_document_ends(chunk, end, at * width).tobytes())
            at, unsafe = at + len(chunk), unsafe + len(held)
            told(first + at)
            if unsafe >= SAVE_EVERY and at < count:
                _sync(file, ends)
                saved(at, beside)
                unsafe = 0
        _sync(file, ends)
    os.replace(partial, path)
    made = [ExportedFile(path=path.name, first=first, rows=count, bytes=count * row_bytes, blake2b=digest.hexdigest())]
    more = form.finish(path, count, width, dtype, tokenizer)
    if form.index:
        os.replace(index, path.with_name(path.name + ".index"))
        more = [path.with_name(path.name + ".index"), *more]
    for each in more:
        size = each.stat().st_size
        made.append(ExportedFile(path=each.name, first=first, rows=count, bytes=size, blake2b=file_hash(each)))
    return made


@contextmanager
def _opened(path: Path | None, keep: int) -> Iterator[IO[bytes] | None]:
    """A file opened for writing after ``keep`` bytes; None where there is no path."""
    if path is None:
        yield None
        return
    path.touch()
    with path.open("r+b") as file:
        file.truncate(keep)
        file.seek(keep)
        yield file


def _sync(*files: IO[bytes] | None) -> None:
    for file in files:
        if file is not None:
            file.flush()
            os.fsync(file.fileno())


def _read(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while size > 0:
            block = file.read(min(size, 2**24))
            size -= len(block)
            yield block


def _document_ends(chunk: np.ndarray, end: int, before: int) -> np.ndarray:
    """Ends of documents within rows, and of rows, which the next document does not continue; in tokens."""
    width = chunk.shape[1]
    marks = chunk == end
    marks[:, width - 1] = True
    return (np.flatnonzero(marks.reshape(-1)).astype("<u8") + np.uint64(before + 1)).astype("<u8")


def _nothing(path: Path, rows: int, width: int, dtype: np.dtype[Any], tokenizer: str) -> list[Path]:
    return []


def _megatron(path: Path, rows: int, width: int, dtype: np.dtype[Any], tokenizer: str) -> list[Path]:
    index = path.with_suffix(".idx")
    partial = index.with_name(index.name + ".partial")
    code = _CODES[dtype.newbyteorder("=").name]
    with partial.open("wb") as file:
        file.write(MEGATRON + struct.pack("<QBQQ", 1, code, rows, rows + 1))
        for _, count in _blocks(rows):
            file.write(np.full(count, width, dtype="<i4").tobytes())
        for at, count in _blocks(rows):
            file.write((np.arange(at, at + count, dtype="<i8") * (width * dtype.itemsize)).tobytes())
        for at, count in _blocks(rows + 1):
            file.write(np.arange(at, at + count, dtype="<i8").tobytes())
        _sync(file)
    os.replace(partial, index)
    return [index]


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    for at in range(0, count, CHUNK):
        yield at, min(CHUNK, count - at)


def _datatrove(path: Path, rows: int, width: int, dtype: np.dtype[Any], tokenizer: str) -> list[Path]:
    about = path.with_name(path.name + ".metadata")
    tokens = rows * width
    write_text(about, f"{tokenizer}|{dtype.itemsize}\n{tokens}\n{format_count(tokens)}")
    return [about]


TOKEN_FORMATS = {
    "megatron": TokenFormat(".bin", ("uint16", "int32"), 0, False, _megatron),
    "olmo": TokenFormat(".npy", ("uint16", "uint32"), 2**28, False, _nothing),
    "datatrove": TokenFormat(".ds", ("uint16", "uint32"), 2**28, True, _datatrove),
}
