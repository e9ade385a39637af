"""Do 90 % intervals cover the truth in 90 % of studies? Simulated studies of every law, with known truth.

    python benchmarks/scaling_coverage.py --simulations 500 --resamples 300

Noise is that of the published tables (arXiv 2305.16264: seeds differ by .0043 at a loss of 2.8, so 0.15 % of the loss),
Gaussian in log-loss; `x2` cases have two seeds in every cell. Prints three markdown tables: coverage of the parameters,
of what is derived from them, and how often designs that do not identify a law are warned about.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from synthmix.scaling import LAWS, Fit, Runs, best_share, best_share_of_law, fit, profile, speedup

NOISE = 0.0015
NOT_IDENTIFIED = {
    "few_decades",
    "flat_profile",
    "exponent_at_bound",
    "parameter_at_bound",
    "E_at_bound",
    "not_identified",
}

S = np.geomspace
BASE = {"E": 1.9, "A": 400.0, "alpha": 0.34, "B": 900.0, "beta": 0.33}
SIZES = {"N": S(1e7, 3e9, 4), "D": S(1e8, 1e11, 4)}
MIXTURE = {**BASE, "E": 1.2, "M": 0.8, "g0": 0.5, "c": 0.8, "g1": 0.6}
EFFECT = {"E0": 1.9, "E1": -0.2, "E2": 0.3, "B0": 900.0, "B1": -800.0, "B2": 1000.0}
QUADRATIC = {**EFFECT, "A": 400.0, "alpha": 0.34, "beta": 0.33}
BREAK = {"E": 1.0, "B": 30.0, "beta": 0.15, "beta2": 0.4, "D_b": 1e9, "f": 0.3}
STRAIGHT = {"E": 1.9, "B": 900.0, "beta": 0.33}
PHASES = {"E": 1.9, "A": 900.0, "c": 0.33, "n1": 3e8, "eta": 3.0}
REPEATS = {"N": S(1e7, 3e9, 4), "unique": S(1e8, 3e10, 4), "epochs": np.array([1, 2, 4, 8, 16, 40.0])}
SHARES = np.linspace(0, 1, 11)


@dataclass(frozen=True)
class Case:
    """A law, its truth and a full grid of the given columns (``epochs`` becomes D)."""

    law: str
    truth: dict[str, float]
    axes: dict[str, np.ndarray]
    seeds: int = 1
    noise: float = NOISE

    def runs(self) -> Runs:
        grid = np.meshgrid(*self.axes.values(), indexing="ij")
        columns = {name: np.tile(part.ravel(), self.seeds) for name, part in zip(self.axes, grid, strict=True)}
        if "epochs" in columns:
            columns["D"] = columns["unique"] * columns.pop("epochs")
        runs = Runs(**columns, loss=np.ones(len(next(iter(columns.values())))))
        return runs.with_loss(LAWS[self.law].predict(self.theta, runs))

    @property
    def theta(self) -> np.ndarray:
        return np.array([self.truth[name] for name in LAWS[self.law].names])

    def studies(self, count: int, first: int = 0) -> Iterator[Runs]:
        clean = self.runs()
        for k in range(first, first + count):
            rng = np.random.default_rng([k, len(clean)])
            yield clean.with_loss(clean.loss * np.exp(self.noise * rng.standard_normal(len(clean))))


CASES = {
    "data": Case("data", BASE, {"D": S(1e8, 1e11, 10)}),
    "data x2": Case("data", BASE, {"D": S(1e8, 1e11, 6)}, seeds=2),
    "model": Case("model", BASE, {"N": S(1e7, 3e9, 9)}),
    "chinchilla, 36 cells": Case("chinchilla", BASE, {"N": S(1e7, 3e9, 6), "D": S(1e8, 1e11, 6)}),
    "chinchilla, 36 cells x2": Case("chinchilla", BASE, {"N": S(1e7, 3e9, 6), "D": S(1e8, 1e11, 6)}, seeds=2),
    "chinchilla, 100 cells": Case("chinchilla", BASE, {"N": S(1e7, 3e9, 10), "D": S(1e8, 1e11, 10)}),
    "chinchilla_tied": Case("chinchilla_tied", {**BASE, "eta": 0.33}, {"N": S(1e7, 3e9, 6), "D": S(1e8, 1e11, 6)}),
    "rectified": Case("rectified", {"E": 1.8, "B": 1500.0, "D_0": 300.0, "beta": 0.35}, {"D": S(1e7, 1e12, 20)}),
    "broken": Case("broken", BREAK, {"D": S(1e6, 1e13, 40)}),
    "quality": Case("quality", {**BASE, "gamma": 0.4},
                    {"N": S(1e7, 3e9, 5), "D": S(1e8, 1e11, 5), "quality": np.array([0.4, 0.7, 1.0])}),
    "repetition": Case("repetition", {**BASE, "R_D": 8.0}, REPEATS),
    "repetition_full": Case("repetition_full", {**BASE, "R_D": 8.0, "R_N": 5.0}, REPEATS),
    "exponential": Case("exponential", {"c": 2.5, "k": 0.1, "t": 2.5}, {"share": np.linspace(0, 1, 13)}),
    "exponential_two": Case("exponential_two", {"c": 2.5, "k1": 0.05, "t1": 2.5, "k2": 0.3, "t2": -5.0},
                            {"share": np.linspace(0, 1, 25)}),
    "mixture_additive": Case("mixture_additive", MIXTURE, {**SIZES, "share": SHARES}),
    "mixture_joint": Case("mixture_joint", {**MIXTURE, "c_A": 0.5, "gamma_A": -0.6, "c_B": 3.0, "gamma_B": -0.7},
                          {"N": S(1e7, 3e9, 5), "D": S(1e8, 1e11, 5), "share": SHARES}),
    "joint_quadratic": Case("joint_quadratic", QUADRATIC, {**SIZES, "share": np.linspace(0, 1, 6)}),
    "three_phase": Case("three_phase", PHASES,
                        {"D": S(1e7, 1e11, 10), "share": np.array([0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.97, 1])}),
    "three_phase_size": Case("three_phase_size", {**PHASES, "n1": 3e9, "A_N": 400.0, "alpha": 0.34},
                             {"N": S(1e7, 3e9, 4), "D": S(1e8, 1e11, 6),
                              "share": np.array([0, 0.3, 0.6, 0.8, 0.95, 1])}),
}  # fmt: skip

UNIDENTIFIED = {
    "data, 6 budgets over 1 decade": Case("data", BASE, {"D": S(1e9, 1e10, 6)}, noise=0.01),
    "chinchilla, the quickstart's 3 x 3": Case("chinchilla", BASE, {"N": S(1e5, 1.6e6, 3), "D": S(1e6, 9e6, 3)},
                                               noise=0.01),
    "rectified without a knee": Case("rectified", {**STRAIGHT, "D_0": 0.0}, {"D": S(1e8, 1e11, 12)}),
    "broken without a break": Case("broken", {**STRAIGHT, "beta2": 0.33, "D_b": 1e9, "f": 0.3},
                                   {"D": S(1e8, 1e11, 16)}),
    "repetition, 2 epochs at most": Case("repetition", {**BASE, "R_D": 15.0},
                                         {**REPEATS, "epochs": np.array([1, 1.5, 2])}, noise=0.004),
    "mixture_additive on 3 shares": Case("mixture_additive", MIXTURE, {**SIZES, "share": np.array([0, 0.5, 1])}),
    "three_phase far below its plateau": Case("three_phase", {**PHASES, "n1": 1e13},
                                              {"D": S(1e7, 1e9, 8), "share": np.array([0, 0.3, 0.6])}),
}  # fmt: skip


def parameters(case: Case, simulations: int, resamples: int) -> dict[str, float]:
    """Parameter -> share of the simulations whose 90 % interval holds the truth; E and one far prediction included."""
    law = LAWS[case.law]
    hits = np.zeros(len(law.names))
    for k, runs in enumerate(case.studies(simulations)):
        found = fit(law, runs, bootstrap=resamples, seed=k)
        low, high = np.quantile(found.draws, [0.05, 0.95], axis=0)
        hits += (low <= case.theta) & (case.theta <= high)
    return dict(zip(law.names, hits / simulations, strict=True))


def speedups(seeds: int, simulations: int, resamples: int) -> tuple[float, float]:
    """Coverage of the speed-up by data laws, and by Chinchilla laws at one size."""
    out = []
    for law, axes, at in (
        ("data", {"D": S(1e8, 1e11, 10)}, {}),
        ("chinchilla", {"N": S(1e7, 3e9, 6), "D": S(1e8, 1e11, 6)}, {"N": 1e9}),
    ):
        mixed = {**BASE, "E": 1.88, "B": 800.0}
        pair = [Case(law, truth, axes, seeds) for truth in (BASE, mixed)]
        exact = [fit(law, case.runs(), bootstrap=0) for case in pair]
        truth = speedup(*exact, tokens=3e10, **at).value
        hits = 0
        for k, (one, two) in enumerate(
            zip(pair[0].studies(simulations), pair[1].studies(simulations, 10**6), strict=True)
        ):
            got = speedup(*(fit(law, runs, bootstrap=resamples, seed=k) for runs in (one, two)), tokens=3e10, **at)
            hits += (got.low or -np.inf) <= truth <= (got.high or np.inf)
        out.append(hits / simulations)
    return out[0], out[1]


def best_by_law(name: str, at: dict[str, float], simulations: int, resamples: int) -> float:
    """Coverage of r* at (N, D) by a joint law."""
    case = CASES[name]
    grid = np.linspace(0, 1, 100_001)
    exact = fit(case.law, case.runs(), bootstrap=0)
    truth = grid[np.argmin(exact.predict(**at, share=grid))]
    hits = 0
    for k, runs in enumerate(case.studies(simulations)):
        got = best_share_of_law(fit(case.law, runs, bootstrap=resamples, seed=k), **at).best
        hits += got.low - 1e-9 <= truth <= got.high + 1e-9
    return hits / simulations


SHARE_CURVES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "quadratic": lambda r: 3 + 0.3 * (r - 0.35) ** 2,
    "steep towards 1": lambda r: 3 + 0.3 * (r - 0.3) ** 2 + 0.6 * np.maximum(r - 0.6, 0) ** 2,
    "mixture law": lambda r: 2 + 0.9 / ((1 - r) ** 0.5 + 0.8 * r**0.6),
    "two exponentials": lambda r: 2.5 + 0.05 * np.exp(2.5 * r) + 0.3 * np.exp(-5 * r),
    "optimum at 0": lambda r: 3 + 0.2 * r + 0.1 * r**2,
}


def best_by_curve(curve: str, shares: int, seeds: int, noise: float, simulations: int) -> tuple[float, float]:
    """Coverage of r* and median width of its interval, measured at a few shares with a few seeds, no law assumed."""
    r = np.repeat(np.linspace(0, 1, shares), seeds)
    grid = np.linspace(0, 1, 100_001)
    truth = grid[np.argmin(SHARE_CURVES[curve](grid))]
    hits, widths = 0, []
    for k in range(simulations):
        y = SHARE_CURVES[curve](r) + noise * np.random.default_rng([k, shares]).standard_normal(len(r))
        got = best_share(r, y, seed=k, draws=400).best
        hits += got.low - 1e-9 <= truth <= got.high + 1e-9
        widths.append(got.high - got.low)
    return hits / simulations, float(np.median(widths))


def profiles(case: Case, names: tuple[str, ...], simulations: int) -> list[float]:
    """Coverage of the profile-likelihood intervals; an open end covers."""
    hits = np.zeros(len(names))
    for runs in case.studies(simulations):
        found = fit(case.law, runs, bootstrap=0)
        for j, name in enumerate(names):
            got = profile(found, name, points=41, level=0.9).interval
            hits[j] += (got.low or -np.inf) <= case.truth[name] <= (got.high or np.inf)
    return list(hits / simulations)


def warned(case: Case, simulations: int, resamples: int) -> float:
    """How often a design that does not identify its law is warned about."""

    def flagged(found: Fit) -> bool:
        return bool(NOT_IDENTIFIED & {warn.code for warn in found.warnings})

    return float(np.mean([flagged(fit(case.law, runs, bootstrap=resamples)) for runs in case.studies(simulations)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    parser.add_argument("--resamples", type=int, default=300)
    parser.add_argument("--only", default="", help="part of a case's name")
    given = parser.parse_args()
    count, resamples = given.simulations, given.resamples
    begin = time.perf_counter()
    error = np.sqrt(0.09 / count)
    print(
        f"90 % intervals, {count} simulations each, {resamples} resamples; standard error of a coverage {error:.1%}\n"
    )
    print("| law | cells | resampling | coverage of each parameter |\n|---|---|---|---|")
    for name, case in CASES.items():
        if given.only in name:
            runs = next(case.studies(1))
            method = fit(case.law, runs, bootstrap=2).method
            covered = parameters(case, count, resamples)
            parts = ", ".join(f"{key} {value:.1%}" for key, value in covered.items())
            print(f"| {name} | {runs.cells} | {method} | {parts} |", flush=True)
    if not given.only:
        derived(count, resamples)
    print(f"\n{time.perf_counter() - begin:.0f} s")


def derived(count: int, resamples: int) -> None:
    """The second and third table."""
    print("\n| derived | coverage |\n|---|---|")
    for seeds in (1, 2):
        one, two = speedups(seeds, count, resamples)
        print(f"| speed-up, data laws, {seeds} seed(s) | {one:.1%} |")
        print(f"| speed-up, chinchilla, {seeds} seed(s) | {two:.1%} |", flush=True)
    for name, at in (
        ("exponential_two", {}),
        ("mixture_additive", {"N": 1e9, "D": 1e11}),
        ("mixture_joint", {"N": 1e9, "D": 1e11}),
        ("joint_quadratic", {"N": 1e9, "D": 1e11}),
        ("three_phase", {"D": 3e8}),
        ("three_phase_size", {"N": 1e9, "D": 3e9}),
    ):
        print(f"| r*, {name} | {best_by_law(name, at, count, resamples):.1%} |", flush=True)
    for curve in SHARE_CURVES:
        for shares, seeds, noise in ((4, 3, 0.01), (6, 3, 0.005), (11, 2, 0.005)):
            covered, width = best_by_curve(curve, shares, seeds, noise, count)
            what = f"r* by curve: {curve}; {shares} shares x {seeds} seeds, noise {noise}"
            print(f"| {what} | {covered:.1%} (median width {width:.2f}) |", flush=True)
    names = ("E", "alpha", "beta")
    for key, value in zip(names, profiles(CASES["chinchilla, 36 cells"], names, min(count, 300)), strict=True):
        print(f"| profile likelihood of {key}, chinchilla, 36 cells | {value:.1%} |", flush=True)
    print("\n| design that does not identify its law | warned |\n|---|---|")
    for name, case in UNIDENTIFIED.items():
        print(f"| {name} | {warned(case, min(count, 300), 200):.1%} |", flush=True)


if __name__ == "__main__":
    main()
