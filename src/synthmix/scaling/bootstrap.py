"""Resampling: what the parameters would have been in other studies of the same kind.

Four ways, all warm-started from the fitted parameters and solved as one batch:

- ``cells``: cells (runs that differ only in their seed) are drawn with replacement, all runs of a cell together. It
  assumes nothing of the noise, and needs many cells: used from 8 cells per parameter on (CHOSEN).
- ``noise``: the design stays, and every loss becomes the fitted loss with Gaussian noise in its logarithm: seed noise
  per run, lack of fit per cell. For small designs, where drawing cells leaves designs that do not determine the law.
  The noise's size is itself uncertain: each resample draws it from its chi-square, so that for a linear law the
  interval is Student's exactly.
- ``wild``: the design stays, every cell keeps its residual with a random sign (Rademacher), enlarged by
  sqrt(n / (n - p)): for noise that differs from cell to cell.
- ``runs``: training runs are drawn with replacement, all steps of a run together, where rows are steps of runs: their
  errors are correlated, and drawn one by one they would count as that many runs (a block bootstrap).
"""

from dataclasses import replace
from zlib import crc32

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.noise import Noise
from synthmix.scaling.runs import Array, Runs
from synthmix.scaling.solver import Problem, minimise

METHODS = ("auto", "cells", "noise", "wild", "runs")
CELLS_PER_PARAMETER = 8


def choose(method: str, runs: Runs, parameters: int, noise: Noise) -> str:
    """The method that "auto" stands for here; ``none`` when nothing tells how large the noise is."""
    if method not in METHODS:
        raise BadInput(f"{method!r} is not a way to resample", key="method", remedy=f"choose one of {METHODS}")
    if method == "auto" and runs.run is not None and runs.trained > parameters + 1:
        method = "runs"
    if method == "runs" and runs.run is None:
        method = "cells"
    if method == "auto":
        method = "cells" if runs.cells >= CELLS_PER_PARAMETER * parameters else "noise"
    if method == "noise" and noise.total is None:
        return "none"
    if method == "wild" and runs.cells <= parameters:
        return "noise" if noise.total is not None else "none"
    return method


def resample(
    problem: Problem, runs: Runs, best: Array, noise: Noise, method: str, count: int | Array, seed: int
) -> Array:
    """Parameters (count, p) refitted to ``count`` resamples, in the units of ``problem``.

    ``count`` as an array (resamples, n) says how often each run is drawn.
    """
    if not isinstance(count, int):
        return minimise(
            replace(problem, weight=count * problem.weight), np.repeat(best[None], len(count), axis=0)
        ).theta
    # Two recipes of one design and one seed must not get the same noise: a comparison of them would look certain.
    rng = np.random.default_rng([seed, crc32(np.ascontiguousarray(runs.loss).tobytes())])
    if method == "none" or count == 0:
        return np.repeat(best[None], 1, axis=0)
    start = np.repeat(best[None], count, axis=0)
    if method == "cells":
        drawn = rng.multinomial(runs.cells, np.full(runs.cells, 1 / runs.cells), size=count)
        return minimise(replace(problem, weight=drawn[:, runs.group] * problem.weight), start).theta
    if method == "runs":
        drawn = rng.multinomial(runs.trained, np.full(runs.trained, 1 / runs.trained), size=count)
        return minimise(replace(problem, weight=drawn[:, runs.run] * problem.weight), start).theta
    fitted = np.log(problem.law.predict(best, problem.x))
    if method == "wild":
        free = int((problem.low < problem.high).sum())
        signs = rng.choice([-1.0, 1.0], size=(count, runs.cells))[:, runs.group]
        error = signs * (problem.target - fitted) * np.sqrt(runs.cells / (runs.cells - free))
    else:
        error = gaussian(rng, runs, noise, count)
    return minimise(replace(problem, target=fitted + error), start).theta


def gaussian(rng: np.random.Generator, runs: Runs, noise: Noise, count: int) -> Array:
    """Errors (count, n) of log-loss: a part per run, a part per cell, and a size drawn from its own uncertainty."""
    seed, total = noise.seed or 0.0, noise.total or 0.0
    per_run = (total if noise.cell == 0 else seed) * noise.seed_factor(runs)
    error = per_run * rng.standard_normal((count, len(runs)))
    if noise.cell > 0:
        error += noise.cell * rng.standard_normal((count, runs.cells))[:, runs.group]
    if noise.dof > 0:
        error *= np.sqrt(noise.dof / rng.chisquare(noise.dof, size=(count, 1)))
    return error
