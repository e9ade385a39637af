"""The losses that a fitted law expects at the rows of any table, with intervals, written beside what the rows hold."""

import io
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthmix.errors import BadInput
from synthmix.files import write_bytes, write_text
from synthmix.runs.load import Columns, read_points
from synthmix.runs.mixtures import mixture_points
from synthmix.runs.table import RunsTable
from synthmix.scaling import Fit
from synthmix.scaling.mixtures import MixtureFit
from synthmix.scaling.runs import COLUMNS, Array
from synthmix.table import Table

Kind = Literal["mean", "new-run"]
_SUFFIXES = (".csv", ".jsonl", ".parquet")


def predict_file(
    found: Fit | MixtureFit, path: str | Path, to: str | Path, *, columns: str = "", mapping: Any = None,
    kind: Kind = "new-run", level: float | None = None,
) -> int:  # fmt: skip
    """Write the rows of a table with the columns ``predicted``, ``low`` and ``high``.

    A law over shares that was fitted to several domains and tasks adds ``predicted.<domain>`` and so on, of tasks the
    scores; its ``predicted`` is the average over domains, in which tasks count by their errors 1 - score.

    Args:
        mapping: a mapping file, as for :func:`synthmix.read_runs`.
        path: a table with the columns that the law reads; no loss is needed.
        to: a ``.csv``, ``.jsonl`` or ``.parquet`` file.
        kind: the interval is that of the expected loss, or of one new run.

    Returns:
        How many rows were predicted.

    Raises:
        BadInput: no such file, a column that the law needs is missing, another suffix.
    """
    to, path = Path(to), Path(path).expanduser()
    if to.suffix.lower() not in _SUFFIXES:
        raise BadInput(
            f"{to.suffix or 'no suffix'} cannot be written", where=to, remedy="name a .csv, .jsonl or .parquet"
        )
    raw, table = read_points(path, columns, mapping)
    try:
        added = (
            _of_mixtures(found, table, kind, level)
            if isinstance(found, MixtureFit)
            else _of_law(found, table, kind, level)
        )
    except BadInput as error:
        raise BadInput(error.problem, where=path, key=error.key, remedy=error.remedy) from None
    _write({**{name: cells for name, cells in raw.items() if name not in added}, **added}, to)
    return len(table)


def _of_mixtures(found: MixtureFit, table: RunsTable, kind: Kind, level: float | None) -> Columns:
    points = mixture_points(table.with_sources(found.sources))
    each = found.predict(points)
    low, high = found.interval(points, kind, level)
    scored = np.isfinite(found.chance)
    each, low, high = (np.where(scored, 1 - a, b) for a, b in ((each, each), (high, low), (low, high)))
    if len(found.domains) == 1:
        return _columns("", each[:, 0], low[:, 0], high[:, 0])
    columns = _columns("", *found.average(points, None, kind, level))
    for place, name in enumerate(found.domains):
        columns |= _columns(f".{name}", each[:, place], low[:, place], high[:, place])
    return columns


def _of_law(found: Fit, table: RunsTable, kind: Kind, level: float | None) -> Columns:
    at = {name: table.numbers[name] for name in COLUMNS if name in found.law.columns and name in table.numbers}
    low, high = found.interval(kind="mean" if kind == "mean" else "new_run", level=level, **at)
    return _columns("", found.predict(**at), low, high)


def _columns(what: str, mid: Array, low: Array, high: Array) -> Columns:
    ends = (("predicted", mid), ("low", low), ("high", high))
    return {f"{name}{what}": [float(x) if np.isfinite(x) else None for x in column] for name, column in ends}


def _write(columns: Columns, to: Path) -> None:
    rows: list[tuple[Any, ...]] = list(zip(*columns.values(), strict=True))
    if to.suffix.lower() == ".csv":
        kinds = {
            name: float if all(isinstance(x, float | None) for x in cells) else str for name, cells in columns.items()
        }
        text = [
            [x if kinds[name] is float or x is None else str(x) for x, name in zip(row, columns, strict=True)]
            for row in rows
        ]
        write_text(to, Table.of("predicted", kinds, text).csv())
    elif to.suffix.lower() == ".jsonl":
        import json

        write_text(to, "".join(json.dumps(dict(zip(columns, row, strict=True)), default=str) + "\n" for row in rows))
    else:
        import pyarrow as pa
        import pyarrow.parquet as pq

        held = io.BytesIO()
        pq.write_table(pa.table(columns), held)
        write_bytes(to, held.getvalue())
