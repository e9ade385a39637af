"""Recipes across scales: the posterior against plain Gaussian conditioning, and its calibration on simulated trials."""

import numpy as np
import pytest
from scipy.stats import norm

from synthmix.scaling.across_scales import (
    Measurements,
    Posterior,
    across_scales,
    decided,
    median_and_noise,
    prior_weights,
    run_values,
    spreads,
)

PLACES = np.array([18.0, 19.1, 20.0])
TARGET = 21.5


def one(h: float, length: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return np.array([h]), np.array([length]), np.array([1.0])


def trial(seed: int, k: int, h: float, length: float, noise: float, keep: float = 1.0) -> tuple[np.ndarray, ...]:
    """recipes, cells, values, noise variances of k recipes at three scales; what each scores at the target."""
    rng = np.random.default_rng(seed)
    x = np.append(PLACES, TARGET)
    covariance = (1 - h) * np.exp(-np.abs(x[:, None] - x[None, :]) / length) + h * np.eye(4)
    scores = rng.standard_normal((k, 4)) @ np.linalg.cholesky(covariance).T
    seen = rng.random((k, 3)) < keep
    seen[:, 0] = True
    recipes, cells = np.nonzero(seen)
    values = scores[recipes, cells] + noise * rng.standard_normal(len(recipes)) + 5 * cells
    return recipes, cells, values, np.full(len(recipes), noise**2), scores[:, 3] + noise * rng.standard_normal(k)


def test_it_is_gaussian_conditioning_with_free_means_of_the_cells() -> None:
    h, length, noise = 0.2, 3.0, 0.3
    recipes, cells, values, variances, _ = trial(0, 7, h, length, noise, keep=0.7)
    found = across_scales(Measurements(recipes, cells, values, variances, PLACES, TARGET), settings=one(h, length))
    # The same from the whole matrix at once, the cells' means under a prior so wide that it says nothing.
    spread = spreads(values, cells, variances, 3)
    z, seed = values / spread[cells], variances / spread[cells] ** 2
    same = recipes[:, None] == recipes[None, :]
    at = PLACES[cells]
    covariance = same * (1 - h) * np.exp(-np.abs(at[:, None] - at[None, :]) / length)
    covariance = covariance + h * (same & (cells[:, None] == cells[None, :])) + np.diag(seed)
    wide = 1e6 * (cells[:, None] == cells[None, :])
    towards = (np.arange(7)[:, None] == recipes[None, :]) * (1 - h) * np.exp(-np.abs(at - TARGET) / length)
    inverse = np.linalg.inv(covariance + wide)
    mean, left = towards @ inverse @ z, np.eye(7) - towards @ inverse @ towards.T
    assert found.means[0] - found.means[0].mean() == pytest.approx(mean - mean.mean(), abs=1e-4)
    for a, b in ((0, 1), (2, 6), (3, 4)):
        variance = left[a, a] + left[b, b] - 2 * left[a, b] + 2 * found.noise
        assert found.better()[a, b] == pytest.approx(norm.cdf((mean[a] - mean[b]) / np.sqrt(variance)), abs=1e-4)


def test_probabilities_of_both_orders_make_one_and_grow_with_the_difference() -> None:
    values = np.array([0.0, 1.0, 2.0, 4.0])
    zero = np.zeros(4, dtype=np.intp)
    found = across_scales(Measurements(np.arange(4), zero, values, np.zeros(4), PLACES[:1], TARGET)).better()
    assert found + found.T == pytest.approx(np.ones((4, 4)))
    assert found[1, 0] < found[2, 0] < found[3, 0]
    near = across_scales(Measurements(np.arange(4), zero, values, np.zeros(4), PLACES[:1], PLACES[0] + 0.1)).better()
    assert near[3, 0] > found[3, 0]  # an order is surer near to where it was measured


def test_noise_takes_sureness_away() -> None:
    values, zero = np.array([0.0, 1.0, 2.0, 4.0]), np.zeros(4, dtype=np.intp)
    clean = across_scales(Measurements(np.arange(4), zero, values, np.zeros(4), PLACES[:1], TARGET)).better()
    noisy = across_scales(Measurements(np.arange(4), zero, values, np.full(4, 1.0), PLACES[:1], TARGET)).better()
    assert noisy[3, 0] < clean[3, 0]


def test_several_scales_say_how_far_an_order_carries() -> None:
    """Settings are learnt: recipes that keep their order get a small h and a long drift, shuffled ones the reverse."""
    own, lengths, weights = prior_weights()
    before = float(weights @ own)
    stable, shuffled = (
        across_scales(Measurements(*trial(3, 40, h, length, 0.05)[:4], PLACES, TARGET))
        for h, length in ((0.02, 64.0), (0.4, 1.0))
    )
    assert float(stable.weights @ own) < before < float(shuffled.weights @ own)
    assert float(shuffled.weights @ lengths) < float(stable.weights @ lengths)


@pytest.mark.parametrize("scales", [1, 3])
def test_probabilities_are_as_often_right_as_they_say(scales: int) -> None:
    expected, right = [], []
    rng = np.random.default_rng(0)
    own, lengths, weights = prior_weights()
    for seed in range(16):
        setting = rng.choice(len(weights), p=weights)
        recipes, cells, values, variances, truth = trial(seed, 20, own[setting], lengths[setting], 0.2)
        mine = cells < scales
        found = across_scales(
            Measurements(recipes[mine], cells[mine], values[mine], variances[mine], PLACES[:scales], TARGET)
        ).better()
        first, second = np.triu_indices(20, 1)
        expected.append(found[first, second])
        right.append(truth[first] > truth[second])
    p, wins = np.concatenate(expected), np.concatenate(right)
    p, wins = np.maximum(p, 1 - p), np.where(p >= 0.5, wins, ~wins)
    for low, high in ((0.5, 0.7), (0.7, 0.85), (0.85, 1.01)):
        inside = (p >= low) & (p < high)
        assert wins[inside].mean() == pytest.approx(p[inside].mean(), abs=0.07)  # 3,040 pairs, 16 independent trials


def test_what_is_told_apart_is_the_most_that_keeps_the_rate() -> None:
    better = np.full((4, 4), 0.5)
    for (a, b), p in {(0, 1): 0.99, (0, 2): 0.95, (0, 3): 0.8, (1, 2): 0.7, (1, 3): 0.6, (2, 3): 0.55}.items():
        better[a, b], better[b, a] = p, 1 - p
    told = decided(better, 0.9)
    assert np.array_equal(told, told.T)
    assert told[0].tolist() == [False, True, True, True]  # (.99 + .95 + .8) / 3 = .913; with .7 it is .86
    assert not told[1:, 1:].any()
    assert decided(better, 0.98).sum() == 2
    assert not decided(np.full((3, 3), 0.5), 0.9).any()


def test_the_value_of_a_run_is_that_of_observing_it() -> None:
    """Against what is chosen after the run, simulated from the same Gaussian."""
    settings = one(0.1, 4.0)
    recipes, cells = np.array([0, 1, 2, 0, 1]), np.array([0, 0, 0, 1, 1])
    values, noise = np.array([0.3, 0.2, -0.6, 5.4, 5.2]), np.full(5, 0.04)
    seen = Measurements(recipes, cells, values, noise, PLACES[:2], TARGET)
    posterior = across_scales(seen, settings=settings)
    found = run_values(seen, posterior, 0.04)
    spread = spreads(values, cells, noise, 2)
    h, length = 0.1, 4.0
    rng = np.random.default_rng(0)
    for recipe, cell in ((1, 1), (2, 1), (0, 0)):
        mine = recipes == recipe
        at = np.append(PLACES[cells[mine]], [PLACES[cell], TARGET])
        covariance = (1 - h) * np.exp(-np.abs(at[:, None] - at[None, :]) / length) + h * np.eye(len(at))
        places = np.append(cells[mine], [cell, 9])
        covariance += h * ((places[:, None] == places[None, :]) & ~np.eye(len(at), dtype=bool))
        seen = int(mine.sum())
        covariance[np.arange(seen), np.arange(seen)] += 0.04 / spread[cells[mine]] ** 2 + 1e-9
        gain = np.linalg.solve(covariance[:seen, :seen], covariance[:seen, seen:])
        left = covariance[seen:, seen:] - covariance[seen:, :seen] @ gain
        move = left[0, 1] / np.sqrt(left[0, 0] + 0.04 / spread[cell] ** 2)
        means = np.tile(posterior.means[0], (200_000, 1))
        means[:, recipe] += move * rng.standard_normal(len(means))
        expected = (means.max(1).mean() - posterior.means[0].max()) * posterior.spread
        assert found[recipe, cell] == pytest.approx(expected, abs=2e-3)


def test_draws_have_the_posteriors_means_and_spread() -> None:
    found = across_scales(Measurements(*trial(1, 6, 0.1, 4.0, 0.1)[:4], PLACES, TARGET))
    draws = found.draws(40_000)
    assert draws.mean(0) == pytest.approx(found.weights @ found.means, abs=0.02)
    better = (draws[:, [0]] + np.sqrt(found.noise) * np.random.default_rng(5).standard_normal((40_000, 1))) > (
        draws + np.sqrt(found.noise) * np.random.default_rng(6).standard_normal(draws.shape)
    )
    assert better.mean(0)[1:] == pytest.approx(found.better()[0, 1:], abs=0.02)
    assert isinstance(found, Posterior)


def test_replicates_that_failed_do_not_decide() -> None:
    medians, sd = median_and_noise([np.array([1.0, 1.1, 0.9, -9.0, 1.0]), np.array([2.0]), np.array([3.0, 3.2])])
    assert medians.tolist() == [1.0, 2.0, 3.1]
    assert 0.05 < sd < 0.3
    assert np.isnan(median_and_noise([np.array([1.0]), np.array([2.0])])[1])
