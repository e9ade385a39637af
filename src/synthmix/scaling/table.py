"""The room's door to files: a table of runs as CSV, Parquet or a study's results becomes :class:`Runs`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.results import Warn
from synthmix.scaling.inputs import COLUMNS, Array
from synthmix.scaling.runs import Runs
from synthmix.scaling.table_source import read_columns

#: Column -> names under which it is found without being told, in order.
ALIASES = {
    "N": ("N", "params", "parameters", "n_params", "model_size", "N_no_embed"),
    "D": ("D", "tokens", "training_tokens", "n_tokens", "n"),
    "loss": ("loss", "val_loss", "validation_loss"),
    "share": ("share", "synthetic_share"),
    "unique": ("unique", "unique_tokens"),
    "quality": ("quality",),
    "weight": ("weight",),
    "seed": ("seed",),
    "recipe": ("recipe",),
}
_TEXT = ("seed", "recipe")


@dataclass(frozen=True)
class Table:
    """A table of runs: ``runs`` and, where the columns are there, the recipe and the seed of each (n,) as text."""

    runs: Runs
    recipe: Array | None
    seed: Array | None

    @property
    def warnings(self) -> list[Warn]:
        """What was taken for granted in reading it."""
        repeated = int((np.bincount(self.runs.group) > 1).sum())
        if self.seed is not None or not repeated:
            return []
        message = (
            f"{repeated} cells have several rows and no column says their seed: taken for repeated runs, and their "
            "differences for seed noise; add a seed column, or delete rows that are one run written twice"
        )
        return [Warn(code="replicates_assumed", message=message)]

    def of(self, recipe: str) -> Runs:
        """The runs of one recipe.

        Raises:
            BadInput: no such recipe.
        """
        if self.recipe is None or recipe not in self.recipe:
            known = "no recipe column" if self.recipe is None else ", ".join(sorted(set(self.recipe)))
            raise BadInput(f"no runs of the recipe {recipe!r}", key="recipe", remedy=f"the table has: {known}")
        return self.runs.select(self.recipe == recipe)


def read_runs(path: str | Path, columns: str = "", *, recipe: str | None = None) -> Runs:
    """Runs from a CSV or Parquet file, a study's results.json, or a study's folder.

    Args:
        path: the file or folder.
        columns: ``"N=params,D=tokens,loss=val_loss"``: which of the table's columns is which; unnamed ones are looked
            for under their usual names (:data:`ALIASES`).
        recipe: only the runs of this recipe.

    Raises:
        BadInput: see :func:`read_table`.
    """
    table = read_table(path, columns)
    return table.runs if recipe is None else table.of(recipe)


def read_table(path: str | Path, columns: str = "") -> Table:
    """The whole table.

    Raises:
        BadInput: no such file, a kind that is not read, a column that is missing or named twice, a cell that is not a
            number, a non-positive N, D or loss, or rows that differ in nothing but their loss.
    """
    where = Path(path)
    raw = read_columns(where)
    if not raw or not len(next(iter(raw.values()))):
        raise BadInput("holds no runs", where=where)
    names = _names(where, raw, _mapping(columns))
    picked: dict[str, Any] = {}
    for column, name in names.items():
        picked[column] = (
            np.array([str(cell) for cell in raw[name]]) if column in _TEXT else _numbers(where, name, raw[name])
        )
    labels = {name: picked.pop(name, None) for name in _TEXT}
    kind = labels["recipe"]
    try:
        runs = Runs(**picked, group=_cells(picked, kind))
    except BadInput as error:
        raise BadInput(f"{error.problem} (rows count from 0, without the header)", where=where,
                       key=names.get(error.key or "", error.key)) from None  # fmt: skip
    _disagreement(where, picked, labels)
    return Table(runs, kind, labels["seed"])


def _mapping(columns: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in columns.split(","))):
        key, _, name = (piece.strip() for piece in part.partition("="))
        if key not in ALIASES or not name or key in found:
            remedy = f"write N=params,D=tokens,loss=val_loss; known: {', '.join(ALIASES)}"
            raise BadInput(f"{part!r} names no column", key="columns", remedy=remedy)
        found[key] = name
    return found


def _names(where: Path, raw: dict[str, list[Any]], told: dict[str, str]) -> dict[str, str]:
    """Our column -> the table's."""
    there = ", ".join(raw)
    for key, name in told.items():
        if name not in raw:
            raise BadInput(
                f"no column {name!r} for {key}", where=where, key="columns", remedy=f"the table has: {there}"
            )
    taken = set(told.values())
    names = dict(told)
    for key, usual in ALIASES.items():
        free = [name for name in usual if name in raw and name not in taken]
        if key not in names and free:
            names[key] = free[0]
    if "loss" not in names or not {"N", "D", "share"} & set(names):
        missing = "loss" if "loss" not in names else "N or D"
        remedy = f"name them: --columns N=...,D=...,loss=...; the table has: {there}"
        raise BadInput(f"no column found for {missing}", where=where, key="columns", remedy=remedy)
    return names


def _numbers(where: Path, name: str, cells: list[Any]) -> Array:
    out = np.empty(len(cells))
    for row, cell in enumerate(cells):
        try:
            out[row] = float(cell)
        except (TypeError, ValueError):
            shown = "empty" if cell in (None, "") else f"{cell!r}, not a number"
            raise BadInput(f"row {row} is {shown}", where=where, key=name) from None
    return out


def _cells(picked: dict[str, Any], recipe: Array | None) -> Array:
    """Cells: rows equal in every column but the loss, the weight and the seed; recipes of one share stay apart."""
    keys = [picked[name] for name in COLUMNS if name in picked]
    if recipe is not None:
        keys.append(np.unique(recipe, return_inverse=True)[1].astype(float))
    return np.unique(np.column_stack(keys), axis=0, return_inverse=True)[1].reshape(-1)


def _disagreement(where: Path, picked: dict[str, Any], labels: dict[str, Any]) -> None:
    """One run written twice with two losses: without this it would pass for a replicate."""
    if labels["seed"] is None:
        return
    cells = _cells(picked, labels["recipe"])
    seen: dict[tuple[int, str], int] = {}
    for row, key in enumerate(zip(cells.tolist(), labels["seed"].tolist(), strict=True)):
        first = seen.setdefault(key, row)
        if picked["loss"][first] != picked["loss"][row]:
            problem = f"rows {first} and {row} are one run (equal in all but the loss) with two losses"
            raise BadInput(problem, where=where, remedy="delete one of them, or give them different seeds")
