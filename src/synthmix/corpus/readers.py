"""Streaming readers: from a source to documents, with every error naming file, line and key.

JSON Lines, Parquet, plain text and Hugging Face datasets; ``.gz`` and ``.zst``; local paths, globs and buckets. Memory:
one document (one separated piece of a text file, one line, one Parquet batch) at a time. Empty documents are passed on:
they are counted where the corpus is built.
"""

import codecs
import glob
import gzip
import io
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO, Any, cast

from synthmix.corpus.sample import read_sample
from synthmix.corpus.sources import Document, Source, normalize
from synthmix.errors import BadInput, Failure

# The widest window the zstd format's decoders are asked for with `--long=31`; the library's own default is 2^27.
ZSTD_MAX_WINDOW = 2**31
_CHUNK = 1 << 20
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
}


def expand(pattern: str) -> list[str]:
    """The files a path or glob stands for, sorted by name, as paths or URLs that :func:`open_bytes` takes.

    Raises:
        BadInput: no such file, a glob without a match, a folder, or a bucket without the extra ``cloud``.
    """
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
    is_glob = any(sign in path for sign in "*?[") and not fs.exists(path)
    with read_errors(pattern):
        if is_glob and "://" not in pattern:  # keeps relative paths relative, which is how people name them
            found = sorted(name for name in glob.glob(pattern, recursive=True) if os.path.isfile(name))
        elif is_glob:
            found = sorted(fs.unstrip_protocol(name) for name in fs.glob(path) if fs.isfile(name))
        elif fs.isdir(path):
            raise BadInput("is a folder", where=pattern, key="files", remedy=f"write {pattern.rstrip('/')}/*.jsonl")
        else:
            found = [pattern] if fs.exists(path) else []
    if not found:
        problem = "no file matches" if is_glob else "no such file"
        raise BadInput(problem, where=pattern, key="files", remedy="check the path")
    return found


@contextmanager
def open_bytes(path: str) -> Iterator[IO[bytes]]:
    """Open ``path`` for reading, decompressed when it ends in .gz or .zst (any window).

    Raises:
        BadInput: missing, unreadable or damaged.
    """
    import fsspec
    import zstandard

    with read_errors(path), fsspec.open(path, "rb") as raw:
        if path.endswith(".gz"):
            with gzip.GzipFile(fileobj=raw) as file:
                yield cast(IO[bytes], file)
        elif path.endswith(".zst"):
            decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW)
            with decoder.stream_reader(raw, read_across_frames=True) as stream:
                yield _buffered(stream)
        else:
            yield raw


def _buffered(stream: Any) -> IO[bytes]:
    return io.BufferedReader(stream, buffer_size=1 << 20)


@contextmanager
def read_errors(where: str) -> Iterator[None]:
    """Turn what goes wrong while reading ``where`` into one line that names it."""
    import zstandard

    try:
        yield
    except FileNotFoundError:
        raise BadInput("no such file", where=where, remedy="check the path") from None
    except PermissionError:
        raise BadInput("cannot be read (no permission)", where=where) from None
    except (gzip.BadGzipFile, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise BadInput(f"is damaged ({error})", where=where, remedy="copy or download it again") from None
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror or error})", where=where) from None


def document_of(record: Mapping[str, Any], source: Source, domain: str, where: str) -> Document | None:
    """A record (a JSON object, a row) as a document; None when ``source.where`` leaves it out.

    A null text counts as empty: generators do answer with nothing.

    Raises:
        BadInput: no such field, or a text that is not a string or not Unicode.
    """
    for field, wanted in (source.where or {}).items():
        if record.get(field) not in (wanted if isinstance(wanted, list) else [wanted]):
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
    return Document(checked(text or "", where, source.text), domain, where if key is None else str(key))


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


def read_jsonl(path: str, source: Source, domain: str) -> Iterator[Document]:
    """Blank lines are skipped; a byte order mark at the start is allowed.

    Raises:
        BadInput: a line that is not UTF-8, not JSON or not an object; see also :func:`document_of`.
    """
    with open_bytes(path) as file:
        for number, raw in enumerate(file, start=1):
            where = f"{path}:{number}"
            try:
                line = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"not UTF-8 at byte {error.start} of the line", where=where, remedy="convert it with iconv"
                ) from None
            if not line:
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise BadInput(f"not JSON ({error})", where=where, remedy="one JSON object a line") from None
            if not isinstance(record, dict):
                raise BadInput("not a JSON object", where=where, remedy='write {"text": "..."}')
            document = document_of(record, source, domain, where)
            if document is not None:
                yield document


def read_parquet(path: str, source: Source, domain: str) -> Iterator[Document]:
    """Rows in file order. A .gz or .zst around the file is unpacked to a temporary file first (Parquet needs to seek).

    Raises:
        BadInput: not Parquet, or a column that the source names is missing.
    """
    with open_bytes(path) as file:
        if path.endswith((".gz", ".zst")):
            with tempfile.TemporaryFile() as unpacked:
                shutil.copyfileobj(file, unpacked)
                unpacked.seek(0)
                yield from _parquet_rows(unpacked, path, source, domain)
        else:
            yield from _parquet_rows(file, path, source, domain)


def _parquet_rows(file: IO[bytes], path: str, source: Source, domain: str) -> Iterator[Document]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file)
    except pa.ArrowInvalid as error:
        raise BadInput(f"not a Parquet file ({error})", where=path) from None
    names = table.schema_arrow.names
    needed = [source.text, *(source.where or {}), *([source.domain_field] if source.domain_field else [])]
    for name in needed:
        if name not in names:
            raise BadInput(f"no such column; it has {', '.join(names[:8])}", where=path, key=name)
    columns = [*dict.fromkeys(needed), *({source.id_field} & set(names) - set(needed))]
    row = 0
    try:
        for batch in table.iter_batches(batch_size=1024, columns=columns):
            for record in batch.to_pylist():
                row += 1
                document = document_of(record, source, domain, f"{path}:row {row}")
                if document is not None:
                    yield document
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read after row {row} ({error})", where=path) from None


def read_text(path: str, source: Source, domain: str) -> Iterator[Document]:
    """Documents of one text file; line ends become ``\\n``, a byte order mark is dropped.

    Raises:
        BadInput: the file is not UTF-8.
    """
    if source.separator is None:
        yield Document("".join(_decoded(path)), domain, path)
        return
    rest, number = "", 0
    for chunk in _decoded(path):
        *whole, rest = (rest + chunk).split(source.separator)
        for text in whole:
            number += 1
            yield Document(text, domain, f"{path}#{number}")
    if rest.strip():  # the separator usually ends the last document too
        yield Document(rest, domain, f"{path}#{number + 1}")


def _decoded(path: str) -> Iterator[str]:
    decoder, read, held = codecs.getincrementaldecoder("utf-8-sig")(), 0, ""
    with open_bytes(path) as file:
        while True:
            raw = file.read(_CHUNK)
            try:
                text = held + decoder.decode(raw, final=not raw)
            except UnicodeDecodeError as error:
                raise BadInput(
                    f"not UTF-8 ({error.reason}, within the {_CHUNK} bytes from {read})",
                    where=path,
                    remedy="convert it with iconv, or leave it out",
                ) from None
            # A \r at the end may be half of \r\n: it waits for the next chunk.
            held = "\r" if raw and text.endswith("\r") else ""
            yield text[: len(text) - len(held)].replace("\r\n", "\n").replace("\r", "\n")
            if not raw:
                return
            read += len(raw)


def read_dataset(source: Source, domain: str) -> Iterator[Document]:
    """Rows of one split in order. Needs the extra ``hub``.

    Raises:
        BadInput: `datasets` is not installed; no such dataset, configuration or split; see :func:`document_of`.
        Failure: the connection broke on the way.
    """
    for number, record in enumerate(_dataset_records(source)):
        document = document_of(record, source, domain, f"{source.dataset}[{source.split}]:{number}")
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
    name = str(source.dataset)
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


def read_documents(source: Source, *, domain: str) -> Iterator[Document]:
    """The documents of ``source`` in reading order; those without a domain of their own get ``domain``.

    A limit in documents is applied here; one in tokens where the tokens are counted, while building.

    Raises:
        BadInput: see the readers; also a source whose ``where`` matches nothing.
    """
    documents = _unlimited(source, source.domain if source.domain is not None else domain)
    limit = source.limit.amount if source.limit is not None and source.limit.unit == "documents" else None
    number = 0
    for number, document in enumerate(documents, start=1):
        yield replace(document, text=normalize(document.text, source.normalize)) if source.normalize else document
        if number == limit:
            return
    if not number:
        problem = f"no record has {dict(source.where)}" if source.where else "holds no documents"
        raise BadInput(problem, where=described(source), key="where" if source.where else None)


def described(source: Source) -> str:
    """The source in a word or two, for messages and for the corpus's metadata."""
    if source.files is not None:
        return ", ".join(source.files)
    return str(source.dataset) if source.dataset is not None else "embedded sample"


def _unlimited(source: Source, domain: str) -> Iterator[Document]:
    if source.files is not None:
        # Expanded before the first is read, so that a missing file is told at once.
        for path in [path for pattern in source.files for path in expand(pattern)]:
            yield from _reader(path, source)(path, source, domain)
    elif source.dataset is not None:
        yield from read_dataset(source, domain)
    elif source.sample is not None:
        for document in read_sample(source.sample):
            yield document if source.domain is None else Document(document.text, source.domain, document.key)


def _reader(path: str, source: Source) -> Callable[[str, Source, str], Iterator[Document]]:
    return {"jsonl": read_jsonl, "parquet": read_parquet, "text": read_text}[source.format or _format_of(path)]


def _format_of(path: str) -> str:
    name = path.lower()
    for packed in (".gz", ".zst"):
        name = name.removesuffix(packed)
    for suffix, kind in _SUFFIXES.items():
        if name.endswith(suffix):
            return kind
    raise BadInput(
        "the suffix does not say how to read it", where=path, key="format", remedy="add format: text, jsonl or parquet"
    )
