"""Demonstration 1: a memoriser on samples really drawn, against the theory.

    nice -n 15 python examples/three-phases/memoriser.py

Slopes of phases 1 and 3 (regressions over the same n of the simulated and the exact curve) and breakpoints (the closed
form fitted to the simulated curve, against k^beta / (C m) and k^beta / (C pi), k + 1/2 for k).
"""

from dataclasses import replace

import numpy as np
from saved import arguments, once

GRID = [(beta, k, pi) for beta in (1.3, 1.5, 2.0) for k in (20, 60) for pi in (0.01, 0.1)]
SAMPLES, MOST = 6e7, 5e6  # drawn in all for one world; the largest n


def simulated(beta: float, k: int, pi: float) -> dict:
    from synthmix.theory import Setting, breakpoints, memorise

    world = Setting(beta, k=k, pi=pi)
    ends = breakpoints(world)
    n = np.unique(np.geomspace(100, min(MOST, 30 * ends.n2), 40).astype(int))
    seeds = int(np.clip(SAMPLES / n[-1], 48, 400))
    runs = np.array([memorise(world, n, seed=seed, kept=1 << 18) for seed in range(seeds)])
    return {"n": n.tolist(), "seeds": seeds, "mean": runs.mean(axis=0).tolist(), "sd": runs.std(axis=0).tolist()}


def slope(n: np.ndarray, loss: np.ndarray, low: float, high: float) -> float:
    inside = (n >= low) & (n <= high)
    return float(np.polyfit(np.log(n[inside]), np.log(loss[inside]), 1)[0])


def main() -> None:
    from synthmix.phases.curves import Measured, fit_shape
    from synthmix.theory import Setting, breakpoints, exact

    told = arguments(__doc__)
    worst = np.zeros(4)
    print(
        "| beta | k | pi | slope 1 (exact) | slope 3 (exact) | n1 (theory) | n2 (theory) | largest error |\n"
        + "|---" * 8
        + "|"
    )
    for beta, k, pi in GRID:
        found = once(told.to / "memoriser" / f"beta{beta:g}-k{k}-pi{pi:g}.json", simulated, beta, k, pi)
        n, mean = np.array(found["n"], dtype=float), np.array(found["mean"])
        world = Setting(beta, k=k, pi=pi)
        ends, theory = breakpoints(world), exact(world, n).excess
        early, late = (100, max(ends.n1 / 3, 1000)), (3 * ends.n2, n.max())
        slopes = [(slope(n, mean, *where), slope(n, theory, *where)) for where in (early, late)]
        curve = Measured.of(n, mean, floor=0.0)
        precision = (mean / np.maximum(found["sd"], 1e-6 * mean)) ** 2  # the early n scatter most
        curve = replace(curve, runs=replace(curve.runs, weight=precision / precision.mean()))
        shape = fit_shape("three_phase", curve)
        first = curve.unit * np.exp(shape.value("x1"))
        second = first * np.exp(shape.value("gap"))
        known = (k + 0.5) ** beta / world.C
        pairs = [*slopes, (first, known / (pi + (1 - pi) / world.Z)), (second, known / pi)]
        off = np.array([measured / truth - 1 for measured, truth in pairs])
        worst = np.maximum(worst, np.abs(off))
        cells = [f"{a:.3f} ({b:.3f})" for a, b in pairs[:2]] + [f"{a:.4g} ({b:.4g})" for a, b in pairs[2:]]
        print(f"| {beta:g} | {k} | {pi:g} | {' | '.join(cells)} | {np.abs(off).max():.1%} |")
    print(f"\nworst: slope 1 {worst[0]:.1%}, slope 3 {worst[1]:.1%}, n1 {worst[2]:.1%}, n2 {worst[3]:.1%}")


if __name__ == "__main__":
    main()
