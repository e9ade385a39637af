"""From a table of runs to its curves: one for each recipe, model size and share."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthmix.errors import BadInput
from synthmix.phases.curves import FEWEST
from synthmix.phases.detection import Detection, detect_phases
from synthmix.scaling import Fit, Runs, fit, read_table


@dataclass(frozen=True)
class Detections:
    """What a table shows.

    Attributes:
        curves: label -> detection; the label of an only curve is "all".
        skipped: label -> why it was left out.
        joint: the closed form fitted to all shares of the largest model at once (laws of ``synthmix fit``), where the
            table has two shares or more; ``share`` is the synthetic one there.
    """

    curves: dict[str, Detection]
    skipped: dict[str, str]
    joint: Fit | None


def detect_in_table(
    path: str | Path,
    columns: str = "",
    *,
    recipe: str | None = None,
    floor: float | None = None,
    bootstrap: int = 400,
    level: float = 0.9,
) -> Detections:
    """Judge every curve of a table (CSV, TSV, JSON Lines, Parquet, a study's folder); columns n (or D) and loss.

    Raises:
        BadInput: see ``read_table`` and ``detect_phases``; no curve with 8 different n.
    """
    table = read_table(path, columns)
    runs = table.runs if recipe is None else table.of(recipe)
    if not runs.has("D"):
        raise BadInput("has no column of samples or tokens", where=path, key="columns", remedy="name it: D=COLUMN")
    names = table.recipe if recipe is None else None
    labels = _labels(runs, names)
    groups = {label: runs.select(labels == label) for label in dict.fromkeys(labels.tolist())}
    found: dict[str, Detection] = {}
    skipped: dict[str, str] = {}
    for label, group in groups.items():
        if len(groups) > 1 and group.distinct("D") < FEWEST:
            skipped[label] = f"{group.distinct('D')} different n; {FEWEST} are needed"
            continue
        found[label] = detect_phases(group.D, group.loss, floor=floor, bootstrap=bootstrap, level=level)
    if not found:
        raise BadInput(f"none of its {len(groups)} curves has {FEWEST} different n", where=path,
                       remedy="measure the loss along training, or train more budgets")  # fmt: skip
    return Detections(found, skipped, _joint(runs, bootstrap, level))


def _labels(runs: Runs, names: np.ndarray | None) -> np.ndarray:
    """One label a row, naming what differs between the curves."""
    parts = [] if names is None or len(set(names.tolist())) < 2 else [names.astype(str)]
    if runs.distinct("N") > 1:
        parts.append(np.array([f"N {value:g}" for value in runs.N]))
    if runs.distinct("share") > 1:
        parts.append(np.array([f"real share {1 - value:.6g}" for value in runs.share]))
    if not parts:
        return np.full(len(runs), "all", dtype=object)
    return np.array([", ".join(row) for row in zip(*parts, strict=True)], dtype=object)


def _joint(runs: Runs, bootstrap: int, level: float) -> Fit | None:
    if runs.distinct("share") < 2:
        return None
    largest = runs.select(np.isclose(runs.N, runs.N.max())) if runs.has("N") else runs
    if largest.distinct("share") < 2 or largest.cells < 8 or largest.distinct("D") < 3:
        return None
    return fit("three_phase", largest, bootstrap=bootstrap, level=level, delta=None)
