"""The n-gram methods and filters against brute force, and against what is known of them."""

import sys
from collections import Counter

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.valuation import methods
from synthmix.valuation.encoding import encoder_for
from synthmix.valuation.methods import METHODS, score_by
from synthmix.valuation.methods.bags import DSIR_BUCKETS, Classifier, Coverage, Dsir
from synthmix.valuation.methods.kneser_ney import FALLBACK, KneserNey, KneserNeyFilter, discounts_of
from synthmix.valuation.pool import Pool
from synthmix.valuation.words import Vocabulary, hashed_bags, words_of

from ..bigram_text import chain


def test_words_in_scripts_with_and_without_spaces() -> None:
    assert words_of("Don't 3.5k, naïve") == ["don", "'", "t", "3", ".", "5k", ",", "naïve"]
    assert words_of("今日は good") == ["今", "日", "は", "good"]
    assert words_of("ไทย") == ["ไ", "ท", "ย"]


def brute(tokens: list[list[int]], vocab: int, order: int):  # type: ignore[no-untyped-def]
    """p(word after history) by the definition, from counters of tuples."""
    padded = [[1] * (order - 1) + each for each in tokens]
    grams = {
        n: Counter(tuple(each[i - n + 1 : i + 1]) for each in padded for i in range(order - 1, len(each)))
        for n in range(1, order + 1)
    }
    used: dict[int, Counter[tuple[int, ...]]] = {order: grams[order]}
    for n in range(1, order):
        used[n] = Counter(gram[1:] for gram in grams[n + 1])
    discounts = {n: [0.0, *discounts_of(np.array(list(used[n].values())))] for n in used}

    def p(history: tuple[int, ...], word: int) -> float:
        n = len(history) + 1
        below = 1 / vocab if n == 1 else p(history[1:], word)
        mine = {gram: count for gram, count in used[n].items() if gram[:-1] == history}
        total = sum(mine.values())
        if not total:
            return below
        given = sum(discounts[n][min(count, 3)] for count in mine.values())
        count = mine.get((*history, word), 0)
        return (count - discounts[n][min(count, 3)]) / total + given / total * below

    return p


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_kneser_ney_is_its_definition_and_adds_up_to_one(order: int) -> None:
    rng = np.random.default_rng(0)
    vocab = 9
    tokens = [[*(3 + rng.choice(6, 30, p=[0.4, 0.3, 0.1, 0.1, 0.05, 0.05])).tolist(), 2] for _ in range(6)]
    ids = np.concatenate([[1] * (order - 1) + each for each in tokens])
    model, p = KneserNey(ids, vocab, order), brute(tokens, vocab, order)
    new = [1] * (order - 1) + [3, 4, 8, 0, 3, 3, 5, 2]
    found = model.log_probabilities(np.array(new))[order - 1 :]
    expected = [np.log(p(tuple(new[i - order + 1 : i]), new[i])) for i in range(order - 1, len(new))]
    assert found == pytest.approx(expected, rel=1e-12)
    history = [1] * (order - 1) + [3, 4, 5]
    every = [np.exp(model.log_probabilities(np.array([*history, word]))[-1]) for word in range(vocab) if word != 1]
    assert sum(every) + p(tuple(history[len(history) - order + 1 :]), 1) == pytest.approx(1)


def test_discounts_of_counts_of_counts() -> None:
    counts = np.repeat([1, 2, 3, 4], [40, 20, 10, 5])
    y = 40 / (40 + 2 * 20)
    assert discounts_of(counts) == pytest.approx([1 - 2 * y * 20 / 40, 2 - 3 * y * 10 / 20, 3 - 4 * y * 5 / 10])
    assert discounts_of(np.ones(5, int)) == pytest.approx(FALLBACK)


def test_hashed_bags_count_words_and_pairs_inside_texts() -> None:
    bags = hashed_bags(["a b a b", "b a", ""], 2**20)
    assert bags.sum(axis=1).ravel().tolist() == [[7, 3, 0]]
    assert sorted(bags[0].data) == [1, 2, 2, 2]  # b a; a, b, a b
    assert bags[0].multiply(bags[1] > 0).sum() == 5  # a, a, b, b, b a


def test_coverage_counts_pairs_of_the_reference() -> None:
    method = Coverage().fit(Pool.of("r", ["the cat sat", "the cat ran"]))
    score = method.score(Pool.of("p", ["The cat ate", "sat ran"]))
    assert score.value == 2 / 4  # the cat, twice; not cat sat, not cat ran
    assert score.terms["words"] == 1
    assert method.documents(Pool.of("p", ["the cat ate", "the cat", "x", ""])).tolist() == [0.5, 1, 0, 0]


@pytest.mark.parametrize("name", ["coverage", "kneser_ney_filter", "classifier", "dsir", "fasttext", "stacked"])
def test_documents_of_the_references_kind_come_first(name: str) -> None:
    if name == "fasttext":
        pytest.importorskip("fasttext")
    method = METHODS[name]().fit(Pool.of("target", chain(100, 0, 0.8)))
    values = method.documents(Pool.of("pool", chain(60, 1, 0.8) + chain(60, 2, 0.0)))  # type: ignore[attr-defined]
    assert values.shape == (120,)
    top = np.argsort(-values, kind="stable")[:60]
    assert (top < 60).mean() > 0.8
    again = METHODS[name]().fit(Pool.of("target", chain(100, 0, 0.8)))
    held = again.documents(Pool.of("pool", chain(60, 1, 0.8) + chain(60, 2, 0.0)))  # type: ignore[attr-defined]
    assert (held == values).all()


def test_dsir_is_the_divergence_of_two_bags() -> None:
    target, pool = ["a b", "a"], ["b"]
    score = Dsir().fit(Pool.of("r", target)).score(Pool.of("p", pool))
    p, q = (1 + np.asarray(hashed_bags(each, DSIR_BUCKETS).sum(axis=0), float).ravel() for each in (target, pool))
    p, q = p / p.sum(), q / q.sum()
    assert score.value == pytest.approx(-(p * np.log(p / q)).sum())


def test_the_classifier_tells_nothing_apart_from_itself() -> None:
    texts = chain(400, 0, 0.8)
    method = Classifier().fit(Pool.of("target", texts[:200]))
    assert abs(method.score(Pool.of("same", texts[200:])).value) < 0.2
    assert method.score(Pool.of("other", chain(200, 1, 0.0))).value < -0.4
    with pytest.raises(BadInput, match="one: holds one item, where classifier needs two or more"):
        method.documents(Pool.of("one", ["a"]))


def test_the_filter_is_a_mean_over_documents_of_the_model_of_the_reference() -> None:
    reference = chain(50, 0, 0.8)
    method = KneserNeyFilter().fit(Pool.of("target", reference))
    pool = chain(20, 1, 0.8)
    each = method.documents(Pool.of("p", pool))
    score = method.score(Pool.of("p", pool))
    assert score.value == pytest.approx(each.mean())
    assert score.interval is not None
    vocabulary = Vocabulary(reference)
    ids, _ = vocabulary.stream(pool[3:4], 2)
    alone = KneserNey(vocabulary.stream(reference, 2)[0], vocabulary.size).log_probabilities(ids)
    assert each[3] == pytest.approx(alone[2:].mean())
    assert np.isfinite(method.documents(Pool.of("odd", ["", "zzz qqq"]))).all()


def test_arrays_have_no_words() -> None:
    for name in ("coverage", "kneser_ney_filter", "classifier", "dsir"):
        with pytest.raises(BadInput, match="holds arrays, where words are counted"):
            METHODS[name]().fit(Pool.of("r", np.zeros((3, 2))))


def test_stacking_weighs_each_filter_by_what_it_sees_in_this_pool() -> None:
    """Shuffled words have the reference's words: only coverage and perplexity see them. Other words: all do."""
    target, clean = chain(120, 0, 0.9), chain(100, 1, 0.9)
    rng = np.random.default_rng(0)
    shuffled = [" ".join(rng.permutation(text.split())) for text in chain(100, 2, 0.9)]
    method = METHODS["stacked"]().fit(Pool.of("target", target))
    score = method.score(Pool.of("pool", clean + shuffled))
    assert score.terms["coverage"] > 0
    assert set(score.terms) == {"classifier", "coverage", "kneser_ney_filter"}
    values = method.documents(Pool.of("pool", clean + shuffled))  # type: ignore[attr-defined]
    assert values[:100].mean() > values[100:].mean() + 1
    with pytest.raises(BadInput, match="target: holds 9 documents, where stacked needs 10"):
        METHODS["stacked"]().fit(Pool.of("target", target[:9]))


def test_a_missing_library_is_a_line_in_all_and_an_error_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fasttext", None)  # importing it fails
    monkeypatch.setattr(methods, "METHODS", {name: METHODS[name] for name in ("coverage", "fasttext", "dsir")})
    reference, pool = Pool.of("r", chain(30, 0, 0.8)), Pool.of("p", chain(30, 1, 0.8))
    told: list[str] = []
    found = score_by(["all"], reference, [pool], encoder=encoder_for(reference), left_out=told)
    assert list(found) == ["coverage", "dsir"]
    assert told == ["left out: fasttext: --method: fasttext is not installed; pip install 'synthmix[fasttext]'"]
    with pytest.raises(BadInput, match="fasttext is not installed"):
        score_by(["fasttext"], reference, [pool], encoder=encoder_for(reference))
