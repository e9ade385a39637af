"""The test a law must pass: fitted without the largest runs, how well does it predict them?"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import format_count
from synthmix.results import HeldOut
from synthmix.scaling.fit import fit
from synthmix.scaling.inputs import Array
from synthmix.scaling.law import Law
from synthmix.scaling.laws import find
from synthmix.scaling.runs import Runs

Column = Literal["N", "D"]


@dataclass(frozen=True)
class Cut:
    """Runs split into what is fitted and what is predicted."""

    what: str
    train: np.ndarray
    test: np.ndarray


def cut(runs: Runs, column: Column, largest: int = 1) -> Cut:
    """Hold out all runs at the ``largest`` greatest values of N or D.

    Raises:
        BadInput: nothing would be left to fit.
    """
    values = np.unique(getattr(runs, column)) if runs.has(column) else np.zeros(0)
    if len(values) <= largest:
        raise BadInput(f"{len(values)} values of {column}: none is left when {largest} are held out", key="held out")
    test = getattr(runs, column) >= values[-largest]
    sizes = ", ".join(format_count(value) for value in values[-largest:])
    return Cut(f"largest {column} ({sizes})", ~test, test)


def relative_errors(law: Law, runs: Runs, split: Cut, delta: float | None = 1e-3) -> Array:
    """Predicted over measured minus 1 (signed), for each held-out run."""
    fitted = fit(law, runs.select(split.train), bootstrap=0, delta=delta)
    rest = runs.select(split.test)
    found: Array = law.predict(fitted.values, rest) / rest.loss - 1
    return found


def held_out(
    law: str | Law, runs: Runs, *, column: Column = "D", largest: int = 1, delta: float | None = 1e-3
) -> HeldOut:
    """Fit without the ``largest`` greatest D (or N) and predict them: mean and worst absolute relative error.

    Raises:
        BadInput: what is left does not determine the law.
    """
    law, split = find(law), cut(runs, column, largest)
    errors = np.abs(relative_errors(law, runs, split, delta))
    return HeldOut(
        what=split.what,
        fitted=int(split.train.sum()),
        predicted=int(split.test.sum()),
        mean_abs_relative_error=float(errors.mean()),
        worst_abs_relative_error=float(errors.max()),
    )
