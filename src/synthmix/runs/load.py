"""The one door to the runs table: a study, its results, any table or log of training runs, any frame, plain rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.checksums import check_seal
from synthmix.errors import BadInput
from synthmix.files import read_json
from synthmix.results import CorpusRow, Results, Warn
from synthmix.runs.assemble import assemble
from synthmix.runs.cells import texts as texts_of
from synthmix.runs.divergence import marked
from synthmix.runs.expression import names_in
from synthmix.runs.formats import read_sources
from synthmix.runs.mapping import ALIASES, mapping_of, matched, read_mapping, told, usual
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.raw import Raw, of_columns, of_frame
from synthmix.runs.raw import of_rows as raw_rows
from synthmix.runs.table import LOSS, TEXTS, Kind, Metric, RunsTable, of_rows
from synthmix.validation import validated

Columns = dict[str, list[Any]]
REMEDY = "write it again with synthmix study report FILE"


def read_runs(
    source: Any,
    columns: str | Mapping[str, str] = "",
    *,
    mapping: str | Path | Mapping[str, Any] | Told | None = None,
    recipe: str | None = None,
    skip_bad: bool = False,
) -> RunsTable:
    """The runs table of a study or of any table or log of training runs.

    Args:
        source: a study's file, folder or ``results.json``; a ``.csv``, ``.tsv``, ``.jsonl``, ``.parquet`` or ``.arrow``
            file (also ``.gz``, ``.zst``); logs of other trainers, trackers and evaluations
            (:data:`synthmix.runs.formats.FORMATS`); several of these in a list, one below the other; a pandas, polars
            or Arrow frame; a list of dicts; a dict of columns; :class:`Results`; a :class:`RunsTable`, which is given
            back.
        columns: ``"N=params,D=tokens,loss=val_loss"`` or the same as a dict: which column is which. Unnamed ones are
            taken under their usual names (:data:`synthmix.runs.mapping.ALIASES`) where there is one candidate.
            ``shares=train_*`` names the share of every source, ``metrics=eval/*`` more measurements. Numbers may be
            written ``1.3B``, ``1,000,000``, ``33%``.
        mapping: a mapping file, or what stands in one (:class:`synthmix.runs.mapping.Mapping`); ``columns`` goes first.
        recipe: only the runs of this recipe.
        skip_bad: leave out rows that cannot be used, and say how many and why in ``warnings``.

    Runs that diverged are marked in the column ``diverged`` (:mod:`synthmix.runs.divergence`), with a warning; what
    fits and decides leaves them out.

    Raises:
        BadInput: no such file, a kind that is not read, a column that is missing, named twice or of several candidates,
            a value that is not a number or out of its range (the row is named), no row left by a filter, one run with
            two losses, or shares that do not add up.
    """
    table = _read(source, _said(columns, mapping), skip_bad)
    return table if recipe is None else table.of_recipe(recipe)


def read_points(
    path: Path, columns: str | Mapping[str, str] = "", mapping: str | Path | Mapping[str, Any] | Told | None = None
) -> tuple[Columns, RunsTable]:
    """The columns of a table as they stand, and where its rows are: N, D, shares, unique tokens; no loss is needed.

    Raises:
        BadInput: as for :func:`read_runs`.
    """
    said = _said(columns, mapping)
    raw = read_sources([path], said, False)
    kept = {key: source for key, source in said.columns.items() if key != LOSS and _is_there(source, raw)}
    losses = [name for name in raw.names if usual(name) in ALIASES[LOSS]]
    table = raw.table.drop_columns(losses).append_column(LOSS, of_columns({LOSS: [1.0] * len(raw)})[LOSS])
    shares = {pattern: name for pattern, name in said.shares.items() if matched(pattern, name, raw.names)}
    where = said.model_copy(update={"columns": kept, "metrics": {}, "shares": shares, "where": None})
    cells = {name: raw.table[name].to_pylist() for name in raw.names if name != "file"}
    return cells, assemble(replace(raw, table=table), where, points=True)


def _is_there(source: Any, raw: Raw) -> bool:
    text = f"`{source}`" if source in raw.names else str(source)
    try:
        return all(name in raw.names for name in names_in(text, raw.names))
    except BadInput:
        return False


def _said(columns: str | Mapping[str, str], mapping: str | Path | Mapping[str, Any] | Told | None) -> Told:
    if mapping is None:
        said = Told()
    elif isinstance(mapping, Told):
        said = mapping
    else:
        said = read_mapping(mapping) if isinstance(mapping, str | Path) else mapping_of(mapping)
    return said.with_columns(told(columns)) if columns else said


def of_results(results: Results) -> RunsTable:
    """The table of a study's results.

    Raises:
        BadInput: no run is finished.
    """
    tasks = {
        each.task: Metric.of_task(each.task, measure=each.metric, items=each.items, chance=each.chance, id=each.id)
        for each in results.tasks
    }
    return of_rows([*results.runs, *results.diverged], results.recipes, kinds_of(results.corpora), tasks)


def kinds_of(corpora: Iterable[CorpusRow]) -> dict[str, Kind]:
    """Source -> natural or synthetic."""
    return {corpus.name: corpus.kind for corpus in corpora}


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


def _read(source: Any, said: Told, skip_bad: bool) -> RunsTable:
    if isinstance(source, RunsTable):
        return source
    if isinstance(source, Results):
        return of_results(source)
    if isinstance(source, str | Path):
        own = None if "://" in str(source) else _own(Path(source).expanduser())
        return own if own is not None else assemble(read_sources([source], said, skip_bad), said, skip_bad=skip_bad)
    if isinstance(source, Mapping):
        columns = {str(name): list(cells) for name, cells in source.items()}
        return assemble(Raw(of_columns(columns), "runs"), said, skip_bad=skip_bad)
    if isinstance(source, Sequence) and source and all(isinstance(each, str | Path) for each in source):
        if len(source) == 1:
            return _read(source[0], said, skip_bad)
        return assemble(read_sources(source, said, skip_bad), said, skip_bad=skip_bad)
    if isinstance(source, Sequence) and all(isinstance(row, Mapping) for row in source):
        return assemble(Raw(raw_rows(source), "runs"), said, skip_bad=skip_bad)
    return assemble(Raw(of_frame(source), "runs"), said, skip_bad=skip_bad)


def _own(path: Path) -> RunsTable | None:
    """What a study or :meth:`RunsTable.write` wrote; None for anything else.

    Raises:
        BadInput: it is a study's file, or is damaged.
    """
    if path.suffix.lower() in (".yaml", ".yml"):
        raise BadInput("is a study file", where=path, remedy="name the study's folder or its results.json")
    results = path / "results.json" if path.is_dir() else path
    if results.is_file() and results.name.lower().endswith(".json"):
        found = read_json(results, remedy=REMEDY)
        return of_results(read_results(results)) if isinstance(found, dict) and "study" in found else None
    return _written(path) if path.is_file() and path.suffix.lower() in (".parquet", ".pq") else None


def _written(path: Path) -> RunsTable | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    check_seal(path, remedy=REMEDY)
    try:
        about = (pq.read_schema(path).metadata or {}).get(b"synthmix-runs-1")
        if about is None:
            return None
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise BadInput(f"is not a Parquet file ({error})", where=path) from None
    held = json.loads(about)
    texts = {name: texts_of(table[name]) for name in table.column_names if name in TEXTS}
    numbers = {
        name: np.array(table[name].to_numpy(zero_copy_only=False), dtype=np.float64)
        for name in table.column_names if name not in TEXTS
    }  # fmt: skip
    metrics = tuple(Metric(**each) for each in held["metrics"])
    warnings = tuple(Warn.model_validate(each) for each in held.get("warnings", ()))
    return marked(RunsTable(numbers, texts, metrics, held["kinds"], warnings, held.get("taken", {})))
