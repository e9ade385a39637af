import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import LAWS, Law, Power, Runs, compare, held_out
from synthmix.scaling.law import SharePolynomial


def three_phase_runs(noise: float) -> Runs:
    D, r = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e11, 8), [0.0, 0.3, 0.6, 0.9, 1.0]))
    law = LAWS["three_phase"]
    theta = np.array([{"E": 1.9, "A": 900.0, "c": 0.33, "n1": 3e8, "eta": 3.0}[name] for name in law.names])
    x = Runs(D=np.tile(D, 2), share=np.tile(r, 2), loss=np.ones(2 * len(D)))
    return x.with_loss(law.predict(theta, x) * np.exp(noise * np.random.default_rng(0).standard_normal(len(x))))


def test_the_true_law_wins_and_the_margin_is_told_from_noise() -> None:
    runs = three_phase_runs(1e-3)
    got = compare(runs, ["three_phase", "data"])
    assert got.winner == "three_phase"
    assert got.decided
    assert got.margin.low > 0
    assert got.noise == pytest.approx(1e-3, rel=0.3)
    one, two = got.scores
    assert one.extrapolation < 0.002 < two.extrapolation
    assert one.bic < two.bic
    assert one.parameters == 5
    assert len(one.cuts) == 2
    assert np.mean(list(one.cuts.values())) == pytest.approx(one.extrapolation)
    assert "three_phase" in got.report()


def test_equal_laws_are_not_decided() -> None:
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e8, 1e11, 5)))
    loss = (1.9 + 400 * N**-0.33 + 900 * D**-0.33) * np.exp(2e-3 * np.random.default_rng(1).standard_normal(25))
    got = compare(Runs(N=N, D=D, loss=loss))
    assert {score.law for score in got.scores} == {"chinchilla", "chinchilla_tied"}
    assert not got.decided
    assert {"not_decided", "no_replicates"} == {warn.code for warn in got.warnings}
    assert "share does not vary" in got.skipped["joint_quadratic"]
    assert got.skipped["data"] == "it ignores N"
    assert "both" not in got.scores[0].cuts
    assert len(got.scores[0].cuts) == 5


def test_a_lead_that_is_not_decided_leaves_the_law_that_was_named_first() -> None:
    N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, 5), np.geomspace(1e8, 1e11, 5)))
    loss = (1.9 + 400 * N**-0.33 + 900 * D**-0.33) * np.exp(2e-3 * np.random.default_rng(1).standard_normal(25))
    names = ["chinchilla", "chinchilla_tied"]
    one, two = (compare(Runs(N=N, D=D, loss=loss), order) for order in (names, names[::-1]))
    assert one.scores == two.scores, "the scores do not depend on the order"
    assert (one.winner, two.winner) == ("chinchilla", "chinchilla_tied")


def test_three_budgets_are_tested_on_the_largest_runs_alone() -> None:
    """Without one of three budgets, E and the exponent could be anything, and so could the prediction."""
    N, D = (g.ravel() for g in np.meshgrid([1e5, 3e5, 1e6], [1e6, 3e6, 9e6]))
    runs = Runs(N=N, D=D, loss=1.9 + 38 * N**-0.34 + 260 * D**-0.36)
    got = compare(runs, ["chinchilla", "chinchilla_tied"])
    assert set(got.scores[0].cuts) == {"largest N and D (1M, 9M)"}
    assert got.winner == "chinchilla"
    assert got.scores[0].extrapolation < 1e-8
    check = held_out("chinchilla", runs)
    assert (check.what, check.fitted, check.predicted) == ("largest N and D (1M, 9M)", 8, 1)
    assert check.worst_abs_relative_error < 1e-8
    with pytest.raises(BadInput, match="2 is left when 1 are held out"):
        held_out("data", Runs(D=np.repeat([1e6, 3e6, 9e6], 2), loss=[3, 3.1, 2.5, 2.6, 2.2, 2.3]))


def test_a_prediction_that_the_others_do_not_determine_is_no_test() -> None:
    """Shares 0 and 1 alone say nothing of a half."""
    r, D = (g.ravel() for g in np.meshgrid([0.0, 1.0], np.geomspace(1e7, 1e10, 5)))
    r, D = np.r_[r, 0.5], np.r_[D, 1e11]
    runs = Runs(D=D, share=r, N=np.full(len(D), 1e7), loss=2.0 + 0.2 * r + 900 * D**-0.33)
    law = Law("bent", (SharePolynomial(None, "E", None), Power("D", "B", "beta")))
    with pytest.raises(BadInput, match="do not determine the others"):
        held_out(law, runs)


def test_laws_that_a_cut_leaves_undetermined_are_skipped_with_the_reason() -> None:
    D = np.geomspace(1e7, 1e10, 5)
    got = compare(Runs(D=D, loss=2 + 900 * D**-0.33))
    assert [score.law for score in got.scores] == ["data"]
    assert "6 parameters" in got.skipped["broken"]
    assert got.margin.mid is None
    with pytest.raises(BadInput, match="too few values"):
        compare(Runs(D=D[:2], loss=[3.0, 2.9]))
