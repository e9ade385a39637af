"""Laws against sums, integrals and published numbers that were computed another way."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from synthmix.scaling import Inputs
from synthmix.scaling.laws import find
from synthmix.theory.incomplete_gamma import head, tail


def at(name: str, **values: float) -> np.ndarray:
    return np.array([values[parameter] for parameter in find(name).names])


@pytest.mark.parametrize("c", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("z", [0.01, 1.0, 2.9, 3.1, 20.0])
def test_incomplete_gamma_halves_are_their_integrals(c: float, z: float) -> None:
    for part, low, high in ((head, 0.0, 1.0), (tail, 1.0, np.inf)):
        value, by_c, by_z = part(np.array([c]), np.array([z]))
        for got, extra in ((value, lambda s: 1.0), (by_z, lambda s: -s)):
            want = quad(lambda s, extra=extra: s ** (c - 1) * np.exp(-z * s) * extra(s), low, high)[0] / gamma(c)
            assert got[0] == pytest.approx(want, rel=1e-6)
        step = 1e-5
        numeric = (part(np.array([c + step]), np.array([z]))[0] - part(np.array([c - step]), np.array([z]))[0]) / (
            2 * step
        )
        assert by_c[0] == pytest.approx(numeric[0], rel=1e-6)


def test_three_phases_follow_the_exact_sum_of_a_memoriser() -> None:
    """L(n) = sum_i p_i (1 - q_i)^n over Zipf items with exponent 2, synthetic text cut at item 50: within 2 %."""
    i = np.arange(1, 400_001, dtype=float)
    p = i**-2.0
    p /= p.sum()
    Z, C, n1 = p[:50].sum(), p[0], 50.0**2 / p[0]
    n = np.geomspace(100, 1e6, 9)
    theta = at("three_phase", E=0.0, A=C**0.5 * gamma(0.5) / 2, c=0.5, n1=n1, eta=1 / Z)
    for real in (1.0, 0.3, 1e-2, 1e-3):
        q = real * p + (1 - real) * np.where(i <= 50, p / Z, 0)
        exact = np.array([(p * np.exp(m * np.log1p(-q))).sum() for m in n])
        np.testing.assert_allclose(find("three_phase").predict(theta, Inputs(D=n, share=1 - real)), exact, rtol=0.02)
    plateau = find("three_phase").predict(theta, Inputs(D=[1e12], share=1.0))[0]
    assert plateau == pytest.approx(theta[1] * n1**-0.5 / gamma(1.5), rel=1e-5)
    assert plateau == pytest.approx(1.2e-2, rel=0.02)  # the mass of the tail


def test_repetition_gives_the_published_examples() -> None:
    """The two examples in the README of the datablations repository."""
    theta = at("repetition_full", E=np.exp(0.6254804), A=np.exp(6.255414), B=np.exp(7.3049974), alpha=0.3526596,
               beta=0.3526596, R_N=5.309743, R_D=15.387756)  # fmt: skip
    got = find("repetition_full").predict(theta, Inputs(N=[6.34e9, 8.67e9], D=[242e9, 178e9], unique=25e9))
    np.testing.assert_allclose(got, [2.2256440889984477, 2.2269634075087867], rtol=1e-12)


def test_one_epoch_is_chinchilla() -> None:
    x = Inputs(N=[1e7, 1e8], D=[1e8, 1e9], unique=[1e8, 1e9])
    base = {"E": 1.9, "A": 400.0, "alpha": 0.34, "B": 900.0, "beta": 0.33}
    want = find("chinchilla").predict(at("chinchilla", **base), x)
    np.testing.assert_allclose(find("repetition").predict(at("repetition", **base, R_D=5.0), x), want)


def test_limits_of_the_other_laws_are_the_data_law() -> None:
    x = Inputs(D=[1e7, 1e9, 1e11], share=[0.0, 0.5, 1.0])
    want = find("data").predict(at("data", E=2.0, B=900.0, beta=0.33), x)
    one = find("rectified").predict(at("rectified", E=2.0, B=900.0, beta=0.33, D_0=0.0), x)
    two = find("broken").predict(at("broken", E=2.0, B=900.0, beta=0.33, beta2=0.33, D_b=1e9, f=0.2), x)
    np.testing.assert_allclose(one, want)
    np.testing.assert_allclose(two, want)
    late = find("broken").predict(
        at("broken", E=0.0, B=900.0, beta=0.33, beta2=0.1, D_b=1e9, f=0.1), Inputs(D=[1e16, 1e17])
    )
    assert late[1] / late[0] == pytest.approx(10**-0.1, rel=1e-6)


def test_a_mixture_law_at_its_ends() -> None:
    """r = 0 and r = 1 are the two sources alone: E + M + ... and E + M / c + ... ."""
    theta = at("mixture_additive", E=1.5, M=0.4, g0=0.5, c=2.0, g1=0.7, A=0.0, alpha=0.3, B=0.0, beta=0.3)
    got = find("mixture_additive").predict(theta, Inputs(N=1e6, D=1e8, share=[0.0, 1.0, 0.5]))
    assert got[0] == pytest.approx(1.9)
    assert got[1] == pytest.approx(1.7)
    assert got[2] == pytest.approx(1.5 + 0.4 / (0.5**0.5 + 2 * 0.5**0.7))
