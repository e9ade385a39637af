"""What a law is asked about: sizes, tokens, shares, as flat arrays of one length."""

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
