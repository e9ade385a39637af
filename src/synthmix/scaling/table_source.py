"""Reading a table's cells: CSV, Parquet, JSON Lines, or the runs of a study's results."""

import csv
import json
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.files import read_json


def read_columns(path: Path) -> dict[str, list[Any]]:
    """Column name -> cells, all of one length; CSV cells are text.

    Raises:
        BadInput: no such file, damaged, or a kind that is not read.
    """
    if path.is_dir():
        path = path / "results.json"
    if not path.is_file():
        raise BadInput("no such file", where=path)
    suffix = path.suffix.lower()
    if suffix == ".json":
        found = read_json(path)
        rows = found.get("runs") if isinstance(found, dict) else None
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise BadInput("holds no runs", where=path, remedy="give a study's results.json, a CSV or a Parquet file")
        return {key: [row.get(key) for row in rows] for key in (rows[0] if rows else {})}
    if suffix in (".parquet", ".pq"):
        return _parquet(path)
    if suffix in (".jsonl", ".ndjson"):
        return _jsonl(path)
    if suffix in (".csv", ".tsv", ".txt"):
        return _csv(path)
    raise BadInput(
        f"{suffix or 'no suffix'} is not a kind of table", where=path, remedy="give .csv, .tsv, .jsonl or .parquet"
    )


def _parquet(path: Path) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return dict(pq.read_table(path).to_pydict())
    except pa.ArrowInvalid as error:
        raise BadInput(f"is not a Parquet file ({error})", where=path) from None


def _jsonl(path: Path) -> dict[str, list[Any]]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise BadInput(f"is not JSON Lines ({error})", where=path) from None
    if not all(isinstance(row, dict) for row in rows):
        raise BadInput("holds lines that are no objects", where=path, remedy="write one run a line: {...}")
    return {key: [row.get(key) for row in rows] for key in (rows[0] if rows else {})}


def _csv(path: Path) -> dict[str, list[Any]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file, delimiter="\t" if path.suffix.lower() == ".tsv" else ","))
    except UnicodeDecodeError:
        raise BadInput("is not UTF-8 text", where=path) from None
    rows = [row for row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return {}
    header = [cell.strip() for cell in rows[0]]
    for number, row in enumerate(rows[1:]):
        if len(row) != len(header):
            raise BadInput(f"row {number} has {len(row)} cells, the header {len(header)}", where=path)
    return {name: [row[k] for row in rows[1:]] for k, name in enumerate(header)}
