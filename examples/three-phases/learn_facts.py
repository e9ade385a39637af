"""Demonstration 2: small Llamas learn Zipf facts from mixtures whose synthetic part is cut at k.

    nice -n 15 python examples/three-phases/learn_facts.py

Trains each mixture once through (two minutes on an idle core), prints the breakpoints that `synthmix phases detect`
finds against k^beta / C and its 1/pi multiple, and writes the curves as CSV. Run again, it only prints.
"""

import numpy as np
from facts import VALUES, Source, World, learn, new_model
from saved import arguments, once

WORLD = World()
#: (real share pi, cutoff k, last n, seeds)
MIXTURES = [
    (1.0, np.inf, 3.0e4, 2),
    (1e-1, 24, 2.0e5, 2),
    (3e-2, 24, 6.0e5, 1),
]


def trained(pi: float, k: float, last: float, seed: int) -> list[dict]:
    """One model along its training: error and bands at 12 n a decade."""
    import torch

    torch.set_num_threads(1)
    ranks = np.arange(1, WORLD.items + 1)
    real = WORLD.p
    synthetic = np.where(ranks <= k, real, 0.0)
    parts = [(pi, Source(real, seed)), (1 - pi, Source(synthetic, seed + 1))]
    stops = np.unique(np.geomspace(448, last, int(12 * np.log10(last / 448))).astype(int))
    return learn(new_model(WORLD, seed), WORLD, [part for part in parts if part[0] > 0], stops, seed=seed)


def main() -> None:
    from synthmix.files import write_text
    from synthmix.phases.detection import detect_phases
    from synthmix.theory import Setting, exact

    told = arguments(__doc__)
    lines = ["pi,k,seed,n,loss"]
    print(
        "| pi | k | verdict | n1 | n1 / (k^beta / C) | n2 | n2 pi / n1 | seconds |\n|---|---|---|---|---|---|---|---|"
    )
    for pi, k, last, seeds in MIXTURES:
        runs = [
            once(told.to / "facts" / f"pi{pi:g}-k{k:g}-seed{seed}.json", trained, pi, k, last, seed)
            for seed in range(seeds)
        ]
        points = [(row["n"], row["error"]) for run in runs for row in run]
        lines += [f"{pi:g},{k:g},{s},{row['n']},{row['error']}" for s, run in enumerate(runs) for row in run]
        n, loss = np.array(points).T
        found = detect_phases(n, loss, floor=0.0)
        world = Setting(WORLD.beta, k=k, pi=pi, b=1 / VALUES, items=WORLD.items)
        seconds = sum(run[-1]["seconds"] for run in runs)
        if np.isinf(k):
            # Without a cutoff the same error at later n: how often a fact must be seen.
            reached = np.interp(
                -np.log(loss), -np.log(exact(world, np.geomspace(1, 1e7, 400)).excess), np.geomspace(1, 1e7, 400)
            )
            often = float(np.exp(np.median(np.log(n / reached)[n > 2000])))
            print(f"| {pi:g} | none | {found.verdict} | exposures a fact needs: {often:.2f} | | | | {seconds:.0f} |")
            continue
        theory = k**WORLD.beta / world.C
        print(
            f"| {pi:g} | {k:g} | {found.verdict} | {told_of(found.n1)} | {found.n1.value / theory:.2f} "
            f"| {told_of(found.n2)} | {found.n2.value * pi / found.n1.value:.2f} | {seconds:.0f} |"
        )
        print(f"  {found.reason}")
    write_text(told.to / "facts.csv", "\n".join(lines) + "\n")


def told_of(interval: object) -> str:
    from synthmix.cli.phases import shown

    return shown(interval)


if __name__ == "__main__":
    main()
