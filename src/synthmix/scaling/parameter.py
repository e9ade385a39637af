"""A law's parameter: its bounds, where to start searching, and how it changes with the units of N and D."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Parameter:
    """One parameter of a law.

    Attributes:
        name: as in the formula.
        low, high: bounds (inclusive) that a fit respects.
        linear: whether the prediction is linear in it, so that it is solved for and not searched.
        start: range of the search, in the fitter's units (N and D divided by their geometric means); unused if linear.
        log: whether the search is uniform in the logarithm.
        unit: (column, e): with the column divided by s, the parameter is divided by s^e; e a number or the name of
            another parameter. None: free of units.
        meaning: a clause for reports.
    """

    name: str
    low: float = -np.inf
    high: float = np.inf
    linear: bool = False
    start: tuple[float, float] = (0.05, 1.2)
    log: bool = False
    unit: tuple[str, float | str] | None = None
    meaning: str = ""


def coefficient(name: str, column: str, power: float | str) -> Parameter:
    """A factor >= 0 of ``column^-power``."""
    return Parameter(name, 0.0, np.inf, linear=True, unit=(column, power), meaning=f"scale of the {column} term")


def exponent(name: str, low: float = 0.01, high: float = 3.0, start: tuple[float, float] = (0.05, 1.2)) -> Parameter:
    """An exponent. Bounds CHOSEN: 0.01 is flat over any reachable range, 3 is steeper than any published law."""
    return Parameter(name, low, high, start=start, log=True, meaning="exponent")
