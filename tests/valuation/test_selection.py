"""Selection takes what serves the reference, within its budget, and says how it compares with an even sample."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.valuation.pool import Pool
from synthmix.valuation.selection import part, select, worth
from synthmix.valuation.valuer import Valuer

from ..bigram_text import chain


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
    assert part(Pool.of("p", texts), chosen).all().items == [texts[0], texts[2], texts[5]]
    assert worth(valuer, Pool.of("p", texts)).shape == (6,)
