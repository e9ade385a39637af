"""Training a run, and the stable phase that several runs branch from (their trunk).

A :class:`Session` is the loop: text in its exact order, a step at a time, saved and gone on from.
"""

import math
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from synthmix.errors import BadInput
from synthmix.mixture.manifest import Manifest, make_manifest
from synthmix.termination import Terminated, after_this_step, came
from synthmix.training.checkpoint import STATE
from synthmix.training.compiled import prepare
from synthmix.training.device import Diverged
from synthmix.training.memory import at_once
from synthmix.training.model import make_model, optimizer_for
from synthmix.training.parallel import ALONE, World, world_step
from synthmix.training.spec import RunSpec

Report = Callable[[int, int, float], None]  # step, steps, latest training loss
Probe = Callable[[Any], dict[str, float]]  # model -> nats per token by held-out domain
TRACE_POINTS = 50


class Stream(Protocol):
    """A corpus's training tokens: ``read`` copies tokens ``[start, stop)``."""

    def __len__(self) -> int: ...
    def read(self, start: int, stop: int) -> np.ndarray: ...


def read_batch(manifest: Manifest, streams: Mapping[str, Stream], first: int, count: int) -> np.ndarray:
    """Sequences ``first`` to ``first + count`` of the manifest: int64, shape ``(count, context + 1)``.

    Column 0 is input only; columns 1 to context are the predicted tokens.
    """
    context = manifest.context
    batch = np.empty((count, context + 1), dtype=np.int64)
    for row in range(count):
        source = manifest.sources[manifest.order[first + row]]
        start = int(manifest.blocks[first + row]) * context
        batch[row] = streams[source].read(start, start + context + 1)
    return batch


class Session:
    """A run (or the trunk of several) at some step. Nothing but the step decides data, rate and optimizer, and no
    random number is drawn after the initialisation: continued from its state it gives the same weights.

    Attributes:
        step: steps taken since the initialisation. trace: ``(tokens, nats)`` along the way, the trunk's part too;
            heldout: ``(tokens, nats by domain)`` likewise, where ``probe`` was asked, after the steps ``probe_at``.
        began: the step at which this run's own work began (the branch point, or 0). seconds: of its own work.

    Raises:
        BadInput: a corpus is too small for the recipe.
    """

    def __init__(
        self,
        spec: RunSpec,
        streams: Mapping[str, Stream],
        *,
        owner: str,
        precision: str,
        eos: int | None,
        world: World = ALONE,
        probe: Probe | None = None,
        probe_at: Collection[int] = (),
    ) -> None:
        protocol = spec.protocol
        available = {name: len(streams[name]) for name in spec.shares}
        sequences = spec.steps * protocol.sequences
        self.manifest = make_manifest(
            spec.mixture, sequences, protocol.context, available, seed=spec.seed, epochs=protocol.epochs
        )
        self.spec, self.streams, self.owner, self.precision = spec, streams, owner, precision
        self.world, self.mine = world, world.share(protocol.sequences)
        self.make = partial(make_model, spec.shape, spec.vocab, protocol.context, spec.seed, eos)
        self.micro = at_once(spec, len(self.mine), precision, world.shards)
        model = self.make().to(world.device)
        prepare(model, flops=spec.flops, sequences=self.micro, context=protocol.context, precision=precision)
        self.model = world.wrap(model)
        self.optimizer = optimizer_for(self.model, spec.peak, protocol.weight_decay, protocol.betas)
        self.step, self.began, self.seconds = 0, 0, 0.0
        self.trace: list[tuple[int, float]] = []
        self.heldout: list[tuple[int, dict[str, float]]] = []
        # Weights that lie in parts in several processes are gathered at the end only.
        self.probe, self.probe_at = probe if world.shards == 1 else None, probe_at

    def resume(self, path: Path) -> bool:
        """Go on from this session's own saved state, if there is one.

        Raises:
            BadInput: it is damaged, or of another run.
        """
        return self._load(path, self.owner)

    def start_from(self, path: Path, trunk: str) -> bool:
        """Begin at a state of the trunk ``trunk``, if it is there."""
        if not self._load(path, trunk):
            return False
        self.began, self.seconds = self.step, 0.0
        return True

    def advance(
        self,
        until: int,
        *,
        save_to: Path,
        report: Report | None = None,
        save_every: float = 60.0,
    ) -> None:
        """Train up to step ``until``, saving the state every ``save_every`` seconds, and before a SIGTERM is obeyed.

        Raises:
            Diverged: the loss is no longer finite.
            Terminated: a signal to end came; the state of the last whole step is saved.
        """
        self.model.train()
        before, begun = self.seconds, time.monotonic()
        saved, ended, probing = begun, False, 0.0
        with after_this_step():
            while self.step < until and not ended:
                self._take_step(report, until)
                if self.probe is not None and self.step in self.probe_at:
                    started = time.monotonic()
                    self._score()
                    probing += time.monotonic() - started
                now = time.monotonic()
                self.seconds = before + now - begun - probing
                # The last state too, where much would be lost: what follows (evaluation) ends at once at a signal.
                due = now - saved > (save_every if self.step < until else save_every / 2)
                if self.world.agree(came() or due):
                    self.save(save_to)
                    saved, ended = time.monotonic(), self.world.agree(came())
        if ended:  # another process of this run was told to end
            raise Terminated(128 + signal.SIGTERM)

    def _take_step(self, report: Report | None, until: int) -> None:
        import torch

        spec, protocol = self.spec, self.spec.protocol
        rate = protocol.rate(self.step, spec.steps, spec.peak)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        first = self.step * protocol.sequences + self.mine.start
        rows = read_batch(self.manifest, self.streams, first, len(self.mine))
        batch = torch.from_numpy(rows).to(self.world.device)
        nats = world_step(self.world, self.model, self.optimizer, batch, self.precision, protocol.clip, self.micro)
        self.step += 1
        if not math.isfinite(nats):
            raise Diverged(
                f"the loss is {nats} at step {self.step} of {spec.steps}",
                where=spec.at(),
                remedy=f"lower training.learning_rate (it was {spec.peak:.3g})",
            )
        if self.step == spec.steps or self.step % max(1, spec.steps // TRACE_POINTS) == 0:
            self.trace.append((self.step * protocol.batch, round(nats, 5)))
        if report and self.world.is_main:
            report(self.step, until, nats)

    def _score(self) -> None:
        """The held-out losses at this step; the main process scores, the others wait at their next step."""
        if self.probe is not None and self.world.is_main and (losses := self.probe(self.world.bare(self.model))):
            self.heldout.append((self.step * self.spec.protocol.batch, losses))

    def save(self, path: Path) -> None:
        """Write the state atomically.

        Raises:
            Failure: a full disk.
        """
        progress = {"of": self.owner, "step": self.step, "began": self.began}
        progress |= {"trace": self.trace, "heldout": self.heldout, "seconds": self.seconds}
        self.world.save(path, self.model, self.optimizer, progress)

    def finished(self) -> Any:
        """The model whole, for evaluation and saving; all processes must ask for it."""
        return self.world.finished(self.model, self.make).eval()

    def _load(self, path: Path, owner: str) -> bool:
        progress = self.world.load(path, self.model, self.optimizer, owner)
        if progress is None:
            return False
        if progress["step"] > self.spec.steps:
            raise BadInput("holds more steps than the run has", where=path, remedy="delete it")
        self.step, self.began, self.seconds = progress["step"], progress["began"], progress["seconds"]
        self.trace = [tuple(point) for point in progress["trace"]]
        self.heldout = [tuple(point) for point in progress.get("heldout", [])]  # earlier versions kept none
        return True


@dataclass(frozen=True)
class Trained:
    """A finished training: the model, the losses ``(tokens, nats)`` along the way, and what it cost.

    ``seconds`` adds up over interrupted sessions; evaluation and saving are not in it. ``began`` is the step at which
    the run left its trunk: the steps before it were trained once for all its branches, and are not in ``seconds``.
    """

    model: Any
    manifest: Manifest
    trace: list[tuple[int, float]]
    seconds: float
    began: int = 0
    heldout: list[tuple[int, dict[str, float]]] = field(default_factory=list)


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
    probe: Probe | None = None,
    probe_at: Collection[int] = (),
) -> Trained:
    """Train ``spec`` on ``streams``, continuing from ``folder``'s saved state when there is one.

    A run that was interrupted, or that begins at a trunk's state, gives the same weights as an unbroken one.

    Args:
        precision: ``bf16`` (autocast) or ``float32``.
        save_every: seconds between saved states.
        trunk: folder with states of the run's trunk, by :func:`train_trunk`; used when the branch point is there.
        world: the processes that train it; all of them call this, and each is given the finished model.
        probe: scores the model on held-out text after the steps ``probe_at``; its time is not in ``seconds``.

    Raises:
        BadInput: a corpus is too small for the recipe, or the saved state is damaged or of another run.
        Failure: the loss is no longer finite.
    """
    session = Session(
        spec, streams, owner=spec.id, precision=precision, eos=eos, world=world, probe=probe, probe_at=probe_at
    )
    if not session.resume(folder / STATE) and trunk is not None:
        session.start_from(state_at(trunk, spec.branch), spec.trunk)
    try:
        session.advance(spec.steps, save_to=folder / STATE, report=report, save_every=save_every)
    except Diverged as error:
        error.trained = _trained(session, None)
        raise
    return _trained(session, session.finished())


def _trained(session: Session, model: Any) -> Trained:
    return Trained(model, session.manifest, session.trace, session.seconds, session.began, session.heldout)


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
    probe: Probe | None = None,
    probe_at: Collection[int] = (),
) -> float:
    """Train the stable part that runs share and write its state at each of ``stops``; the seconds that it took.

    States that are there stay, and the furthest one is gone on from: a budget added later costs what it adds.

    Args:
        spec: the longest of the runs. stops: branch points (:attr:`RunSpec.branch`), in steps.
        probe, probe_at: as in :func:`train_run`; what they gave is in the states.

    Raises:
        BadInput, Failure: see :func:`train_run`.
    """
    session = Session(spec, streams, owner=spec.trunk, precision=precision, eos=eos, probe=probe, probe_at=probe_at)
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
