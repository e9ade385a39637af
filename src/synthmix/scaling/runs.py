"""What laws see: the predictors of n points, and the runs that a law is fitted to."""

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput

Array = npt.NDArray[np.float64]
Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]

#: Column -> what it holds. Every law names the columns it needs among these.
COLUMNS = {
    "N": "non-embedding parameters",
    "D": "training tokens",
    "share": "synthetic share of the tokens, 0 to 1",
    "unique": "unique training tokens (D / unique = epochs)",
    "quality": "data quality Q, 1 for the reference",
}


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """Points at which a law is evaluated: 1-d float arrays of one length; a column that is not needed stays None.

    Scalars are accepted and broadcast against each other.

    Raises:
        BadInput: lengths differ, a value is missing, not finite or outside its range.
    """

    N: Any = None
    D: Any = None
    share: Any = None
    unique: Any = None
    quality: Any = None

    def __post_init__(self) -> None:
        names = [name for name in COLUMNS if getattr(self, name) is not None]
        if not names:
            raise BadInput("no column is given", where="points", remedy="give at least N or D")
        try:
            arrays = [np.atleast_1d(np.asarray(getattr(self, name), dtype=np.float64)) for name in names]
            arrays = list(np.broadcast_arrays(*arrays))
        except (TypeError, ValueError):
            raise BadInput("the columns are not numbers of one length", where="points", key=", ".join(names)) from None
        for name, array in zip(names, arrays, strict=True):
            _check(name, array)
            frozen = np.array(array)
            frozen.flags.writeable = False
            object.__setattr__(self, name, frozen)

    def __len__(self) -> int:
        return next(len(getattr(self, name)) for name in COLUMNS if getattr(self, name) is not None)

    def has(self, column: str) -> bool:
        """Whether the column is there."""
        return getattr(self, column) is not None

    @cached_property
    def _logs(self) -> dict[str, Array]:
        return {name: np.log(getattr(self, name)) for name in COLUMNS if self.has(name) and name != "share"}

    def log(self, column: str) -> Array:
        """Natural logarithm of a column other than the share, shape (n,)."""
        return self._logs[column]

    def select(self, which: Any) -> Self:
        """The rows of a boolean mask or of integer positions."""
        return replace(
            self,
            **{f.name: getattr(self, f.name)[which] for f in fields(self) if getattr(self, f.name) is not None},
        )

    def scaled(self, N: float, D: float) -> Self:
        """The same points in other units: N / ``N``, D and unique tokens / ``D``."""
        changed: dict[str, Any] = {}
        for name, scale in (("N", N), ("D", D), ("unique", D)):
            if self.has(name):
                changed[name] = getattr(self, name) / scale
        return replace(self, **changed)


def _check(name: str, array: Array) -> None:
    if array.ndim != 1:
        raise BadInput("is not a flat list of numbers", where="points", key=name)
    bad = ~np.isfinite(array)
    if bad.any():
        raise BadInput(f"is missing or not finite in row {int(np.flatnonzero(bad)[0])}", where="points", key=name)
    if name == "share":
        wrong, rule = (array < 0) | (array > 1), "is not between 0 and 1"
    else:
        wrong, rule = array <= 0, "is not positive"
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise BadInput(f"{rule} in row {row} ({array[row]:g})", where="points", key=name)


@dataclass(frozen=True, kw_only=True, repr=False)
class Runs(Inputs):
    """Trained models with their losses. ``Runs(N=..., D=..., loss=...)``; all columns (n,) float arrays.

    Columns of :class:`Inputs`, and:
        loss: nats per token, positive.
        weight: positive weight in the objective; 2 counts as two equal rows. None: all 1.
        group: integer label of the cell: runs of one N, D and recipe that differ only in their seed. Resampling keeps
            a cell together. None: rows equal in every column make a cell.
        run: integer label of the training run that a row is a step of: steps of one run are correlated, and resampling
            keeps them together. None: every row is a run of its own.

    Raises:
        BadInput: a non-positive or missing N, D, loss or weight, a share outside [0, 1], or lengths that differ.
    """

    loss: Any
    weight: Any = None
    group: Any = None
    run: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        n = len(self)
        if self.run is not None:
            object.__setattr__(self, "run", np.unique(_numbers("run", self.run, n), return_inverse=True)[1])
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
    def trained(self) -> int:
        """Number of training runs."""
        return len(self) if self.run is None else int(self.run.max()) + 1

    @property
    def points(self) -> Inputs:
        """The columns without the losses."""
        return Inputs(**{name: getattr(self, name) for name in COLUMNS})

    @property
    def weights(self) -> Array:
        """Weights of the rows, ones where none were given."""
        return np.ones(len(self)) if self.weight is None else self.weight

    def sampled(self, most: int, seed: int) -> Self:
        """At most ``most`` rows, drawn at random: as many of every cell as fit, two of each at least; where even these
        are more, of cells drawn at random. All rows where there are no more than that."""
        if len(self) <= most:
            return self
        rng = np.random.default_rng(seed)
        shuffled = rng.permutation(len(self))
        order = shuffled[np.argsort(self.group[shuffled], kind="stable")]  # cell by cell, at random within
        counts = np.bincount(self.group)
        rank = np.empty(len(self), dtype=np.intp)
        rank[order] = np.arange(len(self)) - np.repeat(np.cumsum(counts) - counts, counts)
        each = 2
        while np.minimum(counts, each + 1).sum() <= most:
            each += 1
        taken = rank < each
        if taken.sum() > most:
            cells = rng.permutation(len(counts))
            fits = np.cumsum(np.minimum(counts, each)[cells]) <= most
            taken &= np.isin(self.group, cells[fits])
        return self.select(np.flatnonzero(taken))

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


def _numbers(name: str, value: Any, n: int) -> Array:
    try:
        array = np.array(value, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise BadInput("holds something that is not a number", where="runs", key=name) from None
    if len(array) != n:
        raise BadInput(f"has {len(array)} values, the other columns {n}", where="runs", key=name)
    return array
