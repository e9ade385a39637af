"""Training a run, and the trunk that several runs branch from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.mixture.manifest import Manifest
from synthmix.training.batches import Stream
from synthmix.training.parallel import ALONE, World
from synthmix.training.session import Report, Session
from synthmix.training.spec import RunSpec
from synthmix.training.state import STATE


@dataclass(frozen=True)
class Trained:
    """A finished training: the model, the training losses ``[tokens, nats]`` along the way, and what it cost.

    ``seconds`` adds up over interrupted sessions; evaluation and saving are not in it. ``began`` is the step at which
    the run left its trunk: the steps before it were trained once for all its branches, and are not in ``seconds``.
    """

    model: Any
    manifest: Manifest
    trace: list[tuple[int, float]]
    seconds: float
    began: int = 0


def train_run(
    spec: RunSpec,
    streams: Mapping[str, Stream],
    folder: Path,
    *,
    precision: str,
    eos: int | None = None,
    report: Report | None = None,
    save_every: float = 60.0,
    trunk: Path | None = None,
    world: World = ALONE,
) -> Trained:
    """Train ``spec`` on ``streams``, continuing from ``folder``'s saved state when there is one.

    A run that was interrupted, or that begins at a trunk's state, gives the same weights as an unbroken one.

    Args:
        precision: ``bf16`` (autocast) or ``float32``.
        save_every: seconds between saved states.
        trunk: folder with states of the run's trunk, by :func:`train_trunk`; used when the branch point is there.
        world: the processes that train it; all of them call this, and each is given the finished model.

    Raises:
        BadInput: a corpus is too small for the recipe, or the saved state is damaged or of another run.
        Failure: the loss is no longer finite.
    """
    session = Session(spec, streams, owner=spec.id, precision=precision, eos=eos, world=world)
    if not session.resume(folder / STATE) and trunk is not None:
        session.start_from(state_at(trunk, spec.branch), spec.trunk)
    session.advance(spec.steps, save_to=folder / STATE, report=report, save_every=save_every)
    return Trained(session.finished(), session.manifest, session.trace, session.seconds, session.began)


def train_trunk(
    spec: RunSpec,
    stops: Sequence[int],
    streams: Mapping[str, Stream],
    folder: Path,
    *,
    precision: str,
    eos: int | None = None,
    report: Report | None = None,
    save_every: float = 60.0,
) -> float:
    """Train the stable part that runs share and write its state at each of ``stops``; the seconds that it took.

    States that are there stay, and the furthest one is gone on from: a budget added later costs what it adds.

    Args:
        spec: the longest of the runs. stops: branch points (:attr:`RunSpec.branch`), in steps.

    Raises:
        BadInput, Failure: see :func:`train_run`.
    """
    session = Session(spec, streams, owner=spec.trunk, precision=precision, eos=eos)
    ahead = sorted(stop for stop in stops if not state_at(folder, stop).exists())
    if not session.resume(folder / STATE):
        done = [at for at in states(folder) if at <= min(ahead, default=max(stops))]
        if done:
            session.resume(state_at(folder, max(done)))
    for stop in ahead:
        session.advance(stop, save_to=folder / STATE, report=report, save_every=save_every)
        session.save(state_at(folder, stop))
    (folder / STATE).unlink(missing_ok=True)
    return session.seconds


def state_at(folder: Path, step: int) -> Path:
    """Where a trunk's state at ``step`` lies."""
    return folder / f"at-{step:09d}.safetensors"


def states(folder: Path) -> list[int]:
    """Steps of a trunk's states that are there."""
    return sorted(int(path.stem.removeprefix("at-")) for path in folder.glob("at-*.safetensors"))
