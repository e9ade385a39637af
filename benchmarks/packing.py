"""Small models packed on one GPU against one after the other: tokens/s of all workers, in one run.

    python benchmarks/packing.py [--sizes 1M 10M] [--per-gpu 1 2 4 8]

Every worker is a LocalEngine process that trains the trainer's own model and step for a few seconds at the same time
as the others. Without a GPU there is nothing to pack, and the script says so. MFU: the share of the GPU's peak.
"""

import argparse
import sys
import time
from dataclasses import dataclass

CONTEXT, VOCAB, BATCH = 512, 8192, 16384


@dataclass(frozen=True)
class Probe:
    """What a worker trains, for how long."""

    params: int
    seconds: float


def train(probe: Probe) -> tuple[float, float, float]:
    """``(tokens, begun, ended)`` of one worker, by the machine's clock, compilation left out."""
    import torch

    from synthmix.training import compiled
    from synthmix.training.device import best_device
    from synthmix.training.model import make_model, optimizer_for, train_step
    from synthmix.training.shape import shape_for

    model = make_model(shape_for(probe.params), VOCAB, CONTEXT, seed=0).to(best_device())
    compiled.prepare(model, flops=1e30, sequences=BATCH // CONTEXT, context=CONTEXT, precision="bf16")
    model.train()
    optimizer = optimizer_for(model, 1e-3, 0.1, (0.9, 0.95))
    batch = torch.randint(VOCAB, (BATCH // CONTEXT, CONTEXT + 1), device=best_device())
    for _ in range(3):
        train_step(model, optimizer, batch, "bf16", 1.0)
    begun, steps = time.time(), 0
    while time.time() - begun < probe.seconds:
        train_step(model, optimizer, batch, "bf16", 1.0)
        steps += 1
    return float(steps * BATCH), begun, time.time()


def packed(params: int, workers: int, seconds: float) -> float:
    """Tokens/s of ``workers`` processes on one GPU, over the time in which all of them train."""
    from synthmix.engine import LocalEngine

    with LocalEngine[Probe, tuple[float, float, float]](workers, per_gpu=workers) as engine:
        for _ in range(2):  # the first round compiles, one worker after the other; in the second all overlap
            found = [value for _, value in engine.each(train, [Probe(params, seconds)] * workers)]
    for value in found:
        if isinstance(value, Exception):
            raise value
    return sum(tokens / (ended - begun) for tokens, begun, ended in found)


def main() -> None:
    from synthmix.engine.places import visible_gpus
    from synthmix.quantities import format_count, parse_count
    from synthmix.training.capabilities import mfu
    from synthmix.training.device import device_name
    from synthmix.training.shape import shape_for

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["1M", "10M", "100M"])
    parser.add_argument("--per-gpu", nargs="+", type=int, default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=10)
    arguments = parser.parse_args()
    if not visible_gpus():
        sys.exit("no GPU here: nothing to pack")
    print(f"{device_name()}; context {CONTEXT}, vocabulary {VOCAB}, {BATCH} tokens a step, bf16, compiled")
    print("| N | workers on the GPU | tokens/s together | against one | MFU |")
    print("|---|---|---|---|---|")
    for size in map(parse_count, arguments.sizes):
        alone = 0.0
        for workers in arguments.per_gpu:
            rate = packed(size, workers, arguments.seconds)
            alone = alone or rate
            share = mfu(rate, shape_for(size).flops_per_token(VOCAB, CONTEXT), device_name())
            told = "unknown" if share is None else f"{share:.1%}"
            print(f"| {format_count(size)} | {workers} | {rate:,.0f} | {rate / alone:.2f} | {told} |", flush=True)


if __name__ == "__main__":
    main()
