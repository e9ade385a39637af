"""Profile likelihood of one parameter: the objective when it is held and all others are refitted.

Beside the bootstrap, because on a nearly flat profile (R_D of repeated data; E of a short ladder) resamples scatter
where the search lets them, and the profile says which values the runs exclude.

For a Huber objective the excess 2 (S(value) - S(best)) is compared with tau t^2, tau = mean psi^2 / mean psi' and t
Student's quantile (Ronchetti's robust likelihood-ratio test; Hampel et al. 1986, section 7.2). With the usual delta
hardly a residual lies inside it, so mean psi' is estimated from the residuals' density over
their inner two fifths (CHOSEN).
"""

from dataclasses import dataclass, replace

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.scaling.fit import problem_of
from synthmix.scaling.fitted import Fit
from synthmix.scaling.runs import Array
from synthmix.scaling.solver import Problem, minimise


@dataclass(frozen=True)
class Profile:
    """The profile of one parameter.

    Attributes:
        name: the parameter.
        values: where it was held (k,).
        excess: objective above the optimum (k,).
        threshold: the excess at the ends of the interval.
        interval: an end is None where the profile stays below the threshold up to the edge of the range.
        flat: whether an end is None.
    """

    name: str
    values: Array
    excess: Array
    threshold: float
    interval: Interval
    flat: bool


def profile(fit: Fit, name: str, *, points: int = 61, level: float | None = None) -> Profile:
    """Profile a parameter over its range: its bounds for exponents, 0 to the lowest loss for E, a factor 1e4 else.

    Raises:
        BadInput: no such parameter, or it was given.
    """
    if name not in fit.law.names or name in fit.fixed:
        raise BadInput(f"{name} is not a fitted parameter", where=f"law {fit.law.name}", key="profile")
    k, level = fit.law.names.index(name), level or fit.level
    # A factor's value in other units hangs on its exponent, which moves along the profile: hold it in its own units.
    unit_of = fit.law.parameters[k].unit
    own = (1.0, 1.0) if unit_of is not None and isinstance(unit_of[1], str) else None
    in_loss = fit.objective_name == "squares-loss"
    problem, scales = problem_of(fit.law, fit.runs, _given(fit), fit.delta, own, in_loss=in_loss)
    solved = minimise(problem, fit.law.rescaled(fit.values, 1 / scales[0], 1 / scales[1])[None])
    best, lowest = solved.theta[0], float(solved.objective[0])
    threshold = _threshold(problem, best, len(fit.values) - len(fit.fixed), level)
    grid = _grid(fit, problem, best, k, points)
    middle = int(np.argmin(np.abs(grid - best[k])))
    excess = np.zeros(len(grid))
    ends: list[float | None] = []
    for order in (range(middle, -1, -1), range(middle, len(grid))):
        theta, inside, end = best, float(best[k]), None
        for j in order:  # each point starts from its neighbour's solution
            there, value = _held(problem, k, float(grid[j]), theta, best)
            excess[j] = max(value - lowest, 0.0)
            if end is None and excess[j] > threshold:
                end = _crossing(problem, k, (inside, float(grid[j])), lowest + threshold, theta, best)
            theta, inside = there, float(grid[j])
        ends.append(end)
    unit = fit.law.rescaled(best, *scales)[k] / best[k] if best[k] else 1.0
    bottom, top = (None if end is None else float(end * unit) for end in ends)
    flat = bottom is None or top is None
    why = "the profile stays below the threshold to the edge of the range" if flat else None
    interval = Interval(mid=float(best[k] * unit), low=bottom, high=top, level=level, why=why)
    return Profile(name, grid * unit, excess, threshold, interval, flat)


def _given(fit: Fit) -> dict[str, float]:
    return {name: float(fit.values[fit.law.names.index(name)]) for name in fit.fixed}


def _threshold(problem: Problem, best: Array, parameters: int, level: float) -> float:
    from scipy.special import stdtrit

    predicted = problem.law.predict(best, problem.x)
    residual = np.abs(predicted - np.exp(problem.target) if problem.in_loss else np.log(predicted) - problem.target)
    free = max(len(residual) - parameters, 1)
    if np.isinf(problem.delta):
        tau = float((residual**2).sum() / free)
    else:
        width = max(problem.delta, float(np.quantile(residual, 0.4)))
        # The fit passes through about as many runs as it has parameters; they say nothing of the density.
        inner = max(int((residual <= width).sum()) - parameters, 1) / free
        tau = float((np.minimum(residual, problem.delta) ** 2).sum() / free) / (inner * min(1.0, problem.delta / width))
    return 0.5 * tau * float(stdtrit(free, 0.5 + level / 2)) ** 2


def _grid(fit: Fit, problem: Problem, best: Array, k: int, points: int) -> Array:
    parameter, at = fit.law.parameters[k], float(best[k])
    if parameter.name == "E":
        return np.unique(np.r_[np.linspace(0, float(fit.runs.loss.min()), points), at])
    low, high = max(problem.low[k], -1e6), min(problem.high[k], 1e6)
    if low < 0:
        spread = max(3 * float(np.ptp(fit.draws[:, k])), abs(at), 1e-3)
        return np.unique(np.r_[np.clip(np.linspace(at - spread, at + spread, points), low, high), at])
    low, high = max(low, at * 1e-4, 1e-9), min(high, max(at, 1e-6) * 1e4)
    return np.unique(np.r_[np.geomspace(low, high, points), at])


def _held(problem: Problem, k: int, at: float, near: Array, best: Array) -> tuple[Array, float]:
    """The other parameters refitted with parameter ``k`` held, from two starts; and the objective."""
    low, high = problem.low.copy(), problem.high.copy()
    low[k] = high[k] = at
    found = minimise(replace(problem, low=low, high=high), np.stack([near, best]))
    pick = int(np.argmin(found.objective))
    return found.theta[pick], float(found.objective[pick])


def _crossing(problem: Problem, k: int, between: tuple[float, float], goal: float, near: Array, best: Array) -> float:
    """Where the profile reaches ``goal`` between a value below and one above it: bisection to 2^-12 of the gap."""
    below, above = between
    for _ in range(12):
        middle = 0.5 * (below + above)
        near, value = _held(problem, k, middle, near, best)
        below, above = (middle, above) if value <= goal else (below, middle)
    return 0.5 * (below + above)
