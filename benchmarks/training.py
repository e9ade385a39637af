"""Training speed of synthmix's workers against transformers' loops, and which trick gives what; markdown tables.

    python benchmarks/training.py [--sizes 100k 1M] [--seconds 2] [--rounds 5] [--tables speed tricks loss data]

Contenders take turns, so a noisy machine is noisy for all; figures are medians over the rounds, ratios medians of
each round's ratio. The yardsticks are what one would write first (LlamaForCausalLM, float32, eager, AdamW, all threads)
and the better of two compiled bf16 ones (explicit or fused attention, all threads). Compiling the contenders takes
minutes at first; afterwards they come from inductor's cache.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from training_contenders import Contender, Loop, Work

CORES = os.cpu_count() or 1
PLAIN = Loop("plain transformers, float32, eager, all threads")
BEST = [
    Loop("transformers, bf16 + compile, explicit attention", bf16=True, attention="eager", compile=True),
    Loop("transformers, bf16 + compile, fused attention", bf16=True, attention="sdpa", compile=True),
]
OURS = Loop("one worker", threads=1, own=True, bf16=True, heap=True, compile=True)
WIDE = Loop("one process, all threads", own=True, bf16=True, heap=True, compile=True)
LARGE = 5_000_000  # from here on the engine may choose one process with all threads
TRICKS = [  # each with what those above it have
    Loop("plain transformers, float32, eager", threads=1),
    Loop("+ bf16 autocast", threads=1, bf16=True),
    Loop("+ explicit attention", threads=1, bf16=True, attention="eager"),
    Loop("+ a heap that keeps its pages", threads=1, bf16=True, attention="eager", heap=True),
    Loop("+ our own module", threads=1, own=True, bf16=True, heap=True),
    Loop("+ torch.compile, layer by layer", threads=1, own=True, bf16=True, heap=True, compile=True),
]


def median(values: list[float]) -> float:
    """Short for the one of statistics."""
    return statistics.median(values)


def play(teams: dict[str, list[Contender]], seconds: float, rounds: int) -> dict[str, list[float]]:
    """Each team's tokens/s in each round: its members run at once, the teams in turn."""
    for team in teams.values():
        for contender in team:
            contender.ready()
    found: dict[str, list[float]] = {name: [] for name in [*teams, "peak"]}
    for _ in range(rounds):
        for name, team in teams.items():
            for contender in team:
                contender.turn(seconds)
            found[name].append(sum(contender.result() for contender in team))
        found["peak"].append(gemm_peak())
    for team in teams.values():
        for contender in team:
            contender.close()
    return found


def gemm_peak() -> float:
    """FLOP/s of the best of some bf16 products of 2048 x 2048 on all threads."""
    import torch

    torch.set_num_threads(CORES)
    a = torch.ones(2048, 2048, dtype=torch.bfloat16)
    taken = []
    for _ in range(8):
        begun = time.perf_counter()
        a @ a
        taken.append(time.perf_counter() - begun)
    return 2 * 2048**3 / min(taken)


def ratio(over: list[float], under: list[float]) -> float:
    """Median of the rounds' ratios."""
    return median([a / b for a, b in zip(over, under, strict=True)])


def speed(work: Work, seconds: float, rounds: int) -> str:
    """A row of the table of speeds."""
    from synthmix.quantities import format_count
    from synthmix.training.shape import shape_for

    loops = {"plain": [PLAIN], "explicit": [BEST[0]], "fused": [BEST[1]], "one": [OURS], "all": [OURS] * CORES}
    if work.params >= LARGE and CORES > 1:
        loops["wide"] = [WIDE]
    found = play({name: [Contender(loop, work) for loop in team] for name, team in loops.items()}, seconds, rounds)
    best = max(("explicit", "fused"), key=lambda name: median(found[name]))
    ours = max(("all", "wide"), key=lambda name: median(found.get(name, [0.0])))
    token = shape_for(work.params).flops_per_token(work.vocab, work.context)
    share = median([tokens * token / peak for tokens, peak in zip(found[ours], found["peak"], strict=True)])
    bound = median([peak / token / tokens for tokens, peak in zip(found["plain"], found["peak"], strict=True)])
    wide = f"{median(found['wide']):,.0f}" if "wide" in found else ""
    figures = [f"{median(found[name]):,.0f}" for name in ("plain", best, "one", "all")]
    cells = [format_count(work.params), figures[0], f"{figures[1]} ({best})", *figures[2:], wide]
    cells += [f"{ratio(found[ours], found['plain']):.2f}", f"{ratio(found[ours], found[best]):.2f}"]
    cells += [f"{share:.0%} of {median(found['peak']) / 1e9:.0f}", f"{bound:.2f}"]
    return f"| {' | '.join(cells)} |"


def tricks(work: Work, seconds: float, rounds: int) -> list[str]:
    """The table of what each trick gives, one thread; then all workers against one."""
    teams = {loop.name: [Contender(loop, work)] for loop in TRICKS}
    one = TRICKS[-1]
    teams["one worker a core"] = [Contender(one, work) for _ in range(CORES)]
    teams["one process, all threads (instead)"] = [Contender(WIDE, work)]
    found = play(teams, seconds, rounds)
    names = list(teams)
    before = [names[max(0, i - 1)] for i in range(len(TRICKS))] + [one.name] * 2
    return [
        f"| {name} | {median(found[name]):,.0f} | {ratio(found[name], found[last]):.2f} "
        f"| {ratio(found[name], found[names[0]]):.2f} |"
        for name, last in zip(names, before, strict=True)
    ]


def losses(work: Work, steps: int) -> list[str]:
    """Final losses (mean of the last tenth) of both loops from the same weights on the same batches, by seed."""
    import numpy as np

    rows = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        follow = rng.integers(0, work.vocab, (work.vocab, 4))  # a chain: each token has four successors, ln 4 nats
        at = rng.integers(0, work.vocab, work.batch // work.context)
        batches = np.empty((steps, len(at), work.context + 1), dtype=np.int64)
        for step in range(steps):
            for column in range(work.context + 1):
                batches[step, :, column] = at
                at = follow[at, rng.integers(0, 4, len(at))]
        final = []
        for loop in (PLAIN, OURS):
            contender = Contender(loop, Work(work.params, work.vocab, work.context, work.batch, seed))
            contender.ready()
            final.append(float(np.mean(contender.losses(batches)[-max(1, steps // 10) :])))
            contender.close()
        rows.append(final)
    spread = np.std([row[0] for row in rows], ddof=1)
    lines = [f"| {i} | {a:.4f} | {b:.4f} | {b - a:+.4f} |" for i, (a, b) in enumerate(rows)]
    return [*lines, f"| standard deviation over seeds | {spread:.4f} | {np.std([r[1] for r in rows], ddof=1):.4f} | |"]


def data(work: Work, steps: int = 200) -> tuple[float, float]:
    """Milliseconds to read a step's batch from a memory-mapped stream by a manifest of two sources, and of the step."""
    from fractions import Fraction

    import numpy as np

    from synthmix.mixture.manifest import make_manifest
    from synthmix.mixture.recipe import make_recipe
    from synthmix.training.trainer import read_batch

    with tempfile.TemporaryDirectory() as folder:
        path, rows = Path(folder) / "tokens.npy", work.batch // work.context
        np.save(path, np.random.default_rng(0).integers(0, work.vocab, steps * work.batch, dtype=np.uint16))
        recipe = make_recipe("two", {"a": Fraction(2, 3), "b": Fraction(1, 3)})
        sizes = {"a": steps * work.batch, "b": steps * work.batch}
        manifest = make_manifest(recipe, steps * rows, work.context, sizes, seed=0, epochs=2)
        streams = {name: _Mapped(path) for name in sizes}
        begun = time.perf_counter()
        for step in range(steps):
            read_batch(manifest, streams, step * rows, rows)
        reading = (time.perf_counter() - begun) / steps
    contender = Contender(OURS, work)
    contender.ready()
    contender.turn(2.0)
    training = work.batch / contender.result()
    contender.close()
    return 1e3 * reading, 1e3 * training


class _Mapped:
    """A stream over a memory-mapped file, as a corpus's is."""

    def __init__(self, path: Path) -> None:
        import numpy as np

        self.tokens = np.load(path, mmap_mode="r")

    def __len__(self) -> int:
        return len(self.tokens)

    def read(self, start: int, stop: int):  # type: ignore[no-untyped-def]
        return self.tokens[start:stop]


def main() -> None:
    from synthmix.quantities import format_count, parse_count

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=["100k", "400k", "1M", "10M"], type=parse_count)
    parser.add_argument("--seconds", type=float, default=2, help="of a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--batch", type=int, default=4096, help="tokens a step")
    parser.add_argument("--tricks-at", type=parse_count, default=1_000_000)
    parser.add_argument("--loss-steps", type=int, default=60)
    names = ["speed", "tricks", "loss", "data"]
    parser.add_argument("--tables", nargs="+", choices=names, default=names)
    given = parser.parse_args()

    def work(params: int) -> Work:
        return Work(params, given.vocab, given.context, given.batch)

    where = f"context {given.context}, vocabulary {given.vocab}, {given.batch} tokens a step"
    print(f"{CORES} cores; {where}; tokens/s, medians of {given.rounds} turns of {given.seconds:g} s", flush=True)
    if "speed" in given.tables:
        print(f"\n| N | plain transformers | best transformers | one worker | {CORES} workers | one process |", end="")
        print(" ratio to plain | ratio to best | of the GEMM peak, GFLOP/s | plain's ratio to that peak |")
        print("|---" * 10 + "|")
        for params in given.sizes:
            print(speed(work(params), given.seconds, given.rounds), flush=True)
    if "tricks" in given.tables:
        print(f"\n| at {format_count(given.tricks_at)}, one thread | tokens/s | times the row before | times plain |")
        print("|---|---|---|---|")
        print("\n".join(tricks(work(given.tricks_at), given.seconds, given.rounds)), flush=True)
    if "loss" in given.tables:
        steps = f"loss of {format_count(given.tricks_at)} after {given.loss_steps} steps, by seed"
        print(f"\n| {steps} | plain transformers, float32 | ours, bf16, compiled | difference |")
        print("|---|---|---|---|")
        print("\n".join(losses(work(given.tricks_at), given.loss_steps)), flush=True)
    if "data" in given.tables:
        print("\n| N | reading a batch, ms | a step, ms | share |\n|---|---|---|---|")
        for params in (min(given.sizes), max(given.sizes)):
            reading, step = data(work(params))
            print(f"| {format_count(params)} | {reading:.2f} | {step:.1f} | {reading / step:.2%} |", flush=True)


if __name__ == "__main__":
    main()
