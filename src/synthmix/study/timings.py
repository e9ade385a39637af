"""How fast the workers of this machine are, timed once a study, and what a study's stages took.

Workers are timed in themselves, all at once, since they share the machine. What was timed of a shape on this machine
serves every study for :data:`KEPT_SECONDS` (``speeds.json`` in the user's cache): an edited study file is not timed
again.
"""

import os
import platform
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from synthmix.config import StudyConfig
from synthmix.engine import Engine, LocalEngine
from synthmix.errors import BadInput, SynthmixError
from synthmix.files import cache_folder, content_hash, read_json, write_json
from synthmix.locking import lock
from synthmix.progress import Progress
from synthmix.study.ladder import cells, protocol_for
from synthmix.study.workspace import Workspace
from synthmix.training.capabilities import ladder_speeds, rough_speeds
from synthmix.training.compiled import SWITCH, WORTH
from synthmix.training.device import device_name, resolved_precision
from synthmix.training.protocol import Protocol
from synthmix.training.shape import Shape, shape_for

KEPT_SECONDS = 86_400.0  # of a machine's times: tomorrow it may be less busy
SAMPLING_RATIO = 0.45  # sampled over trained tokens/s at 0.25M to 0.6M parameters (docs/log.md); for the plan only


@dataclass(frozen=True)
class Speeds:
    """Of one worker while all are busy: tokens per second by shape. ``precision`` is the faster one here."""

    precision: str
    device: str
    workers: int
    by_shape: dict[Shape, float]

    def seconds(self, shape: Shape, tokens: int) -> float:
        """One worker's time for ``tokens`` training tokens."""
        return tokens / self.by_shape[shape]


@dataclass(frozen=True)
class Probe:
    """What a worker is asked to time: ``flops`` are of each shape's longest run. ``precision`` None: find the faster
    one; else it was found before."""

    shapes: tuple[Shape, ...]
    flops: tuple[float, ...]
    vocab: int
    protocol: Protocol
    precision: str | None
    rough: bool = False


def measure(
    config: StudyConfig,
    space: Workspace,
    vocab: int,
    engine: Engine[Any, Any],
    progress: Progress | None = None,
    *,
    rough: bool = False,
) -> Speeds:
    """Time the study's sizes, or take the times kept from before (same shapes, budgets, protocol and workers).

    Kept times that are damaged are dropped and measured anew; runs go on in the precision of those that are finished.
    ``rough``: within seconds, for a plan; a run then times again.

    A size whose longest run is compiled is timed compiled: its long runs take nearly all of its time.
    """
    longest = _longest_runs(config)
    shapes = sorted(longest, key=lambda shape: shape.params)
    flops = tuple(longest[shape] * shape.flops_per_token(vocab, config.training.context) for shape in shapes)
    key = content_hash([[s.as_dict() for s in shapes], flops, vocab, config.training.model_dump(), engine.workers])
    path = space.speed
    # Under a lock, so that two processes on one study resolve one precision.
    with lock(space.root / ".speed.lock"):
        there = path.exists()
        found = _kept(path, progress) if there else None
        damaged, kept = there and found is None, found or {}
        if kept.get("key") != key or (kept.get("rough") and not rough) or len(kept.get("speeds", ())) != len(shapes):
            resolved = kept.get("precision") if config.training.precision == "auto" == kept.get("asked") else None
            if damaged and config.training.precision == "auto":
                resolved = next((record.precision for record in space.runs.records()), None)
            kept = _timed(Probe(tuple(shapes), flops, vocab, _least_efficient(config), resolved, rough), engine)
            kept |= {"key": key, "asked": config.training.precision, "rough": rough, "workers": engine.workers}
            write_json(path, kept, digest=True)
    by_shape = dict(zip(shapes, kept["speeds"], strict=True))
    return Speeds(kept["precision"], kept["device"], engine.workers, by_shape)


def _longest_runs(config: StudyConfig) -> dict[Shape, int]:
    """Tokens of the longest run or generator of every shape."""
    tokens: dict[Shape, int] = {}
    runs = [(cell.shape, cell.tokens) for cell in cells(config)]
    generators = [(shape_for(entry.params), entry.train) for entry in config.sampled.values()]
    for shape, budget in (*runs, *generators):
        tokens[shape] = max(tokens.get(shape, 0), budget)
    return tokens


def _least_efficient(config: StudyConfig) -> Protocol:
    """Where batches differ by size, the one of the smallest."""
    return min((protocol_for(config, size) for size in config.ladder.params), key=lambda each: each.batch)


def _timed(probe: Probe, engine: Engine[Any, Any]) -> dict[str, Any]:
    """The probe's shapes: those of this machine that were timed lately, and the others timed now."""
    if not isinstance(engine, LocalEngine):  # a cluster's machines come and go
        return _timed_now(probe, engine)
    machine = _Machine(probe, engine.workers)
    known = machine.read()
    names = [machine.name(shape, flops) for shape, flops in zip(probe.shapes, probe.flops, strict=True)]
    missing = [i for i, name in enumerate(names) if name not in known["shapes"]]
    if missing or not known["device"]:
        some = replace(
            probe,
            shapes=tuple(probe.shapes[i] for i in missing),
            flops=tuple(probe.flops[i] for i in missing),
            precision=probe.precision or known["precision"],
        )
        found = _timed_now(some, engine)
        new = {names[i]: speed for i, speed in zip(missing, found["speeds"], strict=True)}
        known = {
            "precision": found["precision"],
            "device": found["device"],
            "shapes": known["shapes"] | {name: {"speed": speed, "rough": probe.rough} for name, speed in new.items()},
        }
        machine.write(known, new)
    return {
        "precision": known["precision"],
        "device": known["device"],
        "speeds": [known["shapes"][name]["speed"] for name in names],
    }


class _Machine:
    """What was timed on this machine with as many workers, one protocol and vocabulary, whatever the study. A cache:
    where it cannot be read or written, all is timed."""

    def __init__(self, probe: Probe, workers: int) -> None:
        self.path, self.rough = cache_folder() / "speeds.json", probe.rough
        here = (platform.node(), platform.machine(), os.cpu_count(), version("torch"), os.environ.get(SWITCH, ""))
        protocol = probe.protocol.model_dump(mode="json")
        self.key = content_hash([*here, workers, probe.vocab, protocol, probe.precision])

    def name(self, shape: Shape, flops: float) -> str:
        """A shape's name, and whether its longest run is compiled by device."""
        return content_hash([shape.as_dict(), [flops >= worth for worth in WORTH.values()]])

    def read(self) -> dict[str, Any]:
        """``precision``, ``device`` and, by the shape's name, ``speed`` and whether it is a rough one."""
        found = _object(self.path).get(self.key)
        nothing: dict[str, Any] = {"precision": None, "device": None, "shapes": {}}
        if not isinstance(found, dict) or not isinstance(found.get("shapes"), dict):
            return nothing
        shapes = {
            name: kept
            for name, kept in found["shapes"].items()
            if (self.rough or not kept["rough"]) and time.time() - kept["at"] < KEPT_SECONDS
        }
        return nothing | found | {"shapes": shapes}

    def write(self, known: dict[str, Any], new: Iterable[str]) -> None:
        """Keep what is ``new`` of ``known``."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with lock(self.path.with_name(".speeds.lock")):
                every = _object(self.path)
                old = every.get(self.key, {}).get("shapes", {})
                fresh = {name: known["shapes"][name] | {"at": time.time()} for name in new}
                every[self.key] = {**known, "shapes": old | fresh}
                write_json(self.path, every, digest=True)
        except (OSError, SynthmixError):
            pass


def _object(path: Path) -> dict[str, Any]:
    """The object in a file of timings; an empty one where it is missing or damaged."""
    try:
        found = read_json(path)
    except (OSError, SynthmixError):
        return {}
    return found if isinstance(found, dict) else {}


def kept_speeds(config: StudyConfig, space: Workspace) -> Speeds | None:
    """The times that the study keeps from its last plan or run, nothing timed; None: there are none of its sizes."""
    found = _object(space.speed)
    shapes = sorted(_longest_runs(config), key=lambda shape: shape.params)
    if len(found.get("speeds", ())) != len(shapes) or "workers" not in found:
        return None
    by_shape = dict(zip(shapes, found["speeds"], strict=True))
    return Speeds(found["precision"], found["device"], found["workers"], by_shape)


def _timed_now(probe: Probe, engine: Engine[Any, Any]) -> dict[str, Any]:
    """Every worker times all shapes at once; the slowest counts."""
    outcomes: list[dict[str, Any]] = []
    for _, outcome in engine.each(measure_here, [probe] * engine.workers):
        if isinstance(outcome, SynthmixError):
            raise outcome
        outcomes.append(outcome)
    return {
        "precision": outcomes[0]["precision"],
        "device": outcomes[0]["device"],
        "speeds": [min(several) for several in zip(*(outcome["speeds"] for outcome in outcomes), strict=True)],
    }


def measure_here(probe: Probe) -> dict[str, Any]:
    """Time the shapes in this process: ``{precision, device, speeds}``."""
    precision = probe.precision or resolved_precision(probe.protocol.precision)
    flops = dict(zip(probe.shapes, probe.flops, strict=True))
    speeds = (rough_speeds if probe.rough else ladder_speeds)(
        list(probe.shapes), probe.vocab, probe.protocol, precision, flops
    )
    return {"precision": precision, "device": device_name(), "speeds": [speeds[shape] for shape in probe.shapes]}


def seconds(space: Workspace, progress: Progress | None = None) -> dict[str, float]:
    """Seconds by stage, all sessions together; none where what is kept is damaged."""
    kept = _kept(space.seconds, progress) if space.seconds.exists() else None
    return {name: float(value) for name, value in (kept or {}).items()}


def _kept(path: Path, progress: Progress | None) -> dict[str, Any] | None:
    """Kept timings; None where they are damaged: they are deleted, which is said."""
    try:
        kept = read_json(path)
        if isinstance(kept, dict):
            return kept
        problem = "is damaged (not an object)"
    except BadInput as error:
        problem = error.problem
    path.unlink(missing_ok=True)
    if progress is not None:
        progress.say(f"{path.name} {problem}: it held timings only and is dropped")
    return None


@contextmanager
def stage(space: Workspace, name: str, progress: Progress | None = None) -> Iterator[None]:
    """Add the seconds of a block to the study's account of stages (all sessions together)."""
    begun = time.monotonic()
    try:
        yield
    finally:
        with lock(space.root / ".seconds.lock"):
            spent = seconds(space, progress)
            spent |= {name: round(spent.get(name, 0.0) + time.monotonic() - begun, 2)}
            write_json(space.seconds, spent, digest=True)
