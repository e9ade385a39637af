"""What repeated text is worth."""

import numpy as np

from synthmix.decisions.supply import REPEATS, budget_for, effective, effective_mixture, repeats_draws
from synthmix.scaling import LAWS, Inputs


def test_it_is_the_law_of_repetition() -> None:
    """B D'^-beta of the fitted law, with E and A at 0, gives the effective tokens back."""
    D, U = np.array([5e8, 1e9, 4e9, 4e10, 1e12]), 1e9
    law = LAWS["repetition"]
    theta = np.array([{"B": 1.0, "beta": 1.0, "R_D": REPEATS, "alpha": 1.0}.get(name, 0.0) for name in law.names])
    losses = law.predict(theta, Inputs(N=np.full(5, 1e9), D=D, unique=np.full(5, U)))
    np.testing.assert_allclose(effective(D, U, np.array(REPEATS)), 1 / losses, rtol=1e-12)


def test_nothing_is_repeated_where_there_is_enough() -> None:
    assert effective(np.array(7e9), np.inf, np.array(REPEATS)) == 7e9
    assert effective_mixture(np.array(7e9), [(0.5, 4e9), (0.5, 4e9)], np.array(REPEATS)) == 7e9
    assert effective(np.array(7e9), 0.0, np.array(REPEATS)) == 0


def test_the_budget_that_counts_as_so_many_tokens() -> None:
    repeats = repeats_draws(3)
    goal, parts = np.array([1e9, 5e9, 8e9, 1e14]), [(0.7, 4e9), (0.3, 1e9)]
    found = budget_for(goal, parts, repeats)
    assert np.isinf(found[-1]), "no repeats of 5B tokens are worth 1e14"
    again = effective_mixture(found[:-1], parts, repeats[:-1])
    np.testing.assert_allclose(again, goal[:-1], rtol=1e-9)
    assert abs(found[0] / 1e9 - 1) < 1e-9, "no repeats below what there is"


def test_the_draws_of_the_repeats_start_with_the_published_value() -> None:
    drawn = repeats_draws(500)
    assert drawn[0] == REPEATS
    assert 7 <= drawn.min() < 10
    assert 80 < drawn.max() <= 100
