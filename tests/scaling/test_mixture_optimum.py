"""The best mixture under constraints: against a fine grid, on faces of the simplex, under every kind of limit."""

import numpy as np
import pytest

from synthmix.errors import BadInput
from synthmix.scaling.mixtures.law import MIXTURE_LAWS
from synthmix.scaling.mixtures.optimum import Limits, Objective, optimum
from synthmix.scaling.mixtures.points import MixturePoints
from synthmix.scaling.mixtures.terms import Units

SOURCES = ("web", "hq", "qa")
POINTS = MixturePoints(sources=SOURCES, shares=np.eye(3))


def objective(
    weights: list[list[float]], law: str = "effective_tokens", g: float = 0.6, log_t: float = -3.0
) -> Objective:
    """One draw a row of log-weights; E = 2, beta .5."""
    bound = MIXTURE_LAWS[law].of(POINTS)
    bends = [g] * 3 + ([log_t] * 3 if law == "effective_tokens" else [])
    theta = np.array([[[np.log(2.0), 0.5, -1.0, *row, *bends]] for row in weights])
    return Objective(bound, Units(), SOURCES, theta, np.ones(1))


def limits(low: tuple[float, ...] = (0, 0, 0), high: tuple[float, ...] = (1, 1, 1), rows: object = None) -> Limits:
    matrix, most = rows or (np.zeros((0, 3)), np.zeros(0))  # type: ignore[misc]
    return Limits(np.array(low, float), np.array(high, float), np.array(matrix, float), np.array(most, float))


def grid(step: float = 0.01) -> np.ndarray:
    steps = np.arange(0, 1 + step / 2, step)
    pairs = [(a, b, 1 - a - b) for a in steps for b in steps if a + b <= 1 + 1e-9]
    return np.clip(np.array(pairs), 0, 1)


@pytest.mark.parametrize("weights", [[0.5, 1.0, -1.0], [0.0, 0.0, 0.0], [2.0, -3.0, -3.0], [0.3, 0.2, -9.0]])
@pytest.mark.parametrize(
    "allowed",
    [
        limits(),
        limits(high=(1, 0.3, 1)),
        limits(low=(0.2, 0, 0.1), high=(0.5, 1, 1)),
        limits(rows=([[0, 1, 1]], [0.4])),
        limits(rows=([[0.0, 2.0, 0.5]], [0.3])),
    ],
    ids=["free", "supply", "bounds", "group", "money"],
)
def test_no_mixture_of_a_fine_grid_is_better(weights: list[float], allowed: Limits) -> None:
    one = objective([weights])
    found = optimum(one, allowed)
    shares = found.shares[0]
    assert shares.sum() == pytest.approx(1)
    assert (shares >= allowed.low - 1e-6).all()
    assert (shares <= allowed.high + 1e-6).all()
    assert (allowed.rows @ shares <= allowed.most + 1e-6).all()
    every = grid()
    inside = (every >= allowed.low - 1e-9).all(axis=1) & (every <= allowed.high + 1e-9).all(axis=1)
    inside &= (every @ allowed.rows.T <= allowed.most + 1e-9).all(axis=1)
    best = one.value(every[inside][None])[0].min()
    assert found.loss[0] <= best + 1e-6
    assert found.loss[0] >= best - 2e-3  # the grid is as fine as that


def test_a_source_that_is_worth_nothing_gets_nothing_and_draws_have_their_own_optima() -> None:
    both = objective([[0.3, 0.2, -9.0], [-9.0, 0.2, 0.3]])
    found = optimum(both, limits())
    assert found.shares[0, 2] < 1e-5
    assert found.shares[1, 0] < 1e-5
    alone = optimum(objective([[0.3, 0.2, -9.0]]), limits())
    assert np.allclose(found.shares[0], alone.shares[0], atol=1e-6)
    averaged = optimum(both.averaged(), limits()).shares[0]
    assert averaged[0] == pytest.approx(averaged[2], abs=1e-5)


def test_limits_that_leave_one_mixture_give_it_and_those_that_leave_none_are_refused() -> None:
    one = optimum(objective([[0.0, 0.0, 0.0]]), limits(low=(0.5, 0.2, 0.3), high=(0.5, 0.2, 0.3)))
    assert np.allclose(one.shares[0], [0.5, 0.2, 0.3])
    edge = optimum(objective([[0.0, 0.0, 0.0]]), limits(high=(0.5, 0.3, 0.2)))
    assert np.allclose(edge.shares[0], [0.5, 0.3, 0.2], atol=1e-5)
    with pytest.raises(BadInput, match="no mixture keeps all of the bounds"):
        optimum(objective([[0.0, 0.0, 0.0]]), limits(low=(0.7, 0.7, 0)))


def test_a_law_that_is_not_convex_is_searched_from_every_source() -> None:
    bound = MIXTURE_LAWS["log_quadratic"].of(POINTS)
    names = bound.names(POINTS)
    theta = np.zeros((1, 1, len(names)))
    for name, value in (
        ("a", 1.0),
        ("b_web", -0.05),
        ("b_qa", -0.06),
        ("c_web,qa", 0.2),
        ("c_hq,qa", 0.2),
        ("c_web,hq", 0.2),
    ):
        theta[0, 0, names.index(name)] = value  # mixing hurts: each source alone is a local optimum, qa alone the best
    one = Objective(bound, Units(), SOURCES, theta, np.ones(1))
    found = optimum(one, limits())
    assert found.shares[0, 2] == pytest.approx(1, abs=1e-3)
    assert found.loss[0] <= one.value(grid()[None])[0].min() + 1e-4
