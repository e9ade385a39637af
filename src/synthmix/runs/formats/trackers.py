"""What experiment trackers keep on disk: TensorBoard, Weights & Biases, MLflow, and the Hugging Face Trainer's state.

TensorBoard's event files are read by its own reader, W&B's run files with its own message types, where these are
installed; MLflow's local store is plain files or SQLite and needs none. ``wandb://entity/project`` asks the W&B server,
with the user's key. A row is a step of a run; what was configured stands in every row of it.
"""

import json
import re
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput
from synthmix.reading import parse_yaml, read_whole
from synthmix.runs.raw import Raw, flat, of_rows, stack

Rows = list[dict[str, Any]]


# TensorBoard

EVENTS = "events.out.tfevents."


def claims_tensorboard(path: Path) -> bool:
    """An event file, or a folder below which one is."""
    return EVENTS in path.name if path.is_file() else next(path.rglob(f"*{EVENTS}*"), None) is not None


def read_tensorboard(path: Path) -> Raw:
    """The scalars of every folder of event files, a folder a run.

    Raises:
        BadInput: tensorboard is not installed, or no scalar is there.
    """
    try:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from tensorboard.util.tensor_util import make_ndarray
    except ImportError:
        raise _missing("tensorboard", path) from None
    files = [path] if path.is_file() else sorted(path.rglob(f"*{EVENTS}*"))
    folders = list(dict.fromkeys(file if path.is_file() else file.parent for file in files))
    rows: Rows = []
    for folder in folders:
        held = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
        held.Reload()
        steps: dict[int, dict[str, Any]] = {}
        for tag in held.Tags()["scalars"]:
            for event in held.Scalars(tag):
                steps.setdefault(event.step, {})[tag] = event.value
        for tag in held.Tags().get("tensors", []):
            for event in held.Tensors(tag):
                value = make_ndarray(event.tensor_proto)
                if value.size == 1 and value.dtype.kind in "fiu":
                    steps.setdefault(event.step, {})[tag] = float(value.reshape(()))
        name = folder.name if folder != path or path.is_dir() else path.resolve().parent.name
        if path.is_dir() and folder != path:
            name = str(folder.relative_to(path))
        rows += [{"run": name, "step": step, **values} for step, values in sorted(steps.items())]
    return _of_steps(rows, path)


# Weights & Biases


def claims_wandb(path: Path) -> bool:
    """A run file, a run's folder, or a folder of those."""
    return path.suffix == ".wandb" if path.is_file() else next(path.rglob("run-*.wandb"), None) is not None


def read_wandb(path: Path) -> Raw:
    """The history of every run file, its configuration beside it; ``State`` is unfinished where the file has no end.

    Raises:
        BadInput: wandb is not installed, or a file is damaged.
    """
    try:
        from wandb.proto.wandb_internal_pb2 import Record
    except ImportError:
        raise _missing("wandb", path) from None
    rows: Rows = []
    for file in [path] if path.is_file() else sorted(path.rglob("run-*.wandb")):
        run, state = {"run": file.stem.removeprefix("run-")}, "unfinished"
        config: dict[str, Any] = {}
        history: Rows = []
        for data in _records(file):
            record = Record()
            try:
                record.ParseFromString(data)
            except Exception:  # noqa: BLE001 - protobuf's DecodeError, of whichever protobuf wandb brought
                raise BadInput("is damaged", where=file, remedy="copy it again, or leave it away") from None
            kind = record.WhichOneof("record_type")
            if kind == "run":
                run = {"run": record.run.run_id, "Name": record.run.display_name or record.run.run_id}
                config |= _items(record.run.config.update)
            elif kind == "config":
                config |= _items(record.config.update)
            elif kind == "exit":
                state = "finished" if record.exit.exit_code == 0 else "failed"
            elif kind == "history":
                row = _items(record.history.item)
                history.append({"step": row.get("_step", record.history.step.num), **row})
        given = {name: value for name, value in flat(config).items() if not name.startswith("_wandb")}
        rows += [{**given, **run, "State": state, **_plain(flat(row))} for row in history]
    return _of_steps(rows, path)


_BLOCK, _WHOLE, _FIRST, _LAST = 32768, 1, 2, 4


def _records(file: Path) -> Iterator[bytes]:
    """Records of a run file: LevelDB's log format behind seven bytes of header, the checksum a CRC-32 of type and data
    (wandb, ``core/pkg/leveldb/record.go`` and, before, ``sdk/internal/datastore.py``). A file that ends within a record
    is that of a run that was killed: what stands before is given.

    Raises:
        BadInput: not such a file, or a checksum that does not fit.
    """
    data = file.read_bytes()
    if data[:4] != b":W&B":
        raise BadInput("is no run file of wandb", where=file)
    at, held = 7, b""
    while at + 7 <= len(data):
        left = _BLOCK - at % _BLOCK
        if left < 7:  # the end of a block that has no room for a header
            at += left
            continue
        checksum, length, kind = struct.unpack_from("<IHB", data, at)
        if kind == 0 and length == 0:
            at += left
            continue
        piece = data[at + 7 : at + 7 + length]
        if len(piece) < length:
            return
        if zlib.crc32(piece, zlib.crc32(bytes([kind]))) != checksum:
            raise BadInput("is damaged (a checksum does not fit)", where=file, remedy="copy it again, or leave it away")
        at += 7 + length
        held = piece if kind in (_WHOLE, _FIRST) else held + piece
        if kind in (_WHOLE, _LAST):
            yield held


def read_wandb_server(address: str) -> Raw:
    """``wandb://entity/project``: the last values and the configuration of every run, by the user's own login.

    Raises:
        BadInput: wandb is not installed, no key is there, or no such project.
    """
    try:
        import wandb
    except ImportError:
        raise _missing("wandb", address) from None
    try:
        runs = list(wandb.Api().runs(address.removeprefix("wandb://").strip("/")))
    except Exception as error:  # noqa: BLE001 - the library's errors, of network, login and address, have no common class
        said = " ".join(str(error).split())[:200]
        raise BadInput(
            f"cannot be read ({said})", where=address, remedy="log in with wandb login, and check it"
        ) from None
    rows = []
    for run in runs:
        config = {name: value for name, value in flat(dict(run.config)).items() if not name.startswith("_wandb")}
        summary = _plain(flat(dict(run.summary)))
        step = {"step": summary["_step"]} if "_step" in summary else {}
        rows.append({**config, **summary, **step, "run": run.id, "Name": run.name, "State": run.state})
    return Raw(of_rows(rows), address, columns={"run": "run"})


def melted(raw: Raw) -> Raw:
    """A chart that W&B exported as CSV (a column ``RUN - METRIC`` with its ``__MIN`` and ``__MAX`` for every run, the
    first one the axis) as a row a run and step; any other table as it is."""
    import pyarrow as pa

    names = [name for name in raw.names if name != "file"]
    pairs = [name for name in names[1:] if not name.endswith(("__MIN", "__MAX"))]
    whole = {*pairs, *(f"{name}{end}" for name in pairs for end in ("__MIN", "__MAX"))}
    if not pairs or whole != set(names[1:]) or not all(" - " in name for name in pairs):
        return raw
    rows: dict[str, list[str]] = {}
    for name in pairs:
        run, _, metric = name.rpartition(" - ")
        rows.setdefault(run, []).append(metric)
    axis = "step" if names[0] in ("Step", "_step") else names[0]
    parts = []
    for run, metrics in rows.items():
        columns = {axis: raw.table[names[0]], "run": pa.array([run] * len(raw))}
        parts.append(pa.table(columns | {metric: raw.table[f"{run} - {metric}"] for metric in metrics}))
    columns = {"run": "run", **({"step": "step"} if axis == "step" else {})}
    return replace(raw, table=stack(parts), columns=columns)


def _items(items: Iterable[Any]) -> dict[str, Any]:
    """Key and JSON value of a record's items."""
    found = {}
    for item in items:
        try:
            value = json.loads(item.value_json)
        except ValueError:
            continue
        found[item.key or ".".join(item.nested_key)] = value
    return found


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers and text of a row; media and histograms are left out."""
    return {
        n: v for n, v in row.items() if isinstance(v, int | float | str) and (not n.startswith("_") or n == "_step")
    }


# MLflow


def claims_mlflow(path: Path) -> bool:
    """A tracking folder (``mlruns``), an experiment or a run in it, or its SQLite file."""
    if path.is_file():
        return path.suffix in (".db", ".sqlite") and _tables(path) >= {"runs", "metrics", "params"}
    return any((meta.parent / "metrics").is_dir() for meta in path.rglob("meta.yaml"))


def read_mlflow(path: Path) -> Raw:
    """The metrics of every run by step, its parameters beside them."""
    return _of_steps(list(_mlflow_database(path) if path.is_file() else _mlflow_folder(path)), path)


def _mlflow_folder(path: Path) -> Iterator[dict[str, Any]]:
    for meta in sorted(path.rglob("meta.yaml")):
        folder = meta.parent
        if not (folder / "metrics").is_dir():
            continue
        about = parse_yaml(read_whole(meta), where=meta) or {}
        params = {
            str(f.relative_to(folder / "params")): f.read_text(encoding="utf-8") for f in _below(folder / "params")
        }
        run = {
            "run": folder.name,
            "Name": about.get("run_name") or folder.name,
            "State": _STATES.get(int(about.get("status", 0))),
        }
        steps: dict[int, dict[str, Any]] = {}
        for file in _below(folder / "metrics"):
            name = str(file.relative_to(folder / "metrics"))
            for line in file.read_text(encoding="utf-8").splitlines():
                _, value, step = [*line.split(), "0"][:3]
                steps.setdefault(int(step), {})[name] = float(value)
        for at, values in sorted(steps.items()):
            yield {**params, **run, "step": at, **values}


#: MLflow's RunStatus: https://mlflow.org/docs/latest/rest-api.html#runstatus
_STATES = {1: "running", 2: "scheduled", 3: "finished", 4: "failed", 5: "killed"}


def _mlflow_database(path: Path) -> Iterator[dict[str, Any]]:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as held:
        for run, name, status in held.execute("select run_uuid, name, status from runs order by start_time").fetchall():
            params = dict(held.execute("select key, value from params where run_uuid = ?", (run,)).fetchall())
            steps: dict[int, dict[str, Any]] = {}
            query = "select key, value, step from metrics where run_uuid = ? order by timestamp"
            for key, value, step in held.execute(query, (run,)):
                steps.setdefault(int(step), {})[key] = float(value)
            about = {"run": run, "Name": name or run, "State": str(status).lower()}
            for step, values in sorted(steps.items()):
                yield {**params, **about, "step": step, **values}


def _below(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file()) if folder.is_dir() else []


def _tables(path: Path) -> set[str]:
    import sqlite3
    from contextlib import closing

    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as held:
            return {name for (name,) in held.execute("select name from sqlite_master where type = 'table'")}
    except sqlite3.Error:
        return set()


# The Hugging Face Trainer

STATE = "trainer_state.json"


def claims_trainer(path: Path) -> bool:
    """A ``trainer_state.json``, or a folder below which one is."""
    return path.name == STATE if path.is_file() else next(path.rglob(STATE), None) is not None


def read_trainer(path: Path) -> Raw:
    """``log_history`` by step, of each run its longest state (transformers, ``TrainerState``)."""
    longest: dict[str, tuple[int, dict[str, Any], Path]] = {}
    for file in [path] if path.is_file() else sorted(path.rglob(STATE)):
        try:
            held = json.loads(file.read_bytes())
            step = int(held.get("global_step") or 0)
        except (ValueError, AttributeError, RecursionError) as error:
            raise BadInput(f"is damaged ({error})", where=file, remedy="copy it again, or leave it away") from None
        folder = file.resolve().parent
        if re.fullmatch(r"checkpoint-\d+", folder.name):
            folder = folder.parent
        name = folder.name
        if name not in longest or step >= longest[name][0]:
            longest[name] = (step, held, file)
    rows: Rows = []
    for name, (_, held, _file) in longest.items():
        steps: dict[int, dict[str, Any]] = {}
        for entry in held.get("log_history", []):
            steps.setdefault(int(entry.get("step", 0)), {}).update(_plain(entry))
        given: dict[str, Any] = {
            key: held[key] for key in ("max_steps", "num_train_epochs", "train_batch_size") if key in held
        }
        rows += [{**given, "run": name, **values, "step": step} for step, values in sorted(steps.items())]
    return _of_steps(rows, path)


def _of_steps(rows: Rows, path: Path) -> Raw:
    if not rows:
        raise BadInput("holds no metric of any run", where=path)
    return Raw(of_rows(rows), str(path), columns={"run": "run", "step": "step"})


def _missing(library: str, where: Any) -> BadInput:
    return BadInput(f"is read by {library}, which is not installed", where=where, remedy=f"pip install {library}")
