"""Parquet: a row a document, only the needed columns, a batch at a time."""

import shutil
import tempfile
from collections.abc import Iterator
from typing import IO

from synthmix.corpus.document import Document
from synthmix.corpus.opening import open_bytes
from synthmix.corpus.records import document_of
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput


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
                yield from _rows(unpacked, path, source, domain)
        else:
            yield from _rows(file, path, source, domain)


def _rows(file: IO[bytes], path: str, source: Source, domain: str) -> Iterator[Document]:
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
