"""The loss of a model on held-out domains, and by how often training showed the predicted token.

For the second the nats that each vocabulary entry costs as the predicted token are summed once; any binning of the
entries follows from these sums, and they add up over texts and processes.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.training.device import Diverged, best_device
from synthmix.training.model import step_loss
from synthmix.training.trainer import Stream

AVERAGING = "domains weigh the same (unweighted mean of the per-domain losses)"  # CHOSEN
EDGES = (1, 10, 100, 1000, 10_000)  # a bin below the first: never seen


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
        Diverged: a loss is not finite.
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
                raise Diverged(f"the loss is {nats}", where=name, remedy="the model is broken: train it again")
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


@dataclass(frozen=True)
class TokenLosses:
    """By predicted token: ``nats`` summed and times ``tokens`` it was predicted, both of shape (vocab_size,)."""

    nats: np.ndarray
    tokens: np.ndarray

    def __add__(self, other: "TokenLosses") -> "TokenLosses":
        return TokenLosses(self.nats + other.nats, self.tokens + other.tokens)

    def binned(self, train_counts: np.ndarray, edges: Sequence[int] = EDGES) -> "FrequencyLoss":
        """By training count of the predicted token.

        Raises:
            ValueError: counts of another vocabulary.
        """
        if len(train_counts) != len(self.tokens):
            raise ValueError(f"vocabularies of {len(train_counts)} and {len(self.tokens)} ids")
        bins = np.searchsorted(np.asarray(edges), train_counts, side="right")
        return FrequencyLoss(
            tuple(edges),
            np.bincount(bins, weights=self.nats, minlength=len(edges) + 1),
            np.bincount(bins, weights=self.tokens, minlength=len(edges) + 1).astype(np.int64),
        )


@dataclass(frozen=True)
class FrequencyLoss:
    """Per bin: ``nats`` summed and ``tokens`` predicted, both of shape (bins,), bins = edges + 1."""

    edges: tuple[int, ...]
    nats: np.ndarray
    tokens: np.ndarray

    @property
    def mean(self) -> list[float | None]:
        """Nats per token of each bin; None where the text has no such token."""
        return [float(n / t) if t else None for n, t in zip(self.nats, self.tokens, strict=True)]

    @property
    def of_tokens(self) -> np.ndarray:
        """Share of the held-out tokens in each bin."""
        return np.asarray(self.tokens / self.tokens.sum())

    @property
    def of_loss(self) -> np.ndarray:
        """Share of the whole loss in each bin."""
        return np.asarray(self.nats / self.nats.sum())


def bin_names(edges: Sequence[int] = EDGES) -> list[str]:
    """``never``, ``1 to 9``, ..., ``10000 or more``."""
    middle = [f"{a}" if b == a + 1 else f"{a} to {b - 1}" for a, b in pairwise(edges)]
    return ["never" if edges[0] == 1 else f"below {edges[0]}", *middle, f"{edges[-1]} or more"]


def losses_by_token(
    model: Any,
    stream: Stream,
    vocab_size: int,
    *,
    context: int,
    precision: str,
    max_tokens: int | None = None,
    batch: int = 16,
    name: str = "held-out text",
) -> TokenLosses:
    """Loss of ``model`` on a held-out stream, summed by predicted token.

    The same sequences as :func:`synthmix.evaluation.losses.evaluate_model` scores: the sums give its mean loss.

    Raises:
        BadInput: a text shorter than one sequence. ValueError: an id outside the vocabulary.
    """
    import torch

    model.eval()
    nats, tokens = np.zeros(vocab_size), np.zeros(vocab_size, dtype=np.int64)
    with torch.no_grad():
        for rows in batches(name, stream, context, max_tokens, batch):
            targets = rows[:, 1:].ravel()
            if targets.max() >= vocab_size:
                raise ValueError(f"token id {targets.max()} in a vocabulary of {vocab_size}")
            each = _nats(model, torch.from_numpy(rows).to(best_device()), precision)
            nats += np.bincount(targets, weights=each, minlength=vocab_size)
            tokens += np.bincount(targets, minlength=vocab_size)
    return TokenLosses(nats, tokens)


def document_nats(model: Any, ids: np.ndarray, *, context: int, batch: int = 16) -> np.ndarray:
    """Of every token of ``ids`` (n,) but the first, float64, shape (n - 1,), in windows of ``context`` predicted tokens
    without overlap."""
    import torch

    model.eval()
    each = np.zeros(len(ids) - 1)
    with torch.no_grad():
        for at in range(0, len(each), context * batch):
            rows = [ids[a : a + context + 1] for a in range(at, min(at + context * batch, len(each)), context)]
            filled = np.stack([np.pad(row, (0, len(rows[0]) - len(row))) for row in rows])
            found = _nats(model, torch.from_numpy(filled.astype(np.int64)).to(best_device()), "fp32")
            for row, nats in zip(rows, found.reshape(len(rows), -1), strict=True):
                each[at : at + len(row) - 1] = nats[: len(row) - 1]
                at += context
    return each


def _nats(model: Any, batch: Any, precision: str) -> np.ndarray:
    """Of every predicted token, float64, shape (sequences * context,)."""
    import torch

    with torch.autocast(batch.device.type, torch.bfloat16, enabled=precision == "bf16"):
        logits = model(input_ids=batch[:, :-1], use_cache=False).logits
    found = torch.nn.functional.cross_entropy(logits.float().flatten(0, 1), batch[:, 1:].flatten(), reduction="none")
    return np.asarray(found.double().cpu().numpy())
