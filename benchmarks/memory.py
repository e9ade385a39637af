"""Peak memory of a worker that trains, measured, against the estimate that plan and engine go by.

    python benchmarks/memory.py [--sizes 100k 1M 5M 20M] [--precision bf16]

Each size in a fresh process: the trainer's own model, optimizer and step, three steps, the kernel's own count of the
largest resident set (VmHWM). The base, a process that has trained a tiny model, is taken off both sides.
"""

import argparse
import multiprocessing
import os
import resource

CONTEXT, VOCAB, BATCH = 128, 4096, 4096


def measured(params: int, precision: str, compile_it: bool) -> tuple[float, float]:
    """Bytes of the base and of the peak."""
    os.environ["SYNTHMIX_COMPILE"] = str(int(compile_it))
    import torch

    from synthmix.training import compiled
    from synthmix.training.device import keep_heap, use_threads
    from synthmix.training.model import make_model, optimizer_for, train_step
    from synthmix.training.shape import shape_for

    keep_heap()
    use_threads(1)

    def train(size: int, vocab: int, context: int, batch: int, steps: int) -> float:
        model = make_model(shape_for(size), vocab, context, seed=0)
        if compile_it and size == params:
            compiled.prepare(model, flops=1e30, sequences=batch // context, context=context, precision=precision)
        optimizer = optimizer_for(model, 1e-3, 0.1, (0.9, 0.95))
        ids = torch.randint(vocab, (batch // context, context + 1))
        for _ in range(steps):
            train_step(model, optimizer, ids, precision, 1.0)
        return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    return train(25_000, 64, 16, 256, 1), train(params, VOCAB, CONTEXT, BATCH, 3)


def main() -> None:
    from synthmix.quantities import format_count, parse_count
    from synthmix.training.memory import BASE, run_memory
    from synthmix.training.shape import shape_for

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["100k", "1M", "5M", "20M"])
    parser.add_argument("--precision", nargs="+", default=["bf16", "float32"])
    parser.add_argument("--compiled", action="store_true", help="with torch.compile as well (minutes)")
    arguments = parser.parse_args()
    print(f"context {CONTEXT}, vocabulary {VOCAB}, {BATCH} tokens a step; MiB above the base")
    print("| N | precision | compiled | base | measured | estimate | estimate / measured |")
    print("|---|---|---|---|---|---|---|")
    for compile_it in (False, True) if arguments.compiled else (False,):
        for precision in arguments.precision:
            for size in map(parse_count, arguments.sizes):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    base, peak = pool.apply(measured, (size, precision, compile_it))
                shape = shape_for(size)
                told = run_memory(shape, VOCAB, BATCH, CONTEXT, precision, compiled=compile_it) - BASE
                cells = [format_count(size), precision, "yes" if compile_it else "no"]
                cells += [f"{bytes_ / 2**20:.0f}" for bytes_ in (base, peak - base, told)]
                print("| " + " | ".join([*cells, f"{told / (peak - base):.2f}"]) + " |", flush=True)


if __name__ == "__main__":
    main()
