"""Text files: JSONL and Parquet, a row a sequence of the training order (or a whole document), in shards.

A sequence's row has ``text`` (its tokens decoded: cut where the sequence is, in the middle of a word or of a
character), ``source``, ``block`` (which sequence of the source) and ``tokens`` (the ids, exact).
A document's row has ``text`` whole, ``source``, ``id`` and ``tokens`` (how many, the end of document included).
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from synthmix.exporting.schema import ExportedFile
from synthmix.files import file_hash

Row = dict[str, Any]


def write_rows(to: str, path: Path, batches: Iterable[list[Row]], *, first: int) -> ExportedFile:
    """Write all rows as one file, under its name only once it is whole."""
    partial = path.with_name(path.name + ".partial")
    count = (_parquet if to == "parquet" else _jsonl)(partial, batches)
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    os.replace(partial, path)
    return ExportedFile(path=path.name, first=first, rows=count, bytes=path.stat().st_size, blake2b=file_hash(path))


def _jsonl(path: Path, batches: Iterable[list[Row]]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for batch in batches:
            count += len(batch)
            file.writelines(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in batch)
    return count


def _parquet(path: Path, batches: Iterable[list[Row]]) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    count, writer = 0, None
    try:
        for batch in batches:
            table = pa.Table.from_pylist(batch)
            writer = writer or pq.ParquetWriter(path, table.schema)
            writer.write_table(table)
            count += len(batch)
    finally:
        if writer is not None:
            writer.close()
    return count


#: Format -> suffix of its files.
TEXT_FORMATS = {"jsonl": ".jsonl", "parquet": ".parquet"}
