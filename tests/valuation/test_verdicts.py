"""Decisions on pairs: equal size, budgets, what is there already; confidence and worth by the calibration's tasks."""

import numpy as np
import pytest
from scipy.stats import norm

from synthmix.interval import Interval
from synthmix.valuation.pool import Pool
from synthmix.valuation.valuer import Valuer
from synthmix.valuation.verdicts import CLEAR, CalibratedTask, compare_datasets, gain_over, verdict, worth_of

from ..bigram_text import chain

TASKS = (
    CalibratedTask("a", "text", 0.02, 6.0, 0.1),
    CalibratedTask("b", "text", 0.05, 4.0, 0.2),
    CalibratedTask("c", "labels", 0.1, 0.5, 0.05),
)


@pytest.fixture(scope="module")
def valuer() -> Valuer:
    return Valuer(order=3, features=128).fit(Pool.of("target", chain(100, 0, 0.8)))


def gap(mid: float, half: float = 0.0) -> Interval:
    return Interval(low=mid - half, mid=mid, high=mid + half, level=0.9, covers="sampling")


def test_confidence_is_the_mean_over_tasks_of_the_kind() -> None:
    found = verdict(("x", "y"), gap(0.06, 0.02), "text", 100, "tokens", tasks=TASKS)
    deviation = 0.02 / norm.ppf(0.95)
    expected = np.mean([norm.cdf(0.06 / np.hypot(tau, deviation)) for tau in (0.02, 0.05)])
    assert found.confidence == pytest.approx(expected)
    assert (found.said, found.one, found.worth_unit) == ("unclear", "x", "nats per token")
    clear = verdict(("x", "y"), gap(0.2, 0.02), "text", 100, "tokens", tasks=TASKS)
    assert clear.confidence is not None
    assert clear.confidence >= CLEAR
    assert clear.said == "over"
    assert verdict(("x", "y"), gap(0.2), "labels", 100, "items", tasks=TASKS).worth_unit == "accuracy"
    assert verdict(("x", "y"), gap(0.0), "text", 100, "tokens", tasks=TASKS).said == "level"
    unknown = verdict(("x", "y"), gap(0.5), None, 100, "tokens", tasks=TASKS)
    assert (unknown.said, unknown.confidence, unknown.worth) == ("unclear", None, None)


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
