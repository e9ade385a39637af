"""Each table as CSV and as Parquet, with the same columns."""

import csv
import io
from pathlib import Path

from synthmix.files import write_bytes, write_text
from synthmix.report.tables import Table, tables
from synthmix.results import Results


def write_tables(results: Results, folder: Path) -> list[Path]:
    """Write ``<table>.csv`` and ``<table>.parquet`` for each table, atomically; the paths, in order.

    Raises:
        BadInput, Failure: the folder cannot be written to, or the disk is full.
    """
    paths = []
    for table in tables(results):
        write_text(folder / f"{table.name}.csv", to_csv(table))
        write_bytes(folder / f"{table.name}.parquet", to_parquet(table))
        paths += [folder / f"{table.name}.csv", folder / f"{table.name}.parquet"]
    return paths


def to_csv(table: Table) -> str:
    """CSV with a header; floats in the shortest form that reads back equal, None as an empty cell."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([["" if value is None else value for value in row] for row in table.rows])
    return buffer.getvalue()


def to_parquet(table: Table) -> bytes:
    """Parquet with typed columns, the same bytes for the same rows."""
    import pyarrow
    from pyarrow import parquet

    types = {str: pyarrow.string(), int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema([(name, types[kind]) for name, kind in table.columns.items()])
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.Table.from_pylist(rows, schema=schema), sink)
    return bytes(sink.getvalue())
