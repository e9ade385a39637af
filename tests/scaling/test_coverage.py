"""A small, fixed-seed version of benchmarks/scaling_coverage.py: 90 % intervals hold the truth in 90 % of studies."""

import numpy as np
import pytest

from synthmix.scaling import LAWS, Runs, fit, speedup

TRUTH = {"E": 1.9, "A": 400.0, "alpha": 0.34, "B": 900.0, "beta": 0.33}
STUDIES = 100
# 90 of 100 expected; below 82 or above 97 has a chance of about 1 % each way.
FEWEST, MOST = 82, 98


def study(law: str, truth: dict[str, float], runs: Runs, seed: int) -> Runs:
    clean = LAWS[law].predict([truth[name] for name in LAWS[law].names], runs)
    return runs.with_loss(clean * np.exp(0.0015 * np.random.default_rng(seed).standard_normal(len(runs))))


def grid(sizes: int, budgets: int, seeds: int) -> Runs:
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 3e9, sizes), np.geomspace(1e8, 1e11, budgets)))
    return Runs(N=np.tile(N, seeds), D=np.tile(D, seeds), loss=np.ones(seeds * len(N)))


@pytest.mark.parametrize(
    ("law", "design", "method"),
    [
        ("data", Runs(D=np.geomspace(1e8, 1e11, 10), loss=np.ones(10)), "noise"),
        ("chinchilla", grid(5, 5, 1), "noise"),
        ("chinchilla", grid(4, 4, 2), "noise"),
        ("chinchilla", grid(8, 8, 1), "cells"),
    ],
)
def test_parameter_intervals_cover(law: str, design: Runs, method: str) -> None:
    names = [name for name in LAWS[law].names if name in ("E", "alpha", "beta")]
    hits = dict.fromkeys(names, 0)
    for seed in range(STUDIES):
        found = fit(law, study(law, TRUTH, design, seed), bootstrap=150, seed=seed)
        assert found.method == method
        for name, part in found.intervals().items():
            if name in hits:
                assert part.low is not None
                assert part.high is not None
                hits[name] += part.low <= TRUTH[name] <= part.high
    for name, count in hits.items():
        assert FEWEST <= count <= MOST, name


def test_speedup_intervals_cover() -> None:
    design = Runs(D=np.geomspace(1e8, 1e11, 10), loss=np.ones(10))
    mixed = {"E": 1.88, "B": 800.0, "beta": 0.33}
    goal = 1.9 + 900 * 3e10**-0.33
    truth = 3e10 / (800 / (goal - 1.88)) ** (1 / 0.33)
    hits = 0
    for seed in range(STUDIES):
        one = fit("data", study("data", TRUTH, design, 2 * seed), bootstrap=150)
        two = fit("data", study("data", mixed, design, 2 * seed + 1), bootstrap=150)
        got = speedup(one, two, tokens=3e10)
        hits += got.low <= truth <= got.high
    assert FEWEST <= hits <= MOST
