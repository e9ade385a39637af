"""Speed of the fitter against the usual way: a grid of 4,500 L-BFGS starts with finite differences.

    python benchmarks/scaling_speed.py                 # about two minutes, most of it the yardstick
    python benchmarks/scaling_speed.py --starts 450    # a tenth of the yardstick, scaled up

The yardstick is the procedure of Hoffmann et al. (arXiv 2203.15556, appendix D.3; grid of Besiroglu et al., arXiv
2404.10102): scipy's L-BFGS-B without a gradient on the sum of Huber(1e-3) of ln(e^(a - alpha ln N) + e^(b - beta ln D)
+ e^e) - ln L. 240 runs: Epoch's table where SYNTHMIX_SHARED (or `shared` beside the checkout) has it, else simulated
ones of the same size. Prints medians as markdown.
"""

import argparse
import csv
import os
import time
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from synthmix.scaling import LAWS, Runs, fit


def runs_240() -> tuple[Runs, str]:
    """Epoch's 240 runs, or simulated ones; and which."""
    shared = Path(os.environ.get("SYNTHMIX_SHARED") or Path(__file__).parents[2] / "shared")
    path = shared / "golden" / "chinchilla_epoch" / "svg_extracted_data.csv"
    if not path.is_file():
        return simulated(240), "simulated runs"
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    N, flop, loss = (np.array([float(row[key]) for row in rows]) for key in ("Model Size", "Training FLOP", "loss"))
    keep = np.argsort(loss)[:-5]
    return Runs(N=N[keep], D=(flop / 6 / N)[keep], loss=loss[keep]), "Epoch's Chinchilla table"


def simulated(n: int) -> Runs:
    """n runs over 2.5 decades of N and D each, with 0.7 % noise (as in Epoch's table)."""
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(7.5, 10, n), 10 ** rng.uniform(9, 11.5, n)
    loss = (1.82 + 482 * N**-0.347 + 2085 * D**-0.367) * np.exp(0.007 * rng.standard_normal(n))
    return Runs(N=N, D=D, loss=loss)


def yardstick(runs: Runs, starts: int) -> tuple[float, float]:
    """Best objective and seconds of the grid (an even subset of it when fewer starts are asked for)."""
    log_n, log_d, log_l = np.log(runs.N), np.log(runs.D), np.log(runs.loss)

    def objective(theta: np.ndarray) -> float:
        a, b, e, alpha, beta = theta
        size = np.abs(np.logaddexp(np.logaddexp(a - alpha * log_n, b - beta * log_d), e) - log_l)
        return float(np.where(size <= 1e-3, 0.5 * size**2, 1e-3 * (size - 0.5e-3)).sum())

    fine, coarse = np.arange(0, 2.5, 0.5), np.arange(0, 30, 5)
    grid = list(product(coarse, coarse, np.arange(-1, 1.5, 0.5), fine, fine))
    chosen = grid[:: max(1, len(grid) // starts)]
    begin = time.perf_counter()
    best = min(minimize(objective, start, method="L-BFGS-B").fun for start in chosen)
    return best, (time.perf_counter() - begin) * len(grid) / len(chosen)


def median(function: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call."""
    taken = []
    for _ in range(repeats):
        begin = time.perf_counter()
        function()
        taken.append(time.perf_counter() - begin)
    return float(np.median(taken))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--starts", type=int, default=4500)
    parser.add_argument("--repeats", type=int, default=7)
    given = parser.parse_args()
    runs, what = runs_240()
    fit("chinchilla", runs, bootstrap=10)  # imports and caches
    ours = fit("chinchilla", runs, bootstrap=0).objective
    alone = median(lambda: fit("chinchilla", runs, bootstrap=0), given.repeats)
    whole = median(lambda: fit("chinchilla", runs, bootstrap=4000), given.repeats)
    theirs, grid = yardstick(runs, given.starts)
    scaled = "" if given.starts >= 4500 else f" (scaled up from {given.starts} starts)"
    print(f"{what}, {len(runs)} runs; {os.cpu_count()} cores; medians of {given.repeats}\n")
    print("| | seconds | objective | times faster |\n|---|---|---|---|")
    print(f"| 4,500-start finite-difference L-BFGS-B grid{scaled} | {grid:.1f} | {theirs:.10e} | 1 |")
    print(f"| fit | {alone:.4f} | {ours:.10e} | {grid / alone:.0f} |")
    print(f"| fit + 4,000 bootstraps | {whole:.2f} | | {grid / whole:.0f} |")
    print("\n| runs | resamples | seconds | microseconds per run and resample |\n|---|---|---|---|")
    for n, count in (
        (60, 1000),
        (120, 1000),
        (240, 1000),
        (480, 1000),
        (960, 1000),
        (240, 500),
        (240, 2000),
        (240, 4000),
    ):
        some = simulated(n)
        seconds = median(lambda some=some, count=count: fit("chinchilla", some, bootstrap=count), given.repeats)  # type: ignore[misc]
        print(f"| {n} | {count} | {seconds:.3f} | {1e6 * seconds / n / count:.2f} |")
    print("\n| law | parameters | 240 runs, fit | fit + 1,000 bootstraps |\n|---|---|---|---|")
    rng = np.random.default_rng(1)
    base = simulated(240)
    share = rng.choice([0, 0.2, 0.4, 0.6, 0.8, 1.0], 240)
    rich = Runs(N=base.N, D=base.D, share=share, unique=base.D / rng.choice([1, 2, 4, 8], 240),
                quality=rng.choice([0.5, 0.8, 1.0], 240), loss=base.loss * (1 + 0.03 * (share - 0.4) ** 2))  # fmt: skip
    for name, law in LAWS.items():
        one = median(lambda name=name: fit(name, rich, bootstrap=0), 3)  # type: ignore[misc]
        two = median(lambda name=name: fit(name, rich, bootstrap=1000), 1)  # type: ignore[misc]
        print(f"| {name} | {len(law.names)} | {one:.3f} | {two:.2f} |", flush=True)


if __name__ == "__main__":
    main()
