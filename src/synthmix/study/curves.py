"""Fitted laws as curves, for the figures."""

from typing import Literal

import numpy as np

from synthmix.results import Curve, RunRow
from synthmix.study.fits import Reading

CURVE_POINTS = 40
REACH = 4.0  # how far beyond the measured budgets and sizes a curve is drawn


def curves_of(readings: dict[str, Reading], rows: list[RunRow]) -> list[Curve]:
    """Loss against tokens at every size, and against parameters at every budget, of every recipe that has a law."""
    found = []
    for recipe, reading in readings.items():
        mine = [row for row in rows if row.recipe == recipe]
        sizes, budgets = sorted({r.params for r in mine}), sorted({r.tokens for r in mine})
        for fixed in sizes:
            found.append(_curve(recipe, reading, "tokens", fixed, budgets))
        for fixed in budgets:
            found.append(_curve(recipe, reading, "params", fixed, sizes))
    return found


def _curve(recipe: str, reading: Reading, along: Literal["tokens", "params"], fixed: int, span: list[int]) -> Curve:
    x = np.geomspace(span[0] / 1.3, span[-1] * REACH, CURVE_POINTS)
    other = np.full_like(x, fixed)
    at = reading.at(N=other, D=x) if along == "tokens" else reading.at(N=x, D=other)
    mean, (low, high) = reading.fit.predict(**at), reading.fit.interval(kind="mean", **at)
    if not np.isfinite(low).all():
        low = high = mean
    return Curve(
        recipe=recipe,
        law=reading.fit.law.name,
        along=along,
        fixed=fixed,
        x=x.tolist(),
        mean=mean.tolist(),
        low=low.tolist(),
        high=high.tolist(),
    )
