"""Training tokens/s of a synthmix worker and of all workers, against a plain transformers loop in the same run.

    python benchmarks/training.py [--sizes 100k 400k 1M] [--seconds 6]

The yardstick is what one would write first: LlamaForCausalLM, float32, default attention, AdamW, all threads. Each
figure is the median of several rounds in which the contenders take turns, so that a noisy machine is noisy for all.
"""

import argparse
import multiprocessing
import os
import statistics
import time

CONTEXT, VOCAB, BATCH = 128, 2048, 4096


def plain(params: int, seconds: float) -> float:
    """Tokens/s of the plain loop on all threads."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    from synthmix.training.shape import shape_for

    shape = shape_for(params)
    config = LlamaConfig(
        vocab_size=VOCAB,
        hidden_size=shape.width,
        intermediate_size=shape.hidden,
        num_hidden_layers=shape.depth,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    batch = torch.randint(VOCAB, (BATCH // CONTEXT, CONTEXT))

    def step() -> None:
        loss = model(input_ids=batch, labels=batch).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return _rate(step, seconds)


def ours(params: int, seconds: float) -> float:
    """Tokens/s of one synthmix worker: the trainer's own step, precision and settings, one thread."""
    import torch

    from synthmix.training.device import faster_precision, keep_heap, use_threads
    from synthmix.training.model import make_model, optimizer_for
    from synthmix.training.shape import shape_for
    from synthmix.training.step import train_step

    keep_heap()
    use_threads(1)
    precision = faster_precision()
    model = make_model(shape_for(params), VOCAB, CONTEXT, seed=0)
    optimizer = optimizer_for(model, 1e-3, 0.1, (0.9, 0.95))
    batch = torch.randint(VOCAB, (BATCH // CONTEXT, CONTEXT + 1))

    def step() -> None:
        train_step(model, optimizer, batch, precision, clip=1.0)

    return _rate(step, seconds)


def _rate(step, seconds: float) -> float:  # type: ignore[no-untyped-def]
    for _ in range(2):
        step()
    begun, steps = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        step()
        steps += 1
    return steps * BATCH / (time.perf_counter() - begun)


def together(contender, params: int, seconds: float, processes: int) -> float:  # type: ignore[no-untyped-def]
    """Sum of the rates of fresh processes that run at the same time."""
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return sum(pool.starmap(contender, [(params, seconds)] * processes))


def main() -> None:
    from synthmix.quantities import format_count, parse_count

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["25k", "100k", "400k", "1M"])
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    cores = os.cpu_count() or 1
    print(f"{cores} cores; context {CONTEXT}, vocabulary {VOCAB}, {BATCH} tokens a step; medians of {arguments.rounds}")
    print("| N | plain transformers, float32, all threads | one synthmix worker | all workers | ratio |")
    print("|---|---|---|---|---|")
    for size in map(parse_count, arguments.sizes):
        rounds = [
            (
                together(plain, size, arguments.seconds, 1),
                together(ours, size, arguments.seconds, 1),
                together(ours, size, arguments.seconds, cores),
            )
            for _ in range(arguments.rounds)
        ]
        base, one, every = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(each[2] / each[0] for each in rounds)
        print(f"| {format_count(size)} | {base:,.0f} | {one:,.0f} | {every:,.0f} | {ratio:.2f} |", flush=True)


if __name__ == "__main__":
    main()
