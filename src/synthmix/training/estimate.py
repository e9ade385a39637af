"""A value with the interval that its draws give."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A value and its interval; ``low`` and ``high`` are None where the sweep does not bound it."""

    value: float
    low: float | None
    high: float | None

    def holds(self, value: float) -> bool | None:
        """Whether ``value`` is inside; None without an interval."""
        return None if self.low is None or self.high is None else bool(self.low <= value <= self.high)


def estimate(value: float, draws: np.ndarray, level: float, back: Any) -> Estimate:
    """The middle ``level`` of the draws; no interval where as many draws as a tail holds have no value."""
    tail = (1 - level) / 2
    if np.isnan(draws).mean() > tail:
        return Estimate(float(back(value)), None, None)
    low, high = back(np.nanquantile(draws, [tail, 1 - tail]))
    return Estimate(float(back(value)), float(low), float(high))
