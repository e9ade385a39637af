"""The best share by one law in (N, D, share), and how it moves with N and D."""

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.rounding import first_lowest
from synthmix.scaling.fitted import Fit
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.share_summary import GRID, BestShare, from_curves, vertex


def best_share_of_law(
    fit: Fit, *, noise: float | None = None, level: float | None = None, **columns: float
) -> BestShare:
    """Best share at N=, D= of one fitted law that has the share in it: the lowest point of its curve, per resample.

    ``noise``: standard deviation of one run's loss for the flat range; None: the fit's own.

    Raises:
        BadInput: the law has no share.
    """
    if "share" not in fit.law.columns:
        raise BadInput("has no share in it", where=f"law {fit.law.name}", remedy="fit a joint law")
    mean = fit.predict(**columns, share=GRID)
    sd = noise if noise is not None or fit.noise.total is None else fit.noise.total * float(mean.min())
    measured = (float(fit.runs.share.min()), float(fit.runs.share.max()))
    curves = fit.draw(**columns, share=GRID)
    return from_curves(GRID, mean, curves, noise=sd, level=level or fit.level, measured=measured)


def share_shift(fit: Fit, start: dict[str, float], end: dict[str, float], *, level: float | None = None) -> Interval:
    """How the best share of a fitted law moves from one (N, D) to another: r*(end) minus r*(start), per resample."""
    theta = np.vstack([fit.values, fit.draws])
    optima = []
    for columns in (start, end):
        curves = fit.law.predict(theta, fit.points(**columns, share=GRID))
        optima.append(vertex(GRID, curves, first_lowest(curves)))
    moved = optima[1] - optima[0]
    return interval_of(float(moved[0]), moved[1:], level or fit.level, fit.why)
