"""Designs and truths that the tests of this room share."""

import numpy as np
import pytest

from synthmix.scaling import Runs


@pytest.fixture
def clean() -> Runs:
    """Chinchilla without noise on a 6 x 6 grid over 2.5 decades each."""
    N, D = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e6, 3e8, 6), np.geomspace(2e7, 6e9, 6)))
    return Runs(N=N, D=D, loss=2.0 + 300.0 * N**-0.34 + 900.0 * D**-0.33)


@pytest.fixture
def noisy(clean: Runs) -> Runs:
    """The same with 0.5 % noise."""
    return clean.with_loss(clean.loss * np.exp(0.005 * np.random.default_rng(7).standard_normal(len(clean))))


@pytest.fixture
def tiny() -> Runs:
    """The quickstart's design for one recipe: 3 sizes x 3 budgets, the smallest size with two seeds; 1 % noise."""
    N, D = np.repeat([1e5, 4e5, 1.6e6], 3), np.tile([1e6, 3e6, 9e6], 3)
    N, D = np.r_[N, N[:3]], np.r_[D, D[:3]]
    loss = 3.0 + 20.0 * N**-0.3 + 300.0 * D**-0.4
    return Runs(N=N, D=D, loss=loss * np.exp(0.01 * np.random.default_rng(3).standard_normal(12)))
