"""Demonstration 4: five generations, each generator trained on the last one's text mixed with natural text.

    nice -n 15 python examples/three-phases/generations.py

Zipf facts; every generation is a fresh Llama trained on 24,000 facts, of which a share is real (new facts drawn from
the real frequencies), the rest written by the generation before it at top-p 0.95 (`replace`), or drawn from the pool of
everything written so far and the first natural text (`accumulate`). Keys and values are the generator's own, so errors
are handed on. Tail: ranks 64 and above.
"""

import numpy as np
from facts import Source, World, best_values, key_probabilities, learn, new_model, right, told
from sample_generator import distribution
from saved import arguments, once

WORLD, FACTS, GENERATIONS, TOP_P = World(), 24_000, 5, 0.95
CASES = [(share, accumulate) for share in (0.0, 0.1, 0.5) for accumulate in (False, True)]


class Pool(Source):
    """Facts that were written down: keys with the values they were given (n, 2)."""

    def __init__(self, facts: np.ndarray, seed: int) -> None:
        counts = np.zeros((WORLD.items, 64))
        np.add.at(counts, (facts[:, 0], facts[:, 1]), 1)
        totals = counts.sum(axis=1)
        super().__init__(totals, seed, counts / np.maximum(totals, 1)[:, None])


def lineage(share: float, accumulate: bool) -> list[dict]:
    """Five generations of one case."""
    import torch

    torch.set_num_threads(1)
    rng, rows = np.random.default_rng(0), []
    first = Source(WORLD.p, 1).draw(FACTS)
    written = np.stack([first, WORLD.values[first]], axis=1)
    pool = [written]
    for generation in range(GENERATIONS + 1):
        facts = np.concatenate(pool) if accumulate else pool[-1]
        parts = [(1.0 if generation == 0 else 1 - share, Pool(facts, generation))]
        if generation and share:
            parts.append((share, Source(WORLD.p, 100 + generation)))
        model = new_model(WORLD, generation)
        learn(model, WORLD, parts, np.array([FACTS]), seed=generation, rate=3e-3, whole=True)
        keys, values = key_probabilities(model, WORLD), best_values(model, WORLD)
        good, p = right(model, WORLD), WORLD.p
        source = Source(distribution(keys, {"top_p": TOP_P}), 200 + generation, values)
        drawn = source.draw(FACTS)
        pool.append(np.stack([drawn, told(source, drawn, rng)], axis=1))
        entropy = float(-(keys * np.log(np.maximum(keys, 1e-30))).sum())
        true = values[np.arange(WORLD.items), WORLD.values]
        rows.append({
            "generation": generation,
            "error": float(p @ ~good),
            "loss": float(-(p * np.log(keys)).sum() - (p * np.log(true)).sum()) / 2,
            "coverage": float(p[np.unique(drawn)].sum()),
            "distinct": len(np.unique(drawn)),
            "entropy": entropy,
            "tail": float(good[63:].mean()),
        })  # fmt: skip
    return rows


def main() -> None:
    asked = arguments(__doc__)
    print("| real share | text | generation | error rate | loss, nats/token | real mass covered | distinct facts | "
          "entropy of keys | tail accuracy |\n" + "|---" * 9 + "|")  # fmt: skip
    for share, accumulate in CASES:
        kind = "accumulate" if accumulate else "replace"
        rows = once(asked.to / "generations" / f"{kind}-real{share:g}.json", lineage, share, accumulate)
        for row in rows:
            if row["generation"] in (0, 1, 3, 5):
                cells = [f"{row[name]:.3f}" for name in ("error", "loss", "coverage")]
                cells += [str(row["distinct"]), f"{row['entropy']:.2f}", f"{row['tail']:.1%}"]
                print(f"| {share:g} | {kind} | {row['generation']} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
