"""Whether the runs determine all parameters at all: the rank of the law's Jacobian at the fit."""

import numpy as np

from synthmix.results import Warn
from synthmix.scaling.law import Law, Parameter
from synthmix.scaling.noise import Noise, seed_noise
from synthmix.scaling.runs import Array, Inputs, Runs
from synthmix.scaling.solver import Problem

_TINY = 1e-7  # of the largest singular value; a well-laid design is above 1e-4, rounding below 1e-12


def identification_warnings(problem: Problem, best: Array) -> list[Warn]:
    """A warning that names the parameters of the null space; none when the Jacobian has full rank."""
    free = np.flatnonzero(problem.low < problem.high)  # at a bound, a parameter is as little known
    predicted, slopes = problem.law.evaluate(best, problem.x)
    sensitivity = slopes[free] / predicted
    size = np.linalg.norm(sensitivity, axis=1)
    dead = size <= 1e-12
    values, right = _right_singular((sensitivity[~dead] / size[~dead, None]).T)
    null = right[values <= _TINY * max(values.max(initial=0.0), 1e-300)]
    mixed = np.flatnonzero(~dead)[(np.abs(null) > 0.2).any(axis=0)] if len(null) else np.zeros(0, dtype=int)
    names = [problem.law.names[free[k]] for k in sorted({*np.flatnonzero(dead).tolist(), *mixed.tolist()})]
    if not names:
        return []
    message = (
        f"the runs do not determine {', '.join(names)}: they can change together without changing any of these losses; "
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
    values, right = _right_singular(there.T)
    null = right[values <= _TINY * values.max()]
    return not len(null) or float(np.abs(null @ here).max()) <= 1e3 * _TINY


def _right_singular(matrix: Array) -> tuple[Array, Array]:
    """All p singular values and right singular vectors (p, p) of an (n, p) matrix, in memory of n p numbers."""
    if matrix.shape[0] > matrix.shape[1]:
        matrix = np.linalg.qr(matrix).R
    _, values, right = np.linalg.svd(matrix, full_matrices=True)
    return np.r_[values, np.zeros(len(right) - len(values))], right


POOR_FIT = 0.02  # spread of the log-loss around the law (CHOSEN: ten times the seed noise of published runs)

CODES = {
    "too_few_points": "fewer than two distinct points per parameter",
    "few_decades": "N or D spans less than two decades",
    "exponent_at_bound": "an exponent is at the edge of its range",
    "parameter_at_bound": "another parameter is at the edge of its range",
    "E_at_bound": "E is 0",
    "E_above_lowest_loss": "E is above the lowest measured loss",
    "flat_profile": "the runs hardly constrain a parameter",
    "not_identified": "some parameters can change together without changing any prediction of the runs",
    "sub_sample": "of very many runs a random sub-sample was fitted",
    "no_replicates": "no cell is repeated with another seed",
    "loss_rises": "loss rises with D or N somewhere",
    "uneven_noise": "seed noise differs with the size or the share",
    "constant_loss": "all losses are equal",
    "cross_design": "N varies at one D and D at one N only",
    "lack_of_fit": "the law misses the runs by more than their seed noise, or by more than 2 %",
    "far_extrapolation": "a prediction is far outside the runs",
}


def design_warnings(law: Law, runs: Runs, free: int, noise: Noise) -> list[Warn]:
    """Warnings that follow from the runs and the law's needs alone."""
    found: list[Warn] = []
    if runs.cells < 2 * free:
        _add(found, law, "too_few_points", f"{runs.cells} distinct points for {free} parameters: "
             "intervals lean on the assumed noise; add sizes or budgets")  # fmt: skip
    for column in ("N", "D"):
        if column in law.columns and runs.decades(column) < 2:
            _add(found, law, "few_decades", f"{column} spans {runs.decades(column):.1f} decades; below 2, the exponent "
                 "and E trade against each other, so trust predictions near the runs only")  # fmt: skip
    if seed_noise(runs).dof == 0 and noise.seed is None:
        _add(found, law, "no_replicates", "no run is repeated with another seed, so seed noise and lack of fit "
             "cannot be told apart; add a second seed somewhere")  # fmt: skip
    if np.ptp(runs.loss) <= 1e-12 * runs.loss.max():
        _add(found, law, "constant_loss", "all losses are equal, so exponents mean nothing")
    if not noise.even:
        factors = noise.seed_factor(runs)
        what = " and ".join(name for name, shown in (("size", noise.slope != 0), ("share", noise.shares)) if shown)
        _add(found, law, "uneven_noise", f"seed noise differs with the {what}: {factors.min():.2g} to "
             f"{factors.max():.2g} times its mean; intervals of new runs follow it")  # fmt: skip
    _lack_of_fit(found, law, noise)
    _rises(found, law, runs, noise)
    if {"N", "D"} <= set(law.columns) and is_cross(runs):
        _add(found, law, "cross_design", "N varies at one D and D at one N only, so an interaction of N and D cannot "
             "be seen; add runs off the cross")  # fmt: skip
    return found


def _lack_of_fit(found: list[Warn], law: Law, noise: Noise) -> None:
    if noise.seed is not None and noise.cell > noise.seed:
        _add(found, law, "lack_of_fit", f"cells lie {noise.cell:.2%} off the law beyond a seed noise of "
             f"{noise.seed:.2%}: the law is not the runs' law, and predictions carry that error")  # fmt: skip
    elif noise.total is not None and noise.total > POOR_FIT:
        _add(found, law, "lack_of_fit", f"runs lie {noise.total:.1%} off the law: compare other laws, look for runs "
             "that did not converge, or leave the smallest out")  # fmt: skip


def fit_warnings(law: Law, runs: Runs, theta: Array, draws: Array, low: Array, high: Array) -> list[Warn]:
    """Warnings that follow from where the parameters came to rest (in the fitter's units)."""
    found: list[Warn] = []
    lowest = runs.loss.min()
    for k, parameter in enumerate(law.parameters):
        if low[k] == high[k]:
            continue
        name, at = parameter.name, theta[k]
        edge = bool(np.isclose(at, low[k], rtol=1e-6, atol=1e-12) or np.isclose(at, high[k], rtol=1e-6))
        share = float(np.mean(np.isclose(draws[:, k], low[k], rtol=1e-6, atol=1e-12) | (draws[:, k] >= high[k])))
        if name == "E" and (edge or share > 0.05):
            where = "E is 0" if edge else f"E is 0 in {share:.0%} of the resamples"
            _add(found, law, "E_at_bound", f"{where}: the runs do not show where the loss levels off")
        elif edge or share > 0.05:
            kind = "exponent_at_bound" if parameter.meaning == "exponent" else "parameter_at_bound"
            where = f"{name} is at its bound" if edge else f"{name} is at its bound in {share:.0%} of the resamples"
            _add(found, law, kind, f"{where}: its value is the bound's, not the runs'")
        bottom, top = (float(end) for end in np.quantile(draws[:, k], [0.05, 0.95]))
        if len(draws) > 1 and _is_flat(parameter, bottom, top, float(lowest)):
            message = f"the runs hardly constrain {name} ({bottom:.2g} to {top:.2g}); see its profile likelihood"
            _add(found, law, "flat_profile", message)
    if "E" in law.names and theta[law.names.index("E")] > lowest:
        _add(found, law, "E_above_lowest_loss", "E is above the lowest measured loss, so the law is wrong somewhere")
    return found


def _is_flat(parameter: Parameter, bottom: float, top: float, lowest: float) -> bool:
    """CHOSEN: E uncertain by half the lowest loss, an exponent by a factor of 3, another searched scale by 5."""
    if parameter.name == "E":
        return top - bottom > 0.5 * lowest
    if parameter.linear or not parameter.log:
        return False
    return top > (3 if parameter.meaning == "exponent" else 5) * bottom


def is_cross(runs: Runs) -> bool:
    """Whether every run is at the common N or at the common D, and both vary."""
    if runs.distinct("N") < 2 or runs.distinct("D") < 2:
        return False
    N, D = (_commonest(getattr(runs, column)) for column in ("N", "D"))
    return bool(np.all((runs.N == N) | (runs.D == D)))


def _commonest(values: Array) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[np.argmax(counts)])


def _rises(found: list[Warn], law: Law, runs: Runs, noise: Noise) -> None:
    slack = 3 * (noise.total or 0.0)  # a difference of two runs has sqrt(2) times the noise of one
    overall = 3 * (noise.seed or 0.0)  # from the first to the last: lack of fit must not hide it
    for column in ("D", "N"):
        if column not in law.columns:
            continue
        others = [name for name in ("N", "D", "share", "unique", "quality") if name != column and runs.has(name)]
        keys = np.column_stack([getattr(runs, name) for name in others]) if others else np.zeros((len(runs), 1))
        _, of, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
        order = np.argsort(of.reshape(-1), kind="stable")
        for rows in np.split(order, np.cumsum(counts)[:-1]):
            if len(rows) < 2:
                continue
            values, place = np.unique(getattr(runs, column)[rows], return_inverse=True)
            if len(values) < 2:
                continue
            means = np.bincount(place, np.log(runs.loss[rows])) / np.bincount(place)
            if (means - np.minimum.accumulate(means)).max() > slack or means[-1] - means[0] > overall + 1e-12:
                _add(found, law, "loss_rises", f"the loss rises with {column} somewhere: too short a schedule, an "
                     "unstable learning rate, repetition, or noise larger than the effect")  # fmt: skip
                break


def _add(found: list[Warn], law: Law, code: str, message: str) -> None:
    found.append(Warn(code=code, message=message, about=law.name))
