import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import Constant, Law, Power, Runs, fit, profile

from .golden import table


def test_a_linear_parameter_has_students_interval() -> None:
    """With the exponent given and least squares, E is an ordinary regression coefficient (in relative error)."""
    rng = np.random.default_rng(0)
    D = np.geomspace(1e6, 1e9, 12)
    loss = (2 + 900 * D**-0.33) * np.exp(0.01 * rng.standard_normal(12))
    found = fit("data", Runs(D=D, loss=loss), fixed={"beta": 0.33}, delta=np.inf)
    got = profile(found, "E", points=201)
    fitted = found.predicted
    basis = np.column_stack([np.ones(12), D**-0.33]) / fitted[:, None]
    sd = np.sqrt((found.residuals**2).sum() / 10 * np.linalg.inv(basis.T @ basis)[0, 0])
    assert got.interval.low == pytest.approx(found.parameters["E"] - 1.8125 * sd, abs=0.1 * sd)
    assert got.interval.high == pytest.approx(found.parameters["E"] + 1.8125 * sd, abs=0.1 * sd)
    assert not got.flat
    assert got.excess.min() == pytest.approx(0.0, abs=1e-12)


def test_profile_and_bootstrap_agree_on_a_good_design(noisy: Runs) -> None:
    found = fit("chinchilla", noisy, delta=None)
    for name in ("E", "A", "alpha", "B", "beta"):  # two methods on 36 noisy runs: ends agree to a third of the width
        one, two = profile(found, name).interval, found.intervals()[name]
        width = two.high - two.low
        assert one.low == pytest.approx(two.low, abs=0.35 * width)
        assert one.high == pytest.approx(two.high, abs=0.35 * width)


def test_repeated_data_has_a_flat_profile() -> None:
    """The published R_D = 15.39 and a hundred are equally good on the published table."""
    raw = table("datablations/data_constrained_fit182.csv")
    runs = Runs(N=raw["params"], D=raw["tokens"], unique=raw["unique_tokens"], loss=raw["val_loss"])
    given = {
        "E": np.exp(0.6254804),
        "A": np.exp(6.255414),
        "B": np.exp(7.3049974),
        "alpha": 0.3526596,
        "beta": 0.3526596,
    }
    found = fit("repetition_full", runs, fixed=given, bootstrap=0)
    got = profile(found, "R_D")
    assert got.flat
    assert got.interval.high is None
    assert got.interval.low < 15.4
    assert got.interval.why is not None
    with pytest.raises(BadInput, match="not a fitted parameter"):
        profile(found, "E")


def test_an_unidentified_parameter_is_flat() -> None:
    D = np.geomspace(1e6, 1e9, 8)
    law = Law("twice", (Constant("E"), Power("D", "B", "beta")))
    loss = (0.001 + 30 * D**-0.05) * np.exp(0.002 * np.random.default_rng(0).standard_normal(8))
    got = profile(fit(law, Runs(D=D, loss=loss), bootstrap=50), "E")
    assert got.flat
    assert got.interval.low is None
