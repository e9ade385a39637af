"""Selection takes what serves the reference, within its budget, and says how it compares with an even sample."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.valuation.parallel import SpreadPool
from synthmix.valuation.pool import Pool
from synthmix.valuation.selection import (
    check_selection,
    choosing_methods,
    compare,
    document_gains,
    select,
    split_reference,
    subset,
)
from synthmix.valuation.valuer import Valuer

from ..bigram_text import chain
from ..in_process import Shuffled


@pytest.fixture(scope="module")
def valuer() -> Valuer:
    return Valuer(order=3, features=128).fit(Pool.of("target", chain(100, 0, 0.8)))


def test_it_takes_the_better_documents_and_keeps_to_the_budget(valuer: Valuer) -> None:
    good, bad = chain(80, 1, 0.8), chain(240, 2, 0.0)
    pool = Pool.of("pool", good + bad)
    found = select(valuer, pool, 3000)
    assert 2500 < found.taken <= 3000
    assert found.chosen[:80].sum() > 5 * found.chosen[80:].sum()
    assert found.score.value > found.even.value
    assert found.score.value > found.whole.value


def test_the_same_document_is_not_taken_for_ever() -> None:
    """A pool of one good document many times and others once: later rounds turn to what is missing."""
    others = chain(60, 3, 0.8)
    pool = Pool.of("pool", [others[0]] * 200 + others[1:])
    valuer = Valuer(order=3, features=128).fit(Pool.of("target", chain(100, 0, 0.8)))
    found = select(valuer, pool, 1500, rounds=6)
    assert found.chosen[200:].mean() > found.chosen[:200].mean()


def test_a_filter_takes_the_better_documents_and_copies_last(valuer: Valuer) -> None:
    good, bad = chain(80, 1, 0.8), chain(240, 2, 0.0)
    for method in choosing_methods():
        if method == "fasttext":
            continue
        found = select(valuer, Pool.of("pool", good + bad), 3000, method=method)
        assert 2500 < found.taken <= 3000
        assert found.chosen[:80].mean() > 2 * found.chosen[80:].mean(), method
    copied = select(valuer, Pool.of("pool", [good[0]] * 200 + good[1:]), 1500, method="coverage")
    assert copied.chosen[:200].sum() <= 1
    with pytest.raises(BadInput, match="--method: 'mmd' chooses no documents; one of score, coverage, "):
        select(valuer, Pool.of("pool", good), 100, method="mmd")


@pytest.mark.parametrize("method", ["stacked", "coverage", "score"])
def test_workers_judge_as_one_process_does(valuer: Valuer, method: str) -> None:
    pool = Pool.of("pool", chain(700, 1, 0.8) + chain(2400, 2, 0.0))
    here = select(valuer, pool, 30_000, method=method, rounds=2)
    there = select(valuer, SpreadPool(pool, Shuffled(3)), 30_000, method=method, rounds=2)
    assert np.array_equal(there.gains, here.gains)
    assert np.array_equal(there.chosen, here.chosen)


def test_budgets_that_do_not_serve(valuer: Valuer) -> None:
    pool = Pool.of("pool", chain(5, 1, 0.8))
    with pytest.raises(BadInput, match="take all of it"):
        select(valuer, pool, 10_000)
    with pytest.raises(BadInput, match="a budget of nothing"):
        select(valuer, pool, 0)
    with pytest.raises(BadInput, match="smaller than the best document"):
        select(valuer, pool, 4)


def test_parts_and_worth_follow_the_pools_order(valuer: Valuer) -> None:
    texts = chain(6, 1, 0.8)
    chosen = np.array([True, False, True, False, False, True])
    assert subset(Pool.of("p", texts), chosen).all().items == [texts[0], texts[2], texts[5]]
    assert document_gains(valuer, Pool.of("p", texts)).shape == (6,)


def test_the_half_that_did_not_choose_sees_a_real_gain(valuer: Valuer) -> None:
    pool = Pool.of("pool", chain(80, 1, 0.8) + chain(240, 2, 0.0))
    check = check_selection(valuer, pool, 3000)
    assert check is not None
    assert check.better
    assert check.gain == pytest.approx(check.chosen - check.even)
    assert check.interval.low < check.gain < check.interval.high
    assert check.interval.mid == check.gain
    assert (check.interval.level, check.interval.covers) == (0.9, "sampling")


def test_a_gain_by_luck_alone_is_seen_through() -> None:
    """Labels at random everywhere: the reference that chose finds items that fit it, the other half none."""
    rng = np.random.default_rng(4)
    rows = [Pool.of(name, rng.normal(size=(n, 20)), rng.integers(0, 2, n)) for name, n in (("t", 120), ("pool", 800))]
    valuer = Valuer(features=64, lift=0).fit(rows[0])
    found, check = select(valuer, rows[1], 160), check_selection(valuer, rows[1], 160)
    assert check is not None
    assert found.score.value - found.even.value > 0.1
    assert check.gain < 0.3 * (found.score.value - found.even.value)
    assert not check.better


def test_equal_summaries_differ_by_nothing_and_share_the_references_noise(valuer: Valuer) -> None:
    summary = valuer.summarise(Pool.of("pool", chain(60, 1, 0.8)))
    same = compare(valuer, summary, summary)
    assert same.gain == 0
    alone = valuer.score_summary(summary).interval
    assert alone is not None
    assert same.interval.high < 2**0.5 * alone.half_width  # the reference's part has gone


def test_halves_are_a_partition_and_a_handful_has_none() -> None:
    target = Pool.of("target", chain(9, 0, 0.8))
    halves = split_reference(target)
    assert halves is not None
    items = [item for half in halves for item in half.all().items]
    assert sorted(items) == sorted(target.all().items)
    assert [len(half.all()) for half in halves] == [5, 4]
    assert split_reference(Pool.of("few", chain(7, 0, 0.8))) is None


def test_of_equal_documents_none_gains_on_another(valuer: Valuer) -> None:
    """Differences of rounding's size are no gain, whatever parts of documents an even sample takes."""
    texts = chain(3, 1, 0.8)
    for text in texts:
        pool = Pool.of("pool", [text] * 40)
        assert len(set(document_gains(valuer, pool))) == 1
        found = select(valuer, pool, 5 * len(text.split()))
        assert (np.flatnonzero(found.chosen) == np.arange(found.chosen.sum())).all()
        chosen, whole = (valuer.summarise(each, keep_copies=True) for each in (subset(pool, found.chosen), pool))
        for taken in (found.chosen.sum(), 1.3, 2.5, 7.1):
            check = compare(valuer, chosen.weighted(taken / found.chosen.sum()), whole.sampled(taken / 40))
            assert abs(check.gain) < 1e-9
            assert not check.better
            assert check.interval.low < 0 < check.interval.high
