import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling import Fit, Generation, Runs, data_law_at, fit, held_out, model_law_at, speedup


def data_fit(E: float, B: float, beta: float, noise: float = 0.0, seed: int = 0) -> Fit:
    D = np.geomspace(1e8, 1e11, 16)
    loss = (E + B * D**-beta) * np.exp(noise * np.random.default_rng(seed).standard_normal(16))
    return fit("data", Runs(D=D, loss=loss), bootstrap=300)


def test_speedup_is_the_ratio_of_inverted_laws() -> None:
    natural, mixture = data_fit(2.0, 900, 0.33), data_fit(1.9, 900, 0.34)
    got = speedup(natural, mixture, loss=2.5)
    want = (900 / 0.5) ** (1 / 0.33) / (900 / 0.6) ** (1 / 0.34)
    assert got.mid == pytest.approx(want, rel=1e-4)
    at = 2.0 + 900 * 1e10**-0.33
    got = speedup(natural, mixture, tokens=1e10)
    assert got.mid == pytest.approx(1e10 / (900 / (at - 1.9)) ** (1 / 0.34), rel=1e-4)
    assert got.low is not None
    assert got.high is not None
    assert got.low <= got.mid * 1.001
    assert got.high >= got.mid * 0.999


def test_speedup_is_undefined_at_or_below_an_asymptote() -> None:
    natural, mixture = data_fit(2.0, 900, 0.33), data_fit(2.3, 900, 0.34)
    for got, who in (
        (speedup(natural, mixture, loss=2.2), "the mixture"),
        (speedup(mixture, natural, loss=2.2), "natural"),
    ):
        assert got.mid is None
        assert got.low is None
        assert got.high is None
        assert got.why is not None
        assert who in got.why
    assert "neither" in (speedup(natural, mixture, loss=1.5).why or "")


def test_an_end_that_some_resamples_do_not_define_is_none_with_the_reason() -> None:
    natural, mixture = data_fit(2.0, 900, 0.33, 0.004, 1), data_fit(2.0, 900, 0.33, 0.004, 2)
    got = speedup(natural, mixture, loss=2.005)
    assert got.why is not None
    assert got.low is None or got.high is None or got.value is None


def test_generation_is_charged_per_reuse() -> None:
    natural, mixture = data_fit(2.0, 900, 0.33), data_fit(1.9, 900, 0.34)
    plain = speedup(natural, mixture, tokens=1e10)
    # 6 N = 6e8 FLOPs a training token, 1.8e9 a generated one at a share of 1/3, used twice: half as much again.
    paid = speedup(natural, mixture, tokens=1e10, N=1e8, generation=Generation(1.8e9, share=1 / 3, reuse=2))
    assert paid.mid == pytest.approx(plain.mid / 1.5)
    with pytest.raises(BadInput, match="needs N"):
        speedup(natural, mixture, tokens=1e10, generation=Generation(1e9, share=0.5))
    with pytest.raises(BadInput, match="one of the two"):
        speedup(natural, mixture)


def test_slices_of_chinchilla(noisy: Runs) -> None:
    whole = fit("chinchilla", noisy, bootstrap=100)
    data, model = data_law_at(whole, 1e8), model_law_at(whole, 1e10)
    D = np.array([1e8, 1e11])
    np.testing.assert_allclose(data.predict(D=D), whole.predict(N=1e8, D=D))
    np.testing.assert_allclose(data.draw(D=D), whole.draw(N=1e8, D=D))
    np.testing.assert_allclose(model.predict(N=[1e7]), whole.predict(N=1e7, D=1e10))
    assert speedup(data, data, tokens=1e10).mid == pytest.approx(1.0)
    with pytest.raises(BadInput, match="only the law chinchilla"):
        data_law_at(data, 1e8)


def test_held_out_predicts_what_was_left_out(clean: Runs, noisy: Runs) -> None:
    exact = held_out("chinchilla", clean)
    assert exact.worst_abs_relative_error < 1e-6
    assert (exact.fitted, exact.predicted) == (30, 6)
    assert "largest D (6B)" in exact.what
    some = held_out("chinchilla", noisy, column="N", largest=2)
    assert 1e-4 < some.mean_abs_relative_error < 0.02
    assert some.mean_abs_relative_error <= some.worst_abs_relative_error
    with pytest.raises(BadInput, match="none is left"):
        held_out("chinchilla", noisy, largest=6)
