"""The exact curve against sums walked one by one, the shared numbers, and the closed form against both."""

import math

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.theory import Setting, breakpoints, closed_form, exact, local_slope, phase_formulas, slopes
from synthmix.theory.setting import power_sum

WORLDS = {
    "cut in the integrated part": Setting(1.3, k=2e5, pi=0.05, items=5e5, a=0.9, alpha=0.1, b=0.05, lam=0.2),
    "nearly flat": Setting(1.02, k=3e5, pi=0.05, items=5e5),
    "warmer": Setting(1.5, k=3e5, pi=0.1, items=5e5, synthetic_beta=0.8),
    "colder, not cut": Setting(1.5, pi=0.1, items=5e5, synthetic_beta=2.0),
    "synthetic alone": Setting(1.8, k=100, pi=0.0, items=5e5),
    "fewer items than are summed one by one": Setting(1.4, k=300, pi=0.01, items=5000),
}


@pytest.mark.parametrize("name", WORLDS)
def test_the_curve_is_the_sum_over_all_items(name: str) -> None:
    setting, n = WORLDS[name], np.array([0.0, 1.0, 1e3, 1e6, 1e9])
    ranks = np.arange(1, setting.items + 1)
    shown, weight = np.log1p(-setting.shown(ranks)), setting.natural(ranks) * setting.gain(ranks)
    walked = np.array([(weight * np.exp(m * shown)).sum() for m in n])
    curve = exact(setting, n)
    np.testing.assert_allclose(curve.excess, walked, rtol=1e-10, atol=1e-14)
    assert (np.abs(curve.excess - walked) <= 10 * curve.error + 1e-12 * walked + 1e-15).all()
    right = setting.a * ranks**-setting.alpha
    unseen = setting.b * ranks**-setting.lam
    u = np.exp(1e3 * shown)
    error_rate = 1 - (setting.natural(ranks) * (right * (1 - u) + unseen * u)).sum()
    assert curve.loss[2] == pytest.approx(error_rate, rel=1e-9)


def test_endless_items_are_the_limit_of_many() -> None:
    n = np.logspace(2, 10, 9)
    endless, many = (exact(Setting(1.6, k=1e3, pi=0.01, items=items), n) for items in (math.inf, 1e16))
    np.testing.assert_allclose(endless.excess, many.excess, rtol=1e-6)
    assert (endless.error < 1e-9 * endless.excess).all()


@pytest.mark.parametrize("items", [1e9, 1e15, math.inf])
def test_memory_and_time_do_not_grow_with_the_items(items: float) -> None:
    import tracemalloc

    tracemalloc.start()
    exact(Setting(1.1, k=1e8, pi=0.01, items=items), np.logspace(2, 9, 29))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64e6


@pytest.mark.parametrize(
    ("beta", "k", "pi", "rapid", "plateau", "tail", "level"),
    [(2.0, 50, 1e-3, -0.49, 0.0, -0.50, 1.2e-2), (1.5, 1000, 0.01, -1 / 3, 0.0, -1 / 3, None)],
)
def test_the_shared_numbers(
    beta: float, k: float, pi: float, rapid: float, plateau: float, tail: float, level: float | None
) -> None:
    world = Setting(beta, k=k, pi=pi)
    ends = breakpoints(world)
    between = np.geomspace(ends.n1, ends.n2, 60)
    steep = local_slope(world, [ends.n1 / 50, 100 * ends.n2])
    assert steep[0] == pytest.approx(rapid, abs=0.015)
    assert steep[1] == pytest.approx(tail, abs=0.005)
    flattest = np.abs(local_slope(world, between))
    assert flattest.min() == pytest.approx(plateau, abs=0.02)
    if level is not None:
        at = between[flattest.argmin()]
        assert exact(world, at).excess[0] == pytest.approx(level, rel=0.03)
        assert world.tail_mass == pytest.approx(level, rel=0.01)
    assert ends.n1 == pytest.approx(k**beta / world.C) == pytest.approx(ends.n2 * pi)
    assert slopes(world)["tail"] == pytest.approx((1 - beta) / beta)
    assert list(ends.phase([ends.n1 / 2, ends.n1 * 2, ends.n2 * 2])) == [1, 2, 3]


def test_the_closed_form_is_within_one_percent_over_its_range() -> None:
    """beta 1.1 to 2.5, k 10 to 1e5, pi 1e-4 to 1, n 100 to 1e10: the range that docs/three-phases.md states."""
    n = np.logspace(2, 10, 25)
    errors = [
        closed_form(world, n) / exact(world, n).excess - 1
        for world in (
            Setting(beta, k=k, pi=pi)
            for beta in (1.1, 1.3, 1.5, 1.8, 2.1, 2.5)
            for k in (10, 100, 3e3, 1e5)
            for pi in (1e-4, 1e-2, 0.3, 1)
        )
    ]
    assert np.median(np.abs(errors)) < 0.001
    assert np.abs(errors).max() < 0.05


def test_the_closed_form_of_a_fallible_learner() -> None:
    world = Setting(1.5, k=300, pi=0.01, a=0.9, alpha=0.2, b=0.1, lam=0.1)
    n = np.logspace(2, 9, 15)
    np.testing.assert_allclose(closed_form(world, n), exact(world, n).excess, rtol=0.01)
    assert exact(world, [1e12]).loss[0] == pytest.approx(world.floor, rel=1e-3)
    assert world.floor > 0.1


def test_each_phase_has_its_formula() -> None:
    world = Setting(1.7, k=2000, pi=1e-4)
    ends = breakpoints(world)
    n = np.array([ends.n1 / 200, math.sqrt(ends.n1 * ends.n2), ends.n2 * 20])
    formulas, curve = phase_formulas(world, n), exact(world, n).excess
    for k, name in enumerate(("rapid", "plateau", "tail")):
        assert formulas[name][k] == pytest.approx(curve[k], rel=0.02), name
    only = phase_formulas(Setting(1.7), n)
    np.testing.assert_allclose(only["rapid"], exact(Setting(1.7), n).excess, rtol=1e-4)


@pytest.mark.parametrize(
    ("s", "first", "last"), [(1.0, 1, 1e5), (0.3, 7, 3e5), (2.5, 1000, 1e6), (1.2, 5, 5), (-1, 1, 1e5)]
)
def test_power_sums(s: float, first: float, last: float) -> None:
    assert power_sum(s, first, last) == pytest.approx(math.fsum(np.arange(first, last + 1) ** -s), rel=1e-12)


def test_power_sums_at_the_ends() -> None:
    assert power_sum(2, 1) == pytest.approx(math.pi**2 / 6)
    assert power_sum(2, 5, 4) == 0
    assert power_sum(0.5, 1) == math.inf


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"beta": 1.0}, "beta"),
        ({"beta": 0.5}, "beta"),
        ({"beta": math.nan}, "beta"),
        ({"pi": -0.1}, "pi"),
        ({"pi": 1.1}, "pi"),
        ({"pi": math.nan}, "pi"),
        ({"k": 0.5}, "k"),
        ({"k": -3}, "k"),
        ({"a": 0}, "a"),
        ({"b": 2}, "b"),
        ({"alpha": -1}, "alpha"),
        ({"items": 0}, "items"),
        ({"synthetic_beta": 0.7}, "temperature"),
    ],
)
def test_a_world_that_cannot_be_is_refused(changes: dict[str, float], key: str) -> None:
    with pytest.raises(BadInput, match=f"three phases: {key}: "):
        Setting(**{"beta": 1.5, **changes})


@pytest.mark.parametrize("n", [[-1.0], [math.inf], [math.nan], []])
def test_numbers_of_samples_that_are_none(n: list[float]) -> None:
    with pytest.raises(BadInput, match="n: "):
        exact(Setting(1.5), n)


def test_where_there_is_no_closed_form() -> None:
    for world in (Setting(1.5, k=10, synthetic_beta=1.2), Setting(1.5, k=10, items=1e6)):
        with pytest.raises(BadInput, match="closed form"):
            closed_form(world, [1e3])
