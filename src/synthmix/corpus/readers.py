"""Streaming readers: from a source to documents, with every error naming file, line and key.

Memory: one document (one separated piece of a text file, one line, one Parquet batch) at a time. Empty documents are
passed on, since counting what is left out is the work of the one who builds.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from synthmix.corpus.document import Document
from synthmix.corpus.normalize import normalize
from synthmix.corpus.opening import expand
from synthmix.corpus.read_dataset import read_dataset
from synthmix.corpus.read_jsonl import read_jsonl
from synthmix.corpus.read_parquet import read_parquet
from synthmix.corpus.read_text import read_text
from synthmix.corpus.sample import read_sample
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput

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


def read_documents(source: Source, *, domain: str) -> Iterator[Document]:
    """The documents of ``source`` in reading order; those without a domain of their own get ``domain``.

    A limit in documents is applied here; one in tokens where the tokens are counted, while building.

    Raises:
        BadInput: see the readers; also a source whose ``where`` matches nothing.
    """
    documents = _all(source, source.domain if source.domain is not None else domain)
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


def _all(source: Source, domain: str) -> Iterator[Document]:
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
