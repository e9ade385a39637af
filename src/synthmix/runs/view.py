"""The columns of a table as it stands, read as numbers or text, and the rows in which they cannot be used.

Shape letters: n rows.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.runs import cells
from synthmix.runs.cells import Floats, Texts
from synthmix.runs.expression import Columns, evaluate
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.mapping import Unit
from synthmix.runs.raw import Raw
from synthmix.runs.table import LOSS


class Bad(NamedTuple):
    """Why a row cannot be used; ``kind``: what it is counted under, where ``problem`` holds a number."""

    column: str
    problem: str
    cell: str = ""
    kind: str = ""

    def says(self, row: int) -> str:
        return f"{self.problem} in row {row}" + (f" ({self.cell})" if self.cell else "")


@dataclass
class Cells:
    """The columns of a table as it stands, each read when it is asked for."""

    raw: Raw
    told: Told
    held: dict[str, cells.Numbers] = field(default_factory=dict)

    def numbers(self, name: str) -> cells.Numbers:
        if name not in self.held:
            self.held[name] = cells.numbers(
                self.raw.table[name], name=name, comma=self.raw.comma, decimal=self.told.decimal, where=self.raw.where
            )
        return self.held[name]

    def typed(self, name: str) -> Any:
        """Numbers where all cells are, else n strings and None: what an expression sees."""
        import pyarrow as pa

        column = self.raw.table[name]
        if pa.types.is_boolean(column.type):
            return column.to_numpy()
        found = self.numbers(name)
        if found.wrong.all() and (truths := cells.truths(column)) is not None:
            return truths
        if found.wrong.any() or (found.blank.all() and not pa.types.is_null(column.type)):
            return np.array(cells.texts(column), dtype=object)
        return found.values

    def texts(self, source: str | int | float) -> Texts:
        """A column, an expression or a constant as n strings, None where a cell is empty."""
        if isinstance(source, str) and source in self.raw.names:
            return cells.texts(self.raw.table[source])
        if not isinstance(source, str):
            return [str(source)] * len(self.raw)
        found = self.evaluate(f"text({source})")
        shared: dict[str | None, str | None] = {}
        return [shared.setdefault(cell, cell if cell is not None and cell.strip() else None) for cell in found.tolist()]

    def evaluate(self, text: str) -> Any:
        """An expression over the columns, (n,)."""
        try:
            return evaluate(text, Columns(self.raw.names, self.typed, len(self.raw)))
        except BadInput as error:
            raise BadInput(error.problem, where=self.raw.where, key=error.key, remedy=error.remedy) from None


def number_column(view: Cells, key: str, source: str | int | float, bad: dict[int, Bad], *, need: bool) -> Floats:
    """A column of numbers, NaN where a cell is none; ``need``: such a row is bad."""
    n = len(view.raw)
    if isinstance(source, str) and source in view.raw.names:
        found = view.numbers(source)
        if need:
            column = view.raw.table[source]
            for row in np.flatnonzero(found.wrong).tolist():
                bad.setdefault(row, Bad(source, "is not a number", cells.shown(column, row)))
            for row in np.flatnonzero(found.blank).tolist():
                bad.setdefault(row, Bad(source, "is empty"))
        return found.values
    constant = constant_of(source)
    if constant is not None:
        return np.full(n, constant)
    values = view.evaluate(str(source))
    if values.dtype == object:
        values = view.evaluate(f"number({source})")
    numbers = np.array(values, dtype=np.float64)
    if need:
        for row in np.flatnonzero(np.isnan(numbers)).tolist():
            bad.setdefault(row, Bad(str(source), "gives no number"))
    return numbers


def in_our_unit(values: Floats, unit: Unit | None) -> Floats:
    """Bits per token and perplexities as nats per token, percent as scores between 0 and 1."""
    with np.errstate(all="ignore"):
        if unit == "bits":
            return values * float(np.log(2))
        if unit == "perplexity":
            return np.log(values)
    return values / 100 if unit == "percent" else values


def check_range(key: str, name: str, values: Floats, bad: dict[int, Bad]) -> None:
    """Rows out of the range of their column."""
    if key == "share" or key.startswith("share."):
        wrong, rule = ~((values >= 0) & (values <= 1)), "is not between 0 and 1"
    elif key == LOSS:
        wrong, rule = ~(np.isfinite(values) & (values > 0)), "is not a positive number"
    else:
        wrong, rule = ~(np.isfinite(values) & (values > 0)), "is not positive"
    for row in np.flatnonzero(wrong).tolist():
        bad.setdefault(row, Bad(name, rule, f"{values[row]:g}"))


def constant_of(source: str | int | float) -> float | None:
    from synthmix.quantities import parse_number

    try:
        return parse_number(source)
    except ValueError:
        return None
