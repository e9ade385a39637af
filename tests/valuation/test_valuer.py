"""The score as a whole: what must raise it, what must lower it, what must not change it."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.valuation.curve import grid
from synthmix.valuation.gradients import gradients_for
from synthmix.valuation.learners import ClassifierLearner
from synthmix.valuation.parallel import score_all
from synthmix.valuation.pool import Pool
from synthmix.valuation.valuer import Valuer
from synthmix.valuation.weights import Weights, fitted_weights

from ..bigram_text import WORDS, chain


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    return data.images[order] / 16, data.target[order]


@pytest.fixture(scope="module")
def valuer(digits: tuple[np.ndarray, np.ndarray]) -> Valuer:
    images, labels = digits
    return Valuer(lift=128).fit(Pool.of("target", images[:300], labels[:300]))


@pytest.fixture(scope="module")
def text_valuer() -> Valuer:
    return Valuer(order=3).fit(Pool.of("target", chain(60, 0)))


def test_flipped_labels_lower_the_score_in_their_order(valuer: Valuer, digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = digits[0][300:1000], digits[1][300:1000]
    rng, scores = np.random.default_rng(1), []
    for part in (0.0, 0.1, 0.25, 0.5, 0.9):
        wrong = rng.random(len(labels)) < part
        scores.append(valuer.score(Pool.of(str(part), images, np.where(wrong, (labels + 1) % 10, labels))).value)
    assert scores == sorted(scores, reverse=True)


def test_noise_and_duplicates_lower_it_and_equal_data_score_equal(
    valuer: Valuer, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    images, labels = digits[0][300:1000], digits[1][300:1000]
    whole = valuer.score(Pool.of("whole", images, labels))
    again = valuer.score(Pool.of("again", images.copy(), labels.copy()))
    twice = valuer.score(Pool.of("twice", np.tile(images[:350], (2, 1, 1)), np.tile(labels[:350], 2)))
    noisy = valuer.score(Pool.of("noisy", images + np.random.default_rng(0).normal(0, 0.5, images.shape), labels))
    assert whole.value == again.value
    assert whole.interval == again.interval
    assert twice.value < whole.value
    assert noisy.value < whole.value
    assert whole.interval is not None
    assert whole.interval.low < whole.value < whole.interval.high
    assert whole.interval.mid == whole.value
    assert (whole.interval.level, whole.interval.covers) == (0.9, "sampling")


def test_a_score_does_not_depend_on_the_other_candidates(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = digits
    reference = Pool.of("target", images[:200], labels[:200])
    mine, other = Pool.of("mine", images[300:500], labels[300:500]), Pool.of("other", images[600:] * 3, labels[600:])
    alone = Valuer(lift=64).fit(reference).score(mine).value
    second = Valuer(lift=64).fit(reference)
    second.score(other)
    assert second.score(mine).value == alone


def test_text_that_predicts_the_reference_is_worth_more(text_valuer: Valuer) -> None:
    like, less, none = (Pool.of(str(f), chain(200, 5, f)) for f in (0.7, 0.35, 0.0))
    scores = [text_valuer.score(pool).value for pool in (like, less, none)]
    assert scores[0] > scores[1] > scores[2]
    few = text_valuer.score(Pool.of("few", chain(10, 5)))
    assert few.value < scores[0]
    assert any(warning.startswith("few_items") for warning in few.warnings)


def test_an_order_with_a_period_changes_nothing() -> None:
    """Good and bad texts in turn, in the reference and in the pool: no half and no block holds one kind alone."""
    good, bad = chain(100, 31), chain(100, 32, 0.0)
    mixed = [text for pair in zip(good, bad, strict=True) for text in pair]
    valuer = Valuer(order=2).fit(Pool.of("target", mixed))
    found = valuer.score(Pool.of("pool", mixed[::-1]))
    shuffled = [mixed[i] for i in np.random.default_rng(0).permutation(len(mixed))]
    again = valuer.score(Pool.of("pool", shuffled))
    assert found.value == pytest.approx(again.value, rel=1e-9)
    assert found.interval is not None
    assert again.interval is not None
    assert found.interval.half_width == pytest.approx(again.interval.half_width, rel=0.5)


def test_pools_of_one_name_keep_their_own_scores(text_valuer: Valuer) -> None:
    pools = [Pool.of("text", chain(30, 1, 0.8)), Pool.of("text", chain(30, 2, 0.0))]
    scores, summaries = score_all(text_valuer, pools, parts=2)
    assert [score.value for score in scores] == [text_valuer.score(pool).value for pool in pools]
    assert summaries[0].total("transfer")["tokens"] != summaries[1].total("transfer")["tokens"]


def test_summaries_of_parts_add_up(text_valuer: Valuer) -> None:
    texts = chain(64, 7)
    whole = text_valuer.score_summary(text_valuer.summarise(Pool.of("whole", texts)))
    parts = [text_valuer.summarise(Pool.of("whole", texts[i : i + 32])) for i in (0, 32)]
    added = text_valuer.score_summary(parts[0] + parts[1])
    assert added.value == whole.value
    assert added.interval is not None
    assert added.interval.low < whole.value < added.interval.high


def test_sums_of_parts_are_those_of_the_whole_to_the_last_bit(
    text_valuer: Valuer, valuer: Valuer, digits: tuple[np.ndarray, np.ndarray]
) -> None:
    """However a pool is cut: single precision or a product's order of summation would show."""
    images, labels = digits[0][300:500], digits[1][300:500]
    wide = np.random.default_rng(0).normal(size=(200, 300)) + labels[:, None]  # more columns than the encoder keeps
    from_wide = Valuer(lift=64).fit(Pool.of("target", wide[:100], labels[:100]))
    cuts = [slice(None), slice(3), slice(3, 78), slice(78, None)]
    cases = [(text_valuer, [Pool.of("p", chain(100, 7)[cut]) for cut in cuts])]
    for fitted, items in ((valuer, images), (from_wide, wide)):
        cases.append((fitted, [Pool.of("p", items[cut], labels[cut]) for cut in cuts]))
    for fitted, pools in cases:
        whole, *parts = (fitted.summarise(pool) for pool in pools)
        added = parts[0] + parts[1] + parts[2]
        for term in whole.sums:
            for name, sums in whole.total(term).items():
                np.testing.assert_array_equal(added.total(term)[name], sums, err_msg=f"{term} {name}")
        assert fitted.score_summary(added).value == fitted.score_summary(whole).value


def test_a_mixture_from_sums_is_near_the_mixture_itself(text_valuer: Valuer) -> None:
    """The curve's value at a half against a pool that is really half of each, with the same number of items."""
    good, bad = chain(400, 11), chain(400, 12, 0.0)
    curve = text_valuer.score_mixture(
        [Pool.of("good", good, share=1.0), Pool.of("bad", bad, share=0.0)], [[1, 0], [0.5, 0.5], [0, 1]]
    )
    real = text_valuer.score(Pool.of("half", good[:200] + bad[:200], share=0.5))
    assert curve.values[1] == pytest.approx(real.value, abs=0.003)
    # Both pools give as many tokens as the shorter one has, which is a little less than all of the longer one.
    assert curve.values[0] == pytest.approx(text_valuer.score(Pool.of("good", good)).value, abs=1e-3)
    assert curve.best == 0
    assert curve.best_shares[0].low > 0.4


def test_complementary_pools_are_best_mixed() -> None:
    """Two halves of a language: neither alone covers the reference, and the best share is near a half."""
    first, second = chain(60, 1), chain(100, 2)
    low = [" ".join(w for w in t.split() if w in WORDS[:12]) for t in second]
    high = [" ".join(w for w in t.split() if w in WORDS[12:]) for t in second]
    curve = Valuer(order=2).fit(Pool.of("target", first)).score_mixture([Pool.of("low", low), Pool.of("high", high)])
    assert 0.3 <= curve.shares[curve.best][0] <= 0.7
    best = curve.best_shares[0]
    assert best.low <= curve.shares[curve.best][0] <= best.high
    assert (best.mid, best.covers) == (curve.shares[curve.best][0], "mean")


def test_of_many_pools_the_best_mixture_is_sought() -> None:
    """A language in three parts and two pools of noise: the best mixture holds the parts alike, and no noise."""
    first, second = chain(60, 1), chain(150, 2)
    parts = [WORDS[:8], WORDS[8:16], WORDS[16:]]
    pools = [
        Pool.of(f"part {i}", [" ".join(w for w in t.split() if w in part) for t in second])
        for i, part in enumerate(parts)
    ]
    pools += [Pool.of(f"noise {i}", [" ".join(f"x{i}{j}" for j in range(20))] * 60) for i in range(2)]
    valuer = Valuer(order=2, features=64).fit(Pool.of("target", first))
    read = [valuer.summarise(pool) for pool in pools]
    curve = valuer.score_mixture(read, named={"parts": [1 / 3, 1 / 3, 1 / 3, 0, 0]})
    best = curve.shares[curve.best]
    assert best[:3].min() > 0.1
    assert best[3:].max() < 0.1
    assert curve.values[curve.best] >= curve.values[curve.named["parts"]] - 0.002
    assert set(curve.named) == {*(pool.name for pool in pools), "even", "parts"}
    for i, pool in enumerate(pools):
        rows = curve.shares[curve.along[pool.name]]
        assert (rows[0, i], rows[-1, i]) == (0, 1)
        assert best[i] in rows[:, i]
        assert np.allclose(rows.sum(axis=1), 1)
        held = curve.best_shares[i]
        assert held.low <= best[i] <= held.high
    own = curve.behind[curve.best]
    assert (own.low, own.mid, own.high) == (0, 0, 0)
    alone = curve.behind[curve.named["noise 0"]]
    assert alone.high < 0
    assert curve.worth_unit == "nats per token"
    assert curve.gain.low > 0


def test_the_interval_covers_what_other_samples_give(text_valuer: Valuer) -> None:
    """Scores of 40 samples of one language: their spread beside the interval's half width for the pool's part alone."""
    from synthmix.valuation.summary import BLOCKS
    from synthmix.valuation.uncertainty import parts_of

    found, claimed = [], []
    for seed in range(40):
        summary = text_valuer.summarise(Pool.of("s", chain(64, 100 + seed)))
        found.append(text_valuer.score_summary(summary).value)
        claimed.append(np.sqrt((parts_of(summary, text_valuer.terms, text_valuer.weights)[:BLOCKS] ** 2).sum()))
    assert 0.6 < np.mean(claimed) / np.std(found) < 1.6


def test_influence_orders_documents_of_a_mixed_pool(text_valuer: Valuer) -> None:
    from synthmix.valuation.pool import Batch

    base = text_valuer.summarise(Pool.of("base", chain(50, 3) + chain(50, 4, 0.0)))
    gains = text_valuer.influences(base, Batch(chain(30, 8) + chain(30, 9, 0.0)))
    assert np.mean(gains[:30] > np.median(gains)) > 0.9


def test_text_of_the_references_own_kind_is_not_far_from_it() -> None:
    valuer = Valuer(order=2).fit(Pool.of("target", chain(800, 0)))
    own = valuer.score(Pool.of("own", chain(400, 21))).terms["discrepancy"]
    other = valuer.score(Pool.of("other", chain(400, 21, 0.0))).terms["discrepancy"]
    assert own < 0.4 * other


def test_fitted_weights_find_the_terms_that_matter() -> None:
    rng = np.random.default_rng(0)
    terms = [{"a": float(a), "b": float(b)} for a, b in rng.normal(size=(40, 2))]
    found = fitted_weights(terms, [-2 * each["a"] + 0.05 * rng.normal() for each in terms])
    assert found.values["a"] == pytest.approx(2, abs=0.1)
    assert found.values["b"] < 0.05


def test_grid_holds_every_corner() -> None:
    for pools in (2, 3, 4):
        rows = grid(pools)
        assert np.allclose(rows.sum(axis=1), 1)
        assert all((rows == np.eye(pools)[i]).all(axis=1).any() for i in range(pools))
        assert Fraction(len(np.unique(rows, axis=0)), len(rows)) == 1


@pytest.mark.parametrize(
    ("reference", "candidate", "said"),
    [
        (Pool.of("r", ["a b c"] * 9), Pool.of("c", []), "holds no items"),
        (
            Pool.of("r", np.ones((9, 3)) + np.eye(9, 3), [0, 1] * 4 + [0]),
            Pool.of("c", np.eye(4), [0, 1, 0, 1]),
            "size 4",
        ),
        (Pool.of("r", np.eye(9), [0, 1] * 4 + [0]), Pool.of("c", np.eye(9)), "no labels"),
        (Pool.of("r", np.eye(9)), Pool.of("c", ["a b"]), "one form"),
        (Pool.of("r", ["a b c d e"] * 9), Pool.of("c", np.eye(9)), "one form"),
    ],
)
def test_candidates_that_do_not_fit(reference: Pool, candidate: Pool, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        Valuer().fit(reference).score(candidate)


def test_references_that_do_not_serve() -> None:
    with pytest.raises(BadInput, match="one class only"):
        Valuer().fit(Pool.of("r", np.eye(9), [1] * 9))
    with pytest.raises(BadInput, match="not finite"):
        Pool.of("r", np.full((3, 3), np.nan))
    with pytest.raises(BadInput, match="labels for"):
        Pool.of("r", np.eye(3), [1])
    with pytest.raises(BadInput, match="whole numbers"):
        Pool.of("r", np.eye(3), [0.5, 1, 2])
    with pytest.raises(BadInput, match="hand a model over"):
        Valuer(weights="paper").fit(Pool.of("r", ["a b c d"] * 9))
    with pytest.raises(BadInput, match="call fit first"):
        Valuer().score(Pool.of("c", ["a"]))
    with pytest.raises(BadInput, match="no weights are called"):
        Valuer(weights="best")
    with pytest.raises(BadInput, match="trained subsets"):
        fitted_weights([{"a": 1.0}], [1.0])


def test_a_term_alone_is_an_ablation(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = digits
    reference = Pool.of("target", images[:200], labels[:200])
    pool = Pool.of("c", images[300:500], labels[300:500])
    scored = Valuer(weights="transfer", lift=64).fit(reference)
    scale = 1 - np.square(np.bincount(labels[:200]) / 200).sum()  # of knowing the classes' shares only
    one = scored.score(pool)
    assert one.value == pytest.approx(-one.terms["transfer"] / scale)
    mine = Valuer(weights=Weights("mine", {"transfer": 2.0, "balance": 1.0}), lift=64).fit(reference).score(pool)
    assert mine.value == pytest.approx(-2 * mine.terms["transfer"] / scale - mine.terms["balance"])


def test_the_papers_score_is_the_sum_of_its_four_terms(digits: tuple[np.ndarray, np.ndarray]) -> None:
    images, labels = digits
    reference = Pool.of("target", images[:200], labels[:200])
    learner = ClassifierLearner(network="perceptron", hidden=(16,)).fit(reference)
    made = Valuer(weights="paper", lift=64, gradients=gradients_for(learner, learner.initial(0), width=64))
    score = made.fit(reference).score(Pool.of("c", images[300:500], labels[300:500], share=0.25))
    terms = score.terms
    assert score.value == pytest.approx(-(terms["loss"] + terms["discrepancy"] + terms["ntk"] + terms["sample"]))
    assert terms["ntk"] == pytest.approx(terms["complexity"] ** 2)
    assert score.interval is not None
    assert score.interval.half_width > 0


def test_the_grid_of_ridges_is_the_best_of_its_ridges_and_kernels_of_several_widths_are_their_mean(
    digits: tuple[np.ndarray, np.ndarray],
) -> None:
    images, labels = digits
    reference, pool = Pool.of("r", images[:120], labels[:120]), Pool.of("p", 1 - images[500:600], labels[500:600])

    def terms(**settings: Any) -> Mapping[str, float]:
        return Valuer(lift=64, features=512, **settings).fit(reference).score(pool).terms

    ridges, widths = (1e-4, 1e-2, 1.0), (1.0, 4.0)
    alone = [terms(ridges=(ridge,))["transfer"] for ridge in ridges]
    assert terms(ridges=ridges)["transfer"] == pytest.approx(min(alone))
    assert max(alone) > 1.2 * min(alone)
    squares = [terms(widths=(width,))["discrepancy"] ** 2 for width in widths]
    assert terms(widths=widths)["discrepancy"] ** 2 == pytest.approx(np.mean(squares), abs=0.01)
    assert abs(squares[0] - squares[1]) > 0.03


@pytest.mark.parametrize("settings", [{"ridges": ()}, {"ridges": (0.1, 0.0)}, {"widths": (-1.0,)}, {"widths": ()}])
def test_settings_that_cannot_be_are_named(settings: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"are .*above 0"):
        Valuer(**settings)


def test_two_halves_of_one_text_gain_nothing_from_each_other(text_valuer: Valuer) -> None:
    """All mixtures of one size are worth the same; fractions of every document made .5 the best, with certainty."""
    texts = chain(160, 31)
    halves = [Pool.of("one", texts[:80]), Pool.of("two", texts[80:])]
    curve = text_valuer.score_mixture(halves, [[s, 1 - s] for s in (0.0, 0.25, 0.5, 0.75, 1.0)])
    ends = curve.values[[0, -1]]
    assert curve.values[2] < ends.max() + 0.25 * (curve.high - curve.values)[2]
    real = [text_valuer.score(Pool.of("r", texts[a : a + 40] + texts[80 + a : 120 + a])).value for a in (0, 40)]
    assert curve.values[2] == pytest.approx(np.mean(real), abs=0.5 * (curve.high - curve.values)[2])
    assert curve.best_shares[0].high - curve.best_shares[0].low > 0.4


def test_an_even_sample_is_whole_blocks_and_a_part_of_one(text_valuer: Valuer) -> None:
    summary = text_valuer.summarise(Pool.of("p", chain(160, 32)))
    for weight, turn in ((0.3, 0), (0.3, 4), (0.9, 12), (1.0, 4), (1.7, 8)):
        drawn = summary.sampled(weight, turn)
        assert drawn.size[0] == pytest.approx(weight * summary.size[0], rel=1e-9)
        if weight == 0.3:
            whole = [a is b for a, b in zip(drawn.sums["transfer"], summary.sums["transfer"], strict=True)]
            assert np.flatnonzero(whole)[0] >= turn
            assert 3 <= sum(whole) <= 5
            assert sum(not block for block in drawn.sums["transfer"]) >= 10


def test_a_part_of_a_block_is_no_outlier() -> None:
    """The interval of an even sample hardly moves when a sliver of one more block is taken."""
    from synthmix.valuation.uncertainty import parts_of

    valuer = Valuer(order=2).fit(Pool.of("target", chain(100, 0)))
    summary = valuer.summarise(Pool.of("p", chain(160, 33)))
    sizes = np.array([float(block["tokens"]) for block in summary.sums["transfer"]])

    def half(weight: float) -> float:
        drawn = summary.sampled(weight)
        return float(np.sqrt((parts_of(drawn, valuer.terms, valuer.weights)[:16] ** 2).sum()))

    four = sizes[:4].sum() / sizes.sum()
    assert half(four + 1e-3) == pytest.approx(half(four), rel=0.5)
