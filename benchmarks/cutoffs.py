"""The cutoff of synthetic text, estimated from 200,000 tokens of each text, against the known one: a markdown table.

    python benchmarks/cutoffs.py [--runs 100]

Facts with Zipf frequencies (beta 1.2 to 1.8, 20,000 of them). The generator knows them up to a rank (hard cut), or
samples with top-p, or with a temperature of 0.6 to 0.9. The true cutoff of the last is the rank at which synthetic
text shows half of what natural text does. Cutoffs lie between 15 and the rank that 100,000 tokens show ten times:
those of the first two are drawn log-uniformly. Two minutes on one core.
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np

from synthmix.phases.estimation import estimate_phases
from synthmix.theory import Setting, top_p_cutoff

ITEMS, TOKENS = 20_000, 200_000
LEVEL = 0.9


class Drawn:
    """Ids in memory as a stream."""

    def __init__(self, p: np.ndarray, seed: np.random.Generator) -> None:
        cumulative = np.cumsum(p)
        self.ids = np.searchsorted(cumulative / cumulative[-1], seed.random(TOKENS), side="right")

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.ids[start:stop]


def world(rng: np.random.Generator, kind: str) -> tuple[np.ndarray, np.ndarray, float]:
    """(natural frequencies, synthetic ones, the true cutoff)."""
    while True:
        beta = rng.uniform(1.2, 1.8)
        ranks = np.arange(1, ITEMS + 1)
        p = Setting(beta, items=ITEMS).natural(ranks)
        deepest = float(np.sum(p * TOKENS / 2 >= 10))
        if kind == "temperature":
            heat = rng.uniform(0.6, 0.9)
            narrowed = p ** (1 / heat)
            narrowed /= narrowed.sum()
            k = float(np.sum(narrowed >= p / 2))
        else:
            k = float(np.exp(rng.uniform(np.log(15), np.log(max(deepest, 16)))))
            if kind == "top-p":
                top_p = float(p[: int(k)].sum())
                k = min(top_p_cutoff(beta, top_p), float(np.searchsorted(np.cumsum(p), top_p - 1e-12) + 1))
            k = float(int(k))
            narrowed = np.where(ranks <= k, p, 0.0)
        if 15 <= k <= deepest:
            return p, narrowed, k


def table(runs: int) -> Iterator[str]:
    yield "| generator | worlds | found | median error | within 25 % | 90 % intervals cover | half width | seconds |"
    yield "|---|---|---|---|---|---|---|---|"
    everything: list[np.ndarray] = []
    for number, kind in enumerate(("hard cut", "top-p", "temperature")):
        rng, rows, began = np.random.default_rng(number), [], time.perf_counter()
        for seed in range(runs):
            p, q, k = world(rng, kind)
            names = rng.permutation(ITEMS)
            texts = [Drawn(each[names], rng) for each in (p, q)]
            (found,) = estimate_phases(*texts, ITEMS, orders=(1,), resamples=300, level=LEVEL, seed=seed)
            if found.k.mid is not None:
                rows.append((found.k.mid / k - 1, found.k.low <= k <= found.k.high,
                             (found.k.high - found.k.low) / 2 / found.k.mid))  # fmt: skip
        values = np.array(rows, float).reshape(-1, 3)
        everything.append(values)
        yield _row(kind, runs, values, time.perf_counter() - began)
    yield _row("all", 3 * runs, np.concatenate(everything), 0.0)


def _row(kind: str, runs: int, values: np.ndarray, seconds: float) -> str:
    off = np.abs(values[:, 0])
    return (
        f"| {kind} | {runs} | {len(values) / runs:.0%} | {np.median(off):.1%} | {(off <= 0.25).mean():.1%} | "
        f"{values[:, 1].mean():.1%} | {np.median(values[:, 2]):.0%} | {f'{seconds:.0f}' if seconds else ''} |"
    )


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=100)
    for line in table(options.parse_args().runs):
        print(line, flush=True)
