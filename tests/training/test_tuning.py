"""The best learning rate off sweeps whose truth is known."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.training.tuning import Optimum, Sweep, fit_optimum, fit_rule


def sweep(
    best: float,
    rng: np.random.Generator,
    *,
    noise: float = 0.01,
    width: int = 64,
    params: int = 100_000,
    seeds: int = 2,
    steps: int = 5,
    centre: float | None = None,
    skew: float = 0.0,
) -> Sweep:
    """Rates a factor two apart about ``centre``; each seed shifts all of its losses by up to 0.3 nats."""
    grid = (centre or best) * 2.0 ** (np.arange(steps) - steps // 2)
    rates, losses, names = [], [], []
    for seed in range(seeds):
        shift = rng.uniform(-0.3, 0.3)
        for rate in grid:
            x = np.log(rate / best)
            rates.append(float(rate))
            losses.append(float(4 + shift + 0.1 * x**2 + skew * x**3 + noise * rng.standard_normal()))
            names.append(seed)
    return Sweep(params, width, rates, losses, names)


def fitted(best: float, seed: int = 0, **kind: float) -> Optimum:
    return fit_optimum(sweep(best, np.random.default_rng(seed), **kind))  # type: ignore[arg-type]


def test_a_clean_parabola_gives_its_lowest_point_back() -> None:
    optimum = fitted(0.005, noise=0, centre=0.006)
    assert optimum.rate is not None
    assert optimum.rate.mid == pytest.approx(0.005, rel=1e-6)
    assert optimum.edge is None
    assert optimum.curve[2] == pytest.approx(0.1)
    assert optimum.loss(0.01) - optimum.loss(0.005) == pytest.approx(0.1 * np.log(2) ** 2)


def test_noise_moves_it_little_and_the_interval_says_how_much() -> None:
    optimum = fitted(0.005, noise=0.01, seed=3)
    assert optimum.rate is not None
    assert optimum.rate.low is not None
    assert optimum.rate.high is not None
    assert optimum.rate.low < 0.005 < optimum.rate.high
    assert optimum.rate.high / optimum.rate.low < 1.5
    assert optimum.rate.holds(0.02) is False


@pytest.mark.parametrize(("seeds", "skew"), [(1, 0.0), (2, 0.0), (3, 0.0), (2, 0.02), (3, 0.02)])
def test_the_intervals_hold_the_truth_in_eight_to_nine_cases_of_ten(seeds: int, skew: float) -> None:
    """Also where the loss rises faster on one side, as it does: then a single parabola would be sure and wrong."""
    rng, trials = np.random.default_rng(11), 200
    found = [
        fit_optimum(sweep(0.005, rng, noise=0.02, seeds=seeds, centre=0.006, skew=skew), seed=i) for i in range(trials)
    ]
    held = [o.rate is not None and o.rate.holds(0.005) is not False for o in found]
    assert 0.78 <= np.mean(held) <= 0.99


def test_only_the_rates_about_the_best_one_are_fitted() -> None:
    """Far above, losses explode: a parabola through all nine would be pulled away."""
    wide = sweep(0.004, np.random.default_rng(0), noise=0, steps=9)
    losses = [loss + (10 if rate > 0.05 else 0) for rate, loss in zip(wide.rates, wide.losses, strict=True)]
    optimum = fit_optimum(Sweep(wide.params, wide.width, wide.rates, losses, wide.seeds))
    assert optimum.rate is not None
    assert optimum.rate.mid == pytest.approx(0.004, rel=1e-6)


@pytest.mark.parametrize(("centre", "edge"), [(0.05, "low"), (0.0005, "high")])
def test_a_best_rate_at_the_edge_is_told(centre: float, edge: str) -> None:
    optimum = fitted(0.005, noise=0.001, centre=centre)
    assert optimum.edge == edge


def test_a_loss_without_a_lowest_point_has_no_best_rate() -> None:
    rates = [0.001, 0.002, 0.004, 0.008, 0.016]
    optimum = fit_optimum(Sweep(100_000, 64, rates, [4.0, 4.3, 4.4, 4.3, 4.0], [0] * 5))
    assert optimum.rate is None
    assert optimum.edge == "low"


def test_three_runs_have_a_best_rate_without_an_interval() -> None:
    optimum = fit_optimum(Sweep(100_000, 64, [0.002, 0.004, 0.008], [4.1, 4.0, 4.1], [0] * 3))
    assert optimum.rate is not None
    assert optimum.rate.mid == pytest.approx(0.004)
    assert (optimum.rate.low, optimum.rate.holds(0.004)) == (None, None)


def test_two_rates_are_bad_input() -> None:
    with pytest.raises(BadInput, match="rates: 2 rates have no lowest point; try three or more"):
        fit_optimum(Sweep(100_000, 64, [0.002, 0.004], [4.1, 4.0], [0, 0]))


def optima(exponent: float, factor: float, widths: tuple[int, ...], noise: float, seed: int) -> list[Optimum]:
    rng = np.random.default_rng(seed)
    return [
        fit_optimum(
            sweep(factor * width**-exponent, rng, noise=noise, width=width, params=25 * width**2, centre=0.36 / width),
            seed=width,
        )
        for width in widths
    ]


def test_the_rule_is_found_and_judged() -> None:
    rule = fit_rule(optima(1.0, 0.36, (32, 96), 0.005, 1), used=0.36)
    assert rule.exponent.mid == pytest.approx(1, abs=0.15)
    assert rule.exponent_params.mid == pytest.approx(rule.exponent.mid / 2)
    assert rule.factor.mid == pytest.approx(0.36, rel=0.1)
    assert (rule.exponent_inside, rule.factor_inside) == (True, True)


def test_another_rule_is_told_from_it() -> None:
    rule = fit_rule(optima(0.5, 0.36 / 8, (32, 64, 128), 0.003, 2), used=0.36)
    assert rule.exponent.mid == pytest.approx(0.5, abs=0.15)
    assert rule.exponent_inside is False
    low = fit_rule(optima(1.0, 0.2, (32, 128), 0.003, 2), used=0.36)
    assert low.factor_inside is False
    assert low.factor.mid == pytest.approx(0.2, rel=0.1)


def test_nine_in_ten_exponents_hold_the_truth() -> None:
    rules = [fit_rule(optima(1.0, 0.36, (32, 64, 128), 0.02, seed), used=0.36) for seed in range(150)]
    assert 0.82 <= np.mean([rule.exponent_inside is not False for rule in rules]) <= 0.98


def test_one_size_makes_no_rule() -> None:
    with pytest.raises(BadInput, match="1 of 1 sizes have a best rate, and a rule needs two of different width"):
        fit_rule(optima(1.0, 0.36, (32,), 0.01, 0), used=0.36)
