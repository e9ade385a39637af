"""A model in training: its exact order of text, its saved state, and the loop that takes it from step to step."""

import math
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput, Failure
from synthmix.mixture.manifest import make_manifest
from synthmix.training.batches import Stream, read_batch
from synthmix.training.compiled import prepare
from synthmix.training.memory import at_once
from synthmix.training.model import make_model, optimizer_for
from synthmix.training.parallel import ALONE, World, world_step
from synthmix.training.spec import RunSpec

Report = Callable[[int, int, float], None]  # step, steps, latest training loss
TRACE_POINTS = 50


class Session:
    """A run (or the trunk of several) at some step. Nothing but the step decides data, rate and optimizer, and no
    random number is drawn after the initialisation: continued from its state it gives the same weights.

    Attributes:
        step: steps taken since the initialisation. trace: ``(tokens, nats)`` along the way, the trunk's part too.
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
        """Train up to step ``until``, saving the state every ``save_every`` seconds.

        Raises:
            Failure: the loss is no longer finite.
        """
        import torch

        spec, protocol = self.spec, self.spec.protocol
        self.model.train()
        before, begun = self.seconds, time.monotonic()
        saved = begun
        while self.step < until:
            rate = protocol.rate(self.step, spec.steps, spec.peak)
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            first = self.step * protocol.sequences + self.mine.start
            rows = read_batch(self.manifest, self.streams, first, len(self.mine))
            batch = torch.from_numpy(rows).to(self.world.device)
            nats = world_step(self.world, self.model, self.optimizer, batch, self.precision, protocol.clip, self.micro)
            self.step += 1
            if not math.isfinite(nats):
                raise Failure(
                    f"the loss is {nats} at step {self.step} of {spec.steps}",
                    where=spec.at(),
                    remedy=f"lower training.learning_rate (it was {spec.peak:.3g})",
                )
            if self.step == spec.steps or self.step % max(1, spec.steps // TRACE_POINTS) == 0:
                self.trace.append((self.step * protocol.batch, round(nats, 5)))
            if report and self.world.is_main:
                report(self.step, until, nats)
            now = time.monotonic()
            self.seconds = before + now - begun
            if self.step < until and self.world.agree(now - saved > save_every):
                self.save(save_to)
                saved = time.monotonic()

    def save(self, path: Path) -> None:
        """Write the state atomically.

        Raises:
            Failure: a full disk.
        """
        progress = {"of": self.owner, "step": self.step, "began": self.began}
        progress |= {"trace": self.trace, "seconds": self.seconds}
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
        return True
