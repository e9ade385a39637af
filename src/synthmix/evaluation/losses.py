"""The loss of a model on held-out domains."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput, Failure
from synthmix.training.batches import Stream
from synthmix.training.device import best_device
from synthmix.training.step import step_loss

AVERAGING = "domains weigh the same (unweighted mean of the per-domain losses)"  # CHOSEN


@dataclass(frozen=True)
class HeldOut:
    """A held-out domain: its tokens, and bytes per token over the whole of it (end-of-document tokens counted)."""

    stream: Stream
    bytes_per_token: float


@dataclass(frozen=True)
class DomainLoss:
    """Mean loss over ``tokens`` predicted tokens of one domain."""

    nats: float
    bits_per_byte: float
    tokens: int


def evaluate_model(
    model: Any,
    domains: Mapping[str, HeldOut],
    *,
    context: int,
    precision: str,
    max_tokens: int | None = None,
    batch: int = 16,
) -> dict[str, DomainLoss]:
    """Loss per domain over sequences of ``context`` predicted tokens, without overlap.

    With ``max_tokens`` the sequences are spread evenly over the domain: the same ones for every model.

    Raises:
        BadInput: a domain is shorter than one sequence.
        Failure: a loss is not finite.
    """
    import torch

    model.eval()
    found = {}
    with torch.no_grad():
        for name, domain in domains.items():
            total, tokens = 0.0, 0
            for rows in batches(name, domain.stream, context, max_tokens, batch):
                loss = step_loss(model, torch.from_numpy(rows).to(best_device()), precision)
                total += float(loss) * rows[:, 1:].size
                tokens += rows[:, 1:].size
            nats = total / tokens
            if not math.isfinite(nats):
                raise Failure(f"the loss is {nats}", where=name, remedy="the model is broken: train it again")
            found[name] = DomainLoss(nats, nats / math.log(2) / domain.bytes_per_token, tokens)
    return found


def average(losses: Mapping[str, float]) -> float:
    """The average that a run is judged by: see ``AVERAGING``."""
    return sum(losses.values()) / len(losses)


def batches(name: str, stream: Stream, context: int, max_tokens: int | None, batch: int) -> Iterator[np.ndarray]:
    """Sequences of ``context + 1`` tokens without overlap, spread evenly: int64, shape (up to ``batch``, context + 1).

    Raises:
        BadInput: the stream is shorter than one sequence.
    """
    holds = (len(stream) - 1) // context
    if holds < 1:
        raise BadInput(
            f"{len(stream)} held-out tokens are less than one sequence of {context}",
            where=name,
            key="evaluate",
            remedy="hold out more text or shorten training.context",
        )
    wanted = holds if max_tokens is None else max(1, min(holds, max_tokens // context))
    starts = (np.arange(wanted) * holds // wanted) * context
    for first in range(0, wanted, batch):
        yield np.stack([stream.read(int(s), int(s) + context + 1) for s in starts[first : first + batch]]).astype(
            np.int64
        )
