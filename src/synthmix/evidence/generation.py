"""What it takes to generate text, by published throughputs: GPU-hours for so many tokens of a kind."""

from functools import cache

import numpy as np

from synthmix.evidence.table import throughputs
from synthmix.interval import Interval

SHRINK = 3.0  # sets of a kind that count as much as all kinds together for its own level (CHOSEN)


@cache
def _fit() -> tuple[float, float, float, int]:
    """log10 GPU-hours for a billion tokens: level and slope in log10 of the generator's parameters, the standard
    deviation of what is left, and its degrees of freedom; by least squares."""
    rows = [row for row in throughputs() if row.generator_params is not None]
    x = np.log10([row.generator_params or 1.0 for row in rows])
    y = np.log10([row.hours_per_billion for row in rows])
    slope, level = np.polyfit(x, y, 1)
    left = y - (level + slope * x)
    freedom = len(rows) - 2
    return float(level), float(slope), float(np.sqrt(left @ left / freedom)), freedom


def generation_hours(
    tokens: float, kind: str | None = None, params: float | None = None, level: float = 0.9
) -> Interval:
    """GPU-hours to write ``tokens`` of a kind, of one generation run as others made theirs.

    What a generator's size explains is little beside what batching, length of output and retries do: one generator's
    published hours for a billion tokens range over a factor of ten. The interval is that of one further run
    (log-normal).

    Args:
        kind: shifts the estimate by what its own published runs lie above or below the rest, shrunk.
        params: of the generator; None: as the middle of those published.
    """
    from scipy.special import stdtrit

    rows = throughputs()
    base, slope, sd, freedom = _fit()
    sizes = [row.generator_params for row in rows if row.generator_params is not None]
    size = float(np.median(sizes)) if params is None else params
    mine = [row for row in rows if row.kind == kind and row.generator_params is not None]
    off = sum(np.log10(row.hours_per_billion) - base - slope * np.log10(row.generator_params or 1.0) for row in mine)
    middle = base + slope * np.log10(size) + off / (len(mine) + SHRINK) + np.log10(tokens / 1e9)
    half = float(stdtrit(freedom, (1 + level) / 2)) * sd
    low, mid, high = (float(10.0 ** (middle + step)) for step in (-half, 0.0, half))
    return Interval(low=low, mid=mid, high=high, level=level, covers="new run")
