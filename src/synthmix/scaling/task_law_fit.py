"""Fit the law of a task score (:mod:`synthmix.scaling.task_law`) to runs, with resamples."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.inputs import Array, Index
from synthmix.scaling.task_law import TaskFit
from synthmix.scaling.task_law_solver import MOST_SLOPE, TaskProblem, bounds, minimise, score_at, search
from synthmix.scaling.task_law_warnings import task_warnings

MORE_THAN_PARAMETERS = 2  # distinct losses above the number of parameters, so that the noise can be told (CHOSEN)
CELLS_PER_PARAMETER = 8  # as scaling/bootstrap.py


def fit_task(
    loss: Any,
    score: Any,
    *,
    chance: float = 0.0,
    top: float = 1.0,
    shares: Mapping[str, Any] | None = None,
    group: Any = None,
    items: int | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
) -> TaskFit:
    """Fit the law of one task by least squares on the scores (every run answers the same items).

    Args:
        loss, score: one value per run (n,): nats per token, and a score between 0 and 1 of which more is better.
        chance: score of guessing, 1/choices; 0 where nothing can be guessed.
        shares: source -> share of it per run (n,); each gets an effect at equal loss. A constant one is left out.
        group: label per run of what differs in the seed alone: resampled together (None: each run by itself).
        items: questions of the task, for the warning that no run is above chance.
        bootstrap: resamples. Groups are drawn with replacement from 8 per parameter on, else scores become the fitted
            ones with noise of the residuals' size (as scaling/bootstrap.py, and for its reasons).

    Raises:
        BadInput: values that are not finite or out of range, or too few different losses.
    """
    x, y = (np.asarray(column, dtype=np.float64).reshape(-1) for column in (loss, score))
    columns = {name: np.asarray(column, dtype=np.float64).reshape(-1) for name, column in (shares or {}).items()}
    _check(x, y, columns, chance, top)
    columns = {name: column for name, column in columns.items() if np.ptp(column) > 0}
    needed = 2 + len(columns) + MORE_THAN_PARAMETERS
    if len(np.unique(x)) < needed:
        raise BadInput(
            f"{len(np.unique(x))} different losses, {needed} are needed",
            where="task law",
            remedy="score more runs: synthmix evaluate STUDY --harness TASKS scores all of a study",
        )
    centre = float(x.mean())
    low, high = bounds(len(columns))
    design = np.column_stack([np.ones_like(x), centre - x, *columns.values()])
    problem = TaskProblem(design, y, np.ones_like(x), chance, top, low, high)
    best, squares = search(problem)
    noise = float(np.sqrt(squares / (len(x) - len(best))))
    labels = np.arange(len(x)) if group is None else np.unique(np.asarray(group), return_inverse=True)[1]
    draws = _resampled(problem, best, noise, labels, bootstrap, seed) if bootstrap else best[None]
    spread = float(((y - y.mean()) ** 2).sum())
    return TaskFit(
        chance=chance,
        top=top,
        centre=centre,
        offsets=tuple(columns),
        values=best,
        draws=draws,
        noise=noise,
        loss=x,
        score=y,
        r2=1 - squares / spread if spread > 0 else 0.0,
        level=level,
        warnings=task_warnings(y, best, draws, chance, items, level, MOST_SLOPE),
    )


def _resampled(problem: TaskProblem, best: Array, noise: float, group: Index, count: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    start, groups, n = np.repeat(best[None], count, axis=0), int(group.max()) + 1, len(group)
    if groups >= CELLS_PER_PARAMETER * len(best):
        drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=count)[:, group]
        weights = drawn.astype(np.float64)
        return minimise(replace(problem, weight=weights), start)[0]
    fitted = score_at(problem.design @ best, problem.chance, problem.top)
    dof = n - len(best)
    error = noise * rng.standard_normal((count, n)) * np.sqrt(dof / rng.chisquare(dof, size=(count, 1)))
    return minimise(replace(problem, target=fitted + error), start)[0]


def _check(loss: Array, score: Array, shares: Mapping[str, Array], chance: float, top: float) -> None:
    def refuse(problem: str, key: str) -> BadInput:
        return BadInput(problem, where="task law", key=key)

    if not 0 <= chance < top <= 1:
        raise refuse(f"chance {chance:g} and top {top:g} are not 0 <= chance < top <= 1", "chance")
    if len(loss) != len(score) or any(len(column) != len(loss) for column in shares.values()):
        raise refuse("losses, scores and shares are not of one length", "loss")
    if not np.isfinite(loss).all() or any(not np.isfinite(column).all() for column in shares.values()):
        raise refuse("is not finite", "loss")
    if not (np.isfinite(score).all() and (score >= 0).all() and (score <= 1).all()):
        raise refuse("lies outside 0 to 1", "score")
