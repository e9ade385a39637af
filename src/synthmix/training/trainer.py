"""The loop that trains one run: exact order, resume in the middle, a clear end."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput, Failure
from synthmix.mixture.manifest import Manifest, make_manifest
from synthmix.training.batches import Stream, read_batch
from synthmix.training.device import best_device
from synthmix.training.model import make_model, optimizer_for
from synthmix.training.spec import RunSpec
from synthmix.training.state import load_state, save_state
from synthmix.training.step import train_step

Report = Callable[[int, int, float], None]  # step, steps, latest training loss
TRACE_POINTS = 50


@dataclass(frozen=True)
class Trained:
    """A finished training: the model, the training losses ``[tokens, nats]`` along the way, and what it cost.

    ``seconds`` adds up over interrupted sessions; evaluation and saving are not in it.
    """

    model: Any
    manifest: Manifest
    trace: list[tuple[int, float]]
    seconds: float


def train_run(
    spec: RunSpec,
    streams: Mapping[str, Stream],
    folder: Path,
    *,
    precision: str,
    eos: int | None = None,
    report: Report | None = None,
    save_every: float = 60.0,
) -> Trained:
    """Train ``spec`` on ``streams``, continuing from ``folder``'s saved state when there is one.

    A run that was interrupted gives the same weights as an unbroken one: data order, schedule and optimizer
    depend on the step alone, and no random number is drawn after the initialisation.

    Args:
        precision: ``bf16`` (autocast) or ``float32``.
        save_every: seconds between saved states.

    Raises:
        BadInput: a corpus is too small for the recipe, or the saved state is damaged.
        Failure: the loss is no longer finite.
    """
    import torch

    protocol = spec.protocol
    available = {name: len(streams[name]) for name in spec.shares}
    sequences = spec.steps * protocol.sequences
    manifest = make_manifest(
        spec.mixture, sequences, protocol.context, available, seed=spec.seed, epochs=protocol.epochs
    )
    device = best_device()
    model = make_model(spec.shape, spec.vocab, protocol.context, spec.seed, eos).to(device)
    optimizer = optimizer_for(model, spec.peak, protocol.weight_decay, protocol.betas)
    progress = load_state(folder, model, optimizer) or {"step": 0, "trace": [], "seconds": 0.0}
    if progress["step"] > spec.steps:
        raise BadInput("holds more steps than the run has", where=folder, remedy="delete it")
    trace: list[tuple[int, float]] = [tuple(point) for point in progress["trace"]]
    model.train()
    begun = saved = time.monotonic()
    for step in range(progress["step"], spec.steps):
        rate = protocol.rate(step, spec.steps, spec.peak)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = torch.from_numpy(read_batch(manifest, streams, step * protocol.sequences, protocol.sequences))
        nats = train_step(model, optimizer, batch.to(device), precision, protocol.clip)
        if not math.isfinite(nats):
            raise Failure(
                f"the loss is {nats} at step {step + 1} of {spec.steps}",
                where=spec.at(),
                remedy=f"lower training.learning_rate (it was {spec.peak:.3g})",
            )
        done = step + 1
        if done == spec.steps or done % max(1, spec.steps // TRACE_POINTS) == 0:
            trace.append((done * protocol.batch, round(nats, 5)))
        if report:
            report(done, spec.steps, nats)
        now = time.monotonic()
        if now - saved > save_every and done < spec.steps:
            seconds = progress["seconds"] + now - begun
            save_state(folder, model, optimizer, {"step": done, "trace": trace, "seconds": seconds})
            saved = time.monotonic()
    model.eval()
    return Trained(model, manifest, trace, progress["seconds"] + time.monotonic() - begun)
