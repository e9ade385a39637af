"""What is said to set the cutoff, against generators really sampled that way."""

import math

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.theory import (
    Setting,
    exact,
    generated,
    memorise,
    sampling_cutoff,
    sampling_cutoff_by_mass,
    top_p_cutoff,
    top_p_cutoff_approximate,
)


@pytest.mark.parametrize("beta", [1.3, 1.6, 2.2])
def test_finite_sampling_loses_the_mass_that_its_cutoff_says(beta: float) -> None:
    samples = 40_000
    drawn = np.unique(np.random.default_rng(0).zipf(beta, samples))
    missed = 1 - Setting(beta).natural(drawn[drawn > 0]).sum()
    assert Setting(beta, k=sampling_cutoff_by_mass(beta, samples)).tail_mass == pytest.approx(missed, rel=0.06)
    # The rank that is expected once: about e^-1 of the ranks there are missing.
    rank = sampling_cutoff(beta, samples)
    near = np.arange(int(rank * 0.9), int(rank * 1.1) + 2)
    assert np.isin(near, drawn).mean() == pytest.approx(1 - math.exp(-1), abs=0.25)


@pytest.mark.parametrize(("beta", "top_p"), [(1.3, 0.5), (1.5, 0.9), (2.0, 0.99), (2.5, 0.3)])
def test_top_p_keeps_the_smallest_set_with_that_mass(beta: float, top_p: float) -> None:
    k = top_p_cutoff(beta, top_p)
    assert 1 - Setting(beta, k=k).tail_mass >= top_p - 1e-12
    assert k == 1 or 1 - Setting(beta, k=k - 1).tail_mass < top_p
    if k > 20:
        assert top_p_cutoff_approximate(beta, top_p) == pytest.approx(k, rel=0.05)


def test_sampling_a_generator_as_samplers_do() -> None:
    world = Setting(1.5, pi=0.01)
    assert generated(world, top_k=70).k == 70
    assert generated(world, top_p=0.9).k == top_p_cutoff(1.5, 0.9)
    assert generated(world, samples=1e5).k == math.floor(sampling_cutoff(1.5, 1e5))
    cold = generated(world, temperature=0.5)
    assert (cold.synthetic_exponent, cold.k) == (3.0, math.inf)
    both = generated(world, temperature=2, top_k=1000, top_p=0.9)  # top-p of what top-k left
    p = np.arange(1, 1001) ** -0.75
    assert both.k == 1 + np.searchsorted(np.cumsum(p) / p.sum(), 0.9)
    assert generated(world) == world


def test_temperature_narrows_and_does_not_cut() -> None:
    """A cold generator slows the tail down; the curve still falls without a plateau at zero slope."""
    world = generated(Setting(1.5, pi=0.0), temperature=0.8)
    n = np.array([1e4, 1e6, 1e8])
    falls = np.diff(np.log(exact(world, n).excess)) / np.diff(np.log(n))
    assert (falls < -0.2).all()
    assert (falls > -1 / 3).all()


@pytest.mark.parametrize(("beta", "k", "pi"), [(1.5, 100, 0.02), (2.0, 30, 0.01), (1.5, 2e6, 0.5), (1.3, 50, 1.0)])
def test_the_memoriser_follows_the_curve(beta: float, k: float, pi: float) -> None:
    world, n = Setting(beta, k=k, pi=pi), [1000, 30_000, 600_000]
    runs = np.mean([memorise(world, n, seed=seed) for seed in range(3)], axis=0)
    np.testing.assert_allclose(runs, exact(world, n).excess, rtol=0.05)


@pytest.mark.parametrize(
    ("call", "key"),
    [
        (lambda: sampling_cutoff(1.0, 10), "beta"),
        (lambda: sampling_cutoff(1.5, 0), "samples"),
        (lambda: top_p_cutoff(1.5, 0), "top_p"),
        (lambda: top_p_cutoff(1.5, 1.5), "top_p"),
        (lambda: top_p_cutoff(1.001, 0.999), "top_p"),
        (lambda: generated(Setting(1.5), temperature=0), "temperature"),
        (lambda: generated(Setting(1.5), temperature=2), "temperature"),
        (lambda: generated(Setting(1.5), top_k=0), "top_k"),
        (lambda: generated(Setting(1.5), samples=0.5), "samples"),
        (lambda: memorise(Setting(1.5), [10, 5]), "n"),
        (lambda: memorise(Setting(1.5, alpha=0.1), [10]), "memoriser"),
    ],
)
def test_samplers_that_cannot_be_are_refused(call: object, key: str) -> None:
    with pytest.raises(BadInput, match=key):
        call()  # type: ignore[operator]
