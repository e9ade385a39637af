"""The test a law must pass: fitted without the largest runs, how well does it predict them?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import format_count
from synthmix.results import HeldOut
from synthmix.scaling.diagnostics import determines
from synthmix.scaling.fit import fit
from synthmix.scaling.law import Law
from synthmix.scaling.laws import find
from synthmix.scaling.runs import Array, Runs

Column = Literal["N", "D"]
#: Values of N or D that must be left. Curves E + B D^-beta of every beta pass through two points, and what they say of
#: a third is the choice of a start and not of the runs.
FEWEST = 3


@dataclass(frozen=True)
class Cut:
    """Runs split into what is fitted and what is predicted."""

    what: str
    train: np.ndarray
    test: np.ndarray


def cut(runs: Runs, column: Column, largest: int = 1) -> Cut:
    """Hold out all runs at the ``largest`` greatest values of N or D.

    Raises:
        BadInput: fewer than :data:`FEWEST` values would be left to fit.
    """
    values = np.unique(getattr(runs, column)) if runs.has(column) else np.zeros(0)
    left = max(len(values) - largest, 0)
    if left < FEWEST:
        raise BadInput(
            f"{len(values)} values of {column}: {left or 'none'} is left when {largest} are held out, and E, a scale "
            f"and an exponent need {FEWEST}",
            key="held out",
            remedy=f"add values of {column}",
        )
    test = getattr(runs, column) >= values[-largest]
    sizes = ", ".join(format_count(value) for value in values[-largest:])
    return Cut(f"largest {column} ({sizes})", ~test, test)


def corner(runs: Runs) -> Cut:
    """Hold out the runs at the largest N and the largest D alone: each is still seen, with less of the other.

    Raises:
        BadInput: N or D has one value only, or no run is largest in both.
    """
    if runs.distinct("N") < 2 or runs.distinct("D") < 2:
        raise BadInput("N and D do not both vary", key="held out", remedy="add sizes or budgets")
    N, D = float(runs.N.max()), float(runs.D.max())
    test = (runs.N == N) & (runs.D == D)
    if not test.any():
        raise BadInput("no run has the largest N and the largest D", key="held out")
    return Cut(f"largest N and D ({format_count(N)}, {format_count(D)})", ~test, test)


def relative_errors(law: Law, runs: Runs, split: Cut, delta: float | None = 1e-3) -> Array:
    """Predicted over measured minus 1 (signed), for each held-out run.

    Raises:
        BadInput: what is left does not determine the predictions: any number would do.
    """
    train, test = runs.select(split.train), runs.select(split.test)
    fitted = fit(law, train, bootstrap=0, delta=delta)
    if not determines(law, fitted.values, train.points, test.points):
        raise BadInput(
            f"without the {split.what} the runs do not determine the others", where=f"law {law.name}", key="held out"
        )
    found: Array = law.predict(fitted.values, test) / test.loss - 1
    return found


def held_out(
    law: str | Law, runs: Runs, *, column: Column = "D", largest: int = 1, delta: float | None = 1e-3
) -> HeldOut:
    """Fit without the ``largest`` greatest D (or N) and predict them: mean and worst absolute relative error.

    Where that leaves fewer than :data:`FEWEST` values, the runs that are largest in both are held out instead, for laws
    of both (``what`` says so).

    Raises:
        BadInput: what is left does not determine the law.
    """
    law = find(law)
    both = {"N", "D"} <= set(law.columns) and largest == 1 and runs.distinct(column) == FEWEST
    split = corner(runs) if both else cut(runs, column, largest)
    errors = np.abs(relative_errors(law, runs, split, delta))
    return HeldOut(
        what=split.what,
        fitted=int(split.train.sum()),
        predicted=int(split.test.sum()),
        mean_abs_relative_error=float(errors.mean()),
        worst_abs_relative_error=float(errors.max()),
    )
