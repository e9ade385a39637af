"""The mathematics of the loop: curves, posteriors, what is taken, when it stops."""

import numpy as np
import pytest

from synthmix.loop.bandit import FALLS, SHARED, Beliefs, Offer, Outlook, Round, judge, worth_it


def rounds_of(rates: list[float], half: float, count: int, error: float, seed: int = 0) -> list[Round]:
    """Arms in turn, each of a curve rate (1 + x/half)^-1 of its own tokens, 100 tokens a round."""
    rng, written, found = np.random.default_rng(seed), np.zeros(len(rates)), []
    for number in range(count):
        arm = number % len(rates)
        gain = rates[arm] * half * np.log((half + written[arm] + 100) / (half + written[arm]))
        written[arm] += 100
        found.append(Round(arm, 100, 100, gain + error * rng.normal(), error))
    return found


def test_the_gain_of_a_round_is_the_integral_of_the_marginal_value() -> None:
    beliefs = Beliefs(2, [Round(0, 300, 1, 1.0, 0.1), Round(1, 500, 1, 1.0, 0.1)], 1000)
    found = beliefs._features(0, beliefs.written, 200)
    x = np.linspace(0, 200, 20_001)
    for i, shared in enumerate(SHARED):
        for j, fall in enumerate(FALLS):
            for k, half in enumerate(beliefs._h):
                curve = (1 + (300 + shared * 500 + x) / half) ** -fall
                assert found[i, j, k] == pytest.approx(np.trapezoid(curve, x), rel=1e-6)


def test_an_outlook_is_a_mixture_of_normals() -> None:
    outlook = Outlook(np.array([0.25, 0.75]), np.array([0.0, 4.0]), np.array([1.0, 1.0]))
    assert outlook.mean == 3.0
    for level in (0.05, 0.5, 0.9):
        assert outlook.below(outlook.quantile(level)) == pytest.approx(level, abs=1e-8)
    assert outlook.below(0.0) == pytest.approx(0.25 * 0.5 + 0.75 * 3.167e-5, rel=1e-3)


def test_one_look_at_every_arm_the_cheapest_first() -> None:
    offers = [Offer(0, 100, 5.0), Offer(1, 100, 1.0), Offer(2, 100, 2.0)]
    assert [each.offer.arm for each in judge(Beliefs(3, [], 1000), offers)] == [1, 2, 0]
    seen = [Round(1, 100, 1.0, 1.0, 0.01)]
    assert {each.offer.arm for each in judge(Beliefs(3, seen, 1000), offers)[:2]} == {0, 2}


@pytest.mark.parametrize("seed", range(3))
def test_the_next_gain_is_told_from_the_rounds_before(seed: int) -> None:
    rates, half = [0.02, 0.01, -0.005], 400
    beliefs = Beliefs(3, rounds_of(rates, half, 18, 0.02, seed), 3000)
    for arm, rate in enumerate(rates):
        true = rate * half * np.log((half + 700) / (half + 600))
        outlook = beliefs.outlook(arm, 100)
        assert abs(outlook.mean - true) < 0.25 * abs(rates[0] * 100)
        assert outlook.quantile(0.01) < true < outlook.quantile(0.99)
    order = judge(beliefs, [Offer(arm, 100, 100) for arm in range(3)])
    assert [each.offer.arm for each in order] == [0, 1, 2]


def test_value_falls_with_what_others_wrote_where_that_is_seen() -> None:
    """Two arms of one text: each round is worth less, whoever writes it."""
    curve = [0.01 * 200 * np.log((200 + 100 * (i + 1)) / (200 + 100 * i)) for i in range(12)]
    shared = Beliefs(2, [Round(i % 2, 100, 100, curve[i], 0.002) for i in range(12)], 2000)
    own = Beliefs(2, rounds_of([0.01, 0.01], 200, 12, 0.002), 2000)
    weights = [each._fitted[0][0].sum(axis=(1, 2, 3)) for each in (shared, own)]
    assert weights[0][SHARED.index(1.0)] > 0.9
    assert weights[1][SHARED.index(0.0)] > 0.7


def test_costs_decide_between_equals() -> None:
    beliefs = Beliefs(2, rounds_of([0.01, 0.01], 500, 8, 0.01), 2000)
    assert judge(beliefs, [Offer(0, 100, 100), Offer(1, 100, 50)])[0].offer.arm == 1


def test_it_stops_when_no_arm_is_worth_its_price_with_the_confidence_asked_for() -> None:
    beliefs = Beliefs(2, rounds_of([0.01, 0.002], 300, 20, 0.005), 2000)
    offers = [Offer(0, 100, 10.0), Offer(1, 100, 10.0)]
    gain = beliefs.outlook(0, 100)
    # A price at the expected gain is even odds: go on at 90 %, stop at 50 % once it is a little higher.
    at = gain.mean / 10
    assert worth_it(judge(beliefs, offers, price=at, confidence=0.9), confidence=0.9)
    assert not worth_it(judge(beliefs, offers, price=1.05 * gain.quantile(0.5) / 10), confidence=0.5)
    assert not worth_it(judge(beliefs, offers, price=1.01 * gain.quantile(0.9) / 10), confidence=0.9)
    assert worth_it(judge(beliefs, offers, price=0.99 * gain.quantile(0.9) / 10), confidence=0.9)
    assert worth_it(judge(beliefs, offers), confidence=0.9), "any gain is worth it without a price"


def test_the_interval_of_the_next_gain_holds_as_often_as_it_says() -> None:
    """Over worlds drawn from the model itself: 80 % intervals."""
    held, rng = [], np.random.default_rng(5)
    for seed in range(120):
        rates = list(rng.normal(0.01, 0.005, 3))
        half = float(rng.choice([0.03, 0.1, 0.3, 1.0])) * 3000
        beliefs = Beliefs(3, rounds_of(rates, half, 12, 0.05, seed), 3000)
        true = rates[0] * half * np.log((half + 500) / (half + 400))
        outlook = beliefs.outlook(0, 100)
        held.append(outlook.quantile(0.1) < true < outlook.quantile(0.9))
    assert 0.7 < np.mean(held) < 0.93


def test_rounds_without_text_say_nothing() -> None:
    seen = rounds_of([0.01, 0.02], 300, 6, 0.01)
    with_empty = Beliefs(2, [*seen, Round(1, 0.0, 50.0, 0.0, 0.0)], 2000)
    assert with_empty.outlook(1, 100).mean == Beliefs(2, seen, 2000).outlook(1, 100).mean
