"""What draws of a share curve say: the best share, what it buys, the flat range, and warnings."""

from dataclasses import dataclass

import numpy as np

from synthmix.interval import Interval, format_interval
from synthmix.results import Warn
from synthmix.rounding import ROUNDING, first_lowest
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array

GRID = np.linspace(0.0, 1.0, 201)


@dataclass(frozen=True, repr=False)
class BestShare:
    """The share curve and its optimum.

    Attributes:
        best: r* with its interval.
        loss: expected loss at r*.
        gain: loss at share 0 minus loss at r* (>= 0: what the best mixture buys), nats per token.
        flat: shares around r* whose expected loss is within ``noise`` of the best; None without a known noise.
        noise: standard deviation of one run's loss, nats per token.
        shares, mean, low, high: the curve (201,) with its band.
        warnings: coded.
    """

    best: Interval
    loss: Interval
    gain: Interval
    flat: tuple[float, float] | None
    noise: float | None
    shares: Array
    mean: Array
    low: Array
    high: Array
    warnings: list[Warn]

    def __repr__(self) -> str:
        flat = "not known" if self.flat is None else f"{self.flat[0]:.0%} to {self.flat[1]:.0%}"
        return (
            f"best share {format_interval(self.best, '.0%')}; within the noise of it {flat}\n"
            f"expected loss there {format_interval(self.loss)}\n"
            f"gain over share 0 {format_interval(self.gain)}"
        )


def from_curves(
    grid: Array,
    mean: Array,
    curves: Array,
    *,
    noise: float | None,
    level: float,
    measured: tuple[float, float] = (0.0, 1.0),
) -> BestShare:
    """Summary of a share curve (g,) and its draws (draws, g); the optimum is sought between the measured shares.

    Of shares whose losses differ by rounding alone the smallest is the best, in the curve and in each draw.
    """
    inside = (grid >= measured[0] - 1e-9) & (grid <= measured[1] + 1e-9)
    within = grid[inside]
    place = first_lowest(mean[inside])
    lowest = first_lowest(curves[:, inside])
    optimum = vertex(within, np.vstack([mean[inside], curves[:, inside]]), np.r_[place, lowest])
    best = interval_of(float(optimum[0]), optimum[1:], level)
    floor = curves[:, inside][np.arange(len(curves)), lowest]
    value = float(mean[inside][place])
    tail = (1 - level) / 2
    low, high = np.quantile(curves, [tail, 1 - tail], axis=0)
    flat = None
    if noise is not None:
        near = mean[inside] <= value + max(noise, ROUNDING)
        left, right = place, place
        while left > 0 and near[left - 1]:
            left -= 1
        while right < len(within) - 1 and near[right + 1]:
            right += 1
        flat = (float(within[left]), float(within[right]))
    return BestShare(
        best=best,
        loss=interval_of(value, floor, level),
        gain=interval_of(float(mean[0]) - value, curves[:, 0] - floor, level),
        flat=flat,
        noise=noise,
        shares=grid,
        mean=mean,
        low=low,
        high=high,
        warnings=_warnings(best, within, lowest),
    )


def vertex(grid: Array, curves: Array, lowest: Array) -> Array:
    """The lowest point of each curve (k, g), between grid points by the parabola through three of them."""
    rows, inner = np.arange(len(curves)), np.clip(lowest, 1, len(grid) - 2)
    left, here, right = (curves[rows, inner + side] for side in (-1, 0, 1))
    bend = left - 2 * here + right
    shift = np.where(bend > 0, 0.5 * (left - right) / np.where(bend > 0, bend, 1.0), 0.0)
    moved = grid[inner] + np.clip(shift, -0.5, 0.5) * (grid[1] - grid[0])
    found: Array = np.where(inner == lowest, moved, grid[lowest])
    return found


def _warnings(best: Interval, grid: Array, lowest: Array) -> list[Warn]:
    found = []
    at_edge = float(((lowest == 0) | (lowest == len(grid) - 1)).mean())
    if best.mid in (grid[0], grid[-1]):
        message = f"the loss is lowest at the end of the shares ({best.mid:.0%}): no mixture inside is better"
        found.append(Warn(code="best_share_at_edge", message=message))
    elif at_edge > 0.05:
        message = f"in {at_edge:.0%} of the draws the best share is an end of the measured shares"
        found.append(Warn(code="best_share_maybe_edge", message=message))
    if best.low is not None and best.high is not None and best.high - best.low > 0.5 * (grid[-1] - grid[0]):
        message = "the interval of the best share covers more than half of the measured range; add seeds or shares"
        found.append(Warn(code="best_share_uncertain", message=message))
    return found
