"""Seed noise that differs with the size or the share, where replicates show it."""

import numpy as np
import pytest

from synthmix.scaling import Fit, Runs, fit
from synthmix.scaling.noise import split


def ladder(seed: int, noise: dict[float, float], shares: dict[float, float] | None = None, *, seeds: int = 4) -> Runs:
    """Four sizes and budgets with replicates; the seed noise of each size, times that of each share."""
    rng = np.random.default_rng(seed)
    rows = [
        (n, d, r) for n in noise for d in (1e7, 3e7, 1e8, 3e8) for r in (shares or {0.0: 1.0}) for _ in range(seeds)
    ]
    N, D, share = np.array(rows).T
    sd = np.array([noise[n] * (shares or {0.0: 1.0})[r] for n, _, r in rows])
    loss = 2 + 300 * N**-0.34 + 900 * D**-0.33 - 0.2 * share + 0.2 * share**2
    held = {"share": share} if shares else {}
    return Runs(N=N, D=D, loss=loss * np.exp(sd * rng.standard_normal(len(N))), **held)


EVEN = {1e6: 0.004, 3e6: 0.004, 1e7: 0.004, 3e7: 0.004}
FALLING = {1e6: 0.016, 3e6: 0.008, 1e7: 0.004, 3e7: 0.002}


def test_equal_noise_stays_one_number() -> None:
    uneven = sum(not fit("chinchilla", ladder(seed, EVEN), bootstrap=0).noise.even for seed in range(60))
    assert uneven <= 3, "Bartlett's test at 1 %"


def test_noise_that_falls_with_size_makes_intervals_of_new_runs_follow_it() -> None:
    found = fit("chinchilla", ladder(0, FALLING), bootstrap=200)
    assert found.noise.slope == pytest.approx(
        np.log(1 / 8) / np.log(30), abs=0.25
    )  # 12 degrees of freedom a size: .08 of error
    assert [warn.code for warn in found.warnings].count("uneven_noise") == 1

    def width(**at: float) -> float:
        low, high = found.interval(kind="new_run", **at)
        return float((np.log(high) - np.log(low))[0])

    small, large = width(N=1e6, D=1e8), width(N=3e7, D=1e8)
    assert small == pytest.approx(2 * 1.645 * 0.016, rel=0.35)
    assert small > 1.8 * large
    # No noise is made up beyond the sizes that were repeated.
    assert found.noise.seed_factor(found.points(N=1e12, D=1e8)) == found.noise.seed_factor(found.points(N=3e7, D=1e8))


def test_intervals_hold_new_runs_of_every_size() -> None:
    held = dict.fromkeys(FALLING, 0)
    even = dict.fromkeys(FALLING, 0)
    for seed in range(30):
        found, new = fit("chinchilla", ladder(seed, FALLING), bootstrap=100), ladder(1000 + seed, FALLING, seeds=1)
        alike = Fit(**{**vars(found), "noise": split(ladder(0, EVEN), np.zeros(64), 5)})
        for one, count in ((found, held), (alike, even)):
            low, high = one.interval(kind="new_run", N=new.N, D=new.D)
            for n in FALLING:
                here = n == new.N
                count[n] += int(((new.loss >= low) & (new.loss <= high))[here].sum())
    assert all(0.83 < count / 120 < 0.98 for count in held.values()), held
    assert even[1e6] / 120 < 0.7, "one number for all sizes would not"


def test_noise_of_shares_and_a_saved_fit(tmp_path: object) -> None:
    found = fit("joint_quadratic", ladder(0, EVEN, {0.0: 1, 0.5: 1, 1.0: 8}), bootstrap=20)
    factors = dict(found.noise.shares)
    assert factors[1.0] / factors[0.0] == pytest.approx(8, rel=0.5)
    assert found.noise.slope == 0
    at = {"N": 1e7, "D": 1e8}
    assert found.noise.seed_factor(found.points(share=0.9, **at))[0] == factors[1.0]
    found.save(f"{tmp_path}/fit.json")
    again = Fit.load(f"{tmp_path}/fit.json")
    assert again.noise.seed_factor(again.points(share=0.1, **at))[0] == pytest.approx(factors[0.0])
