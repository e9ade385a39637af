import json
import random
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_ind, ttest_rel

from synthmix.errors import BadInput
from synthmix.generation.assemble import Generated
from synthmix.generation.measures import (
    MEASURES,
    Pair,
    Sample,
    blocks,
    content_words,
    diversity,
    faithfulness,
    names,
    numbers,
    sampled,
    values_of,
)
from synthmix.generation.quality import QualityReport, differences, quality_report

SOURCE = "In 1953 Edmund Hillary climbed Mount Everest, which is 8,848.0 metres high, with 13 others."


def grams(text: str, n: int) -> list[tuple[str, ...]]:
    words = text.split()
    return [tuple(words[i : i + n]) for i in range(len(words) - n + 1)]


def noise(seed: int, words: int, vocabulary: int = 40) -> str:
    rng = random.Random(seed)
    letters = str.maketrans("0123456789", "abcdefghij")
    return " ".join(f"w{rng.randrange(vocabulary):04}".translate(letters) for _ in range(words))


def test_diversity_is_what_its_definitions_say() -> None:
    block = [noise(seed, 60, 12) for seed in range(6)]
    found = diversity(block)
    for n in (1, 2, 3, 4):
        all_grams = [gram for text in block for gram in grams(text, n)]
        assert found[f"distinct_{n}"] == pytest.approx(len(set(all_grams)) / len(all_grams))
    pairs = [set(grams(text, 2)) for text in block]
    mean = np.mean([len(own) for own in pairs])
    shared = np.mean([len(one & other) for one, other in combinations(pairs, 2)])
    assert found["self_similarity"] == pytest.approx(shared / mean)
    fours = [set(grams(text, 4)) for text in block]
    again = sum(any(gram in other for other in fours if other is not own) for own in fours for gram in own)
    assert found["self_repetition"] == pytest.approx(again / sum(map(len, fours)))


def test_repetitive_text_is_less_diverse_by_every_measure() -> None:
    varied, dull = (diversity([noise(i, 200, size) for i in range(10)]) for size in (5000, 8))
    assert all(varied[f"distinct_{n}"] > dull[f"distinct_{n}"] for n in (1, 2, 3, 4))
    for name in ("compression", "self_repetition", "self_similarity"):
        assert varied[name] < dull[name]


def test_blocks_hold_exactly_so_many_words_and_each_text_once() -> None:
    texts = [noise(seed, 7 + seed % 5) for seed in range(50)]
    found = blocks(texts, 60, 4, seed=1)
    assert [sum(len(text.split()) for text in block) for block in found] == [60] * 4
    assert blocks(texts, 60, 4, seed=1) == found != blocks(texts, 60, 4, seed=2)
    assert all(any(whole.startswith(text) for whole in texts) for block in found for text in block)
    assert blocks(["a b"], 3, 4, seed=0) == []


def test_numbers_names_and_words_are_found() -> None:
    assert numbers(SOURCE) == {"1953", "8848", "13"}
    assert numbers("1,200.50 and 3.14, then 10:30 and 1,2") == {"1200.5", "3.14", "10:30", "1,2"}
    assert names("The peak is Everest. Hillary's friend, Tenzing Norgay, and Anna's dog Rex.") == {
        "Everest",
        "Tenzing",
        "Norgay",
        "Anna",
        "Rex",
    }
    assert content_words("The ladder was of steel, Steel!") == {"ladder", "steel"}


def test_faithfulness_of_a_copy_a_rewrite_and_an_invention() -> None:
    copy = faithfulness(SOURCE, SOURCE)
    assert {copy[k] for k in copy if k.endswith("_kept")} == {copy["copied"]} == {copy["length_ratio"]} == {1.0}
    assert {copy[k] for k in copy if k.endswith("_added")} == {0.0}
    other = faithfulness("With 13 companions, Hillary reached the top of Everest (8848 m) in 1952, said Bruce.", SOURCE)
    assert other["numbers_kept"] == pytest.approx(2 / 3)
    assert other["numbers_added"] == pytest.approx(1 / 3)
    assert other["names_kept"] == pytest.approx(2 / 3)  # of Hillary, Mount and Everest
    assert other["names_added"] == pytest.approx(1 / 3)  # Bruce, of Hillary, Everest and Bruce
    assert 0 < other["words_kept"] < 1
    assert other["copied"] == 0
    assert faithfulness("Anything.", " ") == {}
    assert "numbers_kept" not in faithfulness("12 eggs.", "Some eggs.")
    assert faithfulness("12 eggs.", "Some eggs.")["numbers_added"] == 1


def test_truncation_that_is_not_known_is_left_out_and_ends_without_a_mark_are_counted() -> None:
    texts = ['He said "yes."', "All of it\u3002", "and then the", "", "Really?)"]
    found = values_of([Pair(text) for text in texts])
    assert "truncated" not in found
    assert [value for _, value in found["unfinished"]] == [0, 0, 1, 0], "an empty text has no end"
    assert [value for _, value in values_of([Pair("x", "", True)])["truncated"]] == [1]


def documents(words: int, drop: int, count: int = 60) -> list[Pair]:
    """Rewrites that lose every ``drop``-th word of their source."""
    sources = [noise(seed, words, 400) + f" {seed}0." for seed in range(count)]
    return [
        Pair(" ".join(w for i, w in enumerate(s.split()) if i % drop or w.endswith(".")), s, i % 10 == 0)
        for i, s in enumerate(sources)
    ]


@pytest.fixture(scope="module")
def report() -> QualityReport:
    refusing = [Pair("I'm sorry, but I can't help with that.", pair.source) for pair in documents(80, 5, 30)]
    return quality_report(
        {"good": documents(80, 10), "poor": [*documents(80, 2, 30), *refusing]}, block_words=400, sample=500
    )


def test_generators_stand_side_by_side_with_their_sources(report: QualityReport) -> None:
    source, good, poor = report.sets
    assert (source.name, good.name, poor.name) == ("source", "good", "poor")
    assert source.documents == 60, "each source once"
    assert good.measures["numbers_kept"].mean.mid == 1
    assert good.measures["numbers_kept"].mean.low == pytest.approx(0.95), "all kept in 60 is not certainty"
    assert good.measures["words_kept"].mean.mid > poor.measures["words_kept"].mean.mid
    assert good.measures["truncated"].mean.mid == pytest.approx(0.1)
    assert (good.measures["refusal"].mean.mid, poor.measures["refusal"].mean.mid) == (0, 0.5)
    assert "numbers_kept" not in source.measures
    assert poor.measures["self_repetition"].mean.mid > good.measures["self_repetition"].mean.mid
    assert good.measures["distinct_2"].n == 10
    for one in report.sets:
        assert set(one.measures) <= set(MEASURES)
        for measure in one.measures.values():
            mean = measure.mean
            if mean.bounded:
                assert mean.low <= mean.mid <= mean.high


def test_the_json_holds_every_measure(report: QualityReport) -> None:
    assert QualityReport.model_validate(json.loads(report.model_dump_json())) == report
    assert report == quality_report(
        {
            "good": documents(80, 10),
            "poor": [
                *documents(80, 2, 30),
                *[Pair("I'm sorry, but I can't help with that.", pair.source) for pair in documents(80, 5, 30)],
            ],
        },
        block_words=400,
        sample=500,
    )


def test_sets_are_compared_over_their_common_sources(report: QualityReport) -> None:
    found = {(d.one, d.other, d.measure): d for d in report.differences}
    kept = found["good", "poor", "words_kept"]
    assert (kept.paired, kept.n) == (True, 30)
    assert kept.beyond
    assert kept.difference.low < kept.difference.mid < kept.difference.high
    assert found["good", "poor", "refusal"].difference.mid == pytest.approx(-0.5)
    assert not found["good", "poor", "distinct_2"].paired, "blocks are no pairs"
    assert ("source", "good", "words") in found
    assert ("source", "good", "words_kept") not in found
    assert QualityReport.model_validate_json(report.model_dump_json()).differences == report.differences


def test_pairing_narrows_a_difference_and_its_interval_is_students() -> None:
    rng = np.random.default_rng(3)
    hard = rng.normal(0, 5, 40)
    one = {f"s{i}": float(x + rng.normal(1, 0.5)) for i, x in enumerate(hard)}
    other = {f"s{i}": float(x + rng.normal(0, 0.5)) for i, x in enumerate(hard)}
    apart = {f"t{i}": value for i, value in enumerate(other.values())}
    [paired] = differences({"a": {"m": one}, "b": {"m": other}})
    [unpaired] = differences({"a": {"m": one}, "b": {"m": apart}})
    assert paired.paired
    assert not unpaired.paired
    assert paired.difference.mid == pytest.approx(unpaired.difference.mid)
    assert unpaired.difference.half_width > 4 * paired.difference.half_width
    test = ttest_rel([*one.values()], [*other.values()]).confidence_interval(0.95)
    assert (paired.difference.low, paired.difference.high) == pytest.approx((test.low, test.high))
    welch = ttest_ind([*one.values()], [*apart.values()], equal_var=False).confidence_interval(0.95)
    assert (unpaired.difference.low, unpaired.difference.high) == pytest.approx((welch.low, welch.high))
    assert differences({"a": {"m": {"x": 1.0}}, "b": {"m": {"y": 1.0}}}) == []


def test_an_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(40):
        lengths = rng.geometric(0.02, 40)
        made = quality_report({"a": [Pair("word " * int(n)) for n in lengths]}, block_words=10)
        measure = made.sets[0].measures["words"].mean
        assert measure.low is not None
        assert measure.high is not None
        covered += measure.low <= 50 <= measure.high
    assert covered >= 32


def test_small_sets_are_measured_as_far_as_they_go() -> None:
    made = quality_report({"one": [Pair("A single text.")]})
    assert made.sets[0].measures["words"].mean.low is None
    assert made.sets[0].measures["distinct_1"].mean.mid == 1
    assert quality_report({"void": [Pair("")]}).sets[0].measures["empty"].mean.mid == 1


@pytest.mark.parametrize(
    ("sets", "message"),
    [
        ({}, "sets: there are no sets"),
        ({"a": []}, "a: is empty; generate some text first"),
        ({"source": [Pair("x")]}, "none of them 'source'"),
    ],
)
def test_nothing_to_measure_is_bad_input(sets: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=message):
        quality_report(sets)


def test_a_sample_is_bounded_uniform_and_taken_in_passing() -> None:
    counts = np.zeros(50)
    for seed in range(400):
        for pair in sampled((Pair(str(i)) for i in range(50)), 10, seed).pairs:
            counts[int(pair.text)] += 1
    assert counts.sum() == 4000
    assert counts.min() > 45
    assert counts.max() < 120
    watching = Sample(2)
    passed = [Generated(str(i), str(i), "0", 0, "source", {"finish": "length"}) for i in range(5)]
    assert [*watching.pass_on(passed)] == passed
    assert (watching.seen, len(watching.pairs)) == (5, 2)
    assert watching.pairs[0].source == "source"
    assert watching.pairs[0].truncated
    seeded = Sample(9)
    list(seeded.pass_on(passed, seeded=True))
    assert {pair.source for pair in seeded.pairs} == {""}
