"""Where to start: the nonlinear parameters on a low-discrepancy set, the linear ones solved for (variable projection).

Golub and Pereyra's separation: with the exponents given, E, A and B are a non-negative least-squares problem. Its few
active sets are enumerated, for all starts at once.
"""

from itertools import chain, combinations

import numpy as np

from synthmix.scaling.runs import Array, Index
from synthmix.scaling.solver import Problem, minimise

EQUAL = 1e-7  # relative: objectives of starts that ended at one optimum; the solver stops at gains of 1e-10
NOTHING = 1e-22  # per run: residuals of 1e-11 are the rounding of a loss and of the law's formula


def search(problem: Problem, *, starts: int | None = None, keep: int = 16) -> tuple[Array, float]:
    """The best parameters (p,) found, and their objective.

    Args:
        problem: one problem (targets and weights of shape (n,)), in the fitter's units.
        starts: size of the set; None: 160 for each nonlinear parameter, squared growth cut at 1,000.
        keep: how many of the best are polished.

    Starts that end at one objective, to :data:`EQUAL`, may lie apart in a flat valley. Which of them is lowest is then
    up to rounding, so the first is taken, and polished on until nothing is gained.
    """
    theta = candidates(problem, starts)
    value = problem.objective(theta)
    order = np.argsort(value, kind="stable")[: max(keep, 1)]
    solution = minimise(problem, theta[order])
    limit = solution.objective.min() * (1 + EQUAL) + NOTHING * float(problem.weight.sum())
    first = int(np.argmax(solution.objective <= limit))
    solution = minimise(problem, solution.theta[first : first + 1], steps=1000, tolerance=1e-15)
    return solution.theta[0], float(solution.objective[0])


def candidates(problem: Problem, starts: int | None = None) -> Array:
    """Starts (K, p): a low-discrepancy set in the searched parameters, projected on the linear ones."""
    law = problem.law
    searched = [k for k, q in enumerate(law.parameters) if not q.linear and problem.low[k] < problem.high[k]]
    count = starts or min(1000, max(1, 160 * len(searched)))
    unit = low_discrepancy(count, len(searched)) if searched else np.zeros((1, 0))
    theta = np.zeros((len(unit), len(law.parameters)))
    fixed = problem.low == problem.high
    theta[:, fixed] = problem.low[fixed]
    for place, k in enumerate(searched):
        low, high = law.parameters[k].start
        if law.parameters[k].log:
            low, high = np.log(low), np.log(high)
        column = low + (high - low) * unit[:, place]
        theta[:, k] = np.exp(column) if law.parameters[k].log else column
    return project(problem, np.clip(theta, problem.low, problem.high))


def low_discrepancy(count: int, dimensions: int) -> Array:
    """Roberts' R-sequence in the unit cube, (count, dimensions): multiples of a generalised golden ratio, modulo 1."""
    golden = 2.0
    for _ in range(60):
        golden = (1 + golden) ** (1 / (dimensions + 1))
    steps = golden ** -np.arange(1, dimensions + 1)
    return (0.5 + np.outer(np.arange(1, count + 1), steps)) % 1.0


def project(problem: Problem, theta: Array) -> Array:
    """The linear parameters of each row (K, p) replaced by the weighted least-squares solution within their bounds."""
    law = problem.law
    columns = np.flatnonzero(law.linear & (problem.low < problem.high))
    if not len(columns):
        return theta
    value, slopes = law.evaluate(theta, problem.x)
    basis = slopes[:, columns, :]
    rest = value - np.einsum("kj,kjn->kn", theta[:, columns], basis)
    loss = np.exp(problem.target)
    # Residuals of logarithms are relative residuals, to first order.
    weight = problem.weight if problem.in_loss else problem.weight / loss**2
    gram = (basis * weight) @ np.swapaxes(basis, -1, -2)
    moment = np.einsum("kjn,kn->kj", basis, weight * (loss - rest))
    return _replaced(theta, columns, bounded_least_squares(gram, moment, problem.low[columns] == 0))


def _replaced(theta: Array, columns: Index, solution: Array) -> Array:
    out = theta.copy()
    out[:, columns] = solution
    return out


def bounded_least_squares(gram: Array, moment: Array, nonnegative: Array) -> Array:
    """Minimise c'Gc/2 - m'c with some c >= 0, for each (G, m) of (K, j, j), (K, j), by trying every active set."""
    j = moment.shape[1]
    diagonal = np.sqrt(np.maximum(np.einsum("kii->ki", gram), 1e-300))
    g = gram / diagonal[:, :, None] / diagonal[:, None, :] + 1e-11 * np.eye(j)
    m = moment / diagonal
    best, lowest = np.zeros_like(m), np.full(len(m), np.inf)
    signed = np.flatnonzero(nonnegative)
    for zero in chain.from_iterable(combinations(signed, size) for size in range(len(signed) + 1)):
        free = np.setdiff1d(np.arange(j), zero)
        trial = np.zeros_like(m)
        if len(free):
            trial[:, free] = np.linalg.solve(g[:, free][:, :, free], m[:, free, None])[..., 0]
        value = 0.5 * np.einsum("ki,kij,kj->k", trial, g, trial) - np.einsum("ki,ki->k", m, trial)
        better = (trial[:, nonnegative] >= 0).all(axis=1) & (value < lowest)
        best[better], lowest[better] = trial[better], value[better]
    found: Array = best / diagonal
    return found
