"""Means with intervals: over documents by bootstrap, over blocks by Student's t."""

import math
from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

RESAMPLES = 1_000


class Measure(BaseModel):
    """A mean with its 95 % interval (absent when one value is all there is) over ``n`` documents or blocks."""

    model_config = ConfigDict(frozen=True)

    value: float
    low: float | None
    high: float | None
    n: int


def bootstrapped(values: np.ndarray, rng: np.random.Generator) -> Measure:
    """Percentile bootstrap of the mean (Efron 1979); a share of 0 or 1 has the rule of three as its open end."""
    count = len(values)
    if count < 2:
        return Measure(value=float(values.mean()), low=None, high=None, n=count)
    means = values[rng.integers(0, count, (RESAMPLES, count))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    if values.min() == values.max() and values[0] in (0.0, 1.0):
        low, high = max(0.0, values[0] - 3 / count), min(1.0, values[0] + 3 / count)
    return Measure(value=float(values.mean()), low=float(low), high=float(high), n=count)


def over_blocks(values: Sequence[float], *, share: bool) -> Measure:
    """Mean with Student's interval, which for a ``share`` stays within 0 and 1."""
    from scipy.stats import t

    own = np.array(values)
    mean, count = float(own.mean()), len(own)
    if count < 2:
        return Measure(value=mean, low=None, high=None, n=count)
    half = float(t.ppf(0.975, count - 1) * own.std(ddof=1) / math.sqrt(count))
    low, high = (max(mean - half, 0.0), min(mean + half, 1.0)) if share else (mean - half, mean + half)
    return Measure(value=mean, low=low, high=high, n=count)
