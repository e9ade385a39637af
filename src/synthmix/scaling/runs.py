"""The measured runs that a law is fitted to, and the cells in which runs repeat each other."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.inputs import COLUMNS, Array, Inputs


@dataclass(frozen=True, kw_only=True, repr=False)
class Runs(Inputs):
    """Trained models with their losses. ``Runs(N=..., D=..., loss=...)``; all columns (n,) float arrays.

    Columns of :class:`Inputs`, and:
        loss: nats per token, positive.
        weight: positive weight in the objective; 2 counts as two equal rows. None: all 1.
        group: integer label of the cell: runs of one N, D and recipe that differ only in their seed. Resampling keeps
            a cell together. None: rows equal in every column make a cell.

    Raises:
        BadInput: a non-positive or missing N, D, loss or weight, a share outside [0, 1], or lengths that differ.
    """

    loss: Any
    weight: Any = None
    group: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        n = len(self)
        for name in ("loss", "weight"):
            value = getattr(self, name)
            if value is None:
                continue
            array = _numbers(name, value, n)
            if not np.isfinite(array).all() or (array <= 0).any():
                row = int(np.flatnonzero(~(np.isfinite(array) & (array > 0)))[0])
                raise BadInput(f"is not a positive number in row {row} ({array[row]:g})", where="runs", key=name)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if self.group is None:
            object.__setattr__(self, "group", self._cells())
        else:
            labels = _numbers("group", self.group, n)
            if not np.isfinite(labels).all():
                raise BadInput("is missing or not a number", where="runs", key="group")
            object.__setattr__(self, "group", np.unique(labels, return_inverse=True)[1])

    def __repr__(self) -> str:
        return f"<Runs: {len(self)} runs in {self.cells} cells; columns {', '.join(n for n in COLUMNS if self.has(n))}>"

    def _cells(self) -> np.ndarray:
        table = np.column_stack([getattr(self, name) for name in COLUMNS if self.has(name)])
        return np.unique(table, axis=0, return_inverse=True)[1].reshape(-1)

    @property
    def cells(self) -> int:
        """Number of distinct cells."""
        return int(self.group.max()) + 1

    @property
    def points(self) -> Inputs:
        """The columns without the losses."""
        return Inputs(**{name: getattr(self, name) for name in COLUMNS})

    @property
    def weights(self) -> Array:
        """Weights of the rows, ones where none were given."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def distinct(self, column: str) -> int:
        """Number of distinct values in a column; 0 when it is absent."""
        return len(np.unique(getattr(self, column))) if self.has(column) else 0

    def decades(self, column: str) -> float:
        """log10 of the largest over the smallest value of N, D or unique."""
        values = getattr(self, column)
        return float(np.log10(values.max() / values.min()))

    def with_loss(self, loss: Any) -> "Runs":
        """The same design with other losses."""
        return replace(self, loss=loss)

    def regrouped(self) -> "Runs":
        """The same rows with cells derived from the columns anew."""
        return replace(self, group=None)


def _numbers(name: str, value: Any, n: int) -> Array:
    try:
        array = np.array(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise BadInput("holds something that is not a number", where="runs", key=name) from None
    if len(array) != n:
        raise BadInput(f"has {len(array)} values, the other columns {n}", where="runs", key=name)
    return array
