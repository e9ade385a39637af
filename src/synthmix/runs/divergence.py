"""Diverged runs of a table: marked in the column ``diverged`` by a coded reason, and left out of every fit.

A run is marked when its record says so (:func:`synthmix.training.divergence.divergence`), when its loss is above the
logarithm of its vocabulary (where the table knows that), or when it lies far above the other seeds of its cell.

A run that goes through a source :data:`OFTEN` times or more may end above ln(vocabulary) because it has overfitted, and
that is what its mixture is worth. By its loss alone it is marked only at ln(vocabulary) itself, where collapsed runs
end, and above :data:`EXPLODED` times it.

Far (CHOSEN): above the median of the cell's other runs by more than 5 % of it and by more than ten times the seed
noise. The noise is that of all pairs of one cell without this run, robustly: the median of their absolute differences
of ln(loss) over 0.954, which is what that median is for two draws of a normal law of standard deviation one. A table
with no other pair has no such measure; there half as much again as the other seed's loss is far.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt

from synthmix.quantities import format_count
from synthmix.results import Warn
from synthmix.runs.cells import Floats, Mask
from synthmix.runs.cells import labels as cell_labels
from synthmix.runs.table import LOSS, RunsTable
from synthmix.training.divergence import DIVERGED, LEARNED, divergence

FAR_RELATIVE, FAR_NOISE, FAR_ALONE = 0.05, 10.0, 0.5
_MEDIAN_OF_PAIRS = 0.954  # median |x - y| of two standard normal draws: 0.6745 * sqrt(2)
_NO = {"", "0", "no", "none", "false", "nan"}
OFTEN = 2.0  # epochs of a source from which on a loss above ln(vocabulary) may be overfitting (CHOSEN)
EXPLODED = 3.0  # times ln(vocabulary): no overfitted run was seen there, and exploded ones lie far above (CHOSEN)
MANY = 8  # runs of a cell from which on not all pairs are looked at
SAID = 5  # runs that a warning names


def marked(table: RunsTable) -> RunsTable:
    """The table with the column ``diverged`` and a warning that names the runs; as it is where none diverged."""
    if LOSS not in table.numbers:  # scores alone: nothing to judge by
        return table
    losses = table.column(LOSS)
    codes: list[str | None] = [_given(cell) for cell in table.text("diverged")]
    vocab = table.numbers.get("vocab")
    doubtful = ~np.isfinite(losses)
    if vocab is not None:
        with np.errstate(all="ignore"):
            doubtful |= (vocab > 1) & (losses > np.log(vocab) - 1)
    repeated = _epochs(table) >= OFTEN
    for row in np.flatnonzero(doubtful).tolist():  # of all others the loss alone says nothing
        known = None if vocab is None or not vocab[row] > 1 else int(vocab[row])
        code = divergence(float(losses[row]), known)
        if code == "above_uniform" and repeated[row] and known is not None:
            uniform = math.log(known)
            if losses[row] - uniform > LEARNED and losses[row] < EXPLODED * uniform:
                code = None
        codes[row] = codes[row] or code
    if table.has("N", "D"):
        sound = np.array([code is None for code in codes])
        for row in _far_above(table, losses, sound):
            codes[row] = "above_seeds"
    if not any(codes):
        return replace(table, texts={name: cells for name, cells in table.texts.items() if name != "diverged"})
    found = replace(table, texts={**table.texts, "diverged": codes})
    warnings = [warning for warning in table.warnings if warning.code != "diverged"]
    return replace(found, warnings=(*warnings, Warn(code="diverged", message=_says(found))))


def _epochs(table: RunsTable) -> Floats:
    """(n,) how often each run goes through the source that it repeats most; 1 where unique tokens are not known."""
    most = np.ones(len(table))
    if "D" not in table.numbers:
        return most
    for source in table.sources:
        unique = table.numbers.get(f"unique.{source}")
        if unique is not None:
            with np.errstate(all="ignore"):
                epochs = table.numbers[f"share.{source}"] * table.numbers["D"] / unique
            most = np.fmax(most, np.where(np.isfinite(epochs), epochs, 1.0))
    return most


def _given(cell: str | None) -> str | None:
    if cell is None or cell.strip().lower() in _NO:
        return None
    return cell if cell in DIVERGED else "given"


def _far_above(table: RunsTable, losses: Floats, sound: Mask) -> list[int]:
    labels, names = table.replicates, table.text("recipe")  # other text of equal shares is no seed of the same cell
    judged = sound & (losses > 0)
    if not _any_apart(cell_labels(labels, names)[judged], losses[judged]):
        return []
    members: dict[tuple[int, str | None], list[int]] = {}
    for row in np.flatnonzero(sound & (losses > 0)).tolist():
        members.setdefault((int(labels[row]), names[row]), []).append(row)
    cells = [rows for rows in members.values() if len(rows) > 1]
    pairs = np.array([pair for rows in cells for pair in _pairs(rows)], dtype=np.int64).reshape(-1, 2)
    apart = np.abs(np.log(losses[pairs[:, 0]] / losses[pairs[:, 1]]))
    found = []
    for rows in cells:
        above = losses[rows] / _median_of_others(losses[rows]) - 1
        for place in np.flatnonzero(above > FAR_RELATIVE).tolist():
            others = apart[(pairs != rows[place]).all(axis=1)]
            far = FAR_NOISE * float(np.median(others)) / _MEDIAN_OF_PAIRS if len(others) else math.log1p(FAR_ALONE)
            if math.log1p(float(above[place])) > far:
                found.append(rows[place])
    return found


def _any_apart(cells: npt.NDArray[np.intp], losses: Floats) -> bool:
    """Whether a loss of any cell lies further above another of it than a diverged one does at least."""
    if not len(losses):
        return False
    order = np.argsort(cells, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(cells[order]) != 0])
    high, low = (each.reduceat(losses[order], starts) for each in (np.maximum, np.minimum))
    return bool((high > (1 + FAR_RELATIVE) * low).any())


def _pairs(rows: Sequence[int]) -> list[tuple[int, int]]:
    """All pairs of a small cell; neighbours in the table of a large one, which say as much."""
    if len(rows) > MANY:
        return list(pairwise(rows))
    return list(combinations(rows, 2))


def _median_of_others(values: Floats) -> Floats:
    """(k,) the median of all but each of k values."""
    order = np.argsort(values)
    place = np.empty(len(values), dtype=np.intp)
    place[order] = np.arange(len(values))
    middle = (len(values) - 1) // 2
    upper = values[order][np.where(place <= middle, middle + 1, middle)]
    if len(values) % 2 == 0:  # an odd number of others
        return upper
    lower = values[order][np.where(place <= middle - 1, middle, middle - 1)]
    return np.asarray((lower + upper) / 2, dtype=np.float64)


def _says(table: RunsTable) -> str:
    codes = table.text("diverged")
    rows = [row for row, code in enumerate(codes) if code is not None]
    named = [f"{_name(table, row)} ({_loss(table, row)}: {DIVERGED[codes[row] or 'given']})" for row in rows[:SAID]]
    more = f"; and {len(rows) - SAID} more" if len(rows) > SAID else ""
    count = "1 run diverged and is" if len(rows) == 1 else f"{len(rows)} runs diverged and are"
    return f"{count} left out of every fit and comparison: {'; '.join(named)}{more}."


def _name(table: RunsTable, row: int) -> str:
    recipe, seed = table.text("recipe")[row], table.text("seed")[row]
    parts = [recipe or f"row {row}"]
    if table.has("N", "D"):
        parts.append(f"N={format_count(table.column('N')[row])} D={format_count(table.column('D')[row])}")
    return " ".join([*parts, *([] if seed is None else [f"seed {seed}"])])


def _loss(table: RunsTable, row: int) -> str:
    loss = float(table.column(LOSS)[row])
    return f"loss {loss:,.4g}" if math.isfinite(loss) else "no loss"
