"""A value with the interval that its draws give."""

from typing import Any

import numpy as np

from synthmix.interval import Interval


def estimate(value: float, draws: np.ndarray, level: float, back: Any) -> Interval:
    """The middle ``level`` of the draws; no interval where as many draws as a tail holds have no value."""
    tail = (1 - level) / 2
    if np.isnan(draws).mean() > tail:
        return Interval(mid=float(back(value)), level=level)
    low, high = back(np.nanquantile(draws, [tail, 1 - tail]))
    return Interval(low=float(low), mid=float(back(value)), high=float(high), level=level)
