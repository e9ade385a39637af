"""Whether the runs determine all parameters at all: the rank of the law's Jacobian at the fit."""

import numpy as np

from synthmix.results import Warn
from synthmix.scaling.inputs import Array, Inputs
from synthmix.scaling.law import Law
from synthmix.scaling.solver import Problem

_TINY = 1e-7  # of the largest singular value; a well-laid design is above 1e-4, rounding below 1e-12


def identification_warnings(problem: Problem, best: Array) -> list[Warn]:
    """A warning that names the parameters of the null space; none when the Jacobian has full rank."""
    free = np.flatnonzero(problem.low < problem.high)  # at a bound, a parameter is as little known
    predicted, slopes = problem.law.evaluate(best, problem.x)
    sensitivity = slopes[free] / predicted
    size = np.linalg.norm(sensitivity, axis=1)
    dead = size <= 1e-12
    _, values, right = np.linalg.svd((sensitivity[~dead] / size[~dead, None]).T, full_matrices=True)
    values = np.r_[values, np.zeros(len(right) - len(values))]
    null = right[values <= _TINY * max(values.max(initial=0.0), 1e-300)]
    mixed = np.flatnonzero(~dead)[(np.abs(null) > 0.2).any(axis=0)] if len(null) else np.zeros(0, dtype=int)
    names = [problem.law.names[free[k]] for k in sorted({*np.flatnonzero(dead).tolist(), *mixed.tolist()})]
    if not names:
        return []
    message = (
        f"the runs cannot tell {', '.join(names)}: they can change together without changing any of these losses; "
        "add values of a column, or choose a law with fewer parameters"
    )
    return [Warn(code="not_identified", message=message, about=problem.law.name)]


def determines(law: Law, theta: Array, known: Inputs, asked: Inputs) -> bool:
    """Whether losses at ``known`` determine those at ``asked``: no change of the parameters (p,) that leaves the first
    as they are changes the second (estimability, to first order). Parameters may well be undetermined."""
    there, here = (slopes / value for value, slopes in (law.evaluate(theta, x) for x in (known, asked)))
    size = np.linalg.norm(there, axis=1)
    dead = size <= 1e-12
    if dead.any() and np.abs(here[dead]).max() > _TINY:
        return False
    there, here = there[~dead] / size[~dead, None], here[~dead] / size[~dead, None]
    _, values, right = np.linalg.svd(there.T, full_matrices=True)
    values = np.r_[values, np.zeros(len(right) - len(values))]
    null = right[values <= _TINY * values.max()]
    return not len(null) or float(np.abs(null @ here).max()) <= 1e3 * _TINY
