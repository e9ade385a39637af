"""What ``synthmix stats`` writes beside the page: the long table."""

from pathlib import Path
from typing import Any

from synthmix.statistics.surveyed import Survey


def write_parquet(found: Survey, path: Path) -> None:
    """Every number of the survey, a row each."""
    from synthmix.statistics.flat import COLUMNS, flat_rows

    write_rows(flat_rows(found), COLUMNS, path)


def write_rows(rows: list[dict[str, Any]], columns: dict[str, type], path: Path) -> None:
    """Rows as Parquet with typed columns, atomically."""
    from synthmix.files import write_bytes
    from synthmix.report.flat import Table
    from synthmix.report.table_files import to_parquet

    table = Table(path.stem, columns, [tuple(row[name] for name in columns) for row in rows])
    write_bytes(path, to_parquet(table))
