"""What rounding does not decide."""

import numpy as np

from synthmix.interval import Interval
from synthmix.rounding import ROUNDING, first_lowest
from synthmix.scaling.share_summary import GRID, from_curves


def test_the_first_of_equals_is_the_lowest() -> None:
    assert first_lowest([3.0, 2.0 + 1e-15, 2.0, 2.0 - 1e-15]) == 1
    assert first_lowest([3.0, 2.0 + 1e-6, 2.0]) == 2
    assert first_lowest([[1.0, 1.0 - 1e-14], [1.0, 0.9]]).tolist() == [0, 1]


def test_an_interval_of_rounding_has_no_sign() -> None:
    tiny = Interval(low=1e-16, mid=2e-16, high=3e-16)
    assert (tiny.sign(), tiny.scaled(-1).sign()) == (0, 0)
    small = Interval(low=ROUNDING, mid=2 * ROUNDING, high=3 * ROUNDING)
    assert (small.sign(), small.scaled(-1).sign(), small.sign(3 * ROUNDING)) == (1, -1, 0)


def test_of_a_curve_that_is_flat_but_for_rounding_the_smallest_share_is_best() -> None:
    rng = np.random.default_rng(0)
    mean = 3.0 + 1e-15 * rng.standard_normal(len(GRID))
    curves = 3.0 + 1e-15 * rng.standard_normal((50, len(GRID)))
    found = from_curves(GRID, mean, curves, noise=0.0, level=0.9)
    assert (found.best.low, found.best.mid, found.best.high) == (0.0, 0.0, 0.0)
    assert found.flat == (0.0, 1.0)
    assert abs(found.gain.mid) < ROUNDING
