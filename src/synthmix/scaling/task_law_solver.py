"""Least squares for the law of a task score, many problems at once: a logistic curve between two known ends."""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.inputs import Array

STEPS = 40
STARTS = [(a, k) for a in (-6.0, -3.0, -1.0, 1.0) for k in (0.3, 1.0, 3.0, 10.0)]
# A score that never leaves chance fits any steep curve as well: parameters stop here (CHOSEN), and a warning says so.
MOST_LOGITS, MOST_SLOPE = 12.0, 50.0


@dataclass(frozen=True)
class TaskProblem:
    """Scores (n,) or (problems, n) at a design (n, p): columns 1, minus the centred loss, the shares.

    Attributes:
        weight: of each run, (n,) or (problems, n).
        low, high: bounds of the parameters (p,).
    """

    design: Array
    target: Array
    weight: Array
    chance: float
    top: float
    low: Array
    high: Array


def bounds(offsets: int) -> tuple[Array, Array]:
    """Bounds of (a, k, offsets...): the slope is never negative, a lower loss never lowers the score."""
    high = np.array([MOST_LOGITS, MOST_SLOPE, *[MOST_LOGITS] * offsets])
    return np.where(np.arange(len(high)) == 1, 0.0, -high), high


def score_at(logits: Array, chance: float, top: float) -> Array:
    """``chance + (top - chance) / (1 + exp(-logits))``, any shape."""
    return chance + (top - chance) * _sigmoid(logits)


def search(problem: TaskProblem) -> tuple[Array, float]:
    """The best parameters (p,) of one problem over all starts, and their weighted sum of squares."""
    start = np.zeros((len(STARTS), problem.design.shape[1]))
    start[:, :2] = STARTS
    found, objective = minimise(problem, start)
    best = int(np.argmin(objective))
    return found[best], float(objective[best])


def minimise(problem: TaskProblem, start: Array) -> tuple[Array, Array]:
    """Levenberg-Marquardt from ``start`` (problems, p) within the bounds: parameters, and sums of squares (problems,).

    The Jacobian is exact: d score / d theta = (top - chance) s (1 - s) design, s the sigmoid.
    """
    theta = np.clip(start, problem.low, problem.high)
    damping = np.full(len(theta), 1e-2)
    residual, slope = _residual(problem, theta)
    weight = np.broadcast_to(problem.weight, residual.shape)
    objective = (weight * residual**2).sum(axis=1)
    identity = np.eye(theta.shape[1])
    for _ in range(STEPS):
        jacobian = slope[:, :, None] * problem.design
        gradient = np.einsum("bn,bnp->bp", weight * residual, jacobian)
        squares = np.einsum("bn,bnp,bnq->bpq", weight, jacobian, jacobian)
        # A parameter at its bound that the gradient pushes outwards stays there, and the others solve without it.
        held = ((theta <= problem.low) & (gradient > 0)) | ((theta >= problem.high) & (gradient < 0))
        free = ~held
        squares = squares * free[:, :, None] * free[:, None, :]
        scale = np.einsum("bpp->bp", squares) + 1e-9
        system = squares + (damping[:, None] * scale + held)[:, :, None] * identity
        step = np.linalg.solve(system, (gradient * free)[:, :, None])[:, :, 0]
        tried = np.clip(theta - step, problem.low, problem.high)
        new_residual, new_slope = _residual(problem, tried)
        new_objective = (weight * new_residual**2).sum(axis=1)
        better = new_objective <= objective
        moved = float(np.abs(np.where(better[:, None], tried - theta, 0.0)).max(initial=0.0))
        theta = np.where(better[:, None], tried, theta)
        residual, slope = np.where(better[:, None], new_residual, residual), np.where(better[:, None], new_slope, slope)
        objective = np.where(better, new_objective, objective)
        damping = np.clip(np.where(better, damping / 4, damping * 6), 1e-10, 1e10)
        if moved < 1e-8 and (damping[~better] > 1e6).all():
            break
    return theta, objective


def _residual(problem: TaskProblem, theta: Array) -> tuple[Array, Array]:
    """Predicted minus measured scores (problems, n), and d score / d logits."""
    inner = _sigmoid(theta @ problem.design.T)
    span = problem.top - problem.chance
    return problem.chance + span * inner - problem.target, span * inner * (1 - inner)


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))
