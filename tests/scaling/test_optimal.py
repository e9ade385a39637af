import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import LAWS, Runs, collapse_test, compute_optimal, fit


def test_chinchilla_has_a_closed_form(noisy: Runs) -> None:
    found = fit("chinchilla", noisy, bootstrap=100)
    got = compute_optimal(found, 1e18)
    p = found.parameters
    a = p["beta"] / (p["alpha"] + p["beta"])
    G = (p["alpha"] * p["A"] / (p["beta"] * p["B"])) ** (1 / (p["alpha"] + p["beta"]))
    want = G * (1e18 / 6) ** a
    assert got.N.mid == pytest.approx(want, rel=1e-5)
    assert got.D.mid == pytest.approx(1e18 / 6 / want, rel=1e-5)
    assert got.tokens_per_parameter.mid == pytest.approx(1e18 / 6 / want**2, rel=1e-5)
    assert got.loss.mid == pytest.approx(found.predict(N=want, D=1e18 / 6 / want)[0], rel=1e-9)
    assert got.N.low < got.N.mid < got.N.high
    # Twice the FLOPs a token: half the tokens at the same size are affordable.
    dear = compute_optimal(found, 2e18, flops_per_token=12)
    assert dear.N.mid == pytest.approx(got.N.mid, rel=1e-6)


def test_joint_laws_have_an_optimum_per_share() -> None:
    law = LAWS["joint_quadratic"]
    N, D, r = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 1e9, 4), np.geomspace(1e8, 1e11, 4), [0, 0.3, 0.6, 1]))
    x = Runs(N=N, D=D, share=r, loss=np.ones(64))
    truth = {"E0": 1.9, "E1": -0.2, "E2": 0.3, "A": 400, "alpha": 0.34, "B0": 900, "B1": -800, "B2": 1000, "beta": 0.33}
    theta = np.array([truth[name] for name in law.names])
    found = fit(law, x.with_loss(law.predict(theta, x)), bootstrap=50)
    pure, mixed = compute_optimal(found, 1e20, share=0.0), compute_optimal(found, 1e20, share=0.4)
    assert mixed.D.mid < pure.D.mid  # a smaller B needs fewer tokens
    assert mixed.loss.mid < pure.loss.mid


def test_what_has_no_optimum_says_so(noisy: Runs) -> None:
    with pytest.raises(BadInput, match="needs N and D"):
        compute_optimal(fit("data", Runs(D=noisy.D, loss=noisy.loss), bootstrap=0), 1e18)
    with pytest.raises(BadInput, match="positive number of FLOPs"):
        compute_optimal(fit("chinchilla", noisy, bootstrap=0), -1.0)


def recipe(E: float, beta: float, seed: int) -> Runs:
    D = np.geomspace(1e7, 1e11, 14)
    B = 1e8**beta  # 1 nat above E at 1e8 tokens
    noise = 1e-3 * np.random.default_rng(seed).standard_normal(14)
    return Runs(D=D, loss=(E + B * D**-beta) * np.exp(noise))


def test_a_curve_that_levels_off_higher_flattens() -> None:
    natural, collapsed = fit("data", recipe(2.0, 0.33, 0)), fit("data", recipe(2.3, 0.33, 1))
    got = collapse_test(natural, collapsed)
    assert got.verdict == "flattens"
    assert got.E.low > 0
    assert got.E.low < 0.3 < got.E.high
    assert "levels off higher" in got.reason
    slower = collapse_test(natural, fit("data", recipe(2.0, 0.22, 2)))
    assert slower.verdict == "flattens"
    assert slower.beta.high < 0


def test_a_curve_that_keeps_falling_does_not_flatten() -> None:
    natural = fit("data", recipe(2.0, 0.33, 0))
    assert collapse_test(natural, fit("data", recipe(1.8, 0.33, 3))).verdict == "does not flatten"
    assert collapse_test(natural, fit("data", recipe(2.0, 0.33, 4))).verdict == "undecided"
    alone = collapse_test(
        fit("data", recipe(2.0, 0.33, 0), bootstrap=0), fit("data", recipe(2.3, 0.33, 1), bootstrap=0)
    )
    assert alone.verdict == "undecided"
    assert alone.E.mid == pytest.approx(0.3, abs=0.1)


@pytest.mark.parametrize("seed", range(5))
def test_two_curves_that_differ_by_rounding_are_undecided(seed: int) -> None:
    D = np.geomspace(1e6, 1e9, 12)
    loss = 2.0 + 900 * D**-0.33
    last_bit = 1 + 2e-16 * np.random.default_rng(seed).integers(-1, 2, len(D))
    one, other = (fit("data", Runs(D=D, loss=each), bootstrap=50) for each in (loss, loss * last_bit))
    assert collapse_test(one, other).verdict == "undecided"


def test_collapse_of_chinchilla_is_at_one_size(noisy: Runs) -> None:
    found = fit("chinchilla", noisy, bootstrap=100)
    higher = fit("chinchilla", noisy.with_loss(noisy.loss + 0.2), bootstrap=100)
    got = collapse_test(found, higher, N=1e8)
    assert got.E.mid == pytest.approx(0.2, abs=0.1)
    with pytest.raises(BadInput, match="E and beta"):
        collapse_test(fit("model", Runs(N=noisy.N, loss=noisy.loss), bootstrap=0), found)
