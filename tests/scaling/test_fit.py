import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import LAWS, Constant, Fit, Law, Power, Runs, fit
from synthmix.scaling.solver import Problem, minimise
from synthmix.scaling.starts import bounded_least_squares, search

pytestmark = pytest.mark.smoke

TRUTH = {"E": 2.0, "A": 300.0, "alpha": 0.34, "B": 900.0, "beta": 0.33}  # of the fixture `clean`


def test_the_truth_is_found_without_noise(clean: Runs) -> None:
    found = fit("chinchilla", clean, bootstrap=0)
    for name, value in TRUTH.items():
        assert found.parameters[name] == pytest.approx(value, rel=1e-5)
    assert found.objective < 1e-16
    assert found.r2 == pytest.approx(1.0, abs=1e-9)
    assert found.why is not None
    assert found.intervals()["E"].low is None


def test_the_objective_is_a_sum_of_huber_and_no_other_method_gets_lower(noisy: Runs) -> None:
    from scipy.optimize import minimize

    found = fit("chinchilla", noisy, bootstrap=0)

    def objective(theta: np.ndarray) -> float:
        a, b, e, alpha, beta = theta
        r = np.log(np.exp(e) + np.exp(a - alpha * np.log(noisy.N)) + np.exp(b - beta * np.log(noisy.D)))
        size = np.abs(r - np.log(noisy.loss))
        return float(np.where(size <= 1e-3, size**2 / 2, 1e-3 * (size - 5e-4)).sum())

    p = found.parameters
    ours = np.array([math.log(p["A"]), math.log(p["B"]), math.log(p["E"]), p["alpha"], p["beta"]])
    assert found.objective == pytest.approx(objective(ours), rel=1e-9)
    best = min(
        minimize(objective, ours * (1 + 0.05 * np.random.default_rng(k).standard_normal(5)), method="Nelder-Mead",
                 options={"maxiter": 20000, "maxfev": 20000, "xatol": 1e-9, "fatol": 1e-14}).fun
        for k in range(3)
    )  # fmt: skip
    assert found.objective <= best * (1 + 1e-7)


def test_row_order_does_not_matter(noisy: Runs) -> None:
    order = np.random.default_rng(0).permutation(len(noisy))
    one, two = fit("chinchilla", noisy, bootstrap=0), fit("chinchilla", noisy.select(order), bootstrap=0)
    np.testing.assert_allclose(one.values, two.values, rtol=1e-5)
    assert one.objective == pytest.approx(two.objective, rel=1e-10)


def test_units_of_size_and_tokens_do_not_matter(noisy: Runs) -> None:
    other = replace(noisy, N=noisy.N / 1e6, D=noisy.D / 1e9)
    one, two = fit("chinchilla", noisy, bootstrap=50), fit("chinchilla", other, bootstrap=50)
    for name in ("E", "alpha", "beta"):
        assert one.parameters[name] == pytest.approx(two.parameters[name], rel=1e-5)
        assert one.intervals()[name].low == pytest.approx(two.intervals()[name].low, rel=1e-4)
    np.testing.assert_allclose(one.predict(N=1e9, D=1e10), two.predict(N=1e3, D=10.0), rtol=1e-6)


def test_a_weight_of_two_is_a_row_written_twice(noisy: Runs) -> None:
    weight = np.where(np.arange(len(noisy)) % 3 == 0, 2.0, 1.0)
    twice = noisy.select(np.repeat(np.arange(len(noisy)), weight.astype(int)))
    one, two = fit("chinchilla", replace(noisy, weight=weight), bootstrap=0), fit("chinchilla", twice, bootstrap=0)
    np.testing.assert_allclose(one.values, two.values, rtol=1e-5)
    assert one.objective == pytest.approx(two.objective, rel=1e-9)


def test_every_start_ends_at_the_same_objective(noisy: Runs) -> None:
    law = fit("chinchilla", noisy, bootstrap=0).law
    x = noisy.scaled(1e7, 1e8)
    problem = Problem(law, x.points, np.log(x.loss), x.weights, 1e-3, law.low, law.high)
    rng = np.random.default_rng(0)
    start = np.column_stack([rng.uniform(0, 3, 50), rng.uniform(0, 3, 50), rng.uniform(0.05, 1.5, 50),
                             rng.uniform(0, 3, 50), rng.uniform(0.05, 1.5, 50)])  # fmt: skip
    solution = minimise(problem, start)
    best = search(problem)[1]
    assert solution.converged.all()
    assert np.mean(solution.objective < best * (1 + 1e-6)) > 0.9


def test_bounded_least_squares_is_nnls() -> None:
    from scipy.optimize import nnls

    rng = np.random.default_rng(1)
    for _ in range(30):
        basis, target = rng.standard_normal((12, 4)), rng.standard_normal(12)
        ours = bounded_least_squares((basis.T @ basis)[None], (basis.T @ target)[None], np.ones(4, dtype=bool))[0]
        np.testing.assert_allclose(ours, nnls(basis, target)[0], atol=1e-7)


def test_given_parameters_stay(noisy: Runs) -> None:
    found = fit("chinchilla", noisy, fixed={"E": 1.9, "alpha": 0.3}, bootstrap=30)
    assert found.parameters["E"] == pytest.approx(1.9)
    assert found.parameters["alpha"] == pytest.approx(0.3)
    np.testing.assert_allclose(found.draws[:, found.law.names.index("E")], 1.9)
    found = fit("chinchilla", noisy, fixed={"A": 300.0}, bootstrap=0)
    assert found.parameters["A"] == pytest.approx(300.0)
    with pytest.raises(BadInput, match="no such parameter"):
        fit("chinchilla", noisy, fixed={"gamma": 1.0})


def test_resampling_is_reproducible_and_never_shared_between_recipes(tiny: Runs) -> None:
    one, two = fit("chinchilla", tiny, bootstrap=100), fit("chinchilla", tiny, bootstrap=100)
    np.testing.assert_array_equal(one.draws, two.draws)
    assert not np.allclose(one.draws, fit("chinchilla", tiny, bootstrap=100, seed=1).draws)
    other = fit("chinchilla", tiny.with_loss(tiny.loss * 1.02), bootstrap=100)
    a, b = one.draw(N=1e6, D=1e7)[:, 0], other.draw(N=1e6, D=1e7)[:, 0]
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.4


def test_few_cells_are_resampled_by_noise_and_many_by_cells(tiny: Runs, noisy: Runs) -> None:
    assert fit("chinchilla", tiny, bootstrap=20).method == "noise"
    big = noisy.select(np.repeat(np.arange(36), 2))
    grown = replace(big, N=big.N * np.tile([1, 1.1], 36), group=None)
    assert fit("chinchilla", grown, bootstrap=20).method == "cells"
    assert fit("chinchilla", noisy, bootstrap=20, method="wild").method == "wild"
    with pytest.raises(BadInput, match="not a way to resample"):
        fit("chinchilla", noisy, method="jackknife")


def test_replicates_keep_together_in_cell_resampling() -> None:
    D = np.repeat(np.geomspace(1e6, 1e9, 30), 2)
    loss = 2 + 900 * D**-0.33
    loss[1::2] += 1e-3
    found = fit("data", Runs(D=D, loss=loss), bootstrap=200, method="cells")
    # Every resample holds both runs of a cell, so no resample can follow only the upper or the lower ones.
    assert np.ptp(found.draw(D=1e8)) < 5e-4


def test_the_interval_of_a_new_run_is_wider(tiny: Runs) -> None:
    found = fit("chinchilla", tiny, delta=None)
    mean, new = found.interval(N=4e5, D=3e6), found.interval(N=4e5, D=3e6, kind="new_run")
    assert new[1][0] - new[0][0] > mean[1][0] - mean[0][0]
    assert found.loss(N=4e5, D=3e6).low == pytest.approx(mean[0][0])


def test_seed_noise_is_told_from_lack_of_fit() -> None:
    rng = np.random.default_rng(5)
    D = np.repeat(np.geomspace(1e6, 1e9, 24), 3)
    bumps = np.repeat(0.03 * rng.standard_normal(24), 3)
    loss = (2 + 900 * D**-0.33) * np.exp(bumps + 0.002 * rng.standard_normal(72))
    noise = fit("data", Runs(D=D, loss=loss), bootstrap=0).noise
    assert noise.seed == pytest.approx(0.002, rel=0.3)
    assert noise.cell == pytest.approx(0.03, rel=0.4)
    plain = loss * np.exp(-bumps)
    noise = fit("data", Runs(D=D, loss=plain), bootstrap=0).noise
    assert noise.cell == 0
    assert noise.total == pytest.approx(0.002, rel=0.3)


def test_an_exactly_determined_law_is_not_fitted_and_a_given_parameter_makes_it_one_that_is(tiny: Runs) -> None:
    one = tiny.select(tiny.N == 1.6e6)
    for noise in (None, 0.01):
        with pytest.raises(BadInput, match="3 parameters pass exactly through 3 distinct points; add runs"):
            fit("data", one, noise=noise)
    alone = fit("data", one, fixed={"E": 3.0}, bootstrap=0)
    assert "no_replicates" in {warn.code for warn in alone.warnings}
    assert alone.intervals()["B"].low is None
    assert np.isnan(alone.interval(D=1e8)[0]).all()
    given = fit("data", one, fixed={"E": 3.0}, noise=0.01)
    low, high = given.interval(D=3e6)
    assert low[0] < given.predict(D=3e6)[0] < high[0]
    # At the last point the two others hold the curve a little, so the interval is the noise's, 1.86 x 1 % (Student, 8
    # degrees of freedom), or narrower.
    low, high = given.interval(D=9e6)
    assert 0.6 < (high[0] - low[0]) / given.predict(D=9e6)[0] / (2 * 1.86 * 0.01) < 1.1


@pytest.mark.parametrize(
    ("change", "law", "message"),
    [
        (lambda r: r.select(r.N == 1e5), "chinchilla", "all runs have one N"),
        (lambda r: r.select(r.D == 1e6), "chinchilla", "all runs have one D"),
        (lambda r: r.select([0, 1]), "data", "3 parameters cannot be told from 2"),
        (lambda r: Runs(D=r.D, loss=r.loss), "chinchilla", "needs N"),
        (lambda r: r.select([0, 9]), "data", "one D"),
    ],
)
def test_too_little_is_an_error_with_a_remedy(
    tiny: Runs, change: Callable[[Runs], Runs], law: str, message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        fit(law, change(tiny))


@pytest.mark.parametrize(
    "option", [{"bootstrap": -1}, {"bootstrap": 1}, {"level": 1.0}, {"delta": 0.0}, {"delta": np.nan}, {"noise": -0.1}]
)
def test_an_option_out_of_range_is_named(tiny: Runs, option: dict) -> None:
    with pytest.raises(BadInput, match=next(iter(option))):
        fit("chinchilla", tiny, **option)
    with pytest.raises(BadInput, match="resamples are not an array"):
        fit("chinchilla", tiny, bootstrap=np.ones((3, 5)))


def codes(found: Fit) -> set[str]:
    return {warn.code for warn in found.warnings}


def test_warnings_appear_where_they_should(tiny: Runs, noisy: Runs) -> None:
    assert {"few_decades", "too_few_points"} <= codes(fit("chinchilla", tiny))
    assert not {"few_decades", "too_few_points", "flat_profile", "E_at_bound", "loss_rises", "cross_design"} & codes(
        fit("chinchilla", noisy)
    )
    N0, D0 = noisy.N[14], noisy.D[14]
    cross = noisy.select((noisy.N == N0) | (noisy.D == D0))
    assert "cross_design" in codes(fit("chinchilla", cross, bootstrap=0))
    D = np.geomspace(1e6, 1e9, 8)
    assert "loss_rises" in codes(fit("data", Runs(D=D, loss=2 + 0.1 * np.log10(D)), bootstrap=0))
    assert "constant_loss" in codes(fit("data", Runs(D=D, loss=np.full(8, 3.0)), bootstrap=0))
    straight = Runs(D=D, loss=np.exp(0.002 * np.random.default_rng(0).standard_normal(8)) * 30 * D**-0.1)
    assert "E_at_bound" in codes(fit("data", straight))


def test_parameters_that_the_design_cannot_tell_are_named() -> None:
    """Three shares give three asymptotes; mixture_additive has five parameters for them."""
    law = LAWS["mixture_additive"]
    truth = {"E": 1.2, "M": 0.8, "g0": 0.5, "c": 0.8, "g1": 0.6, "A": 400.0, "alpha": 0.34, "B": 900.0, "beta": 0.33}
    axes = (np.geomspace(1e7, 1e9, 4), np.geomspace(1e8, 1e11, 4), [0.0, 0.5, 1.0])
    N, D, r = (grid.ravel() for grid in np.meshgrid(*axes))
    runs = Runs(N=N, D=D, share=r, loss=np.ones(len(N)))
    runs = runs.with_loss(law.predict([truth[name] for name in law.names], runs))
    told = [warn.message for warn in fit(law, runs, bootstrap=0).warnings if warn.code == "not_identified"]
    assert len(told) == 1
    assert "g0" in told[0]
    assert "alpha" not in told[0]
    assert "not_identified" not in codes(fit("chinchilla", runs.select(r == 0), bootstrap=0))


def test_a_far_prediction_is_flagged(noisy: Runs) -> None:
    found = fit("chinchilla", noisy, bootstrap=0)
    assert found.warnings_at(N=3e8, D=6e9) == []
    assert [warn.code for warn in found.warnings_at(N=3e8, D=6e11)] == ["far_extrapolation"]
    assert found.distance(N=1e8, D=6e10)["D"] == pytest.approx(1.0)
    assert found.distance(N=1e8, D=6e10, share=0.5)["N"] == 0.0


def test_a_saved_fit_predicts_the_same(tiny: Runs, tmp_path: Path) -> None:
    found = fit("chinchilla", tiny, bootstrap=50, noise=0.01)
    found.save(tmp_path / "fit.json")
    again = Fit.load(tmp_path / "fit.json")
    np.testing.assert_array_equal(again.draws, found.draws)
    np.testing.assert_array_equal(again.predict(N=1e7, D=1e8), found.predict(N=1e7, D=1e8))
    assert again.interval(N=1e7, D=1e8, kind="new_run") == found.interval(N=1e7, D=1e8, kind="new_run")
    assert again.report() == found.report()
    assert again.warnings == found.warnings


def test_a_file_that_is_no_fit_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(BadInput, match=r"a\.json: is not a saved fit"):
        Fit.load(tmp_path / "a.json")


def test_a_law_of_ones_own_fits_and_loads(clean: Runs, tmp_path: Path) -> None:
    law = Law("mine", (Constant("floor"), Power("N", "a", "p"), Power("D", "b", "p")))
    found = fit(law, clean, bootstrap=0)
    found.save(tmp_path / "mine.json")
    with pytest.raises(BadInput, match="'mine' is not a law"):
        Fit.load(tmp_path / "mine.json")
    assert Fit.load(tmp_path / "mine.json", law).parameters == found.parameters
    assert set(found.parameters) == {"floor", "a", "p", "b"}


def many(n: int, repeats: int = 1) -> Runs:
    """Chinchilla's own law with 1 % noise at ``n`` points, each with ``repeats`` seeds."""
    rng = np.random.default_rng(1)
    N, D = (np.repeat(10 ** rng.uniform(low, low + 3, n), repeats) for low in (6, 8))
    loss = (1.69 + 406.4 * N**-0.34 + 410.7 * D**-0.28) * np.exp(0.01 * rng.standard_normal(len(N)))
    return Runs(N=N, D=D, loss=loss)


def test_of_very_many_runs_a_sub_sample_is_fitted_and_said() -> None:
    runs = many(100_000)
    found = fit("chinchilla", runs, bootstrap=50)
    assert len(found.runs) == 4_000
    said = next(warn.message for warn in found.warnings if warn.code == "sub_sample")
    assert said.startswith("fitted to a random sub-sample of 4,000 of 100,000 runs (seed 0)")
    truth = dict(zip(("E", "A", "alpha", "B", "beta"), (1.69, 406.4, 0.34, 410.7, 0.28), strict=True))
    for name, value in truth.items():
        assert found.parameters[name] == pytest.approx(value, rel=0.1)
    assert "sub_sample" not in codes(fit("chinchilla", runs.select(np.arange(500)), bootstrap=0))
    whole = fit("chinchilla", runs.select(np.arange(6_000)), bootstrap=0, most_runs=None)
    assert len(whole.runs) == 6_000
    assert "sub_sample" not in codes(whole)


@pytest.mark.parametrize(("cells", "repeats", "kept", "each"), [(50, 90, 50, 20), (800, 3, 500, 2), (2000, 1, 1000, 1)])
def test_a_sub_sample_keeps_replicates_together(cells: int, repeats: int, kept: int, each: int) -> None:
    runs = many(cells, repeats)
    some = runs.sampled(1_000, seed=0)
    assert len(some) == kept * each
    assert some.cells == kept
    assert set(np.bincount(some.group)) == {each}
    rows = {(N, D, loss) for N, D, loss in zip(runs.N, runs.D, runs.loss, strict=True)}
    assert {(N, D, loss) for N, D, loss in zip(some.N, some.D, some.loss, strict=True)} <= rows, "rows as they were"
    assert np.array_equal(some.loss, runs.sampled(1_000, seed=0).loss)
    assert not np.array_equal(some.loss, runs.sampled(1_000, seed=1).loss)
