"""The law's own error: held-out cuts inside the runs scale what resampling says."""

from dataclasses import replace

import numpy as np
import pytest

from synthmix.scaling import Fit, Runs, compute_optimal, fit, speedup
from synthmix.scaling.model_error import (
    FLOOR,
    NARROWEST,
    PUBLIC,
    PUBLIC_FACTOR,
    InnerCut,
    ModelError,
    away,
    inner_cuts,
    spread,
)

TRUTH = {"E": 1.8, "A": 400.0, "alpha": 0.34, "B": 300.0, "beta": 0.28}
NOISE = 0.002


def grid(sizes: int = 6, budgets: int = 6) -> Runs:
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 3e9, sizes), np.geomspace(2e8, 1e11, budgets)))
    return Runs(N=N, D=D, loss=np.ones(len(N)))


def losses(runs: Runs, bend: float) -> np.ndarray:
    """Chinchilla's law; with ``bend`` its exponent of D grows within the runs, so that the law is wrong."""
    t = TRUTH
    loss = t["E"] + t["A"] * runs.N ** -t["alpha"] + t["B"] * runs.D ** -t["beta"] * (1 + runs.D / 1e10) ** -bend
    return np.asarray(loss)


def study(seed: int, bend: float) -> Runs:
    clean = grid()
    noise = np.exp(NOISE * np.random.default_rng(seed).standard_normal(len(clean)))
    return clean.with_loss(losses(clean, bend) * noise)


def of_ratios(*ratios: float, direction: tuple[float, float, float] = (0.0, 0.5, 0.0)) -> ModelError:
    return ModelError("inner cuts", tuple(InnerCut("D", "", 20, 10, 0.5, direction, 0.01, each) for each in ratios))


def test_the_factor_is_shrunk_toward_the_published_one_by_the_weight_of_one_cut() -> None:
    assert ModelError("public").factor == pytest.approx(PUBLIC_FACTOR)
    assert pytest.approx(np.exp(np.mean([np.log(factor) for _, _, factor in PUBLIC.values()]))) == PUBLIC_FACTOR
    # Errors of 1 / 1.645 half-widths are what a right law gives: factor 1, drawn a little toward the prior.
    assert of_ratios(*[1 / 1.645] * 7).factor == pytest.approx(PUBLIC_FACTOR ** (1 / 8))
    assert of_ratios(1 / 1.645, 3 / 1.645).factor == pytest.approx((5.0 * PUBLIC_FACTOR) ** (1 / 3))
    assert of_ratios(*[0.01] * 7).factor == NARROWEST
    assert ModelError("none").factor == 1


def test_cuts_in_the_direction_of_a_prediction_count() -> None:
    cuts = (*of_ratios(3.0).cuts, *of_ratios(0.5, direction=(0.5, 0.0, 0.0)).cuts)
    error = ModelError("inner cuts", cuts)
    along_n, along_d, both = error.at(np.array([[0.3, 0, 0], [0, 0.3, 0], [0.2, 0.2, 0]]), np.full(3, 0.3))
    assert along_d > 1.8 * along_n
    assert along_n < both < along_d


def test_widening_is_about_the_fitted_value_in_the_logarithm_and_keeps_what_is_no_number() -> None:
    wide = spread(np.array([[2.0, 3.0], [4.0, 3.3], [np.inf, np.nan]]), 2.0)
    np.testing.assert_allclose(wide[:2], [[2.0, 3.0], [8.0, 3.0 * 1.1**2]])
    assert np.isinf(wide[2, 0])
    assert np.isnan(wide[2, 1])
    half = spread(np.array([[2.0, 3.0], [4.0, 3.3]]), np.array([1.0, 1.5]))
    np.testing.assert_allclose(half[1], [4.0, 3.0 * 1.1**1.5])


def test_what_the_factor_adds_grows_in_proportion_beyond_the_farthest_cut() -> None:
    far = np.array([0.0, 0.05, 0.1, 0.5, 1.0, 2.0])
    direction = np.outer(far, [0, 1, 0])
    for error in (of_ratios(2.0), ModelError("public")):
        full = error.factor - 1
        np.testing.assert_allclose(error.at(direction, far), 1 + full * np.array([0, 0.5, 1, 1, 2, 4]))
    narrow = of_ratios(0.35)
    expected = 1 + (narrow.factor - 1) * np.array([0, 0.5, 1, 1, 1, 1])
    np.testing.assert_allclose(narrow.at(direction, far), expected)
    assert narrow.factor < 1


def test_cuts_hold_out_the_largest_and_leave_three_values() -> None:
    runs = grid()
    cuts = list(inner_cuts(runs))
    assert {column for column, _, _ in cuts} == {"compute", "N", "D", "N and D"}
    for column, _, kept in cuts:
        train, test = runs.select(kept), runs.select(~kept)
        assert (away(train, test)[1] > 0).all()
        if column in ("N", "D"):
            assert getattr(test, column).min() > getattr(train, column).max()
            assert train.distinct(column) >= 3
    shares = Runs(N=np.full(5, 1e8), D=np.full(5, 1e9), share=[0, 0.25, 0.5, 0.75, 1], loss=np.ones(5))
    assert [what for column, what, _ in inner_cuts(shares) if column == "share"] == [
        "share 0.25", "share 0.5", "share 0.75", "share 1"
    ]  # fmt: skip


def covered(bend: float, seeds: range) -> tuple[float, float, float]:
    """Share of new runs 1 to 1.5 decades of compute beyond a study that its interval holds: with the law's own error,
    and by resampling alone; the mean factor."""
    far = Runs(N=[1e10, 2e10, 3e9, 1e10], D=[1e11, 3e11, 1e12, 1e12], loss=np.ones(4))
    true = losses(far, bend)
    hits, plain, factors = [], [], []
    for seed in seeds:
        found = fit("chinchilla", study(seed, bend), bootstrap=120, seed=seed)
        new = true * np.exp(NOISE * np.random.default_rng([seed, 9]).standard_normal(4))
        low, high = found.interval(kind="new_run", N=far.N, D=far.D)
        hits.append((low <= new) & (new <= high))
        factors.append(found.model_error.factor)
        found = replace(found, model=ModelError("none"))
        low, high = found.interval(kind="new_run", N=far.N, D=far.D)
        plain.append((low <= new) & (new <= high))
    return float(np.mean(hits)), float(np.mean(plain)), float(np.mean(factors))


def test_intervals_hold_where_the_law_is_right_and_hardly_widen() -> None:
    held, plain, factor = covered(0.0, range(15))
    assert held >= 0.8
    assert plain >= 0.75
    assert 0.75 < factor < 1.5


def test_a_law_that_bends_beyond_the_runs_is_held_where_resampling_fails() -> None:
    held, plain, _ = covered(0.1, range(15))
    assert held >= 0.8
    assert plain <= 0.6


def test_a_bend_inside_the_runs_is_found_out_by_their_own_cuts() -> None:
    held, plain, factor = covered(0.3, range(15))
    assert factor > 1.5
    assert held > plain + 0.15


def test_inside_the_runs_nothing_is_widened_and_beyond_them_everything() -> None:
    found = fit("chinchilla", study(0, 0.3), bootstrap=100)
    assert found.model_error.source == "inner cuts"
    assert found.model_error.factor > 1.2
    inside = found.draw(N=1e8, D=1e10)
    np.testing.assert_array_equal(inside, found.law.predict(found.draws, found.points(N=1e8, D=1e10)))
    middle = np.log(found.predict(N=3e10, D=1e12))
    sampled = np.log(found.law.predict(found.draws, found.points(N=3e10, D=1e12))) - middle
    factor = found.factor_at(N=3e10, D=1e12)
    assert factor > found.model_error.factor
    wide = np.log(found.draw(N=3e10, D=1e12)) - middle
    far = found.distance(N=3e10, D=1e12)["compute"]
    moved = FLOOR * far * np.random.default_rng([found.seed, 3]).standard_normal(100)
    np.testing.assert_allclose(wide[:, 0], factor * sampled[:, 0] + moved)
    # Compute beyond the runs counts where N and D are inside.
    corner = study(0, 0.3)
    corner = corner.select(corner.N * corner.D < 1e19)
    points = fit("chinchilla", corner, bootstrap=100)
    assert points.distance(N=corner.N.max(), D=corner.D.max())["compute"] > 0.5
    assert points.distance(N=corner.N.max(), D=corner.D.max())["D"] == 0
    assert points.factor_at(N=corner.N.max(), D=corner.D.max()) != 1


def test_what_is_derived_carries_it_too() -> None:
    found = fit("chinchilla", study(0, 0.3), bootstrap=100)
    alone = replace(found, model=ModelError("none"))
    wide, narrow = (compute_optimal(one, 1e23).N for one in (found, alone))
    assert wide.mid == narrow.mid
    assert np.log(wide.high / wide.mid) == pytest.approx(
        found.factor_at(N=wide.mid, D=1e23 / 6 / wide.mid) * np.log(narrow.high / narrow.mid), rel=0.02
    )
    other = fit("chinchilla", study(1, 0.3), bootstrap=100)
    wide, narrow = (speedup(one, other, tokens=1e12, N=1e10) for one in (found, alone))
    assert wide.high - wide.low >= narrow.high - narrow.low


def test_too_few_runs_for_a_cut_take_the_published_factor_and_say_so() -> None:
    N, D = (g.ravel() for g in np.meshgrid([1e7, 1e8, 1e9], [1e9, 1e10]))
    runs = Runs(N=N, D=D, loss=np.ones(6))
    runs = runs.with_loss(losses(runs, 0.0))
    found = fit("chinchilla", runs, noise=0.002, bootstrap=50)
    assert found.model_error == ModelError("public")
    assert "allow no held-out cut" in found.report()


def test_it_is_kept_with_the_fit(tmp_path) -> None:
    found = fit("chinchilla", study(0, 0.3), bootstrap=60)
    found.save(tmp_path / "fit.json")
    again = Fit.load(tmp_path / "fit.json")
    assert again.model == found.model_error
    assert isinstance(again.model.cuts[0], InnerCut)
    assert found.as_json()["model_error"]["factor"] == found.model_error.factor


def test_many_runs_are_cut_on_a_sample_that_keeps_replicates_together() -> None:
    D = np.repeat(np.geomspace(1e9, 1e11, 1200), 3)
    noise = 0.002 * np.random.default_rng(0).standard_normal(len(D))
    runs = Runs(D=D, loss=(1.9 + 260 * D**-0.3) * np.exp(noise))
    found = fit("data", runs, bootstrap=10, most_runs=None)
    assert len(found.runs) == 3600
    for cut in found.model_error.cuts:
        assert cut.fitted + cut.predicted == 2400
        assert cut.predicted % 2 == 0, "two of every cell"


def test_a_law_that_misses_its_runs_is_warned_about() -> None:
    clean = grid()
    wavy = clean.with_loss(losses(clean, 0.0) * (1 + 0.05 * np.sin(7 * np.log(clean.D))))
    assert "lack_of_fit" in {warn.code for warn in fit("chinchilla", wavy, bootstrap=0).warnings}
    assert "lack_of_fit" not in {warn.code for warn in fit("chinchilla", study(0, 0.0), bootstrap=0).warnings}
    twice = Runs(N=np.tile(clean.N, 2), D=np.tile(clean.D, 2), loss=np.tile(wavy.loss, 2))
    noisy = twice.with_loss(twice.loss * np.exp(0.001 * np.random.default_rng(0).standard_normal(len(twice))))
    assert (
        "seed noise"
        in next(w for w in fit("chinchilla", noisy, bootstrap=0).warnings if w.code == "lack_of_fit").message
    )
