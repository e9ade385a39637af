"""Tables as they stand in a file or a frame: columns of cells, before anything is taken for anything.

CSV and TSV (any delimiter), JSON and JSON Lines, Parquet, Arrow, any frame, plain rows; files also as ``.gz`` and
``.zst``, by the readers that corpora have. A CSV's cells are text; what a cell means: :mod:`synthmix.runs.cells`.
"""

import csv
import io
import itertools
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.reading import limits, open_bytes, packing, parse_json, read_lines, too_much, unpacked_name
from synthmix.results import Warn

#: Rows of a JSON Lines file that are held as Python objects at once.
BATCH = 20_000
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
DELIMITERS = ",;\t|"
SNIFFED = 20  # lines that the delimiter is told from
KINDS = {
    ".csv": "csv", ".tsv": "csv", ".tab": "csv", ".txt": "csv",
    ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json", ".parquet": "parquet", ".pq": "parquet",
    ".arrow": "arrow", ".feather": "arrow", ".ipc": "arrow",
}  # fmt: skip


@dataclass(frozen=True)
class Raw:
    """Columns of cells of one length.

    Attributes:
        table: Arrow table; strings, numbers or booleans.
        where: the file, for messages.
        first: the number of the first row in messages: rows count from 0, without the header.
        dropped: why rows were left out in reading, with how many (``skip_bad``).
        comma: whether ``1,5`` may be one and a half here: the cells are not parted by commas.
        columns: our column -> the column here, as the format fixes it (a log's ``iteration`` is its step).
        metrics: column here -> its unit and whether higher is better, where the format says so.
        notes: what was taken for granted in reading.
        joins: rows are further metrics of runs that stand elsewhere (results of an evaluation harness).
    """

    table: Any
    where: str
    dropped: Mapping[str, int] = field(default_factory=dict)
    comma: bool = False
    columns: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    notes: tuple[Warn, ...] = ()
    joins: bool = False

    @property
    def names(self) -> list[str]:
        """Names of the columns."""
        return list(self.table.column_names)

    def __len__(self) -> int:
        return int(self.table.num_rows)


def kind_of(path: str) -> str | None:
    """The kind of table that a file's name says, its packing left out. None: none."""
    return KINDS.get(Path(unpacked_name(path)).suffix)


def read_table(path: str, *, skip_bad: bool = False) -> Raw:
    """A file of a kind in :data:`KINDS`.

    Args:
        skip_bad: leave out lines of another number of cells than the header, and lines that are no JSON object.

    Raises:
        BadInput: missing, damaged, not of its kind, two columns of one name.
    """
    kind = kind_of(path)
    if kind == "csv":
        return _csv(path, skip_bad)
    if kind == "jsonl":
        return _jsonl(path, skip_bad)
    if kind == "json":
        return _json(path, skip_bad)
    with open_bytes(path) as file:
        held = io.BytesIO(file.read()) if packing(path) else file
        return Raw(_once(_parquet(held, path) if kind == "parquet" else _arrow(held, path), path), path)


def _parquet(file: Any, path: str) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_table(file)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise BadInput(f"is not a Parquet file ({_line(error)})", where=path) from None


def _arrow(file: Any, path: str) -> Any:
    import pyarrow as pa
    from pyarrow import feather

    try:
        return feather.read_table(file)
    except (pa.ArrowInvalid, OSError):
        file.seek(0)
    try:
        return pa.ipc.open_stream(file).read_all()
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"is not an Arrow file ({_line(error)})", where=path) from None


def _csv(path: str, skip_bad: bool) -> Raw:
    """The delimiter is a tab in a .tsv, else what stands most often in the header line outside quotes."""
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    header, lines, delimiter = _header(path)
    if not header:
        return Raw(pa.table({}), path)
    wrong: list[tuple[int | None, int]] = []

    def misfit(row: Any) -> str:
        wrong.append((row.number, row.actual_columns))
        return "skip"

    def read(*, threads: bool) -> Any:
        with open_bytes(path) as file:
            return arrow_csv.read_csv(
                file,
                read_options=arrow_csv.ReadOptions(column_names=header, skip_rows=lines, use_threads=threads),
                parse_options=arrow_csv.ParseOptions(
                    delimiter=delimiter, newlines_in_values=True, invalid_row_handler=misfit
                ),
                convert_options=arrow_csv.ConvertOptions(
                    column_types={name: pa.string() for name in header}, strings_can_be_null=False
                ),
            )

    try:
        table = read(threads=True)
        if wrong:  # only one thread knows the numbers of the rows
            wrong.clear()
            table = read(threads=False)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return Raw(pa.table({}), path)
        says = "is not UTF-8 text" if "UTF8" in str(error) else f"is not a CSV file ({_line(error)})"
        raise BadInput(says, where=path) from None
    if wrong and not skip_bad:
        number, cells = wrong[0]
        row = "a row" if number is None else f"row {number - lines - 1}"
        raise BadInput(f"{row} has {cells} cells, the header {len(header)}", where=path, remedy=SKIP)
    dropped = {f"they have another number of cells than the header's {len(header)}": len(wrong)} if wrong else {}
    return Raw(_once(table, path), path, dropped, comma=delimiter != ",")


SKIP = "mend the row, or leave such rows out with --skip-bad (skip_bad=True)"


def _header(path: str) -> tuple[list[str], int, str]:
    """Names of the columns, lines until the header's end, and the delimiter."""
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        try:
            lines = _first_lines(text, path)
            skipped = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
            tab = ".tsv" in path.lower() or ".tab" in path.lower()
            delimiter = "\t" if tab else _delimiter(lines[skipped:])
            reader = csv.reader(itertools.chain(lines[skipped:], text), delimiter=delimiter)
            names = next(reader, [])
        except UnicodeDecodeError:
            raise BadInput("is not UTF-8 text", where=path) from None
        except csv.Error as error:
            raise BadInput(f"is not a CSV file ({error})", where=path) from None
        finally:
            text.detach()
    header = [name.strip().removeprefix(BOM) for name in names]
    _distinct(header, path)
    return header, skipped + reader.line_num, delimiter


def _first_lines(text: io.TextIOWrapper, path: str) -> list[str]:
    longest, found = limits().longest, list[str]()
    while len(found) < SNIFFED and (line := text.readline(longest + 1)):
        if len(line) > longest:
            raise too_much(f"line {len(found) + 1} is longer than {longest} characters", "longest", where=path)
        found.append(line)
    return found


def _delimiter(lines: Sequence[str]) -> str:
    """The sign by which the most of the first rows have as many cells as the header, then the most cells."""
    best, score = DELIMITERS[0], (0.0, 1)
    for sign in DELIMITERS:
        try:
            counts = [len(row) for row in csv.reader(lines, delimiter=sign) if row]
        except csv.Error:
            continue
        if counts and counts[0] > 1 and (found := (counts.count(counts[0]) / len(counts), counts[0])) > score:
            best, score = sign, found
    return best


def _jsonl(path: str, skip_bad: bool) -> Raw:
    """Every key of any row is a column."""
    import pyarrow as pa

    if (plain := _plain_jsonl(path)) is not None:
        return Raw(_once(plain, path), path)
    held: list[Mapping[str, Any]] = []
    tables: list[Any] = []
    bad = 0
    deepest = limits().depth
    for number, line in read_lines(path):
        try:
            problem = f"line {number} is not JSON"
            row = parse_json(line, where=path, problem=problem, deepest=deepest)
            if not isinstance(row, dict):
                raise BadInput(f"line {number} is no object", where=path, remedy="write one run a line: {...}")
        except BadInput:
            if not skip_bad:
                raise
            bad += 1
            continue
        held.append(row)
        if len(held) >= BATCH:
            tables.append(of_rows(held))
            held = []
    if held or not tables:
        tables.append(of_rows(held))
    table = pa.table({}) if not any(len(each) for each in tables) else stack(tables)
    return Raw(_once(table, path), path, {"they are no JSON object": bad} if bad else {})


def _plain_jsonl(path: str) -> Any:
    """JSON Lines by Arrow's reader, which is ten times as fast; None where it might read a cell otherwise than Python
    does: columns of unlike cells, lists, what looks like a date, NaN, a damaged line."""
    import pyarrow as pa
    from pyarrow import json as arrow_json

    with open_bytes(path) as file:
        try:
            table = arrow_json.read_json(file, read_options=arrow_json.ReadOptions(block_size=1 << 24))
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return None
    for _ in range(10):
        if not any(pa.types.is_struct(kind) for kind in table.schema.types):
            break
        table = table.flatten()
    known = (pa.types.is_floating, pa.types.is_integer, pa.types.is_boolean, pa.types.is_string, pa.types.is_null)
    plain = all(any(is_kind(kind) for is_kind in known) for kind in table.schema.types)
    return table if plain and table.num_columns and len(set(table.column_names)) == table.num_columns else None


def _json(path: str, skip_bad: bool) -> Raw:
    """A list of runs, an object with such a list under ``runs``, or JSON Lines under another name."""
    with open_bytes(path) as file:
        data = file.read()
    try:
        found = json.loads(data.removeprefix(BOM.encode()))
    except UnicodeDecodeError:
        raise BadInput("is not UTF-8 text", where=path) from None
    except RecursionError:
        raise BadInput("is nested too deep", where=path) from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            return _jsonl(path, skip_bad)
        raise BadInput(f"is damaged ({error})", where=path, remedy="write it again") from None
    rows = found.get("runs") if isinstance(found, dict) else found
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise BadInput("holds no runs", where=path, remedy="give a study's results.json, a CSV or a Parquet file")
    return Raw(of_rows(rows), path)


# Objects


def of_rows(rows: Iterable[Mapping[str, Any]]) -> Any:
    """An Arrow table of dicts: every key of any row is a column, ``{"a": {"b": 1}}`` the column ``a.b``."""
    flattened = [flat(row) for row in rows]
    names = dict.fromkeys(name for row in flattened for name in row)
    return of_columns({name: [row.get(name) for row in flattened] for name in names})


def flat(row: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """``{"a": {"b": 1}}`` as ``{"a.b": 1}``."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = value
    return found


def of_columns(columns: Mapping[str, Sequence[Any]]) -> Any:
    """An Arrow table of lists; a column of unlike cells becomes text.

    Raises:
        BadInput: the columns are not of one length.
    """
    import pyarrow as pa

    lengths = {len(cells) for cells in columns.values()}
    if len(lengths) > 1:
        raise BadInput("the columns are not of one length", where="runs")
    return pa.table({str(name): _array(cells) for name, cells in columns.items()})


def of_frame(frame: Any) -> Any:
    """An Arrow table of a pandas, polars or Arrow frame.

    Raises:
        BadInput: it is none.
    """
    import narwhals as nw

    try:
        found = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise BadInput(
            f"{type(frame).__name__} is no table of runs", where="runs",
            remedy="give a path, a pandas, polars or Arrow frame, or a list of dicts",
        ) from None  # fmt: skip
    return of_columns({name: found[name].to_list() for name in found.columns})


def _array(cells: Sequence[Any]) -> Any:
    import pyarrow as pa

    try:
        array = pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return pa.array([_text(cell) for cell in cells], type=pa.string())
    kind = array.type
    plain = pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)
    if plain or pa.types.is_string(kind) or pa.types.is_null(kind):
        return array
    return pa.array([_text(cell) for cell in cells], type=pa.string())


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return str(cell).lower()
    return json.dumps(cell, default=str) if isinstance(cell, list | tuple | dict) else str(cell)


def stack(tables: Sequence[Any]) -> Any:
    """Tables one below the other: a column that one lacks is empty there, one of two types is text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables = [table for table in tables if table.num_rows]
    if len(tables) < 2:
        return tables[0] if tables else pa.table({})
    names = dict.fromkeys(name for table in tables for name in table.column_names)
    columns = {}
    for name in names:
        parts = [t[name] if name in t.column_names else pa.nulls(t.num_rows) for t in tables]
        kinds = {part.type for part in parts if not pa.types.is_null(part.type)}
        if len(kinds) > 1 and all(pa.types.is_floating(kind) or pa.types.is_integer(kind) for kind in kinds):
            kinds = {pa.float64()}
        kind = kinds.pop() if len(kinds) == 1 else pa.string() if kinds else pa.null()
        chunks: list[Any] = []
        for part in parts:
            cast = part if part.type == kind else pc.cast(part, kind)
            chunks += cast.chunks if isinstance(cast, pa.ChunkedArray) else [cast]
        columns[name] = pa.chunked_array(chunks, type=kind)
    return pa.table(columns)


def _once(table: Any, path: str) -> Any:
    _distinct(table.column_names, path)
    return table


def _distinct(names: Sequence[str], path: str) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise BadInput(f"{count} columns are called {name!r}", where=path, remedy="give each a name of its own")


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
