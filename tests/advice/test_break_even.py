"""Generating beside buying and repeating: the arithmetic against the laws that it uses."""

import numpy as np
import pytest

from synthmix.advice.break_even import DATA, POWER, of_priors, of_together
from synthmix.advice.priors import priors
from synthmix.decisions import ask
from synthmix.decisions.supply import REPEATS, effective
from synthmix.evidence import combine, generation_hours, throughputs
from synthmix.interval import Interval
from synthmix.results.evidence import Combined

GAIN = 0.05


def combined(effect: Interval) -> list[Combined]:
    found = combine(effect, Interval(low=-9.0, mid=0.0, high=9.0), recipe="30% hq", kind="hq", share=0.3)
    assert found is not None
    return [found.model_copy(update={"both": effect})]


def loss(tokens: float) -> float:
    return float(DATA * tokens**-POWER)


def worth(tokens: float, unique: float) -> float:
    return float(effective(np.array(tokens), unique, np.array(REPEATS)))


def test_new_text_and_more_epochs_bring_the_effect() -> None:
    question = ask("1B", "100B", natural="20B", synthetic=["hq,price=0.5"], price_training=0.01)
    [one] = of_together(question, combined(Interval(low=-GAIN - 0.01, mid=-GAIN, high=-GAIN + 0.01)))
    now = loss(worth(100e9, 20e9))
    assert one.natural_tokens.mid is not None
    assert one.more_tokens.mid is not None
    assert now - loss(20e9 + one.natural_tokens.mid) == pytest.approx(GAIN, abs=1e-6), "a longer budget of new text"
    assert now - loss(worth(100e9 + one.more_tokens.mid, 20e9)) == pytest.approx(GAIN, abs=1e-6)
    assert one.epochs == pytest.approx((100e9 + one.more_tokens.mid) / 20e9)
    assert one.money == pytest.approx(15_000)
    assert one.natural_price.mid == pytest.approx(15_000 / one.natural_tokens.mid * 1e6)
    assert one.more_money is not None
    assert one.more_money.mid == pytest.approx(one.more_tokens.mid / 1e6 * 0.01)
    assert one.hours_money is None, "no price of a GPU-hour was said"


def test_a_little_new_text_replaces_repeats_within_the_budget() -> None:
    question = ask("1B", "100B", natural="20B", synthetic=["hq,price=0.5"])
    small = 0.002
    [one] = of_together(question, combined(Interval(low=-2 * small, mid=-small, high=0.0)))
    assert one.natural_tokens.mid is not None
    assert 0 < one.natural_tokens.mid < 80e9
    gained = loss(worth(100e9, 20e9)) - loss(worth(100e9, 20e9 + one.natural_tokens.mid))
    assert gained == pytest.approx(small, abs=1e-6)
    assert one.natural_tokens.low == 0
    assert one.natural_price.high is None, "an effect that may be none is worth no price"


def test_what_natural_text_cannot_reach_has_no_price() -> None:
    question = ask("1B", "100B", natural="1B", synthetic=["hq,price=0.5"])
    [one] = of_together(question, combined(Interval(low=-9.5, mid=-9.0, high=-8.5)))
    assert one.natural_tokens.mid is None
    assert "no budget of natural text" in (one.natural_tokens.why or "")
    [free] = of_together(ask("1B", "1B", synthetic=["hq,price=0"]), combined(Interval(low=-0.2, mid=-0.1, high=0.0)))
    assert "costs nothing" in (free.natural_price.why or "")


def test_of_priors_each_kind_with_its_published_cost() -> None:
    prices = {"gpu_hour": 2.0, "flops": 1e15, "mfu": 0.4}
    from synthmix.advice.prices import read_prices

    question = ask("1B", "100B", natural="60B", synthetic=["hq,price=0.5", "faq,price=0"], prices=read_prices(prices))
    found = of_priors(question, priors(question))
    assert [one.kind for one in found] == ["hq", "faq"]
    for one in found:
        assert one.basis == "prior"
        assert one.hours_money is not None
        assert one.hours_money.mid == pytest.approx(2 * (one.hours.mid or 0))


def test_generation_takes_about_what_it_took_others() -> None:
    rows = [row for row in throughputs() if row.generator_params is not None]
    inside = []
    for row in rows:
        found = generation_hours(row.tokens_out, row.kind, row.generator_params)
        inside.append(bool(found.holds(row.gpu_hours)))
    assert 0.85 <= np.mean(inside) <= 1.0
    small, large = (generation_hours(1e9, None, size).mid or 0 for size in (1e9, 27e9))
    assert large > small
    assert generation_hours(2e9).mid == pytest.approx(2 * (generation_hours(1e9).mid or 0))
