from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.statistics import count_unigrams, mixture_counts, recipe_counts

A = np.array([0, 1, 1, 2], dtype=np.uint16)
B = np.array([3, 3, 3], dtype=np.uint16)


def test_known_counts_and_parts():
    assert count_unigrams(A, 5).tolist() == [1, 2, 1, 0, 0]
    assert count_unigrams(A, 5, start=1, stop=3).tolist() == [0, 2, 0, 0, 0]


@given(st.lists(st.integers(0, 6), max_size=40), st.integers(0, 40))
def test_counts_of_parts_add_up(tokens, cut):
    tokens = np.array(tokens, dtype=np.uint16)
    cut = min(cut, len(tokens))
    parts = count_unigrams(tokens, 7, stop=cut) + count_unigrams(tokens, 7, start=cut)
    assert parts.tolist() == count_unigrams(tokens, 7).tolist()
    assert parts.sum() == len(tokens)


def test_blocks_do_not_matter(monkeypatch):
    monkeypatch.setattr("synthmix.statistics.count._BLOCK", 3)
    assert count_unigrams(np.arange(10), 10).tolist() == [1] * 10


def test_an_id_outside_the_vocabulary_and_a_part_outside_the_stream():
    with pytest.raises(ValueError, match="token id 3 in a vocabulary of 3"):
        count_unigrams(B, 3)
    with pytest.raises(ValueError, match="tokens 0 to 9 of 4"):
        count_unigrams(A, 5, stop=9)


class TestRecipe:
    def test_prefixes_by_share(self):
        shares = {"a": Fraction(1, 3), "b": Fraction(2, 3)}
        assert recipe_counts({"a": A, "b": B}, shares, 3, 4).tolist() == [1, 0, 0, 2]

    def test_a_short_stream_starts_again(self):
        assert recipe_counts({"a": A}, {"a": 1}, 10, 4).tolist() == [3, 5, 2, 0]  # two epochs and two tokens

    def test_a_share_of_nothing_is_an_error_and_no_share_of_nothing_is_not(self):
        empty = np.array([], dtype=np.uint16)
        assert recipe_counts({"a": A, "e": empty}, {"a": 1, "e": 0}, 4, 3).sum() == 4
        with pytest.raises(ValueError, match="e holds no tokens"):
            recipe_counts({"e": empty}, {"e": 1}, 4, 3)


class TestMixture:
    def test_exact_shares(self):
        pools = {"a": np.array([1, 3, 0]), "b": np.array([0, 0, 5])}
        assert mixture_counts(pools, {"a": Fraction(1, 4), "b": 0.75}, 16).tolist() == [1.0, 3.0, 12.0]

    def test_it_is_the_mean_of_random_samples(self):
        rng = np.random.default_rng(0)
        pools = {"a": rng.integers(1, 50, 20), "b": rng.integers(1, 50, 20)}
        expected = mixture_counts(pools, {"a": 0.3, "b": 0.7}, 1000)
        drawn = sum(
            rng.multinomial(n, pools[name] / pools[name].sum(), size=2000).mean(axis=0)
            for name, n in (("a", 300), ("b", 700))
        )
        # The mean of 2000 draws has a standard error below sqrt(1000 / 4 / 2000) = 0.35 per id.
        assert np.abs(drawn - expected).max() < 4 * 0.35
        assert expected.sum() == pytest.approx(1000)

    def test_empty_pools(self):
        assert mixture_counts({"a": np.zeros(3)}, {"a": 0}, 9).tolist() == [0, 0, 0]
        with pytest.raises(ValueError, match="a holds no tokens"):
            mixture_counts({"a": np.zeros(3)}, {"a": 1}, 9)
