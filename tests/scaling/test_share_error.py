"""The law's error in the share's effect: against Gaussian conditioning, and a best share that moves with size."""

from dataclasses import replace

import numpy as np
import pytest

from synthmix.scaling import Runs, best_share_of_law, fit
from synthmix.scaling.fitted import Fit
from synthmix.scaling.model_error import NO_MODEL_ERROR, ModelError
from synthmix.scaling.runs import Inputs
from synthmix.scaling.share_error import KNOTS, _draws, covariance, pinned

AT = {"N": 1e9, "D": 2e10}


def study(seed: int, moves: float, noise: float = 0.002) -> Runs:
    """3 x 4 sizes and budgets, four shares, two seeds: the best share moves by ``moves`` a decade of N, which
    joint_quadratic does not hold."""
    N, D, r = (g.ravel() for g in np.meshgrid([1e7, 3e7, 1e8], [2e8, 5e8, 1.2e9, 3e9], [0.0, 1 / 3, 2 / 3, 1.0]))
    N, D, r = (np.tile(column, 2) for column in (N, D, r))
    loss = truth(N, D, r, moves) * np.exp(noise * np.random.default_rng(seed).standard_normal(len(N)))
    return Runs(N=N, D=D, share=r, loss=loss)


def truth(N: np.ndarray, D: np.ndarray, r: np.ndarray, moves: float) -> np.ndarray:
    best = 0.4 + moves * np.log10(N / 3e7)
    return 1.9 + 400 * N**-0.34 + 900 * D**-0.33 + 0.3 * ((r - best) ** 2 - best**2)


def fitted(seed: int, moves: float) -> Fit:
    found = fit("joint_quadratic", study(seed, moves), bootstrap=80, delta=None, starts=60)
    return replace(found, model=ModelError("public"))  # without the time of inner cuts


@pytest.fixture(scope="module")
def moving() -> Fit:
    return fitted(0, 0.12)


def test_draws_are_those_of_a_gaussian_process_given_the_residuals() -> None:
    """Against one matrix of everything: curves at some shares and the measured residuals."""
    rng = np.random.default_rng(0)
    away = np.column_stack([np.ones(8), rng.normal(size=(8, 1))])
    share, unit, setting = np.tile([0.3, 0.5, 0.8, 1.0], 2), 0.02, (0.3, 0.4, 0.25)
    errors = np.diag(np.full(8, 1e-6)) + 1e-6
    residuals = 0.004 * rng.standard_normal(8)
    found = _draws(rng, np.tile(residuals, (20_000, 1)), errors, away, share, unit, *setting)
    point, at = KNOTS[20], np.array([1.0, 1.7])  # d at a share and 1.7 decades beyond
    drawn = np.einsum("k,dk->d", at, found[:, :, 20])
    every, shares = np.vstack([away, at]), np.append(share, point)
    whole = covariance(every, shares, unit, *setting)
    cross, inverse = whole[8, :8], np.linalg.inv(whole[:8, :8] + errors)
    assert drawn.mean() == pytest.approx(cross @ inverse @ residuals, abs=2e-4)
    assert drawn.std() == pytest.approx(np.sqrt(whole[8, 8] - cross @ inverse @ cross), rel=0.03)
    assert pinned(np.array([0.0, 1.0]), np.array([0.0, 0.5]), 0.5)[0] == pytest.approx([0.0, 0.0])


def test_it_is_nothing_at_share_0_and_grows_beyond_the_runs(moving: Fit) -> None:
    assert moving.share_error is not None
    far = [
        moving.share_error.at(Inputs(N=1e8 * 10**far, D=3e9 * 10**far, share=[0.0, 0.5])).std(axis=0)
        for far in (0.0, 1.0, 2.0)
    ]
    assert [each[0] for each in far] == pytest.approx([0.0] * 3, abs=1e-9)
    assert far[0][1] < far[1][1] < far[2][1]
    natural = {**AT, "share": 0.0}
    np.testing.assert_allclose(moving.draw(**natural)[:, 0], moving.widen(_raw(moving, 0.0), **natural)[1:])
    again = replace(moving)
    np.testing.assert_array_equal(again.draw(**AT, share=0.5), moving.draw(**AT, share=0.5))


def _raw(found: Fit, share: float) -> np.ndarray:
    theta = np.vstack([found.values, found.draws])
    return found.law.predict(theta, found.points(**AT, share=share))[:, 0]


def test_differences_at_one_point_are_those_of_points_drawn_together(moving: Fit) -> None:
    shares = np.array([0.0, 0.4, 1.0])
    raw = np.column_stack([_raw(moving, share) for share in shares])
    wide = moving.widen_shares(raw, raw[:, 0], shares, **AT)
    np.testing.assert_array_equal(wide[0], raw[0])
    np.testing.assert_allclose(wide[1:], moving.draw(**AT, share=shares))


def test_a_best_share_that_moves_is_held_where_the_laws_parameters_miss_it() -> None:
    held, plain = [], []
    grid = np.linspace(0, 1, 201)
    lowest = grid[np.argmin(truth(np.full(201, AT["N"]), np.full(201, AT["D"]), grid, 0.12))]
    for seed in range(8):
        found = fitted(seed, 0.12)
        for kept, one in ((held, found), (plain, replace(found, model=NO_MODEL_ERROR))):
            best = best_share_of_law(one, **AT).best
            kept.append(best.low <= lowest <= best.high)
    assert np.mean(plain) <= 0.25
    assert np.mean(held) >= 0.75


def test_where_the_law_is_true_and_the_runs_are_many_it_widens_little() -> None:
    """Two to three times the width that holds the parameters alone, the mean of four studies with 80 resamples each;
    where the optimum moves, above, as many times as it takes."""
    wider = []
    for seed in range(4):
        found = fitted(seed, 0.0)
        alone = replace(found, model=NO_MODEL_ERROR)
        wide, narrow = (best_share_of_law(one, N=3e7, D=5e8).best for one in (found, alone))
        assert narrow.high - narrow.low <= wide.high - wide.low
        wider.append((wide.high - wide.low) / (narrow.high - narrow.low))
    assert np.mean(wider) < 3


def test_laws_without_a_share_and_fits_without_resamples_have_none() -> None:
    runs = study(0, 0.0)
    assert fit("chinchilla", runs.select(runs.share == 0), bootstrap=20).share_error is None
    assert fit("joint_quadratic", runs, bootstrap=0, starts=20).share_error is None
