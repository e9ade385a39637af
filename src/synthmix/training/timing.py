"""How fast this machine trains: a few timed steps per size, for the plan."""

import statistics
import time
from collections.abc import Mapping

from synthmix.training.compiled import prepare
from synthmix.training.device import best_device
from synthmix.training.model import make_model, optimizer_for
from synthmix.training.protocol import Protocol
from synthmix.training.shape import Shape
from synthmix.training.step import train_step

TIMED_FLOPS = 2e12  # a few seconds of a laptop: larger models are scaled from the largest timed one


def tokens_per_second(
    shape: Shape, vocab: int, protocol: Protocol, precision: str, steps: int = 4, flops: float = 0.0
) -> float:
    """Median training speed over ``steps`` steps (after one that warms up) on random tokens.

    Args:
        flops: of the runs to come, which are compiled, and so timed compiled, when long enough.
    """
    import torch

    model = make_model(shape, vocab, protocol.context, seed=0).to(best_device()).train()
    prepare(model, flops=flops, sequences=protocol.sequences, context=protocol.context, precision=precision)
    optimizer = optimizer_for(model, 1e-4, protocol.weight_decay, protocol.betas)
    batch = torch.randint(vocab, (protocol.sequences, protocol.context + 1), device=best_device())
    taken = []
    for _ in range(steps + 1):
        start = time.perf_counter()
        train_step(model, optimizer, batch, precision, protocol.clip)
        taken.append(time.perf_counter() - start)
    return protocol.batch / statistics.median(taken[1:])


def ladder_speeds(
    shapes: list[Shape],
    vocab: int,
    protocol: Protocol,
    precision: str,
    flops: Mapping[Shape, float] | None = None,
    *,
    most: float = TIMED_FLOPS,
) -> dict[Shape, float]:
    """Tokens per second of each shape; those too large to time in a few seconds are scaled by their FLOPs.

    Args:
        flops: of one run of each shape, compiled if that is; unset, steps are timed eager (unless compiling is
            forced).
        most: FLOPs of the steps of one shape that are spent on timing it.
    """
    speeds: dict[Shape, float] = {}
    timed: tuple[float, float] | None = None  # FLOPs per token and tokens per second of the largest timed shape
    for shape in sorted(shapes, key=lambda each: each.params):
        token = shape.flops_per_token(vocab, protocol.context)
        if timed is None or token * protocol.batch * 5 <= most:
            run = (flops or {}).get(shape, 0.0)
            timed = (token, tokens_per_second(shape, vocab, protocol, precision, flops=run))
            speeds[shape] = timed[1]
        else:
            speeds[shape] = timed[1] * timed[0] / token
    return speeds
