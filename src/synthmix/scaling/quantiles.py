"""Intervals from draws, with undefined draws counted and never hidden."""

import numpy as np

from synthmix.interval import Interval
from synthmix.scaling.runs import Array


def interval_of(value: float, draws: Array, level: float, why: str | None = None) -> Interval:
    """Percentile interval of ``draws`` (resamples,). NaN draws are undefined: an end that would rest on them is None.

    Infinite draws are ordered as such; an end that is infinite is None too, and ``why`` says so.
    """
    if not np.isfinite(value):
        return Interval(mid=None, level=level, why=why or "undefined")
    if len(draws) < 2:
        return Interval(mid=float(value), level=level, why=why or "no resamples")
    tail = (1 - level) / 2
    finite = np.isfinite(draws)
    if finite.all():
        low, high = (float(end) for end in np.quantile(draws, [tail, 1 - tail]))
    else:
        low = float(np.quantile(np.where(np.isnan(draws), -np.inf, draws), tail, method="lower"))
        high = float(np.quantile(np.where(np.isnan(draws), np.inf, draws), 1 - tail, method="higher"))
    notes = [why] if why else []
    if not (np.isfinite(low) and np.isfinite(high)):
        notes.append(f"undefined in {float((~finite).mean()):.0%} of the resamples")
    return Interval(
        mid=float(value),
        low=low if np.isfinite(low) else None,
        high=high if np.isfinite(high) else None,
        level=level,
        why="; ".join(notes) or None,
    )
