"""Zipf, Heaps, redundancy and words, on text whose truth is known."""

import numpy as np
import pytest
from scipy.special import zeta

from synthmix.statistics.count import as_arrays, count_words, words_of
from synthmix.statistics.redundancy import compression, near_duplicates, wilson
from synthmix.statistics.text_laws import NEVER, first_seen, heaps_of, rank_frequency, zipf

from ..tokens import Tokens

pytestmark = pytest.mark.smoke

# Exponent and x_min of the counts -> x_min and exponent by version 2.0 of `powerlaw`, whose search ends at 3.
GOLDEN = [(1.8, 1, 1, 1.8001994), (2.4, 6, 6, 2.4003008), (2.8, 20, 22, 2.7990689)]


def quantiles(alpha: float, x_min: int) -> np.ndarray:
    """3,000 counts at even steps of the discrete power law from ``x_min`` on, and 2,000 even ones below it."""
    values = np.arange(x_min, 200_000)
    survival = zeta(alpha, values) / zeta(alpha, x_min)
    tail = values[np.searchsorted(-survival, -(np.arange(3000) + 0.5) / 3000, side="right") - 1]
    return np.append(np.arange(2000) % (x_min - 1) + 1, tail) if x_min > 1 else tail


class TestZipf:
    def test_recovers_the_exponent_of_a_power_law_and_calls_it_one(self):
        counts = np.floor(4.5 * (1 - np.random.default_rng(0).random(3000)) ** (-1 / 1.0) + 0.5).astype(np.int64)
        law = zipf(counts)
        assert law is not None
        assert law.exponent.low < 1.0 < law.exponent.high  # alpha 2
        assert law.exponent.high - law.exponent.low < 0.3
        assert law.fits > 0.1

    def test_what_is_no_power_law_is_told(self):
        law = zipf(np.random.default_rng(0).poisson(50, 3000))
        assert law is not None
        assert law.fits < 0.1 or law.types < 300

    @pytest.mark.parametrize(("alpha", "start", "x_min", "estimated"), GOLDEN)
    def test_agrees_with_the_package_powerlaw(self, alpha, start, x_min, estimated):
        law = zipf(quantiles(alpha, start))
        assert law is not None
        assert law.x_min == x_min
        assert law.alpha == pytest.approx(estimated, abs=2e-3)

    def test_a_steep_tail_is_not_held_to_an_exponent_of_three(self):
        law = zipf(quantiles(4.0, 1))
        assert law is not None
        assert law.alpha == pytest.approx(4.0, abs=0.01)
        assert law.fits > 0.1

    def test_too_few_types(self):
        assert zipf(np.arange(20)) is None

    def test_rank_frequency(self):
        ranks, shares = rank_frequency(np.array([0, 1, 6, 3]))
        assert (ranks, shares) == ([1, 2, 3], [0.6, 0.3, 0.1])
        assert rank_frequency(np.zeros(3, dtype=np.int64)) == ([], [])


class TestHeaps:
    def test_first_seen(self):
        assert first_seen(Tokens(np.array([3, 1, 3, 0])), 5).tolist() == [3, 1, NEVER, 0, NEVER]
        assert first_seen(Tokens(np.array([3, 1, 3, 0])), 5, 2).tolist()[0] == 1

    def test_the_curve_counts_types_and_the_exponent_is_that_of_pure_growth(self):
        tokens = np.arange(2000)  # every token new: V(n) = n
        grown = heaps_of(Tokens(tokens), 2000)
        assert grown is not None
        assert grown.types == grown.tokens
        assert grown.exponent.mid == pytest.approx(1, abs=1e-3)
        assert grown.exponent.low <= grown.exponent.mid <= grown.exponent.high

    def test_zipfian_text_grows_by_the_inverse_exponent(self):
        p = np.arange(1, 200_001) ** -2.0
        tokens = np.random.default_rng(0).choice(200_000, 100_000, p=p / p.sum())
        grown = heaps_of(Tokens(tokens), 200_000)
        assert grown is not None
        assert grown.exponent.mid == pytest.approx(0.5, abs=0.05)  # V(n) ~ n^(1/s) for s > 1 (van Leijenhorst 2005)
        assert grown.types[-1] == len(np.unique(tokens))

    def test_too_short(self):
        assert heaps_of(Tokens(np.arange(50)), 50) is None


class TestRedundancy:
    def test_repetition_compresses(self):
        varied = (" ".join(map(str, row)) for row in np.random.default_rng(0).integers(0, 10**6, (200, 20)))
        plain, same = compression(varied, 10_000), compression(["the same words again"] * 2000, 10_000)
        assert plain is not None
        assert same is not None
        assert plain.bytes == same.bytes == 10_000
        assert same.ratio > 20 * plain.ratio
        assert compression([]) is None

    def test_near_duplicates_are_found_among_themselves(self):
        rng = np.random.default_rng(0)
        documents = [rng.integers(0, 1000, 60) for _ in range(8)]
        changed = documents[0].copy()
        changed[3] = 1
        found = near_duplicates([*documents, changed])
        assert found is not None
        assert (found.rate.mid, found.documents) == (pytest.approx(2 / 9), 9)
        assert found.rate.low < found.rate.mid < found.rate.high
        assert near_duplicates([]) is None

    def test_wilson(self):
        none = wilson(0, 100)
        assert (none.low, none.mid) == (0, 0)
        assert none.high == pytest.approx(2.7055 / 102.7055, abs=1e-4)


class TestWords:
    def test_words(self):
        assert words_of("It\u2019s 2 a_b, Well-known—yes!") == ["it's", "2", "a", "b", "well-known", "yes"]

    def test_counts_over_one_vocabulary(self):
        vocabulary, arrays = as_arrays({"a": count_words(["b a b", "c"]), "b": count_words(["d"] * 3, limit=2)})
        assert vocabulary == ["a", "b", "c", "d"]
        assert arrays["a"].tolist() == [1, 2, 1, 0]
        assert arrays["b"].tolist() == [0, 0, 0, 2]
