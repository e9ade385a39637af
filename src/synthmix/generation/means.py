"""Means with intervals: over documents by bootstrap, over blocks by Student's t."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from synthmix.interval import Interval

RESAMPLES, LEVEL = 1_000, 0.95


class Measure(BaseModel):
    """A mean with its 95 % interval (ends unknown when one value is all there is) over ``n`` documents or blocks."""

    model_config = ConfigDict(frozen=True)

    mean: Interval
    n: int


def _measure(low: float | None, mid: float, high: float | None, n: int) -> Measure:
    return Measure(mean=Interval(low=low, mid=mid, high=high, level=LEVEL, covers="sampling"), n=n)


def bootstrapped(values: np.ndarray, rng: np.random.Generator) -> Measure:
    """Percentile bootstrap of the mean (Efron 1979); a share of 0 or 1 has the rule of three as its open end."""
    count = len(values)
    if count < 2:
        return _measure(None, float(values.mean()), None, count)
    means = values[rng.integers(0, count, (RESAMPLES, count))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    if values.min() == values.max() and values[0] in (0.0, 1.0):
        low, high = max(0.0, values[0] - 3 / count), min(1.0, values[0] + 3 / count)
    return _measure(float(low), float(values.mean()), float(high), count)


def over_blocks(values: Sequence[float], *, share: bool) -> Measure:
    """Mean with Student's interval, which for a ``share`` stays within 0 and 1."""
    from scipy.stats import t

    own = np.array(values)
    mean, count = float(own.mean()), len(own)
    if count < 2:
        return _measure(None, mean, None, count)
    half = float(t.ppf(0.975, count - 1) * own.std(ddof=1) / math.sqrt(count))
    low, high = (max(mean - half, 0.0), min(mean + half, 1.0)) if share else (mean - half, mean + half)
    return _measure(low, mean, high, count)
