import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.statistics import (
    count_unigrams,
    coverage,
    jensen_shannon,
    kl_contributions,
    kl_test_train,
    kl_train_test,
    mixture_statistics,
    recipe_counts,
    statistic,
    unigram_entropy,
)

counts = st.lists(st.integers(0, 20), min_size=4, max_size=4).filter(any).map(np.array)


class TestCoverage:
    def test_known_shares(self):
        train, test = np.array([5, 1, 0, 9]), np.array([6, 2, 2, 0])
        assert coverage(train, test) == (0.8, pytest.approx(2 / 3))
        assert coverage(train, test, at_least=2) == (0.6, pytest.approx(1 / 3))
        assert coverage(train, test, at_least=0) == (1.0, 1.0)

    def test_expected_is_poisson(self):
        seen = coverage(np.array([2.0, 0.0]), np.array([1, 3]), expected=True)
        assert seen.mass == pytest.approx((1 - math.exp(-2)) / 4)
        assert seen.types == pytest.approx((1 - math.exp(-2)) / 2)
        twice = coverage(np.array([2.0, 0.0]), np.array([1, 3]), at_least=2, expected=True)
        assert twice.mass == pytest.approx((1 - 3 * math.exp(-2)) / 4)

    def test_expected_meets_what_sampling_shows(self):
        rng = np.random.default_rng(1)
        p = 1 / np.arange(1, 501)
        p /= p.sum()
        test = rng.multinomial(5000, p)
        shown = np.mean([coverage(rng.multinomial(300, p), test) for _ in range(200)], axis=0)
        expected = coverage(300 * p, test, expected=True)
        assert np.abs(shown - expected).max() < 0.01  # the standard error of 200 samples is below 0.002

    def test_empty(self):
        with pytest.raises(ValueError, match="held-out text is empty"):
            coverage(np.ones(3), np.zeros(3))


class TestDivergence:
    def test_known_values(self):
        half, quarter = np.array([1, 1]), np.array([1, 3])
        assert kl_test_train(half, quarter, alpha=0) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
        assert kl_train_test(quarter, half, alpha=0) == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))
        assert jensen_shannon(np.array([4, 0]), np.array([0, 2])) == pytest.approx(math.log(2))
        assert unigram_entropy(np.array([2, 2, 0, 4])) == pytest.approx(1.5 * math.log(2))

    def test_smoothing_is_additive_on_the_second_side(self):
        test, train = np.array([2, 0, 2]), np.array([4, 0, 0])
        # (4.5, 0.5, 0.5) / 5.5
        expected = 0.5 * math.log(0.5 * 5.5 / 4.5) + 0.5 * math.log(0.5 * 5.5 / 0.5)
        assert kl_test_train(test, train) == pytest.approx(expected)
        assert kl_test_train(test, train, alpha=0) == math.inf

    @given(counts, counts)
    def test_never_negative_zero_at_itself_and_additive_over_ids(self, a, b):
        assert kl_test_train(a, b) >= -1e-12
        assert kl_test_train(a, a, alpha=0) == pytest.approx(0, abs=1e-12)
        assert kl_contributions(a, b).sum() == pytest.approx(kl_test_train(a, b))
        assert -1e-12 <= jensen_shannon(a, b) <= math.log(2) + 1e-12
        assert jensen_shannon(a, b) == pytest.approx(jensen_shannon(b, a))

    @given(counts, counts)
    def test_kl_is_cross_entropy_minus_entropy(self, test, train):
        q = (train + 0.5) / (train + 0.5).sum()
        cross = -(test / test.sum() * np.log(q)).sum()
        assert kl_test_train(test, train) == pytest.approx(cross - unigram_entropy(test))

    def test_vocabularies_must_agree(self):
        with pytest.raises(ValueError, match="vocabularies of 2 and 3 ids"):
            kl_test_train(np.ones(2), np.ones(3))
        with pytest.raises(ValueError, match="empty text"):
            kl_test_train(np.zeros(2), np.ones(2))


class TestStatistic:
    def test_of_a_run(self):
        streams = {"a": np.array([0, 1, 2, 2]), "b": np.array([3, 3, 3, 3])}
        heldout = count_unigrams(np.array([0, 0, 2, 3]), 5)
        seen = statistic("half", "web", recipe_counts(streams, {"a": 0.5, "b": 0.5}, 4, 5), heldout)
        assert (seen.recipe, seen.domain, seen.train_tokens, seen.test_tokens) == ("half", "web", 4, 4)
        assert (seen.coverage_mass, seen.coverage_types) == (0.75, pytest.approx(2 / 3))
        assert seen.smoothing == "additive 0.5 on train"

    def test_from_pools_meets_the_run_for_a_large_sample(self):
        rng = np.random.default_rng(2)
        streams = {"a": rng.integers(0, 300, 60_000), "b": rng.integers(200, 500, 60_000)}
        pools = {name: count_unigrams(stream, 500) for name, stream in streams.items()}
        heldout = count_unigrams(rng.integers(0, 500, 5000), 500)
        shares = {"a": 0.25, "b": 0.75}
        exact = statistic("r", "d", recipe_counts(streams, shares, 20_000, 500), heldout)
        expected = mixture_statistics("r", "d", pools, shares, heldout, 20_000)
        assert expected.coverage_mass == pytest.approx(exact.coverage_mass, abs=0.01)
        # The plug-in KL of a sample exceeds the expectation's by about V / (2 n) = 0.0125 nats.
        assert expected.kl_test_train == pytest.approx(exact.kl_test_train, abs=0.03)
        assert expected.train_tokens == exact.train_tokens == 20_000
