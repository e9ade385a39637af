"""Runs are chosen by what is open about a decision, by exact updates of one Gaussian."""

import numpy as np
import pytest
from scipy.stats import norm

from synthmix.scaling.acquisition import LENGTH, NEAR, Belief, Error, Errors, Points, choose_runs

M, N = 3, 6


def joint(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means of options, covariance of options and runs, noise of runs."""
    rng = np.random.default_rng(seed)
    root = rng.standard_normal((M + N, 5))
    return 0.3 * rng.standard_normal(M), root @ root.T, 0.1 + rng.random(N)


def posterior(covariance: np.ndarray, noise: np.ndarray, runs: list[int]) -> np.ndarray:
    """Of everything, after some runs, by the textbook's one step."""
    rows = [M + run for run in runs]
    gain = np.linalg.solve(covariance[np.ix_(rows, rows)] + np.diag(noise[runs]), covariance[rows])
    return covariance - covariance[:, rows] @ gain


def test_observing_is_the_posterior() -> None:
    mean, covariance, noise = joint()
    belief = Belief.of_covariance(mean, covariance, noise)
    for place, made in enumerate([[1], [1, 4], [1, 4, 0]], 1):
        belief.observe(made[-1])
        expected = posterior(covariance, noise, made)
        np.testing.assert_allclose(belief.across, expected[:M], atol=1e-12)
        np.testing.assert_allclose(belief.own, np.diag(expected)[M:], atol=1e-12)
        assert len(made) == place
    np.testing.assert_array_equal(belief.mean, mean)
    belief.observe(2, surprise=0.5)
    before = posterior(covariance, noise, [1, 4, 0])
    np.testing.assert_allclose(belief.mean - mean, before[:M, M + 2] * 0.5 / (before[M + 2, M + 2] + noise[2]))


@pytest.mark.parametrize("target", ["regret", "width"])
def test_what_would_be_open_is_what_is_open_after(target: str) -> None:
    mean, covariance, noise = joint(1)
    said = Belief.of_covariance(mean, covariance, noise).openings(target)  # type: ignore[arg-type]
    for run in range(N):
        belief = Belief.of_covariance(mean, covariance, noise)
        belief.observe(run)
        assert said[run] == pytest.approx(belief.open(target), rel=1e-6)  # type: ignore[arg-type]


def test_expected_improvement_and_regret() -> None:
    """Two independent options: E max(0, a - b) in closed form; the regret of two is that improvement."""
    belief = Belief.of_covariance(np.array([0.0, 0.2]), np.diag([0.09, 0.16, 1.0]), np.ones(1))
    sd, gap = 0.5, 0.2
    expected = sd * norm.pdf(gap / sd) - gap * norm.cdf(-gap / sd)
    assert belief.open("regret") == pytest.approx(expected, rel=1e-6)
    assert belief.regret(draws=200_000) == pytest.approx(expected, rel=0.02)
    assert belief.sd(0) == pytest.approx(0.3)
    assert belief.sd(0, 1) == pytest.approx(0.5)


def test_draws_and_the_laws_error_add_up() -> None:
    rng = np.random.default_rng(3)
    options, runs = rng.standard_normal((400, 2)) @ rng.standard_normal((2, M)), rng.standard_normal((400, N))
    shares = rng.dirichlet([1, 1, 1], M + N + 4)
    places = rng.uniform(8, 10, (M + N + 4, 2))
    points, made = Points(shares[: M + N], places[: M + N]), Points(shares[M + N :], places[M + N :])
    residuals, errors = 0.01 * rng.standard_normal(4), Errors(0.02, 0.01, 0.005)
    error = Error(points, made, residuals, errors)

    def prior(a: Points, b: Points) -> np.ndarray:
        apart = 0.5 * np.abs(a.shares[:, None] - b.shares[None]).sum(-1)
        far = np.abs(a.places[:, None] - b.places[None]).sum(-1)
        return (0.02**2 * np.exp(-apart / NEAR) + 0.01**2) * np.exp(-far / LENGTH)

    inside = prior(made, made) + 0.005**2 * np.eye(4)
    whole = prior(points, points) - prior(points, made) @ np.linalg.solve(inside, prior(made, points))
    np.testing.assert_allclose(error.columns(np.arange(M + N)), whole, atol=1e-12)
    np.testing.assert_allclose(error.mean, prior(points, made) @ np.linalg.solve(inside, residuals))
    belief = Belief.of_draws(np.zeros(M), options, runs, error, np.full(N, 1e-4))
    column = belief.column(2)
    np.testing.assert_allclose(belief.across[:, M + 2], column[:M], atol=1e-9)
    assert belief.own[2] == pytest.approx(column[M + 2])
    sampled = np.cov(np.column_stack([options, runs]), rowvar=False) + whole
    np.testing.assert_allclose(belief.across, sampled[:M], atol=0.1)  # the draws' outermost ones are clipped


def test_the_dearest_telling_run_is_not_the_first_bought() -> None:
    """Two runs that tell of the choice, one of ten times the cost, and one that tells nothing for nearly nothing."""
    tells = np.array([[1.0, 0.0, 0.9, 0.95, 0.0], [0.0, 1.0, -0.9, -0.95, 0.0]])
    covariance = np.eye(5)
    covariance[:2] = tells
    covariance[:, :2] = tells.T
    covariance[2:4, 2:4] = [[2.0, 1.6], [1.6, 2.0]]
    mean, noise, costs = np.array([0.0, 0.1]), np.full(3, 0.1), np.array([1.0, 10.0, 0.01])

    def belief() -> Belief:
        return Belief.of_covariance(mean, covariance, noise)

    first, second = choose_runs([(belief(), np.arange(3))], costs, target="regret", spend=20)
    assert (first.run, second.run) == (0, 1)
    assert (first.instead, first.cost) == (1, 1.0)
    assert first.after < first.instead_after < first.before or first.instead_after < first.after
    assert second.before == pytest.approx(first.after)
    assert [pick.run for pick in choose_runs([(belief(), np.arange(3))], costs, target="regret", spend=5)] == [0]
    free = np.array([False, True, True])
    assert [
        pick.run for pick in choose_runs([(belief(), np.arange(3))], costs, target="width", spend=20, free=free)
    ] == [1]
    assert choose_runs([(belief(), np.arange(3))], costs, target="regret", spend=0.5) == []


def test_a_seed_more_tells_less_than_the_first() -> None:
    """Replicates are runs that share everything but their noise."""
    covariance = np.full((4, 4), 0.8)
    covariance[0, 0] = 1.0
    covariance[1:, 1:] = 1.0
    belief = Belief.of_covariance(np.zeros(1), covariance, np.full(3, 0.5))
    picks = choose_runs([(belief, np.arange(3))], np.ones(3), target="width", spend=3)
    gains = [pick.before**2 - pick.after**2 for pick in picks]
    assert gains[0] > gains[1] > gains[2] > 0


def test_a_belief_tells_only_of_its_own_runs() -> None:
    one = Belief.of_covariance(np.zeros(1), np.array([[1.0, 0.9], [0.9, 1.0]]), np.array([0.1]))
    two = Belief.of_covariance(np.zeros(1), np.array([[1.0, 0.3], [0.3, 1.0]]), np.array([0.1]))
    picks = choose_runs([(one, np.array([1])), (two, np.array([0]))], np.ones(2), target="width", spend=1)
    assert [pick.run for pick in picks] == [1]
