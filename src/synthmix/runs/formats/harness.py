"""Results of evaluations as further metrics: files of lm-evaluation-harness and of lighteval, joined by run.

lm-evaluation-harness writes ``results_<date>.json`` with ``results: {task: {"acc,none": ...}}``, ``higher_is_better``
and ``model_name`` (its ``loggers/evaluation_tracker.py``); lighteval ``results: {task: {metric: ...}}`` beside
``config_general`` (its ``logging/evaluation_tracker.py``).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import listed
from synthmix.results import Warn
from synthmix.runs import cells
from synthmix.runs.mapping import ALIASES, usual
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.raw import Raw, of_rows

STEP = re.compile(r"(?:checkpoint|step|iter|global_step)[-_]?0*(\d+)(?:[-_]?hf)?", re.IGNORECASE)
_FALLS = ("perplexity", "ppl", "bits_per_byte", "bpb", "loss")


def claims(path: Path) -> bool:
    """A results file, or a folder of them."""
    return any(True for _ in _files(path))


def read(path: Path) -> Raw:
    """A row a model (and its step, where its name says one), a column a task and metric.

    Raises:
        BadInput: one model has two values of one metric.
    """
    rows: dict[tuple[str, int | None], dict[str, Any]] = {}
    metrics: dict[str, dict[str, Any]] = {}
    for file, held in _files(path):
        run, step = _run(held, file)
        row = rows.setdefault((run, step), {"run": run} | ({"step": step} if step is not None else {}))
        for name, value, about in _scores(held):
            if name in row and row[name] != value:
                problem = f"{run} has {name} {row[name]:g} and {value:g}"
                raise BadInput(problem, where=file, remedy="name one of the two results")
            row[name], metrics[name] = value, about
    steps = {"step": "step"} if any(step is not None for _, step in rows) else {}
    return Raw(of_rows(rows.values()), str(path), columns={"run": "run", **steps}, metrics=metrics, joins=True)


def joined(whole: Raw, more: Raw, said: Told) -> Raw:
    """Rows of runs with the metrics of ``more`` beside them, where run (and step, where both have one) are equal.

    Raises:
        BadInput: the runs have no names, or none of the results is of one of them.
    """
    import pyarrow as pa

    mine = _names(whole, said)
    theirs = cells.texts(more.table["run"])
    steps = more.columns.get("step")
    step = whole.columns.get("step") or next((n for n in whole.names if usual(n) in ALIASES["step"]), None)
    by_step = steps is not None and step is not None
    keys: list[Any] = list(theirs)
    have: list[Any] = list(mine)
    if by_step:
        keys = list(zip(theirs, _steps(more, str(steps)), strict=True))
        have = list(zip(mine, _steps(whole, str(step)), strict=True))
    place = {key: row for row, key in enumerate(keys)}
    rows = np.array([place.get(key, -1) for key in have])
    met = set(rows.tolist())
    lost = list(dict.fromkeys(str(theirs[row]) for row in range(len(more)) if row not in met))
    of_none = f"results of {listed(lost[:10])} are of no run that stands there"
    if (rows < 0).all():
        known = ", ".join(dict.fromkeys(str(name) for name in mine[:20]))
        remedy = f"name the runs as the models are called, in a mapping file columns: {{run: ...}}; there are {known}"
        raise BadInput(of_none, where=more.where, key="run", remedy=remedy)
    table = whole.table
    taken = np.where(rows < 0, len(more), rows)
    for name in more.names:
        if name in more.metrics:
            values = np.append(cells.numbers(more.table[name], name=name).values, np.nan)
            table = table.append_column(name, pa.array(values[taken], from_pandas=True))
    notes = list(whole.notes)
    if lost:
        message = (
            f"results of {listed([str(name) for name in dict.fromkeys(lost)][:10])} are of no run that stands there"
        )
        notes.append(Warn(code="results_without_a_run", message=message))
    return replace(whole, table=table, metrics={**whole.metrics, **more.metrics}, notes=tuple(notes))


def _names(whole: Raw, said: Told) -> cells.Texts:
    """The name of each row's run."""
    from synthmix.runs.view import Cells

    name = said.columns.get("run") or whole.columns.get("run")
    if name is None:
        found = [each for each in whole.names if usual(each) in ALIASES["run"]]
        name = min(found, key=lambda each: ALIASES["run"].index(usual(each)), default=None)
    if name is None:
        remedy = "name the column of their names: --columns run=..."
        raise BadInput(
            "no column says which run a row is, so results cannot be joined", where=whole.where, remedy=remedy
        )
    return Cells(whole, said).texts(name)


def _steps(raw: Raw, name: str) -> list[float]:
    return [float(step) for step in cells.numbers(raw.table[name], name=name).values]


def _files(path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    files = sorted(path.rglob("results*.json")) if path.is_dir() else [path]
    for file in files:
        if file.suffix.lower() != ".json":
            continue
        try:
            held = json.loads(file.read_bytes())
        except (OSError, ValueError, RecursionError):
            continue
        if (
            isinstance(held, dict)
            and isinstance(held.get("results"), dict)
            and ("config_general" in held or "configs" in held)
        ):
            yield file, held


def _run(held: Mapping[str, Any], file: Path) -> tuple[str, int | None]:
    """The model's name, without folders above it, and its step."""
    general = held.get("config_general")
    general = general if isinstance(general, dict) else {}
    config = general.get("model_config")
    known = [held.get("model_name"), general.get("model_name"), (config or {}).get("model_name")]
    name = next((str(each) for each in known if each), file.parent.name)
    parts = [part for part in re.split(r"[/\\]", name.rstrip("/")) if part]
    found = STEP.fullmatch(parts[-1]) if parts else None
    if found and len(parts) > 1:
        return parts[-2], int(found[1])
    return (parts[-1] if parts else name), None


def _scores(held: Mapping[str, Any]) -> Iterator[tuple[str, float, dict[str, Any]]]:
    """Name, value, and unit and direction, of every metric but standard errors and counts."""
    directions, counts = held.get("higher_is_better") or {}, held.get("n-samples") or {}
    for task, scores in held["results"].items():
        if not isinstance(scores, dict) or task == "all":
            continue
        for label, value in scores.items():
            metric, _, variant = label.partition(",")
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if not number or "stderr" in metric or metric in ("alias", "sample_len", "sample_count"):
                continue
            falls = any(word in metric for word in _FALLS)
            grows = (directions.get(task) or {}).get(metric, not falls)
            within = ".".join([task, metric, *([variant] if variant not in ("", "none") else [])])
            if metric in ("bits_per_byte", "bpb"):
                yield f"bits.{task}", float(value), {"unit": "bits_per_byte"}
            elif "perplexity" in metric or metric == "ppl":
                yield f"loss.{within}", float(value), {"unit": "perplexity"}
            else:
                items = counts.get(task) if isinstance(counts, dict) else None
                about = {"unit": "score", "higher_is_better": bool(grows), "measure": metric}
                yield f"task.{within}", float(value), about | ({"items": items["effective"]} if items else {})
