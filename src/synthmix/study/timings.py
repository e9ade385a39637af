"""How fast the workers of this machine are, timed once a study, and what a study's stages took.

Workers are timed in themselves, all at once, since they share the machine.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from filelock import FileLock

from synthmix.config import StudyConfig
from synthmix.engine import Engine
from synthmix.errors import SynthmixError
from synthmix.files import content_hash, read_json, write_json
from synthmix.study.ladder import cells, protocol_for
from synthmix.study.workspace import Workspace
from synthmix.training.capabilities import ladder_speeds, rough_speeds
from synthmix.training.device import device_name, resolved_precision
from synthmix.training.protocol import Protocol
from synthmix.training.shape import Shape, shape_for

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
    config: StudyConfig, space: Workspace, vocab: int, engine: Engine[Any, Any], *, rough: bool = False
) -> Speeds:
    """Time the study's sizes, or take the times kept from before (same shapes, budgets, protocol and workers).

    ``rough``: within seconds, for a plan; a run then times again.

    A size whose longest run is compiled is timed compiled: its long runs take nearly all of its time.
    """
    longest = _longest_runs(config)
    shapes = sorted(longest, key=lambda shape: shape.params)
    flops = tuple(longest[shape] * shape.flops_per_token(vocab, config.training.context) for shape in shapes)
    key = content_hash([[s.as_dict() for s in shapes], flops, vocab, config.training.model_dump(), engine.workers])
    path = space.speed
    # Under a lock, so that two processes on one study resolve one precision.
    with FileLock(space.root / ".speed.lock"):
        kept = read_json(path) if path.exists() else {}
        if kept.get("key") != key or (kept.get("rough") and not rough):
            resolved = kept.get("precision") if config.training.precision == "auto" == kept.get("asked") else None
            kept = _timed(Probe(tuple(shapes), flops, vocab, _least_efficient(config), resolved, rough), engine)
            kept |= {"key": key, "asked": config.training.precision, "rough": rough}
            write_json(path, kept)
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


def seconds(space: Workspace) -> dict[str, float]:
    """Seconds by stage, all sessions together."""
    return dict(read_json(space.seconds)) if space.seconds.exists() else {}


@contextmanager
def stage(space: Workspace, name: str) -> Iterator[None]:
    """Add the seconds of a block to the study's account of stages (all sessions together)."""
    begun = time.monotonic()
    try:
        yield
    finally:
        with FileLock(space.root / ".seconds.lock"):
            spent = seconds(space)
            write_json(space.seconds, spent | {name: round(spent.get(name, 0.0) + time.monotonic() - begun, 2)})
