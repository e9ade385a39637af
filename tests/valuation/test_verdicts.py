"""Decisions on pairs: equal size, budgets, what is there already; confidence and worth by the calibration's tasks."""

import numpy as np
import pytest
from scipy.stats import norm

from synthmix.interval import Interval
from synthmix.valuation.pool import Pool
from synthmix.valuation.shift import Looks, looks_of, unlike
from synthmix.valuation.valuer import Valuer
from synthmix.valuation.verdicts import (
    CLEAR,
    SHIFTED,
    CalibratedTask,
    compare_datasets,
    gain_over,
    new_errors,
    verdict,
    worth_of,
)

from ..bigram_text import chain

TASKS = (
    CalibratedTask("a", "text", 0.02, 6.0, 0.1),
    CalibratedTask("b", "text", 0.05, 4.0, 0.2),
    CalibratedTask("c", "labels", 0.1, 0.5, 0.05),
    CalibratedTask("d", "labels", 0.12, 0.5, 0.05),
    CalibratedTask("e", "labels", 0.11, 0.5, 0.05),
    CalibratedTask("f", "labels", 0.10, 0.5, 0.05),
)


@pytest.fixture(scope="module")
def valuer() -> Valuer:
    return Valuer(order=3, features=128).fit(Pool.of("target", chain(100, 0, 0.8)))


def gap(mid: float, half: float = 0.0) -> Interval:
    return Interval(low=mid - half, mid=mid, high=mid + half, level=0.9, covers="sampling")


def test_confidence_is_the_mean_over_the_errors_of_a_new_task() -> None:
    found = verdict(("x", "y"), gap(0.06, 0.02), "text", 100, "tokens", tasks=TASKS)
    deviation = 0.02 / norm.ppf(0.95)
    logs = [np.log([0.02, 0.05]), np.log([0.1, 0.12, 0.11, 0.10])]
    spread = np.sqrt(sum(((one - one.mean()) ** 2).sum() for one in logs) / 4 * (1 + 1 / 2))
    draws = np.exp(logs[0].mean() + spread * np.random.default_rng(0).standard_t(4, 400_000))
    expected = norm.cdf(0.06 / np.hypot(draws, deviation)).mean()
    assert found.confidence == pytest.approx(expected, abs=2e-3)
    assert (found.said, found.one, found.worth_unit) == ("unclear", "x", "nats per token")
    clear = verdict(("x", "y"), gap(0.4, 0.02), "text", 100, "tokens", tasks=TASKS)
    assert clear.confidence is not None
    assert clear.confidence >= CLEAR
    assert clear.said == "over"
    assert verdict(("x", "y"), gap(0.2), "labels", 100, "items", tasks=TASKS).worth_unit == "accuracy"
    assert verdict(("x", "y"), gap(0.0), "text", 100, "tokens", tasks=TASKS).said == "level"
    unknown = verdict(("x", "y"), gap(0.5), None, 100, "tokens", tasks=TASKS)
    assert (unknown.said, unknown.confidence, unknown.worth) == ("unclear", None, None)


def test_tasks_that_differ_make_a_new_one_less_sure() -> None:
    def text(*errors: float) -> tuple[CalibratedTask, ...]:
        return tuple(CalibratedTask(str(at), "text", error, 5.0, 0.1) for at, error in enumerate(errors))

    alike, apart = text(0.03, 0.031, 0.032, 0.03), text(0.01, 0.03, 0.03, 0.09)
    assert np.median(new_errors("text", alike)) == pytest.approx(np.median(new_errors("text", apart)), rel=0.05)
    assert np.ptp(new_errors("text", alike)) < 0.02 < np.ptp(new_errors("text", apart))
    sure = [verdict(("x", "y"), gap(0.08), "text", 9, "tokens", tasks=tasks).confidence for tasks in (alike, apart)]
    assert sure[0] is not None
    assert sure[1] is not None
    assert sure[0] > 0.97
    assert sure[1] < CLEAR
    assert new_errors("text", text(0.04)).tolist() == pytest.approx([0.04]), "one task: nothing says how tasks differ"


def test_a_reference_unlike_the_calibrated_ones_widens(valuer: Valuer) -> None:
    asked = (("x", "y"), gap(0.3, 0.02), "text", 100, "tokens")
    usual, shifted = (verdict(*asked, tasks=TASKS, shifted=flag) for flag in (False, True))  # type: ignore[arg-type]
    assert usual.said == "over"
    assert shifted.confidence is not None
    assert usual.confidence is not None
    assert shifted.confidence < usual.confidence
    wide = tuple(CalibratedTask(x.name, x.kind, SHIFTED * x.error, x.slope, SHIFTED * x.residual) for x in TASKS)  # type: ignore[operator]
    other = verdict(*asked, tasks=wide)  # type: ignore[arg-type]
    assert shifted.confidence == pytest.approx(other.confidence)
    assert shifted.worth is not None
    assert other.worth is not None
    assert [shifted.worth.low, shifted.worth.high] == pytest.approx([other.worth.low, other.worth.high])
    prose = [Looks(0.5, 3.4, 0.97), Looks(0.9, 4.1, 1.0)]
    assert unlike(Looks(0.46, 3.2, 0.9), prose) is None, "a tenth beyond is within"
    assert unlike(Looks(0.3, 1.0, 1.0), prose) == (
        "30% of its words, numbers and marks are words (50% to 90% there); it compresses to 1.0 bits a byte "
        "(3.4 to 4.1 there)"
    )


def test_markup_queries_and_other_languages_are_unlike_prose() -> None:
    prose = [
        "The committee met again in the spring, and though nobody had expected much of it, a plan was agreed on.",
        "Rivers carry what the hills lose; a valley is what a thousand floods have left behind, layer upon layer.",
        "She asked him twice whether he had seen the letter, and twice he answered that he never opened the mail.",
    ]
    rows = [f'<tr class="r{i}"><td id="c{i}">{i * 37 % 101}</td><td>{i * i}</td></tr>' for i in range(200)]
    queries = [
        f"SELECT a.name FROM t{i % 3} AS a WHERE a.year > {1900 + i} ORDER BY a.id LIMIT {i % 7}" for i in range(99)
    ]
    known = [Looks(0.51, 3.38, 0.99), Looks(0.9, 4.11, 1.0)]
    texts = {"prose": prose * 20, "rows": rows, "queries": queries, "chinese": ["今天天气很好我们去公园"] * 9}
    read = {name: looks_of(Pool.of(name, each)) for name, each in texts.items()}
    told = {name: unlike(looks, known) if looks is not None else None for name, looks in read.items()}
    assert "of its words, numbers and marks" in str(told["rows"])
    assert "bits a byte" in str(told["queries"])
    assert "0% of its words are of the letters a to z" in str(told["chinese"])
    assert "of its words" not in str(told["prose"])
    assert unlike(looks_of(Pool.of("few", prose)), known) is None, "too little to compress"  # type: ignore[arg-type]
    assert looks_of(Pool.of("images", np.eye(9))) is None
    assert looks_of(Pool.of("numbers", ["1 2 3"] * 9)) is None


def test_nothing_is_told_in_favour_of_what_holds_the_reference(valuer: Valuer) -> None:
    leak = valuer.summarise(Pool.of("leak", [text + " " for text in chain(100, 0, 0.8)]))
    fair, poor = (valuer.summarise(Pool.of(name, chain(100, seed, 0.0))) for name, seed in (("fair", 2), ("poor", 3)))
    pairs = {frozenset((pair.one, pair.other)): pair for pair in compare_datasets(valuer, [leak, fair, poor]).pairs}
    for other in ("fair", "poor"):
        pair = pairs[frozenset(("leak", other))]
        assert (pair.one, pair.said, pair.why, pair.confidence, pair.worth) == ("leak", "unclear", "leak", None, None)
    assert pairs[frozenset(("fair", "poor"))].why == ""


def test_a_dataset_of_two_words_does_not_set_the_equal_size(valuer: Valuer) -> None:
    read = [valuer.summarise(Pool.of(name, texts)) for name, texts in
            (("a", chain(300, 1, 0.8)), ("b", chain(200, 2, 0.3)), ("tiny", chain(1, 3, 0.8)))]  # fmt: skip
    found = compare_datasets(valuer, read)
    assert found.equal == read[1].size[0]
    assert found.tiny == ("tiny",)
    rows = {row["name"]: row for row in found.rows}
    assert rows["tiny"]["equal"] == rows["tiny"]["whole"]
    assert rows["a"]["equal"] < rows["a"]["whole"]


def test_worth_is_the_mixture_over_tasks() -> None:
    found = worth_of(0.1, 0.0, TASKS[:2])
    assert found is not None
    assert found.mid == pytest.approx(0.5)
    rng = np.random.default_rng(0)
    draws = np.concatenate([rng.normal(6 * 0.1, 2**0.5 * 0.1, 400_000), rng.normal(4 * 0.1, 2**0.5 * 0.2, 400_000)])
    assert [found.low, found.high] == pytest.approx(np.quantile(draws, [0.05, 0.95]), abs=3e-3)
    assert worth_of(0.1, 0.0, [CalibratedTask("z", "labels", 0.1)]) is None


def test_size_is_taken_out_and_the_budget_is_what_was_asked(valuer: Valuer) -> None:
    small, large = Pool.of("good, small", chain(30, 1, 0.8)), Pool.of("poor, large", chain(600, 2, 0.3))
    read = [valuer.summarise(pool) for pool in (small, large)]
    found = compare_datasets(valuer, read)
    rows = {row["name"]: row for row in found.rows}
    assert found.ranked_by == "equal"
    assert rows["good, small"]["equal"] > rows["poor, large"]["equal"]
    assert rows["good, small"]["equal"] == rows["good, small"]["whole"]
    assert rows["poor, large"]["equal"] < rows["poor, large"]["whole"]
    assert [row["name"] for row in found.rows] == ["good, small", "poor, large"]
    assert found.pairs[0].tokens == pytest.approx(read[0].size[0])
    asked = compare_datasets(valuer, read, tokens=2 * read[0].size[0])
    assert asked.ranked_by == "tokens"
    row = next(row for row in asked.rows if row["name"] == "poor, large")
    assert row["equal"] < row["at_tokens"] < row["whole"]
    assert asked.as_json()["pairs"][0]["said"] in ("over", "unclear")


def test_what_is_there_already_is_worth_little_on_top(valuer: Valuer) -> None:
    have = valuer.summarise(Pool.of("base", chain(300, 1, 0.8)))
    same, other = (valuer.summarise(Pool.of(name, chain(100, seed, share))) for name, seed, share in
                   (("more of it", 2, 0.8), ("noise", 3, 0.0)))  # fmt: skip
    found = compare_datasets(valuer, [other, same], base=have)
    assert found.ranked_by == "base"
    assert [row["name"] for row in found.rows] == ["more of it", "noise"]
    few = valuer.summarise(Pool.of("base", chain(20, 1, 0.8)))
    on_few, on_many = gain_over(valuer, few, same), gain_over(valuer, have, same)
    assert on_few.value > on_many.value
    assert on_few.interval.sign() > 0
    alone = valuer.score_summary(same).interval
    assert alone is not None
    assert on_many.interval.half_width < alone.half_width, "the base's noise is on both sides"


def test_equal_datasets_are_level(valuer: Valuer) -> None:
    read = [valuer.summarise(Pool.of(name, chain(60, 1, 0.8))) for name in ("a", "b")]
    assert [pair.said for pair in compare_datasets(valuer, read).pairs] == ["level"]
