"""Demonstration 2b: the same worlds as data sets: n facts are collected, and a Llama learns the distinct ones.

    nice -n 15 python examples/three-phases/learn_distinct.py

Every n is a model of its own, trained on the distinct facts of a sample of n until it knows them (deduplicated data,
many epochs), so nothing is forgotten between two exposures: the learner that the theory is about. Demonstration 2a
(learn_facts.py) is the other extreme, one pass over the stream.
"""

import numpy as np
from facts import VALUES, World, new_model, new_optimizer, score, step, text
from saved import arguments, once

WORLD = World()
#: (real share pi, cutoff k)
MIXTURES = [(1.0, np.inf), (1e-1, 24), (3e-2, 24), (1e-2, 24), (1e-2, 12), (1e-2, 48), (1e-3, 24)]
POINTS, SEEDS, EPOCHS = 24, 3, 40


def learned(pi: float, k: float, n: int, seed: int) -> dict:
    """Collect n facts, learn the distinct ones, score."""
    import torch

    torch.set_num_threads(1)
    q = WORLD.setting(k, pi).shown(np.arange(1, WORLD.items + 1))
    rng = np.random.default_rng([seed, n])
    distinct = np.flatnonzero(rng.multinomial(n, q / q.sum()))
    model = new_model(WORLD, seed)
    optimizer, done, total = new_optimizer(model, 3e-3), 0, EPOCHS * len(distinct)
    while done < total:
        keys = rng.permutation(distinct)
        for start in range(0, len(keys), 64):
            for group in optimizer.param_groups:
                group["lr"] = 3e-3 * max(0.02, 1 - done / total)
            step(model, optimizer, text(WORLD, keys[start : start + 64]), whole=False)
            done += len(keys[start : start + 64])
    return {"n": n, "distinct": len(distinct), **score(model, WORLD)}


def curve(pi: float, k: float, grid: np.ndarray) -> list[dict]:
    """Every n with several samples."""
    return [{"seed": seed, **learned(pi, k, int(n), seed)} for seed in range(SEEDS) for n in grid]


def main() -> None:
    from synthmix.files import write_text
    from synthmix.phases.detection import detect_phases
    from synthmix.theory import Setting, breakpoints, exact

    from synthmix.cli.phases import shown  # isort: skip

    told = arguments(__doc__)
    lines = ["pi,k,seed,n,loss"]
    print("| pi | k | verdict | n1 | theory | n2 | theory | median off the exact curve |\n" + "|---" * 8 + "|")
    for pi, k in MIXTURES:
        world = Setting(WORLD.beta, k=k, pi=pi, b=1 / VALUES, items=WORLD.items)
        ends = breakpoints(world if np.isfinite(k) else world.replace(k=100))
        last = min(30 * ends.n2, 2e3 / pi) if np.isfinite(k) else 2e3  # before the finite number of items shows
        grid = np.unique(np.geomspace(30, last, POINTS).astype(int))
        name = f"pi{pi:g}-k{k:g}"
        rows = once(told.to / "distinct" / f"{name}.json", curve, pi, k, grid)
        n, loss = np.array([(row["n"], row["error"]) for row in rows], dtype=float).T
        lines += [f"{pi:g},{k:g},{row['seed']},{row['n']},{row['error']}" for row in rows]
        found = detect_phases(n, loss, floor=0.0)
        off = np.median(np.abs(loss / exact(world, n).excess - 1))
        theory = [f"{ends.n1:.3g}", f"{ends.n2:.3g}"] if np.isfinite(k) else ["none", "none"]
        print(
            f"| {pi:g} | {k:g} | {found.verdict} | {shown(found.n1)} | {theory[0]} | {shown(found.n2)} | {theory[1]} "
            f"| {off:.1%} |",
            flush=True,
        )
        print(f"  {found.reason}")
    write_text(told.to / "distinct.csv", "\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
