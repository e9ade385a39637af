"""The loss that a trained model is expected to have on a mixture: the prior, what runs teach, intervals that hold."""

from dataclasses import replace

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.valuation.pool import Pool
from synthmix.valuation.trained_curve import PRIOR, Prior, Trained, draws_of, features, posterior
from synthmix.valuation.valuer import Valuer

S = np.linspace(0, 1, 21)
ROWS = np.column_stack([1 - S, S])
LEARNERS = 4 + 0.3 * S - 0.8 * S * (1 - S)  # lowest at .31
APART = np.array([[0.0, 0.4], [0.4, 0.0]])
X = features(ROWS, LEARNERS, LEARNERS[[0, -1]], APART)
NO_NOISE = np.zeros((len(S), 1))


def test_without_an_error_the_learners_curve_is_the_expected_loss() -> None:
    plain = Prior(line=(1.0, 0.0), dip=(1.0, 0.0), pool=0.0, gain=(0.0, 0.0), tilt=0.0, noise=0.01)
    expected, drawn = draws_of(posterior(plain, 2), X, NO_NOISE, draws=5, seed=0)
    np.testing.assert_allclose(expected, LEARNERS, rtol=1e-12)
    np.testing.assert_allclose(drawn, np.tile(LEARNERS, (5, 1)), rtol=1e-4)


def test_pools_of_one_text_have_no_error_of_their_gain() -> None:
    """What is left apart from the learners' own curve is a straight line."""
    flat = features(ROWS, np.full(len(S), 4.0), np.array([4.0, 4.0]), np.zeros((2, 2)))
    _, drawn = draws_of(posterior(PRIOR, 2), flat, NO_NOISE, draws=50, seed=0)
    np.testing.assert_allclose(np.diff(drawn, 2, axis=1), 0, atol=1e-9)


def test_runs_move_the_curve_to_where_they_are() -> None:
    """Losses whose best share is another than the learners': three runs tell, and only their differences count."""
    truth = 3 - 0.5 * S - 0.4 * S * (1 - S)
    at = [0, 10, 20]
    prior = Prior(line=(1.0, 0.3), dip=(1.0, 0.5), pool=0.5, gain=(0.0, 0.5), tilt=0.2, noise=0.001)
    before, _ = draws_of(posterior(prior, 2), X, NO_NOISE, draws=2, seed=0)
    found = posterior(prior, 2, X[at], truth[at])
    after, drawn = draws_of(found, X, NO_NOISE, draws=500, seed=0)
    assert S[before.argmin()] == pytest.approx(0.3, abs=0.05)
    assert S[after.argmin()] >= 0.9
    np.testing.assert_allclose(after[at] - after[0], truth[at] - truth[0], atol=0.01)
    assert (drawn[:, 20] - drawn[:, 0]).std() < 0.01
    assert np.allclose(posterior(prior, 2, X[at], truth[at] + 7).mean, found.mean)


def test_runs_that_contradict_the_prior_widen_it() -> None:
    """Runs as expected leave the prior's variances; others are believed, and widen what was not trained."""
    prior, at = replace(PRIOR, noise=0.01), [0, 10, 20]
    mean = posterior(prior, 2).mean
    expected = (X @ mean)[at]
    calm = posterior(prior, 2, X[at], expected + np.array([0.01, -0.01, 0.0]))
    measured = expected + np.array([0.0, 0.0, 1.0])
    off = posterior(prior, 2, X[at], measured)
    np.testing.assert_allclose((X @ off.mean)[at] - (X @ off.mean)[0], measured - measured[0], atol=0.01)
    spread = [float(np.sqrt((X[5] - X[0]) @ found.covariance @ (X[5] - X[0]))) for found in (calm, off)]
    assert spread[1] > 3 * spread[0]


def test_intervals_hold_what_the_prior_makes() -> None:
    """Of 400 truths drawn from the prior about 90 % lie inside, with and without two runs on the pools alone."""
    rng, prior = np.random.default_rng(3), PRIOR
    mean, variance = prior.moments(2)
    for runs in ([], [0, 20]):
        inside, best = [], []
        for number in range(400):
            truth = X @ (mean + np.sqrt(variance) * rng.standard_normal(len(mean)))
            losses = truth[runs] + prior.noise * rng.standard_normal(len(runs))
            found = posterior(prior, 2, X[runs], losses)
            _, drawn = draws_of(found, X, NO_NOISE, draws=300, seed=number)
            low, high = np.quantile(drawn[:, 6] - drawn[:, 20], [0.05, 0.95])
            inside.append(low <= truth[6] - truth[20] <= high)
            low, high = np.quantile(S[drawn.argmin(axis=1)], [0.05, 0.95])
            best.append(low <= S[truth.argmin()] <= high)
        assert np.mean(inside) == pytest.approx(0.9, abs=0.04)
        assert np.mean(best) >= 0.87


def test_a_valuer_learns_from_runs() -> None:
    rng = np.random.default_rng(0)

    def texts(words: list[str], seed: int) -> list[str]:
        rng = np.random.default_rng(seed)
        return [" ".join(rng.choice(words, 40)) for _ in range(40)]

    words = [f"w{i}" for i in range(30)]
    valuer = Valuer(order=2).fit(Pool.of("target", texts(words, 1)))
    read = [valuer.summarise(Pool.of(name, texts(words[a:b], 2))) for name, a, b in (("one", 0, 20), ("two", 10, 30))]
    plain = valuer.score_mixture(read)
    losses = np.array([5.0, 4.8, 4.5])  # the second alone is best
    shares = np.array([[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]])
    taught = valuer.score_mixture(read, trained=Trained(shares, losses))
    assert taught.shares[taught.best][1] > plain.shares[plain.best][1]
    assert taught.behind[taught.named["one"]].high < -0.2
    assert [len(each.shares) for each in (plain, taught)] == [21, 21]
    labelled = Pool.of("images", rng.standard_normal((40, 5)), np.arange(40) % 2)
    other = Valuer().fit(labelled)
    with pytest.raises(BadInput, match="learn from runs"):
        other.score_mixture([labelled, labelled], trained=Trained(shares, losses))
