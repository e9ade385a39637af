"""Rows of ids that do not lie in one piece, and are therefore copied: Parquet, and MDS of mosaicml-streaming.

MDS (streaming/base/format/mds/writer.py and encodings.py, FOUND), little-endian: uint32 number of samples, uint32
offsets of each and of the end, a JSON of the columns, samples. A sample is the uint32 sizes of its columns of no fixed
size, and the columns. Ids are ``ndarray``, whose type and shape stand in the column's name or before the values, or
``bytes`` of int64, as llm-foundry wrote them first. ``index.json`` beside it lists the shards.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from synthmix.corpus.token_files import (
    IDS,
    Spelling,
    TokenFile,
    by_rows,
    check_column,
    check_range,
    documents,
    is_token_file,
    open_tokens,
    without_end,
)
from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.reading import open_bytes, parse_json, read_errors

MDS = ".mds"
_TOKENS = "tokens"  # the column of ids in MDS, unless another is named
_ROWS = 1024
_TYPES = {8: "u1", 9: "i1", 16: "u2", 17: "i2", 32: "u4", 33: "i4", 64: "u8", 65: "i8"}
_NAMES = {np.dtype(kind).name: kind for kind in _TYPES.values()}
_REMEDY = "copy it again, or name the file that belongs to it"


def tokenised_documents(
    path: str, text: str, tokenizer: Tokenizer, spelling: Spelling
) -> Iterator[tuple[np.ndarray, bytes, str]]:
    """Ids of each document of a file of tokens without its end, the UTF-8 of its text, and where it stands.

    Args:
        text: the source's field of text: the column, unless it is the usual ``text``.

    Raises:
        BadInput: the file is damaged or no such file, has no such column, or holds ids that the tokenizer has not.
    """
    column = IDS if text == "text" else text
    if is_token_file(path):
        for part in open_tokens(path, tokenizer, column):
            yield from documents(part, tokenizer, spelling)
    elif path.endswith(MDS):
        with read_errors(path):
            found = _mds(Path(path).expanduser(), _TOKENS if text == "text" else text, tokenizer)
        yield from documents(found, tokenizer, spelling)
    else:
        yield from _parquet(path, column, tokenizer, spelling)


def _parquet(
    path: str, column: str, tokenizer: Tokenizer, spelling: Spelling
) -> Iterator[tuple[np.ndarray, bytes, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    with open_bytes(path) as file:
        try:
            table = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise BadInput(f"not a Parquet file ({error})", where=path) from None
        number = 0
        check_column(table.schema_arrow, column, path)
        for batch in table.iter_batches(batch_size=_ROWS, columns=[column]):
            for row in batch.column(0):
                number += 1
                ids = np.array(row.values.to_numpy() if row.is_valid else [], dtype=np.int64)
                check_range(ids, path, tokenizer)
                ids = without_end(ids, f"row {number}", path, tokenizer)
                yield ids, spelling.text(ids), f"{path}:row {number}"


def _mds(path: Path, column: str, tokenizer: Tokenizer) -> TokenFile:
    """The ids of a shard one after the other: it is read whole, and shards are small."""
    data = np.fromfile(path, dtype=np.uint8)
    count = int(data[:4].view("<u4")[0]) if len(data) >= 4 else 0
    head = 4 * (count + 2)
    if not count or len(data) < head:
        said = f"is cut short ({len(data)} bytes for {count} samples)" if count else "holds no tokens"
        raise BadInput(said, where=path, remedy=_REMEDY)
    offsets = data[4:head].view("<u4").astype(np.int64)
    if int(offsets[-1]) != len(data) or int(offsets[0]) < head or (np.diff(offsets) < 0).any():
        said = f"does not match its head ({len(data)} bytes, {int(offsets[-1])} in the head)"
        raise BadInput(said, where=path, remedy=_REMEDY)
    _check_index(path, count, len(data))
    about = parse_json(data[head : offsets[0]].tobytes(), where=path, problem="has a damaged head", remedy=_REMEDY)
    names, forms, sizes = (about.get(f"column_{what}") or [] for what in ("names", "encodings", "sizes"))
    if column not in names:
        raise BadInput(f"no such column; it has {', '.join(map(str, names[:8]))}", where=path, key=column)
    place = names.index(column)
    form, free = str(forms[place]), [number for number, size in enumerate(sizes) if size is None]
    found = list[np.ndarray]()
    for start, end in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
        own = list(sizes)
        for number, size in zip(free, data[start : start + 4 * len(free)].view("<u4").tolist(), strict=True):
            own[number] = size
        first = start + 4 * len(free) + sum(own[:place])
        if start + 4 * len(free) + sum(own) != end:
            raise BadInput(f"sample {len(found) + 1} is damaged (its sizes do not add up)", where=path, remedy=_REMEDY)
        found.append(_values(data[first : first + own[place]], form, path, column))
    ids = np.concatenate([one.astype(np.int64) for one in found])
    check_range(ids, path, tokenizer)
    ends = np.cumsum([len(one) for one in found]).astype(np.int64)
    return TokenFile(path, ids, 0, by_rows(ids, ends, tokenizer), ())


def _check_index(path: Path, count: int, size: int) -> None:
    index = path.with_name("index.json")
    if not index.exists():
        return
    about = parse_json(index.read_bytes(), where=index, problem="is damaged", remedy=_REMEDY)
    for one in about.get("shards", []) if isinstance(about, dict) else []:
        raw = one.get("raw_data") or {}
        if raw.get("basename") == path.name and (one.get("samples"), raw.get("bytes")) != (count, size):
            said = f"does not match its index ({count} samples and {size} bytes, "
            raise BadInput(
                f"{said}{one.get('samples')} and {raw.get('bytes')} in index.json)", where=path, remedy=_REMEDY
            )


def _values(data: np.ndarray, form: str, path: Path, column: str) -> np.ndarray:
    name, _, rest = form.partition(":")
    dtype, _, shape = rest.partition(":")
    wrong = BadInput(f"is {form}, not ids (ndarray of integers, bytes)", where=path, key=column)
    at, kind = 0, "i8" if name == "bytes" else _NAMES.get(dtype)
    if name not in ("bytes", "ndarray") or (dtype and kind is None):
        raise wrong
    if kind is None:
        kind, at = _TYPES.get(int(data[0])) if len(data) else None, 1
    if name == "ndarray" and not shape and len(data) > at:
        at += 1 + (int(data[at]) >> 2) * 2 ** (int(data[at]) & 3)
    if kind is None or at > len(data) or (len(data) - at) % np.dtype(kind).itemsize:
        raise wrong
    return data[at:].copy().view(f"<{kind}")
