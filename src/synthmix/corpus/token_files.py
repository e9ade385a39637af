"""Tokens that exist, as other trainers keep them: mapped, and held to the tokenizer that is named.

Formats, as their authors publish them (FOUND), little-endian:

- Megatron-LM: ``.bin`` (ids) and ``.idx`` (megatron/core/datasets/indexed_dataset.py: ``MMIDIDX``, version, code of the
  dtype, counts, int32 lengths of sequences, int64 byte offsets, int64 ends of documents in sequences);
- OLMo-core and Dolma: ``.npy`` without a header, uint16 or uint32, and ``.csv.gz`` beside it with start and end of each
  document; without it a document ends behind each end-of-document token. A real ``.npy`` file is read as well;
- datatrove and nanotron: ``.ds`` (ids), ``.ds.index`` (uint64 ends of documents, in tokens), ``.ds.metadata``
  (tokenizer and bytes of a token);
- litdata: ``chunk-*.bin`` (uint32 number of items, uint32 offsets of each and of the end, items) and ``index.json``,
  of one tensor without header, as ``TokensLoader`` reads it; items are documents, or else end where end tokens stand;
- `datasets` saved to disk, ``.arrow`` with a column of lists of ids: of each record batch the ids lie in one piece;
- what does not lie in one piece, in Parquet and MDS, is copied: :mod:`synthmix.corpus.token_rows`.
"""

import csv
import gzip
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.corpus.fast_bpe import byte_signs
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.reading import parse_json, read_errors

MEGATRON = b"MMIDIDX\x00\x00"
MEGATRON_CODES = {1: "u1", 2: "i1", 3: "i2", 4: "i4", 5: "i8", 8: "u2"}
LITDATA_CODES = {
    "no_header_tensor": {11: "u1", 12: "i1", 13: "i2", 14: "i2", 15: "i4", 16: "i4", 17: "i8", 18: "i8", 20: "u2"},
    "no_header_numpy": {0: "i1", 1: "i2", 2: "i4", 3: "i8", 4: "u1", 5: "u2", 6: "u4", 7: "u8"},
}
SUFFIXES = (".bin", ".npy", ".ds", ".arrow")
IDS = "input_ids"  # the column of ids, unless another is named
_NPY = b"\x93NUMPY"
_BLOCK = 2**24  # ids that are looked at together
_REMEDY = "copy it again, or name the file that belongs to it"
_RIGHT = "name the tokenizer that made it"
_SHOWN = 200


@dataclass(frozen=True)
class TokenFile:
    """Ids of consecutive documents, mapped.

    Attributes:
        ids: shape (tokens,). header: bytes before the first of them in the file.
        ends: where each document ends, its end-of-document token included, int64, shape (documents,).
        beside: other files that say where documents end. before: documents of the file in front of these.
        state: size and time of the file when it was opened.
    """

    path: Path
    ids: np.ndarray
    header: int
    ends: np.ndarray
    beside: tuple[Path, ...]
    before: int = 0
    state: tuple[int, int] = (0, 0)

    @property
    def starts(self) -> np.ndarray:
        """Where each document starts, shape (documents,)."""
        return np.concatenate([[0], self.ends[:-1]]).astype(np.int64)


def is_token_file(path: str) -> bool:
    """Whether the name is one of a file of ids."""
    return "://" not in path and path.endswith(SUFFIXES)


def open_tokens(path: str | Path, tokenizer: Tokenizer, column: str = IDS) -> list[TokenFile]:
    """Map a file of ids and hold it to its index and to ``tokenizer``: one part, of ``.arrow`` one a record batch.

    Args:
        column: that holds the ids, of ``.arrow``.

    Raises:
        BadInput: it is missing, cut short, does not match its index, holds ids that the tokenizer has not, or documents
            that do not end with its end-of-document token.
    """
    path = Path(path)
    with read_errors(path):
        about = path.stat()
        size = about.st_size
        if path.suffix == ".arrow":
            found = _arrow(path, column)
        elif path.suffix == ".bin" and not path.with_suffix(".idx").exists() and (listed := _litdata_index(path)):
            found = [_litdata(path, size, listed, tokenizer)]
        elif path.suffix == ".bin":
            found = [_megatron(path, size)]
        elif path.suffix == ".ds":
            found = [_datatrove(path, size, tokenizer)]
        else:
            found = [_numpy(path, size, tokenizer)]
    for part in found:
        for at in range(0, len(part.ids), _BLOCK):
            check_range(part.ids[at : at + _BLOCK], path, tokenizer)
    return [replace(part, state=(about.st_size, about.st_mtime_ns)) for part in found]


def _mapped(path: Path, dtype: str, size: int, header: int = 0) -> np.ndarray:
    kind = np.dtype(dtype)
    if (size - header) % kind.itemsize:
        raise BadInput(f"is cut short ({size} bytes are no whole number of {kind.itemsize}-byte ids)", where=path)
    if size == header:
        raise BadInput("holds no tokens", where=path)
    return np.memmap(path, dtype=kind, mode="r", offset=header)


def _megatron(path: Path, size: int) -> TokenFile:
    index = path.with_suffix(".idx")
    if not index.exists():
        raise BadInput("has no index beside it", where=path, key=index.name, remedy=_REMEDY)
    data = index.read_bytes()
    head = struct.calcsize("<9sQBQQ")
    if not data.startswith(MEGATRON) or len(data) < head:
        raise BadInput("is no index of Megatron-LM (its first bytes differ)", where=index, remedy=_REMEDY)
    _, version, code, sequences, documents = struct.unpack_from("<9sQBQQ", data)
    if version != 1 or code not in MEGATRON_CODES or MEGATRON_CODES[code][0] not in "ui":
        raise BadInput(f"has version {version} and dtype {code}; version 1 with ids is read", where=index)
    if len(data) < head + 12 * sequences + 8 * documents:
        raise BadInput(f"is cut short ({len(data)} bytes for {sequences} sequences)", where=index, remedy=_REMEDY)
    lengths = np.frombuffer(data, "<i4", sequences, head).astype(np.int64)
    offsets = np.frombuffer(data, "<i8", sequences, head + 4 * sequences)
    bounds = np.frombuffer(data, "<i8", documents, head + 12 * sequences)
    width = np.dtype(MEGATRON_CODES[code]).itemsize
    behind = np.cumsum(lengths)
    if size != int(behind[-1] if len(behind) else 0) * width:
        raise BadInput(
            f"does not match its index ({size} bytes, {int(behind[-1]) * width if len(behind) else 0} in {index.name})",
            where=path,
            remedy=_REMEDY,
        )
    if not np.array_equal(offsets, (behind - lengths) * width):
        raise BadInput("its sequences do not lie one after the other", where=index, remedy="write it again")
    if not len(bounds) or bounds[0] != 0 or bounds[-1] != sequences or (np.diff(bounds) < 0).any():
        raise BadInput("its ends of documents are not in order", where=index, remedy=_REMEDY)
    ends = np.concatenate([[0], behind])[bounds[1:]]
    return TokenFile(path, _mapped(path, f"<{MEGATRON_CODES[code]}", size), 0, ends, (index,))


def _datatrove(path: Path, size: int, tokenizer: Tokenizer) -> TokenFile:
    index, about = path.with_name(path.name + ".index"), path.with_name(path.name + ".metadata")
    if not index.exists():
        raise BadInput("has no index beside it", where=path, key=index.name, remedy=_REMEDY)
    width = tokenizer.dtype.itemsize
    if about.exists():
        told = about.read_text(encoding="utf-8", errors="replace").split("\n")[0].rpartition("|")[2].strip()
        if told not in ("2", "4"):
            raise BadInput("does not say how wide its ids are", where=about, remedy=_REMEDY)
        width = int(told)
    ids = _mapped(path, f"<u{width}", size)
    ends = _mapped(index, "<u8", index.stat().st_size).astype(np.int64)
    return _held_to_ends(TokenFile(path, ids, 0, ends, (index,)), index)


def _numpy(path: Path, size: int, tokenizer: Tokenizer) -> TokenFile:
    with path.open("rb") as file:
        real = file.read(len(_NPY)) == _NPY
    if real:
        try:
            ids = np.load(path, mmap_mode="r", allow_pickle=False)
        except (ValueError, EOFError) as error:
            raise BadInput(f"is damaged ({error})", where=path, remedy=_REMEDY) from None
        if ids.ndim != 1 or ids.dtype.kind not in "ui":
            raise BadInput(f"holds {ids.dtype} of shape {ids.shape}, not ids in a row", where=path)
    else:
        ids = _mapped(path, tokenizer.dtype.str, size)
    table = path.with_suffix(".csv.gz")
    if not table.exists():
        return TokenFile(path, ids, size - ids.nbytes, ends_by_token(ids, tokenizer), ())
    try:
        with gzip.open(table, "rt", newline="") as file:
            bounds = np.array([row[:2] for row in csv.reader(file)], dtype=np.int64).reshape(-1, 2)
    except (OSError, EOFError, ValueError) as error:
        raise BadInput(f"is no table of documents ({error})", where=table, remedy=_REMEDY) from None
    if not np.array_equal(bounds[1:, 0], bounds[:-1, 1]) or (len(bounds) and bounds[0, 0] != 0):
        raise BadInput("its documents do not lie one after the other", where=table, remedy=_REMEDY)
    return _held_to_ends(TokenFile(path, ids, size - ids.nbytes, bounds[:, 1].copy(), (table,)), table)


def ends_by_token(ids: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """Where documents end: behind each end-of-document token, and at the end of ``ids``."""
    ends = np.flatnonzero(np.asarray(ids) == tokenizer.eos_id).astype(np.int64) + 1
    return ends if len(ends) and ends[-1] == len(ids) else np.append(ends, len(ids))


def by_rows(ids: np.ndarray, ends: np.ndarray, tokenizer: Tokenizer) -> np.ndarray:
    """Where documents end, of rows that end at ``ends``: with the rows, unless end-of-document tokens stand within
    them, as where documents were put together and cut to one length: then behind these."""
    last = np.zeros(len(ids) + 1, dtype=bool)
    last[ends] = True
    within = (np.asarray(ids) == tokenizer.eos_id) & ~last[1:]
    return ends_by_token(ids, tokenizer) if within.any() else ends


def _litdata_index(path: Path) -> dict[str, Any] | None:
    """The ``index.json`` beside it, where that lists the file."""
    index = path.with_name("index.json")
    if not index.exists():
        return None
    about = parse_json(index.read_bytes(), where=index, problem="is damaged", remedy=_REMEDY)
    chunks = about.get("chunks") if isinstance(about, dict) else None
    listed = isinstance(chunks, list) and any(
        isinstance(one, dict) and one.get("filename") == path.name for one in chunks
    )
    return about if listed else None


def _litdata(path: Path, size: int, about: dict[str, Any], tokenizer: Tokenizer) -> TokenFile:
    index, config = path.with_name("index.json"), about.get("config") or {}
    [chunk] = [one for one in about["chunks"] if one.get("filename") == path.name][:1]
    if packed := [key for key in ("compression", "encryption") if config.get(key)]:
        raise BadInput(f"its chunks have {packed[0]}", where=index, key=packed[0], remedy="write it without")
    form = config.get("data_format")
    kind, _, code = str(form[0] if isinstance(form, list) and len(form) == 1 else form).partition(":")
    dtype = LITDATA_CODES.get(kind, {}).get(int(code)) if code.isdigit() else None
    if dtype is None:
        said = f"holds {form}; one tensor of ids without header is read (no_header_tensor, of TokensLoader)"
        raise BadInput(said, where=index, key="data_format")
    count = int(np.fromfile(path, dtype="<u4", count=1)[0]) if size >= 4 else 0
    if size < 4 * (count + 2):
        raise BadInput(f"is cut short ({size} bytes for {count} items)", where=path, remedy=_REMEDY)
    offsets = np.fromfile(path, dtype="<u4", count=count + 1, offset=4).astype(np.int64)
    width = np.dtype(dtype).itemsize
    header = 4 * (count + 2)
    if count != chunk.get("chunk_size") or int(offsets[-1]) != size or int(offsets[0]) != header:
        said = (
            f"does not match its index ({count} items and {size} bytes, {chunk.get('chunk_size')} items in index.json"
        )
        raise BadInput(f"{said}, {int(offsets[-1])} bytes in its head)", where=path, remedy=_REMEDY)
    if (np.diff(offsets) < 0).any() or ((offsets - header) % width).any():
        raise BadInput("its items are not in order", where=path, remedy=_REMEDY)
    ids = _mapped(path, f"<{dtype}", size, header)
    return TokenFile(path, ids, header, by_rows(ids, (offsets[1:] - header) // width, tokenizer), (index,))


def _arrow(path: Path, column: str) -> list[TokenFile]:
    """Zero-copy views of the values of each record batch; where they begin in the file is their header."""
    import pyarrow as pa

    source = pa.memory_map(str(path))
    first = source.read_buffer().address if source.size() else 0
    source.seek(0)
    found, before = list[TokenFile](), 0
    try:
        try:
            batches = list(pa.ipc.open_stream(source))
        except pa.ArrowInvalid:
            table = pa.ipc.open_file(source)
            batches = [table.get_batch(number) for number in range(table.num_record_batches)]
        for batch in batches:
            check_column(batch.schema, column, path)
            rows = batch.column(column)
            if rows.null_count:
                raise BadInput("has rows without ids", where=path, key=column)
            values, offsets = rows.values, rows.offsets.to_numpy()
            ids = values.to_numpy()[offsets[0] : offsets[-1]]
            at = values.buffers()[1].address - first + int(values.offset + offsets[0]) * ids.itemsize
            if not 0 <= at <= source.size() - ids.nbytes:
                raise BadInput("its buffers are compressed", where=path, remedy="write it without compression")
            if len(ids):
                found.append(TokenFile(path, ids, at, (offsets[1:] - offsets[0]).astype(np.int64), (), before))
            before += len(rows)
    except (pa.ArrowException, OSError) as error:
        raise BadInput(f"not an Arrow file ({error})", where=path, remedy=_REMEDY) from None
    if not found:
        raise BadInput("holds no tokens", where=path)
    return found


def check_column(schema: Any, column: str, path: str | Path) -> None:
    """Hold an Arrow schema to having lists of ids.

    Raises:
        BadInput: there is no such column, or it holds no lists of integers.
    """
    import pyarrow as pa

    if column not in schema.names:
        raise BadInput(f"no such column; it has {', '.join(schema.names[:8])}", where=path, key=column)
    kind = schema.field(column).type
    if not ((pa.types.is_list(kind) or pa.types.is_large_list(kind)) and pa.types.is_integer(kind.value_type)):
        raise BadInput(f"is {kind}, not lists of ids", where=path, key=column)


def _held_to_ends(found: TokenFile, index: Path) -> TokenFile:
    last = int(found.ends[-1]) if len(found.ends) else 0
    if last != len(found.ids) or (np.diff(found.ends) < 0).any():
        said = f"does not match its index ({len(found.ids)} tokens, {last} in {index.name})"
        raise BadInput(said, where=found.path, remedy=_REMEDY)
    return found


def check_range(ids: np.ndarray, path: str | Path, tokenizer: Tokenizer) -> None:
    if not len(ids):
        return
    highest, lowest = int(ids.max()), int(ids.min())
    if highest >= tokenizer.vocab_size or lowest < 0:
        wrong = lowest if lowest < 0 else highest
        said = f"holds the id {wrong}, and the tokenizer has {tokenizer.vocab_size}"
        raise BadInput(said, where=path, key="tokenizer", remedy=_RIGHT)


def lacks_ends(found: TokenFile, tokenizer: Tokenizer) -> int:
    """How many documents do not end with the end-of-document token."""
    whole = found.ends[found.ends > found.starts]
    return int((np.asarray(found.ids[whole - 1]) != tokenizer.eos_id).sum())


class Spelling:
    """The bytes of ids, of a byte-level BPE: what a document's text was, in UTF-8.

    Raises:
        BadInput: the tokenizer is another one, and its ids do not say what the text was.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        if not tokenizer.lossless:
            raise BadInput(
                "its ids do not give the text back, which the split, duplicates and bits per byte need",
                key="tokenizer",
                remedy="give the text instead",
            )
        signs = byte_signs()
        self.pieces: list[bytes] = [b""] * tokenizer.vocab_size
        for name, number in tokenizer.backend.get_vocab(with_added_tokens=True).items():
            known = all(sign in signs for sign in name)
            self.pieces[number] = bytes(signs[sign] for sign in name) if known else name.encode()
        self.lengths = np.array([len(piece) for piece in self.pieces], dtype=np.int64)

    def sizes(self, found: TokenFile, end: int) -> np.ndarray:
        """UTF-8 bytes of each document, its ``end`` token left out, shape (documents,)."""
        sizes = np.zeros(len(found.ends), dtype=np.int64)
        starts = found.starts
        first = 0
        while first < len(starts):
            last = max(first + 1, int(np.searchsorted(found.ends, starts[first] + _BLOCK, side="right")))
            block = np.asarray(found.ids[starts[first] : found.ends[last - 1]])
            each = np.where(block == end, 0, self.lengths[block])
            total = np.concatenate([[0], np.cumsum(each)])
            sizes[first:last] = (
                total[found.ends[first:last] - starts[first]] - total[starts[first:last] - starts[first]]
            )
            first = last
        return sizes

    def text(self, ids: np.ndarray) -> bytes:
        """The bytes of ``ids``."""
        return b"".join([self.pieces[number] for number in ids.tolist()])


def documents(found: TokenFile, tokenizer: Tokenizer, spelling: Spelling) -> Iterator[tuple[np.ndarray, bytes, str]]:
    """Ids of each document without its end, the UTF-8 of its text, and ``path#number``."""
    bounds = zip(found.starts.tolist(), found.ends.tolist(), strict=True)
    for number, (start, end) in enumerate(bounds, start=found.before + 1):
        ids = without_end(np.asarray(found.ids[start:end]), f"document {number}", found.path, tokenizer)
        yield ids, spelling.text(ids), f"{found.path}#{number}"


def without_end(ids: np.ndarray, what: str, path: str | Path, tokenizer: Tokenizer) -> np.ndarray:
    """Ids of a document without the end-of-document token behind them.

    Raises:
        BadInput: such a token stands within them.
    """
    if len(ids) and ids[-1] == tokenizer.eos_id:
        ids = ids[:-1]
    if (ids == tokenizer.eos_id).any():
        raise BadInput(f"{what} has an end of document within it", where=path, remedy=_RIGHT)
    return ids.astype(tokenizer.dtype)


def shown(found: TokenFile, tokenizer: Tokenizer) -> str:
    """The beginning of the first document, decoded: whether it is the right tokenizer is for a person to see."""
    first = np.asarray(found.ids[: min(int(found.ends[0]), _SHOWN)])
    return tokenizer.decode(first[first != tokenizer.eos_id])[:_SHOWN]
