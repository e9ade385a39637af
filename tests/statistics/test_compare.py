"""One text against another: the streaming sums against plain formulas, smoothing by name, mixtures without building."""

import math
from collections.abc import Iterator
from fractions import Fraction
from typing import cast

import numpy as np
import pytest

from synthmix.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.statistics.compare import (
    Summary,
    check_smoothing,
    compare_ngrams,
    compare_unigrams,
    coverage,
    jensen_shannon,
    kl_contributions,
    kl_test_train,
    kl_train_test,
    smoothed,
    top_contributions,
    unigram_entropy,
)
from synthmix.statistics.count import TextCounts
from synthmix.statistics.mixtures import expected_coverage, mixture_rows, seen_probability, share_curve
from synthmix.statistics.ngrams import pack, tallied
from synthmix.statistics.survey import by_words
from synthmix.statistics.types import Options, Text

RNG = np.random.default_rng(5)
ZIPF = 1 / np.arange(1, 301)
TRAIN, TEST = RNG.multinomial(2000, ZIPF / ZIPF.sum()), RNG.multinomial(900, ZIPF[::-1] / ZIPF.sum())


class TestUnigrams:
    def test_agrees_with_the_plain_formulas(self):
        found = compare_unigrams(TRAIN, TEST, smoothings=("additive:0.5", "additive:0.1"), at_least=(1, 3))
        for one, alpha in zip(found.divergences, (0.5, 0.1), strict=True):
            assert one.kl_test_train == pytest.approx(kl_test_train(TEST, TRAIN, alpha=alpha))
            assert one.kl_train_test == pytest.approx(kl_train_test(TRAIN, TEST, alpha=alpha))
            assert one.jensen_shannon == pytest.approx(jensen_shannon(TEST, TRAIN))
        for k in (1, 3):
            plain = coverage(TRAIN, TEST, at_least=k)
            assert (found.coverage_mass[k], found.coverage_types[k]) == pytest.approx(plain)
        assert found.overlap_mass == pytest.approx(coverage(TEST, TRAIN).mass)

    def test_what_costs_most(self):
        top = top_contributions(TRAIN, TEST, 5)
        plain = kl_contributions(TEST, TRAIN)
        assert [int(ids[0]) for ids, *_ in top] == np.argsort(-plain)[:5].tolist()
        ids, nats, held, shown = top[0]
        assert (held, shown) == (TEST[ids[0]], TRAIN[ids[0]])
        assert nats == pytest.approx(plain.max())

    def test_refuses(self):
        with pytest.raises(ValueError, match="vocabularies of 2 and 3 ids"):
            compare_unigrams(np.ones(2), np.ones(3))
        with pytest.raises(BadInput, match="held-out text is empty"):
            compare_unigrams(np.ones(2), np.zeros(2))


class TestNgrams:
    def test_is_the_unigrams_formula_over_what_either_holds(self):
        a, b = (tallied(pack(RNG.integers(0, 12, 400).astype(np.uint16), 2, 12, None), 2, 12) for _ in range(2))
        found = compare_ngrams(a, b, smoothings=("additive:0.5", "good-turing"))
        dense = [np.zeros(2**8, dtype=np.int64) for _ in range(2)]
        for table, counts in zip((a, b), dense, strict=True):
            counts[table.keys.astype(np.int64)] = table.counts
        either = (dense[0] + dense[1]) > 0
        plain = compare_unigrams(dense[0][either], dense[1][either], smoothings=("additive:0.5", "good-turing"))
        for one, other in zip(found.divergences, plain.divergences, strict=True):
            assert one.kl_test_train == pytest.approx(other.kl_test_train)
            assert one.kl_train_test == pytest.approx(other.kl_train_test)
        assert found.jaccard == plain.jaccard
        assert top_contributions(a, b, 3)[0][0].shape == (2,)


class TestSmoothing:
    @pytest.mark.parametrize("name", ["additive:0.5", "additive:2", "good-turing"])
    @pytest.mark.parametrize("counts", [TRAIN, np.array([3, 1, 0, 0]), np.array([2, 2, 0]), np.array([1, 1, 0])])
    def test_adds_up_to_one_and_leaves_nothing_out(self, name: str, counts: np.ndarray):
        p = smoothed(name, Summary.of(counts))(counts)
        assert p.sum() == pytest.approx(1)
        assert p.min() > 0

    def test_good_turing_gives_the_unseen_the_mass_of_the_singletons(self):
        counts = np.array([5, 3, 1, 1, 0, 0])
        p = smoothed("good-turing", Summary.of(counts))(counts)
        assert p[4] == p[5] == pytest.approx(2 / 11 / 2)
        assert p[0] / p[1] == pytest.approx(5 / 3)

    def test_good_turing_of_expected_counts_is_that_of_the_draws_on_average(self):
        mean = 300 * ZIPF / ZIPF.sum()
        drawn = [Summary.of(RNG.poisson(mean)).once for _ in range(300)]
        assert Summary.of(mean).once == pytest.approx(np.mean(drawn), rel=0.03)

    @pytest.mark.parametrize("name", ["laplace", "additive:0", "additive:x", "additive:inf", "good-turing:1", ""])
    def test_unknown(self, name: str):
        with pytest.raises(BadInput, match="--smoothing"):
            check_smoothing(name)


def counted(tokens: np.ndarray) -> TextCounts:
    """Tokens and pairs of them."""
    pairs = tallied(pack(tokens, 2, len(ZIPF), None), 2, len(ZIPF))
    return TextCounts(len(tokens), len(ZIPF), np.bincount(tokens, minlength=len(ZIPF)), {2: pairs})


class TestMixtures:
    def test_a_whole_pool_covers_what_it_holds(self):
        seen = seen_probability({"a": TRAIN}, {"a": 1}, 2000, 3)
        assert expected_coverage(seen, TEST) == pytest.approx(coverage(TRAIN, TEST, at_least=3))
        twice = seen_probability({"a": TRAIN}, {"a": 1}, 4000, 3)
        assert expected_coverage(twice, TEST) == pytest.approx(coverage(TRAIN, TEST, at_least=2))

    @pytest.mark.parametrize("at_least", [1, 3])
    def test_meets_what_drawing_shows(self, at_least: int):
        other = RNG.multinomial(1500, np.roll(ZIPF, 20) / ZIPF.sum())
        pools, shares = {"a": TRAIN, "b": other}, {"a": Fraction(1, 4), "b": Fraction(3, 4)}
        expected = expected_coverage(seen_probability(pools, shares, 800, at_least), TEST)
        drawn = [
            coverage(RNG.multivariate_hypergeometric(TRAIN, 200) + RNG.multivariate_hypergeometric(other, 600), TEST,
                     at_least=at_least)
            for _ in range(1000)
        ]  # fmt: skip
        assert np.abs(np.mean(drawn, axis=0) - expected).max() < 0.015

    def test_the_curve_ends_at_its_pools(self):
        other = RNG.multinomial(2000, np.roll(ZIPF, 20) / ZIPF.sum())
        rows = share_curve(
            {"a": TRAIN, "b": other}, "a", ["b"], [Fraction(0), Fraction(1, 2), Fraction(1)], {"d": TEST}, 2000
        )
        ends = [compare_unigrams(pool, TEST) for pool in (TRAIN, other)]
        for row, end in zip((rows[0], rows[2]), ends, strict=True):
            assert row.coverage_mass[1] == pytest.approx(end.coverage_mass[1])
            assert row.divergences[0].kl_test_train == pytest.approx(end.divergences[0].kl_test_train)
        assert [row.share for row in rows] == [0, 0.5, 1]

    def test_named_mixtures_meet_what_drawing_shows(self):
        """Three pools of token pairs: entropy, types and coverage of a mixture against samples of its pools."""
        pools = {}
        for name, roll in (("a", 0), ("b", 7), ("c", 30)):
            tokens = RNG.choice(len(ZIPF), 4000, p=np.roll(ZIPF, roll) / ZIPF.sum())
            pools[name] = (tokens, counted(tokens))
        held = counted(RNG.choice(len(ZIPF), 1000, p=ZIPF / ZIPF.sum()))
        counts = {name: each for name, (_, each) in pools.items()}
        shares = {"a": Fraction(1, 2), "b": Fraction(1, 4), "c": Fraction(1, 4)}
        rows = mixture_rows(counts, {"mine": shares, "a": {"a": 1}}, {"d": held}, 2000)
        assert [(row.name, row.n) for row in rows] == [("mine", 1), ("a", 1), ("mine", 2), ("a", 2)]
        by_n = {row.n: row for row in rows if row.name == "mine"}
        drawn = {1: [], 2: []}
        for _ in range(60):
            parts = [
                tokens[RNG.random(len(tokens)) < float(share) * 2000 / len(tokens)]
                for share, (tokens, _) in zip(shares.values(), pools.values(), strict=True)
            ]
            one = np.concatenate(parts)
            drawn[1].append(
                (
                    len(np.unique(one)),
                    unigram_entropy(np.bincount(one)),
                    coverage(np.bincount(one, minlength=len(ZIPF)), held.unigrams)[0],
                )
            )
            keys, sizes = [], []
            for share, (_, each) in zip(shares.values(), pools.values(), strict=True):
                kept = RNG.binomial(each.ngrams[2].counts, float(share) * 2000 / 4000)
                keys.append(each.ngrams[2].keys[kept > 0])
                sizes.append(kept.sum())
            there = np.unique(np.concatenate(keys))
            mass = held.ngrams[2].counts[np.isin(held.ngrams[2].keys, there)].sum() / held.ngrams[2].total
            drawn[2].append((len(there), np.nan, mass))
        for n, row in by_n.items():
            types, _, mass = np.mean(drawn[n], axis=0)
            assert row.types == pytest.approx(types, rel=0.02)
            assert row.coverage_mass[1] == pytest.approx(mass, abs=0.01)
        bias = (by_n[1].types - 1) / (2 * 2000)  # of a sample's entropy (Miller 1955)
        assert by_n[1].entropy - bias == pytest.approx(np.mean(drawn[1], axis=0)[1], abs=0.02)
        alone = next(row for row in rows if (row.name, row.n) == ("a", 2))
        expected = compare_ngrams(counts["a"].ngrams[2], held.ngrams[2]).divergences[0].kl_test_train
        assert mixture_rows(counts, {"a": {"a": 1}}, {"d": held}, 4000)[1].divergences[
            0
        ].kl_test_train == pytest.approx(expected)
        assert alone.shares == {"a": 1.0}
        with pytest.raises(BadInput, match="holds no tokens"):
            mixture_rows(counts | {"e": counted(np.empty(0, dtype=int))}, {"m": {"e": 1}}, {"d": held}, 10)

    def test_an_empty_pool(self):
        with pytest.raises(BadInput, match="b: holds no tokens"):
            seen_probability({"a": TRAIN, "b": TRAIN * 0}, {"a": 0.5, "b": 0.5}, 10, 1)
        assert not seen_probability({"a": TRAIN}, {"a": 0}, 10, 1).any()


def test_divergence_is_bounded():
    found = compare_unigrams(np.array([5, 0]), np.array([0, 4]))
    assert found.divergences[0].jensen_shannon == pytest.approx(math.log(2))
    assert found.coverage_mass[1] == found.jaccard == 0


class Held:
    """A corpus of one word a token."""

    def __init__(self, text: str) -> None:
        self.words = text.split()

    def tokenizer(self) -> "Held":
        return self

    def decode(self, ids: np.ndarray) -> str:
        return " ".join(self.words[i] for i in ids)

    def token_documents(self, split: str, domain: str | None) -> Iterator[tuple[dict[str, int], np.ndarray]]:
        yield {"tokens": len(self.words)}, np.arange(len(self.words))


def test_a_pairs_divergence_by_words_does_not_move_with_the_texts_beside_it():
    def text(name: str, words: str, domain: str | None = None) -> Text:
        return Text(name, cast(Corpus, Held(words)), domain, 1000)

    one, test = text("one", "a b a c a b d"), text("held", "a a b e", "held")
    others = [text("other", " ".join(f"w{i}" for i in range(200))), text("far", "x y z", "far")]
    alone, _ = by_words([one], [test], Options(words=100))
    among, _ = by_words([one, others[0]], [test, others[1]], Options(words=100))
    assert [pair.comparison for pair in among if (pair.corpus, pair.against) == ("one", "held")] == [
        alone[0].comparison
    ]
    expected = kl_test_train(np.array([2, 1, 1, 0, 0]), np.array([3, 2, 0, 1, 1]))  # the words of these two
    assert alone[0].comparison.divergences[0].kl_test_train == pytest.approx(expected)
