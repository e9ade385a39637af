"""From a source (a file, a folder, a glob, an address) to columns of cells: one reader a format, found by name and
content.

A reader of your own is an entry point of the group ``synthmix.runs``: an object with ``claims(path) -> bool`` and
``read(path) -> Raw`` or a mapping of columns.
"""

import glob
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.files import placed
from synthmix.runs.formats import harness, logs, trackers
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.raw import Raw, kind_of, of_columns, read_table, stack

GROUP = "synthmix.runs"


@dataclass(frozen=True)
class Format:
    """How one kind of source is told and read.

    Attributes:
        name: as a mapping's ``format`` says it. what: in a few words.
        claims: whether a path is of this kind, by its name and its first bytes.
        read: path -> its columns.
    """

    name: str
    what: str
    claims: Callable[[Path], bool]
    read: Callable[[Path], Raw]


def read_sources(sources: Sequence[str | Path], said: Told, skip_bad: bool) -> Raw:
    """Sources one below the other, and further metrics of the same runs (``joins``) beside them.

    Raises:
        BadInput: no such source, an unknown format, a damaged file.
    """
    found = [_named(raw) for source in sources for raw in _source(str(source), said, skip_bad)]
    rows = [raw for raw in found if not raw.joins]
    more = [raw for raw in found if raw.joins]
    whole = _stacked(rows) if rows else _stacked(more)
    if rows and more:
        whole = harness.joined(whole, _stacked(more), said)
    return whole


def _source(source: str, said: Told, skip_bad: bool) -> list[Raw]:
    path = Path(placed(source))
    if source.startswith("wandb://"):
        return [trackers.read_wandb_server(source)]
    if "://" not in source and not path.exists():
        matches = sorted(glob.glob(str(path), recursive=True)) if any(sign in source for sign in "*?[") else []
        if not matches:
            raise BadInput("no such file", where=path)
        return [raw for match in matches for raw in _source(match, said, skip_bad)]
    if (path / "results.json").is_file():
        path /= "results.json"
    return [_read(source if "://" in source else str(path), said, skip_bad)]


def _read(source: str, said: Told, skip_bad: bool) -> Raw:
    path = Path(source)
    formats = FORMATS | _plugins()
    if said.format is not None and said.format not in TABLES:
        if said.format not in formats:
            there = ", ".join((*TABLES, *formats))
            raise BadInput(f"{said.format!r} is no format", where=source, key="format", remedy=f"there are {there}")
        return formats[said.format].read(path)
    if said.format is None and "://" not in source:
        for each in formats.values():
            if each.claims(path):
                return each.read(path)
    if path.is_dir():
        raise BadInput(
            "holds no results.json, so no finished study, and no log that is read", where=path,
            remedy=f"write it with synthmix study report FILE, or name files: {', '.join((*TABLES, *formats))}",
        )  # fmt: skip
    if kind_of(source) is None:
        remedy = f"give .csv, .tsv, .jsonl, .parquet or .arrow, or a log of {', '.join(formats)}"
        raise BadInput(f"{path.suffix or 'no suffix'} is not a kind of table", where=path, remedy=remedy)
    return trackers.melted(read_table(source, skip_bad=skip_bad))


def _plugins() -> dict[str, Format]:
    from importlib.metadata import entry_points

    found = {}
    for point in entry_points(group=GROUP):
        reader = point.load()
        found[point.name] = Format(point.name, "a plug-in", reader.claims, _as_raw(reader.read))
    return found


def _as_raw(read: Callable[[Path], Any]) -> Callable[[Path], Raw]:
    def reader(path: Path) -> Raw:
        found = read(path)
        return found if isinstance(found, Raw) else Raw(of_columns(found), str(path))

    return reader


def _named(raw: Raw) -> Raw:
    """With the file's name as a column, for expressions such as ``file + "/" + text(index)``."""
    import pyarrow as pa

    if "file" in raw.names or not raw.names:
        return raw
    name = pa.array([Path(raw.where).name], type=pa.string())
    codes = pa.array(np.zeros(len(raw), dtype=np.int32))
    return replace(raw, table=raw.table.append_column("file", pa.DictionaryArray.from_arrays(codes, name)))


def _stacked(raws: Sequence[Raw]) -> Raw:
    if len(raws) == 1:
        return raws[0]
    first = raws[0]
    dropped: dict[str, int] = {}
    columns: dict[str, str] = {}
    metrics: dict[str, Mapping[str, Any]] = {}
    for raw in raws:
        for why, count in raw.dropped.items():
            dropped[why] = dropped.get(why, 0) + count
        columns |= raw.columns
        metrics |= raw.metrics
    where = f"{first.where} and {len(raws) - 1} more"
    comma = any(raw.comma for raw in raws)
    table = stack([raw.table for raw in raws])
    notes = tuple(note for raw in raws for note in raw.notes)
    return replace(
        first, table=table, notes=notes, where=where, dropped=dropped, columns=columns, metrics=metrics, comma=comma
    )


#: Tables, by the name that a mapping's ``format`` may say.
TABLES = ("csv", "jsonl", "json", "parquet", "arrow")
_EVERY = (
    Format("harness", "results of lm-evaluation-harness or lighteval", harness.claims, harness.read),
    Format("trainer", "the Hugging Face Trainer's state", trackers.claims_trainer, trackers.read_trainer),
    Format("wandb", "a run of Weights & Biases", trackers.claims_wandb, trackers.read_wandb),
    Format("tensorboard", "event files of TensorBoard", trackers.claims_tensorboard, trackers.read_tensorboard),
    Format("mlflow", "a local store of MLflow", trackers.claims_mlflow, trackers.read_mlflow),
    *(Format(kind, f"a log of {kind}", partial(logs.claims, kind), partial(logs.read, kind)) for kind in logs.LOGS),
)
#: Name -> format, in the order in which a source is asked for; plug-ins come after them.
FORMATS = {each.name: each for each in _EVERY}
