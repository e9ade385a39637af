"""Streaming readers: from a source to documents, with every error naming file, line and key.

JSON Lines, Parquet, plain text and Hugging Face datasets, packed or not; local paths, globs and buckets. Memory: one
document (one separated piece of a text file, one line, one batch of Parquet's pages) at a time, within the limits of
:mod:`synthmix.reading`. Empty documents are passed on: they are counted where the corpus is built.
"""

import contextlib
import glob
import itertools
import os
import shutil
import tempfile
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import numpy as np

from synthmix.corpus.sample import read_sample
from synthmix.corpus.sources import Document, Part, Source, bytes_hash, normalize, text_hash
from synthmix.errors import BadInput, Failure
from synthmix.files import placed
from synthmix.reading import (
    CHUNK,
    FLOOR,
    count_lines,
    limits,
    newlines,
    open_bytes,
    packing,
    parse_json,
    read_errors,
    read_lines,
    read_text_chunks,
    too_much,
    unpacked_name,
)

_SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".txt": "text",
    ".text": "text",
    ".md": "text",
    ".rst": "text",
    ".bin": "tokens",
    ".npy": "tokens",
    ".ds": "tokens",
    ".arrow": "tokens",
    ".mds": "tokens",
}
_BATCH_ROWS = 1024


def expand(pattern: str) -> list[str]:
    """The files a path or glob stands for, sorted by name, as paths or URLs that :func:`open_bytes` takes.

    ``~`` is the home folder. A file that a glob finds twice, by way of a link, counts once, under its first name.

    Raises:
        BadInput: no such file, a glob without a match, a folder, or a bucket without the extra ``cloud``.
    """
    if "://" not in pattern:
        return _expand_local(placed(pattern))
    from fsspec.core import url_to_fs

    try:
        fs, path = url_to_fs(pattern)
    except (ImportError, ValueError) as error:
        raise BadInput(
            f"cannot be reached ({error})",
            where=pattern,
            key="files",
            remedy="for s3:// and gs:// run pip install 'synthmix[cloud]'",
        ) from None
    with read_errors(pattern):
        is_glob = any(sign in path for sign in "*?[") and not fs.exists(path)
        if is_glob:
            found = sorted(fs.unstrip_protocol(name) for name in fs.glob(path) if fs.isfile(name))
        elif fs.isdir(path):
            raise _folder(pattern)
        else:
            try:
                found = [pattern] if fs.info(path) else []  # `exists` says no of what may not be read
            except FileNotFoundError:
                found = []
    return _there(found, pattern, is_glob=is_glob)


def _expand_local(pattern: str) -> list[str]:
    with read_errors(pattern):
        is_glob = any(sign in pattern for sign in "*?[") and not os.path.lexists(pattern)
        if is_glob:
            names = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
            found = list({os.path.realpath(name): name for name in reversed(names)}.values())[::-1]
        elif os.path.isdir(pattern):
            raise _folder(pattern)
        else:
            found = [pattern] if os.path.exists(pattern) else []
    return _there(found, pattern, is_glob=is_glob)


def _folder(pattern: str) -> BadInput:
    return BadInput("is a folder", where=pattern, key="files", remedy=f"write {pattern.rstrip('/')}/*.jsonl")


def _there(found: list[str], pattern: str, *, is_glob: bool) -> list[str]:
    if not found:
        problem = "no file matches" if is_glob else "no such file"
        raise BadInput(problem, where=pattern, key="files", remedy="check the path")
    return found


def document_of(
    record: Mapping[str, Any], source: Source, domain: str, where: str, *, longest: int, place: int = 0
) -> Document | None:
    """A record (a JSON object, a row) as a document; None when ``source.where`` leaves it out.

    A null text counts as empty: generators do answer with nothing.

    Raises:
        BadInput: no such field, or a text that is not a string, not Unicode or of more than ``longest`` bytes.
    """
    if not kept(record, source.where):
        return None
    if source.text not in record:
        has = ", ".join(map(str, list(record)[:8]))
        raise BadInput(f"no such field; it has {has}", where=where, key=source.text, remedy="name the field in text:")
    text = record[source.text]
    if not isinstance(text, str | None):
        raise BadInput(f"is {type(text).__name__}, not text", where=where, key=source.text)
    if source.domain_field is not None:
        own = record.get(source.domain_field)
        if isinstance(own, int) and not isinstance(own, bool):  # classes are often numbered
            own = str(own)
        if not isinstance(own, str) or not own:
            raise BadInput("names no domain", where=where, key=source.domain_field, remedy="check domain_field")
        domain = own
    key = record.get(source.id_field)
    if text is not None and len(text) > longest // 4 and len(text.encode(errors="replace")) > longest:
        raise too_much(f"is longer than {longest} bytes", "longest", where=where, key=source.text)
    return Document(checked(text or "", where, source.text), domain, where if key is None else str(key), place)


def kept(record: Mapping[str, Any], where: Mapping[str, Any] | None) -> bool:
    """Whether every field of ``where`` is in ``record`` with one of its values.

    Values are equal when they are of one type, numbers when their amounts are (``1`` and ``1.0``); ``true`` is no
    number. ``None`` stands for a field that is there and null, never for one that is missing.
    """
    for field, wanted in (where or {}).items():
        if field not in record:
            return False
        own = record[field]
        if not any(_same(own, one) for one in (wanted if isinstance(wanted, list) else [wanted])):
            return False
    return True


def _same(own: Any, wanted: Any) -> bool:
    if isinstance(own, bool) or isinstance(wanted, bool):
        return own is wanted
    return (type(own) is type(wanted) or (_number(own) and _number(wanted))) and own == wanted


def _number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal)


def checked(text: str, where: str, key: str) -> str:
    """``text``, when it can be written as UTF-8 (JSON may escape half a surrogate pair).

    Raises:
        BadInput: it cannot.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadInput(f"is not Unicode text ({error.reason})", where=where, key=key) from None
    return text


def read_jsonl(path: str, source: Source, domain: str, part: Part | None = None) -> Iterator[Document]:
    """Blank lines are skipped; a byte order mark is allowed, and any line ends.

    Raises:
        BadInput: a line that is not UTF-8, not JSON or not an object; see also :func:`document_of`.
    """
    longest = limits().longest
    for number, record in _objects(path, part):
        document = document_of(record, source, domain, f"{path}:{number}", longest=longest, place=number - 1)
        if document is not None:
            yield document


def _objects(path: str, part: Part | None = None) -> Iterator[tuple[int, dict[str, Any]]]:
    """A JSONL file's objects, each with its line."""
    deepest = limits().depth
    for number, line in read_lines(path) if part is None else read_lines(path, part[:2], part.before):
        where = f"{path}:{number}"
        record = parse_json(line, where=where, remedy="one JSON object a line", deepest=deepest)
        if not isinstance(record, dict):
            raise BadInput("not a JSON object", where=where, remedy='write {"text": "..."}')
        yield number, record


def read_parquet(path: str, source: Source, domain: str, part: Part | None = None) -> Iterator[Document]:
    """Rows in file order. A packed file is unpacked to a temporary file first (Parquet needs to seek).

    Raises:
        BadInput: not Parquet, a damaged page, a column that the source names is missing, or text beyond the limits.
    """
    with _seekable(path) as file:
        yield from _parquet_rows(file, path, source, domain, part)


@contextlib.contextmanager
def _seekable(path: str) -> Iterator[IO[bytes]]:
    with open_bytes(path) as file:
        if packing(path):
            with tempfile.TemporaryFile() as unpacked:
                shutil.copyfileobj(file, unpacked)
                unpacked.seek(0)
                yield unpacked
        else:
            yield file


def _parquet_rows(file: IO[bytes], path: str, source: Source, domain: str, part: Part | None) -> Iterator[Document]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    refused = (pa.ArrowException, OSError, UnicodeDecodeError, ValueError)
    try:
        types = {field.name: field.type for field in pq.read_schema(file)}
        file.seek(0)
        # Text stays in its pages' dictionaries: a value that all rows share is held once.
        shared = [source.text] if types.get(source.text) in (pa.string(), pa.large_string()) else []
        table = pq.ParquetFile(file, read_dictionary=shared, page_checksum_verification=True)
    except refused as error:
        raise BadInput(f"not a Parquet file ({error})", where=path) from None
    names = table.schema_arrow.names
    needed = [source.text, *(source.where or {}), *([source.domain_field] if source.domain_field else [])]
    columns = [*dict.fromkeys(needed), *({source.id_field} & set(names) - set(needed))]
    for name in needed:
        if name not in names:
            raise BadInput(f"no such column; it has {', '.join(names[:8])}", where=path, key=name)
    for name in columns:
        if names.count(name) > 1:
            raise BadInput(f"{names.count(name)} columns have this name", where=path, key=name, remedy="rename one")
    _check_expansion(table, path, columns)
    groups = range(table.num_row_groups) if part is None else range(part.start, part.stop)
    row, longest = 0 if part is None else part.before, limits().longest
    behind = row + sum(table.metadata.row_group(group).num_rows for group in groups)
    try:
        for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=columns, row_groups=list(groups)):
            cells = {name: batch.column(name) for name in columns}
            for at in range(len(batch)):
                row += 1
                record = {name: column[at].as_py() for name, column in cells.items()}
                document = document_of(record, source, domain, f"{path}:row {row}", longest=longest, place=row - 1)
                if document is not None:
                    yield document
    except BadInput:
        raise
    except refused as error:
        raise BadInput(f"cannot be read after row {row} ({error})", where=path) from None
    if row != behind:
        raise BadInput(f"is damaged ({row} rows of {behind})", where=path)


def _check_expansion(table: Any, path: str, columns: list[str]) -> None:
    """What its pages say they unpack to, against what they take."""
    most, about = limits().expansion, table.metadata
    for group in range(about.num_row_groups):
        for number in range(about.num_columns):
            column = about.row_group(group).column(number)
            large = column.total_uncompressed_size > max(FLOOR, most * column.total_compressed_size)
            if large and column.path_in_schema in columns:
                raise too_much(f"expands more than {most} times", "expansion", where=path, key=column.path_in_schema)


def read_text(path: str, source: Source, domain: str, part: Part | None = None) -> Iterator[Document]:
    """Documents of one text file; line ends become ``\\n`` (in the separator too), a byte order mark is dropped.

    Raises:
        BadInput: the file is not UTF-8, or a document is longer than the limit.
    """
    for place, (text, last) in enumerate(_pieces(path, source, part), start=0 if part is None else part.before):
        if source.separator is None:
            yield Document(text, domain, path)
        elif not last or text.strip():  # the separator usually ends the last document too
            yield Document(text, domain, f"{path}#{place + 1}", place)


def count_before(path: str, source: Source, part: Part) -> int:
    """Lines, or separated pieces of a text, that lie in a part of a file, blank ones too."""
    if (source.format or format_of(path)) == "jsonl":
        return count_lines(path, part[:2])
    return sum(not last for _, last in _pieces(path, source, part))


def _pieces(path: str, source: Source, part: Part | None = None) -> Iterator[tuple[str, bool]]:
    """The pieces between separators, and whether it is the last one. Time is linear: what was searched once is put
    aside, but for the last characters, which may begin a separator."""
    separator, longest = newlines(source.separator or ""), limits().longest
    aside, size, tail, number = list[str](), 0, "", 1 if part is None else part.before + 1
    for chunk in read_text_chunks(path, None if part is None else part[:2]):
        whole, overlap = [tail + chunk], len(separator) - 1
        if separator:
            whole = (tail + chunk).split(separator)
        for piece in whole[:-1]:
            yield "".join([*aside, piece]), False
            aside.clear()
            size, number = 0, number + 1
        rest = whole[-1]
        cut = max(len(rest) - overlap, 0) if separator else len(rest)
        aside.append(rest[:cut])
        tail = rest[cut:]
        size += cut if rest.isascii() else len(rest[:cut].encode())
        if size > longest:
            problem, remedy = f"document {number} is longer than {longest} bytes", "say with separator how it divides"
            raise too_much(problem, "longest", where=path, key=None if separator else "separator", remedy=remedy)
    yield "".join([*aside, tail]), True


def read_dataset(source: Source, domain: str) -> Iterator[Document]:
    """Rows of one split in order. Needs the extra ``hub``.

    Raises:
        BadInput: `datasets` is not installed; no such dataset, configuration or split; see :func:`document_of`.
        Failure: the connection broke on the way.
    """
    longest = limits().longest
    for number, record in enumerate(_dataset_records(source)):
        where = f"{source.dataset}[{source.split}]:{number}"
        document = document_of(record, source, domain, where, longest=longest)
        if document is not None:
            yield document


def _dataset_records(source: Source) -> Iterator[dict[str, Any]]:
    rows = iter(_dataset_rows(source))
    while True:
        try:
            record = next(rows)
        except StopIteration:
            return
        except OSError as error:
            raise Failure(
                f"reading stopped ({error})", where=source.dataset, remedy="check the network and run it again"
            ) from None
        yield record


def _dataset_rows(source: Source) -> Iterable[dict[str, Any]]:
    try:
        import datasets
    except ImportError:
        raise BadInput(
            "reading Hugging Face datasets needs the extra `hub`",
            where=source.dataset,
            key="dataset",
            remedy="run pip install 'synthmix[hub]'",
        ) from None
    name = placed(str(source.dataset))
    for path in sorted(Path(name).rglob("*")) if Path(name).is_dir() else ():
        if packing(path) and path.is_file():  # `datasets` reads one that was cut as if it were whole
            with open_bytes(path) as file:
                while file.read(CHUNK):
                    pass
    try:
        if (Path(name) / "dataset_dict.json").exists() or (Path(name) / "state.json").exists():
            saved = datasets.load_from_disk(name)
            return saved[source.split] if isinstance(saved, datasets.DatasetDict) else saved
        return datasets.load_dataset(
            name, source.config, split=source.split, revision=source.revision, streaming=source.streaming
        )
    except KeyError:
        raise BadInput(f"no such split; it has {', '.join(saved)}", where=name, key="split") from None
    except (ValueError, OSError) as error:  # also DatasetNotFoundError and the hub's connection errors
        raise BadInput(
            f"cannot be loaded ({error})", where=name, key="dataset", remedy="check id, config, split and network"
        ) from None


def read_documents(
    source: Source,
    *,
    domain: str,
    on_markup: Callable[[Document], object] | None = None,
    some: bool = True,
    part: Part | None = None,
) -> Iterator[Document]:
    """The documents of ``source`` in reading order; those without a domain of their own get ``domain``.

    A limit in documents is applied here, and empty ones do not count: the first ones, or a sample by hash in reading
    order, in which equal texts count once. One in tokens is applied where the tokens are counted, while building.

    Args:
        on_markup: told of each document that is dropped for the markup in it (``markup: strip``).
        some: refuse a source without any document.
        part: of the one file that the source names.

    Raises:
        BadInput: see the readers; also a source whose ``where`` matches nothing.
    """
    documents = _unlimited(source, source.domain if source.domain is not None else domain, part)
    limit = source.limit.amount if source.limit is not None and source.limit.unit == "documents" else None
    below, taken = 2**64, set[int]()
    if by_hash := limit is not None and source.by_hash:
        below, limit = sample_below(source, domain, documents=limit) or below, None
    any_read, number = False, 0
    if source.markup == "strip":
        from synthmix.corpus.markup import has_markup, strip_markup  # long patterns to compile
    for document in documents:
        any_read = True
        if source.markup == "strip":
            document = replace(document, text=strip_markup(document.text))
            if has_markup(document.text):
                if on_markup is not None:
                    on_markup(document)
                continue
        if source.normalize:
            document = replace(document, text=normalize(document.text, source.normalize))
        if by_hash:
            digest = text_hash(document.text)
            if digest >= below or digest in taken or not document.text.strip():
                continue
            taken.add(digest)
        yield document
        number += bool(document.text.strip())
        if number == limit:
            return
    if some and not any_read:
        raise nothing_read(source)


def sample_below(source: Source, domain: str, *, documents: int | None = None, size: int = 0) -> int | None:
    """The hash below which a uniform sample of ``source`` lies: so many ``documents`` that differ, or at least ``size``
    bytes of them; None: there are no more. Reads everything once, and holds 16 bytes a document."""
    digests, sizes = array("Q"), array("Q")
    for document in read_documents(source.model_copy(update={"limit": None}), domain=domain):
        if document.text.strip():
            data = document.text.encode()
            digests.append(bytes_hash(data))
            sizes.append(len(data))
    columns = (np.frombuffer(each, dtype=np.uint64) for each in (digests, sizes))
    return hash_below(*columns, documents=documents, size=size)


def hash_below(digests: np.ndarray, sizes: np.ndarray, *, documents: int | None = None, size: int = 0) -> int | None:
    """:func:`sample_below` of documents with these hashes and bytes, uint64, shape (documents,)."""
    found, first = np.unique(digests, return_index=True)
    if documents is not None:
        enough = documents
    else:
        enough = int(np.searchsorted(np.cumsum(sizes[first]), size)) + 1
    return int(found[enough]) if enough < len(found) else None


def nothing_read(source: Source) -> BadInput:
    """What is said of a source without any document."""
    problem = f"no record has {dict(source.where)}" if source.where else "holds no documents"
    return BadInput(problem, where=described(source), key="where" if source.where else None)


def described(source: Source) -> str:
    """The source in a word or two, for messages and for the corpus's metadata."""
    if source.files is not None:
        return ", ".join(source.files)
    return str(source.dataset) if source.dataset is not None else "embedded sample"


def _unlimited(source: Source, domain: str, part: Part | None) -> Iterator[Document]:
    if source.files is not None:
        # Expanded before the first is read, so that a missing file is told at once.
        for path in [path for pattern in source.files for path in expand(pattern)]:
            yield from _reader(path, source)(path, source, domain, part)
    elif source.dataset is not None:
        yield from read_dataset(source, domain)
    elif source.sample is not None:
        for document in read_sample(source.sample):
            yield document if source.domain is None else Document(document.text, source.domain, document.key)


def _reader(path: str, source: Source) -> Callable[[str, Source, str, Part | None], Iterator[Document]]:
    kind = source.format or format_of(path)
    if kind == "tokens":
        raise BadInput(
            "holds tokens, and text is needed",
            where=path,
            remedy="build a corpus of it with the tokenizer that made it (synthmix corpus build), and name that",
        )
    return {"jsonl": read_jsonl, "parquet": read_parquet, "text": read_text}[kind]


def format_of(path: str) -> str:
    name = unpacked_name(path)
    for suffix, kind in _SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    raise BadInput(
        "the suffix does not say how to read it",
        where=path,
        key="format",
        remedy="add format: text, jsonl, parquet or tokens",
    )


def first_records(path: str, kind: str) -> Iterator[Mapping[str, Any]]:
    """The records of a ``jsonl`` or ``parquet`` file as they are, fields and all; of a ``text`` file the first
    megabyte, as ``{"text": ...}``: for a look at what a file holds.

    Raises:
        BadInput: the file is missing or damaged.
    """
    if kind == "text":
        yield {"text": "".join(itertools.islice(read_text_chunks(path), max(1, 2**20 // CHUNK)))}
    elif kind == "jsonl":
        for _, record in _objects(path):
            yield record
    else:
        import pyarrow as pa
        from pyarrow import parquet

        with _seekable(path) as file:
            try:
                for batch in parquet.ParquetFile(file).iter_batches(_BATCH_ROWS):
                    yield from batch.to_pylist()
            except (pa.ArrowException, OSError, UnicodeDecodeError, ValueError) as error:
                raise BadInput(f"not a Parquet file ({error})", where=path) from None


def check_first(path: str, source: Source) -> None:
    """Make the first record that ``source`` keeps a document: a field that is not there is told before any work.

    Of a packed Parquet file, which would have to be unpacked whole, nothing is looked at.

    Raises:
        BadInput: see :func:`document_of`; a damaged file, a suffix that does not say how to read it.
    """
    kind, most = source.format or format_of(path), limits().longest
    if kind == "text" or (kind == "parquet" and packing(path)):
        return
    for row, record in enumerate(itertools.islice(first_records(path, kind), _BATCH_ROWS), 1):
        where = f"{path}:row {row}" if kind == "parquet" else f"{path}:{row}"
        if document_of(record, source, source.domain or "", where, longest=most) is not None:
            return
