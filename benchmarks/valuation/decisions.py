"""How often a verdict on two datasets is right, each task judged by what the other tasks say of the score's error.

From scores and truths that are kept: nothing is trained. ``error`` is the tau of :mod:`synthmix.valuation.verdicts`;
``slope`` and ``residual`` are those of a line of the truth by the score. The table of the tasks is what
``verdicts.TASKS`` holds.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.valuation.correlation import signed
from benchmarks.valuation.measure import matrix
from benchmarks.valuation.results import load
from benchmarks.valuation.tables import OURS, markdown_table
from benchmarks.valuation.tasks import make_task
from benchmarks.valuation.truth import truth
from synthmix.interval import Interval
from synthmix.valuation.shift import Looks, looks_of
from synthmix.valuation.verdicts import CalibratedTask, verdict


def tables(names: Sequence[str]) -> Iterator[str]:
    """The calibration by task, and what leave-one-task-out verdicts were worth."""
    held = {name: found for name in names if (found := _held(name)) is not None}
    fitted = {name: calibrated(name, *found[:4], looks=found[4]) for name, found in held.items()}
    yield "## Decisions: the score's own error by task\n"
    head = ["task", "kind", "error", "slope", "residual", "words", "bits a byte", "a to z"]
    yield markdown_table(head, [
        [one.name, one.kind, f"{one.error:.4f}", "-" if one.slope is None else f"{one.slope:.2f}",
         "-" if one.residual is None else f"{one.residual:.3f}",
         *(["-"] * 3 if one.looks is None else
           [f"{one.looks.words:.3f}", f"{one.looks.bits:.2f}", f"{one.looks.plain:.3f}"])]
        for one in fitted.values()]) + "\n"  # fmt: skip
    rows, every = [], []
    for name, (scores, worth, kind, *_) in held.items():
        others = [one for other, one in fitted.items() if other != name]
        if not any(one.kind == kind for one in others):
            continue
        found = judged(scores, worth, kind, others)
        every.append(found)
        rows.append([name, *_row(found)])
    rows.append(["all", *_row(np.concatenate(every))])
    yield "Verdicts on all pairs of a task, by the other tasks\n"
    head = ["task", "pairs", "clear", "of these right", "unclear, right by the score", "confidence, mean",
            "right, mean", "worth inside its 90 %"]  # fmt: skip
    yield markdown_table(head, rows) + "\n"


def _held(name: str) -> tuple[np.ndarray, np.ndarray, str, bool, Looks | None] | None:
    """(scores (n,), truth (n,) higher is better, kind, whether the truth's unit is the kind's own, the reference's
    looks)."""
    task, results = make_task(name), load(name)
    if OURS not in results:
        return None
    names = [each.name for each in task.contributors]
    metric = task.metrics[0]
    kind = "text" if task.reference.all().labels is None else "labels"
    usual = metric == ("loss" if kind == "text" else "accuracy")
    scores = matrix(results[OURS], names).mean(axis=0)
    return scores, signed(truth(task), names, metric), kind, usual, looks_of(task.reference)


def calibrated(
    name: str, scores: np.ndarray, worth: np.ndarray, kind: str, usual: bool, looks: Looks | None = None
) -> CalibratedTask:
    """The error by maximum likelihood over pairs, and the line."""
    from scipy.optimize import minimize_scalar
    from scipy.stats import norm

    gap, better = _pairs(scores), _pairs(worth)
    told = better != 0
    toward = gap[told] * np.sign(better[told])
    found = minimize_scalar(lambda log: -norm.logcdf(toward / np.exp(log)).mean(), bounds=(-8, 2), method="bounded")
    slope, start = np.polyfit(scores, worth, 1)
    residual = float(np.std(worth - start - slope * scores, ddof=2))
    line = (float(slope), residual) if usual else (None, None)
    return CalibratedTask(name, kind, float(np.exp(found.x)), *line, looks)  # type: ignore[arg-type]


def judged(scores: np.ndarray, worth: np.ndarray, kind: str, others: list[CalibratedTask]) -> np.ndarray:
    """(pairs, 4): whether clear, its confidence, whether right, whether the truth lies in the worth's interval (NaN
    where there is none). Sampling is left out: what a pool's own noise adds is in the tasks' error already."""
    rows = []
    for gap, better in zip(_pairs(scores), _pairs(worth), strict=True):
        if better == 0:
            continue
        sign = 1.0 if gap >= 0 else -1.0
        difference = Interval(low=sign * gap, mid=sign * gap, high=sign * gap, level=0.9, covers="sampling")
        said = verdict(("a", "b"), difference, kind, 1, "tokens", tasks=others)  # type: ignore[arg-type]
        inside = np.nan
        if said.worth is not None and said.worth.low is not None and said.worth.high is not None:
            inside = float(said.worth.low <= sign * better <= said.worth.high)
        rows.append((said.said == "over", said.confidence, sign * better > 0, inside))
    return np.array(rows, float)


def _pairs(values: np.ndarray) -> np.ndarray:
    return np.asarray((values[:, None] - values)[np.triu_indices(len(values), 1)])


def _row(found: np.ndarray) -> list[str]:
    clear = found[:, 0] > 0
    inside = found[:, 3][np.isfinite(found[:, 3])]
    return [
        f"{len(found):,}",
        f"{clear.mean():.0%}",
        f"{found[clear, 2].mean():.1%}" if clear.any() else "-",
        f"{found[~clear, 2].mean():.1%}" if (~clear).any() else "-",
        f"{found[:, 1].mean():.1%}",
        f"{found[:, 2].mean():.1%}",
        f"{inside.mean():.1%}" if len(inside) else "-",
    ]
