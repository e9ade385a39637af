"""The one door to the runs table: a study, its results, CSV, TSV, JSON Lines, Parquet, Arrow, any frame, plain rows."""

import fnmatch
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.files import read_json
from synthmix.quantities import parse_number
from synthmix.results import CorpusRow, Results, Warn
from synthmix.runs.table import LOSS, TEXTS, Floats, Kind, Metric, RunsTable, mixture_of, of_rows
from synthmix.validation import validated

#: Column -> names under which it is found without being told, whatever their case.
ALIASES = {
    "N": ("n", "params", "parameters", "n_params", "model_size", "n_no_embed"),
    "D": ("d", "tokens", "training_tokens", "n_tokens"),
    "loss": ("loss", "val_loss", "validation_loss"),
    "share": ("share", "synthetic_share"),
    "unique": ("unique", "unique_tokens"),
    "quality": ("quality",),
    "weight": ("weight",),
    "seed": ("seed",),
    "recipe": ("recipe",),
    "run": ("run", "run_id"),
    "group": ("group",),
    "stage": ("stage",),
    "synthetic": ("synthetic",),
    "flops": ("flops",),
    "seconds": ("seconds",),
}
#: Patterns that name several columns at once.
PATTERNS = ("shares", "metrics")
_KEYS = (*ALIASES, *PATTERNS)
_KEPT = ("run", "group", "stage", "synthetic", "flops", "seconds")  # taken where they are there, never asked for
SKIP = "mend the row, or leave such rows out with --skip-bad (skip_bad=True)"
Columns = dict[str, list[Any]]
REMEDY = "write it again with synthmix study report FILE"


def read_runs(
    source: Any, columns: str | Mapping[str, str] = "", *, recipe: str | None = None, skip_bad: bool = False
) -> RunsTable:
    """The runs table of a study or of any table of training runs.

    Args:
        source: a study's file, folder or ``results.json``; a ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` or ``.arrow``
            file, one row a run; a pandas, polars or Arrow frame; a list of dicts; a dict of columns; :class:`Results`;
            a :class:`RunsTable`, which is given back.
        columns: ``"N=params,D=tokens,loss=val_loss"`` or the same as a dict: which column is which. Unnamed ones are
            taken under their usual names (:data:`ALIASES`) where there is one candidate. ``shares=train_*`` names the
            share of every source, ``metrics=eval/*`` more measurements. Numbers may be written ``1.3B``,
            ``1,000,000``, ``33%``.
        recipe: only the runs of this recipe.
        skip_bad: leave out rows that cannot be used, and say how many and why in ``warnings``.

    Raises:
        BadInput: no such file, a kind that is not read, a column that is missing, named twice or of several candidates,
            a value that is not a number or out of its range (the row is named), or one run with two losses.
    """
    table = _read(source, columns, skip_bad)
    return table if recipe is None else table.of_recipe(recipe)


def of_results(results: Results) -> RunsTable:
    """The table of a study's results.

    Raises:
        BadInput: no run is finished.
    """
    tasks = {
        each.task: Metric.of_task(each.task, measure=each.metric, items=each.items, chance=each.chance, id=each.id)
        for each in results.tasks
    }
    return of_rows(results.runs, results.recipes, kinds_of(results.corpora), tasks)


def kinds_of(corpora: Iterable[CorpusRow]) -> dict[str, Kind]:
    """Source -> natural or synthetic."""
    return {corpus.name: "synthetic" if corpus.kind == "synthetic" else "natural" for corpus in corpora}


def read_results(path: Path) -> Results:
    """Read ``results.json``. One that an earlier version wrote is brought up to date: its runs, recipes and fits stay,
    the answer, which was worked out in another way, is left out (``decision`` None) until the report is written again.

    Raises:
        BadInput: missing, damaged or cut short, or not a study's results.
    """
    found = read_json(path, remedy=REMEDY)
    if not isinstance(found, dict):
        raise BadInput("is not a study's results", where=path, remedy=REMEDY)
    written, ours = found.get("version"), version("synthmix")
    other = f", written by synthmix {written} and read by {ours}" if written not in (None, ours) else ""
    problem = f"is not a study's results{other}"
    return validated(Results, _current(found), where=path, problem=problem, remedy=REMEDY)


def _current(found: dict[str, Any]) -> dict[str, Any]:
    """What an earlier version wrote, in today's form."""
    if "answer" not in found:
        return found
    current = {name: value for name, value in found.items() if name != "answer"}
    curves = [curve for curve in current.get("share_curves", []) if not curve.get("is_question")]
    current["share_curves"] = [{k: v for k, v in curve.items() if k != "is_question"} for curve in curves]
    current["tasks"] = [
        task | {"shares": [share for share in task["shares"] if not share["is_question"]]}
        for task in current.get("tasks", [])
    ]
    return current


def _read(source: Any, columns: str | Mapping[str, str], skip_bad: bool) -> RunsTable:
    if isinstance(source, RunsTable):
        return source
    if isinstance(source, Results):
        return of_results(source)
    told = _told(columns)
    if isinstance(source, str | Path):
        return _of_path(Path(source).expanduser(), told, skip_bad)
    if isinstance(source, Mapping):
        return _table("runs", {str(name): list(cells) for name, cells in source.items()}, told, skip_bad)
    if isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
        return _table("runs", _of_dicts(source), told, skip_bad)
    return _table("runs", _of_frame(source), told, skip_bad)


def _of_path(path: Path, told: dict[str, str], skip_bad: bool) -> RunsTable:
    if path.is_dir():
        path = path / "results.json"
        if not path.is_file():
            raise BadInput(
                "holds no results.json, so no finished study", where=path.parent,
                remedy="write it with synthmix study report FILE, or name a table of runs",
            )  # fmt: skip
    if path.suffix.lower() in (".yaml", ".yml"):
        raise BadInput("is a study file", where=path, remedy="name the study's folder or its results.json")
    if not path.is_file():
        raise BadInput("no such file", where=path)
    suffix = path.suffix.lower()
    if suffix == ".json":
        found = read_json(path, remedy=REMEDY)
        if isinstance(found, dict) and "study" in found:
            return of_results(read_results(path))
        rows = found.get("runs") if isinstance(found, dict) else found
        if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
            raise BadInput("holds no runs", where=path, remedy="give a study's results.json, a CSV or a Parquet file")
        return _table(str(path), _of_dicts(rows), told, skip_bad)
    if suffix in (".parquet", ".pq") and (own := _own(path)) is not None:
        return own
    return _table(str(path), _columns(path), told, skip_bad)


def read_points(path: Path, columns: str | Mapping[str, str] = "") -> tuple[Columns, RunsTable]:
    """The columns of a table as they stand, and where its rows are: N, D, shares, unique tokens; no loss is needed.

    Raises:
        BadInput: as for :func:`read_runs`.
    """
    if not path.is_file():
        raise BadInput("no such file", where=path)
    raw, told = _columns(path), _told(columns)
    told = {key: name for key, name in told.items() if key not in (LOSS, "metrics") and _is_there(name, raw)}
    given = {name: cells for name, cells in raw.items() if name.lower() not in ALIASES[LOSS]}
    count = len(next(iter(raw.values()), []))
    return raw, _table(str(path), given | {LOSS: [1.0] * count}, told, False)


def _is_there(name: str, raw: Columns) -> bool:
    return bool(fnmatch.filter(raw, name)) if "*" in name else name in raw


def _columns(path: Path) -> Columns:
    suffix = path.suffix.lower()
    readers: dict[str, Callable[[Path], Columns]] = {
        ".parquet": _parquet, ".pq": _parquet, ".arrow": _arrow, ".feather": _arrow,
        ".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".tsv": _csv, ".txt": _csv,
    }  # fmt: skip
    if suffix not in readers:
        remedy = "give .csv, .tsv, .jsonl, .parquet or .arrow"
        raise BadInput(f"{suffix or 'no suffix'} is not a kind of table", where=path, remedy=remedy)
    return readers[suffix](path)


# Readers: a file or an object -> columns of cells


def _of_dicts(rows: Iterable[Mapping[str, Any]]) -> Columns:
    """Every key of any row is a column; a row without it has None there."""
    held = list(rows)
    names = dict.fromkeys(str(name) for row in held for name in row)
    return {name: [row.get(name) for row in held] for name in names}


def _of_frame(frame: Any) -> Columns:
    import narwhals as nw

    try:
        found = nw.from_native(frame, eager_only=True)
    except TypeError:
        raise BadInput(
            f"{type(frame).__name__} is no table of runs", where="runs",
            remedy="give a path, a pandas, polars or Arrow frame, or a list of dicts",
        ) from None  # fmt: skip
    return {name: found[name].to_list() for name in found.columns}


def _parquet(path: Path) -> Columns:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return dict(pq.read_table(path).to_pydict())
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"is not a Parquet file ({error})", where=path) from None


def _arrow(path: Path) -> Columns:
    import pyarrow as pa
    from pyarrow import feather

    try:
        return dict(feather.read_table(path).to_pydict())
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"is not an Arrow file ({error})", where=path) from None


def _jsonl(path: Path) -> Columns:
    rows: list[Any] = []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput("is not UTF-8 text", where=path) from None
    for number, line in enumerate(text.split("\n")):  # not splitlines: U+2028 may stand inside a string
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except (json.JSONDecodeError, RecursionError) as error:
            raise BadInput(f"is not JSON Lines (line {number + 1}: {error})", where=path) from None
        if not isinstance(rows[-1], dict):
            raise BadInput(f"line {number + 1} is no object", where=path, remedy="write one run a line: {...}")
    return _of_dicts(rows)


def _csv(path: Path) -> Columns:
    """Cells as text; the delimiter is a tab in a .tsv, else what stands most often in the header line."""
    import csv

    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            first = file.readline()
            file.seek(0)
            delimiter = "\t" if path.suffix.lower() == ".tsv" else max(",;\t|", key=re.sub('"[^"]*"', "", first).count)
            rows = [row for row in csv.reader(file, delimiter=delimiter) if any(cell.strip() for cell in row)]
    except UnicodeDecodeError:
        raise BadInput("is not UTF-8 text", where=path) from None
    except csv.Error as error:
        raise BadInput(f"is not a CSV file ({error})", where=path) from None
    if not rows:
        return {}
    header = [cell.strip().removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}") for cell in rows[0]]
    for name, count in Counter(header).items():
        if count > 1:
            raise BadInput(f"{count} columns are called {name!r}", where=path, remedy="give each a name of its own")
    for number, row in enumerate(rows[1:]):
        if len(row) != len(header):
            raise BadInput(f"row {number} has {len(row)} cells, the header {len(header)}", where=path)
    return (
        {name: list(cells) for name, cells in zip(header, zip(*rows[1:], strict=True), strict=True)} if rows[1:] else {}
    )


def _own(path: Path) -> RunsTable | None:
    """What :meth:`RunsTable.write` wrote; None for another Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"is not a Parquet file ({error})", where=path) from None
    about = (table.schema.metadata or {}).get(b"synthmix-runs-1")
    if about is None:
        return None
    held = json.loads(about)
    texts = {name: table[name].to_pylist() for name in table.column_names if name in TEXTS}
    numbers = {
        name: np.asarray(table[name].to_numpy(zero_copy_only=False), dtype=np.float64)
        for name in table.column_names if name not in TEXTS
    }  # fmt: skip
    return RunsTable(numbers, texts, tuple(Metric(**each) for each in held["metrics"]), held["kinds"])


# From columns of cells to the table


def _told(columns: str | Mapping[str, str]) -> dict[str, str]:
    """``N=params,loss=run a, lr=1e-3 - loss``: a comma parts two only where a known key and ``=`` follow."""
    if isinstance(columns, Mapping):
        pairs = [(str(key), str(name)) for key, name in columns.items()]
    else:
        parts = re.split(rf",(?=\s*(?:{'|'.join(_KEYS)})\s*=)", columns)
        pairs = [(piece.partition("=")[0].strip(), piece.partition("=")[2].strip()) for piece in parts if piece.strip()]
    found: dict[str, str] = {}
    for key, name in pairs:
        if key not in _KEYS or not name or key in found:
            remedy = f"write N=params,D=tokens,loss=val_loss; known: {', '.join(_KEYS)}"
            raise BadInput(f"'{key}={name}' names no column", key="columns", remedy=remedy)
        found[key] = name
    return found


class _Bad(NamedTuple):
    """Why a row cannot be used."""

    column: str
    problem: str
    cell: str = ""

    def says(self, row: int) -> str:
        return f"{self.problem} in row {row}" + (f" ({self.cell})" if self.cell else "")


def _table(where: str, raw: Columns, told: dict[str, str], skip_bad: bool) -> RunsTable:
    if not raw or not len(next(iter(raw.values()))):
        raise BadInput("holds no runs", where=where)
    names = _names(where, raw, told)
    shares, metrics = _patterns(where, raw, told, set(names.values()))
    bad: dict[int, _Bad] = {}
    numbers: dict[str, Floats] = {}
    texts: dict[str, list[str | None]] = {}
    for key, name in names.items():
        if key in TEXTS:
            texts[key] = [None if cell is None or str(cell).strip() == "" else str(cell) for cell in raw[name]]
        else:
            need = key not in _KEPT
            numbers[key] = _numbers(name, raw[name], bad, need=need)
            if need:
                _check(key, name, numbers[key], bad)
    for source, name in shares.items():
        numbers[f"share.{source}"] = np.nan_to_num(_numbers(name, raw[name], bad, need=False), nan=0.0)
        _check("share", name, numbers[f"share.{source}"], bad)
        if f"unique.{source}" in raw:
            numbers[f"unique.{source}"] = _numbers(f"unique.{source}", raw[f"unique.{source}"], bad, need=False)
    for name in metrics:
        numbers[name] = _numbers(name, raw[name], bad, need=False)
    if LOSS not in numbers:  # the average over held-out domains, where each was measured
        numbers[LOSS] = np.mean([numbers[name] for name in metrics], axis=0)
    warnings: tuple[Warn, ...] = ()
    if bad and not skip_bad:
        row = min(bad)
        more = f" (and {len(bad) - 1} more rows)" if len(bad) > 1 else ""
        problem = f"{bad[row].says(row)}{more} (rows count from 0, without the header)"
        raise BadInput(problem, where=where, key=bad[row].column, remedy=SKIP)
    if shares:
        texts["mixture"] = [
            mixture_of({source: float(numbers[f"share.{source}"][i]) for source in shares})
            for i in range(len(next(iter(numbers.values()))))
        ]
        texts.setdefault("recipe", texts["mixture"])
    table = RunsTable(numbers, texts, _metrics(metrics, told.get("metrics", "")), {})
    if bad:
        keep = np.array([row not in bad for row in range(len(table))])
        if not keep.any():
            raise BadInput(f"none of {len(table)} rows can be used: {bad[min(bad)].says(min(bad))}", where=where)
        reasons = Counter((why.column, why.problem) for why in bad.values())
        listed = "; ".join(f"{count} where {column} {problem}" for (column, problem), count in reasons.most_common())
        message = f"{len(bad)} of {len(table)} rows cannot be used and are left out: {listed}"
        warnings = (Warn(code="rows_left_out", message=message),)
        table = table.select(keep)
    _one_loss(where, table)
    return replace(table, warnings=(*warnings, *_assumed(table)))


def _names(where: str, raw: Columns, given: dict[str, str]) -> dict[str, str]:
    """Our column -> the table's."""
    there = ", ".join(raw)
    told = {key: name for key, name in given.items() if key not in PATTERNS}
    for key, name in told.items():
        if name not in raw:
            problem, remedy = f"no column {name!r} for {key}", f"the table has: {there}"
            raise BadInput(problem, where=where, key="columns", remedy=remedy)
    taken = set(told.values())
    names = dict(told)
    for key, usual in ALIASES.items():
        if key in names:
            continue
        free = [name for name in raw if name.lower() in usual and name not in taken]
        if len(free) > 1 and key not in _KEPT:
            remedy = f"say which one: --columns {key}={free[0]} or {key}={free[1]}"
            raise BadInput(
                f"{' and '.join(map(repr, free))} may both be {key}", where=where, key="columns", remedy=remedy
            )
        if free:
            names[key] = free[0]
    no_loss = LOSS not in names and "metrics" not in given
    if no_loss or not ({"N", "D", "share"} & set(names) or "shares" in given):
        missing = "loss" if no_loss else "N or D"
        remedy = f"name them: --columns N=...,D=...,loss=...; the table has: {there}"
        raise BadInput(f"no column found for {missing}", where=where, key="columns", remedy=remedy)
    return names


def _patterns(where: str, raw: Columns, told: dict[str, str], taken: set[str]) -> tuple[dict[str, str], list[str]]:
    """Source -> its share's column, and the columns of further metrics."""
    free = [name for name in raw if name not in taken]
    pattern = told.get("shares", "share.*")
    shares = {name: name for name in fnmatch.filter(free, pattern)}
    if told.get("shares") and not shares:
        raise BadInput(
            f"no column is like {pattern!r}", where=where, key="columns", remedy=f"the table has: {', '.join(raw)}"
        )
    sources = {_star(pattern, name): name for name in shares}
    asked = told.get("metrics")
    metrics = [name for name in fnmatch.filter(free, asked) if name not in shares] if asked else []
    if asked and not metrics:
        raise BadInput(
            f"no column is like {asked!r}", where=where, key="columns", remedy=f"the table has: {', '.join(raw)}"
        )
    own = [name for name in free if re.match(r"(loss|bits|task)\.", name) and name not in metrics]
    return sources, [*metrics, *own]


def _star(pattern: str, name: str) -> str:
    """What the star of a pattern stands for in a name: ``eval/*_loss`` and ``eval/web_loss`` give ``web``."""
    before, _, after = pattern.partition("*")
    return name.removeprefix(before).removesuffix(after) or name


def _metrics(names: Sequence[str], pattern: str) -> tuple[Metric, ...]:
    found = [Metric(LOSS)]
    for name in names:
        kind, _, what = name.partition(".")
        if kind == "task":
            found.append(Metric.of_task(what))
        elif pattern and kind not in ("loss", "bits") and fnmatch.fnmatch(name, pattern):
            found.append(Metric(name, domain=_star(pattern, name)))
        else:
            found.append(Metric(name, "bits" if kind == "bits" else "nats", domain=what or name))
    return tuple(found)


def _numbers(name: str, cells: list[Any], bad: dict[int, _Bad], *, need: bool) -> Floats:
    """Cells as numbers, NaN where one is not; ``need``: such a row is bad."""
    try:
        plain = np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    except (TypeError, ValueError):
        plain = np.empty(len(cells))
        for row, cell in enumerate(cells):
            try:
                plain[row] = parse_number(cell)
            except ValueError:
                plain[row] = np.nan
                if need:
                    blank = cell is None or str(cell).strip() == ""
                    bad.setdefault(row, _Bad(name, "is empty") if blank else _Bad(name, "is not a number", repr(cell)))
        return plain
    if need:
        for empty in np.flatnonzero([cell is None for cell in cells]).tolist():
            bad.setdefault(empty, _Bad(name, "is empty"))
    return plain


def _check(key: str, name: str, values: Floats, bad: dict[int, _Bad]) -> None:
    """Rows out of the range of their column."""
    if key == "share":
        wrong, rule = ~((values >= 0) & (values <= 1)), "is not between 0 and 1"
    elif key == LOSS:
        wrong, rule = ~(np.isfinite(values) & (values > 0)), "is not a positive number"
    else:
        wrong, rule = ~(np.isfinite(values) & (values > 0)), "is not positive"
    for row in np.flatnonzero(wrong):
        bad.setdefault(int(row), _Bad(name, rule, f"{values[row]:g}"))


def _one_loss(where: str, table: RunsTable) -> None:
    """One run written twice with two losses: without this it would pass for a replicate."""
    if "seed" not in table.texts or "group" in table.texts:
        return
    labels, seeds, losses = table.replicates, table.text("seed"), table.column(LOSS)
    seen: dict[tuple[int, str | None], int] = {}
    for row, key in enumerate(zip(labels.tolist(), seeds, strict=True)):
        first = seen.setdefault(key, row)
        if losses[first] != losses[row]:
            problem = f"rows {first} and {row} are one run (equal in all but the loss) with two losses"
            raise BadInput(problem, where=where, remedy="delete one of them, or give them different seeds")


def _assumed(table: RunsTable) -> tuple[Warn, ...]:
    repeated = int((np.bincount(table.replicates) > 1).sum())
    if "seed" in table.texts or not repeated:
        return ()
    message = (
        f"{repeated} cells have several rows and no column says their seed: taken for repeated runs, and their "
        "differences for seed noise; add a seed column, or delete rows that are one run written twice"
    )
    return (Warn(code="replicates_assumed", message=message),)
