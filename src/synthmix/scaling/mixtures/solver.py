"""Maximum a posteriori by Levenberg and Marquardt's method, for many laws at once; draws by refits to perturbed data.

Shape letters: b laws at once, n points, p parameters.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from synthmix.scaling.mixtures import link
from synthmix.scaling.mixtures.law import BoundLaw
from synthmix.scaling.mixtures.points import MixturePoints
from synthmix.scaling.mixtures.terms import Prior, Units
from synthmix.scaling.runs import Array, Index, Mask

_CHUNK = 1.5e6  # numbers in a Jacobian that is held at once: what a cache and the allocator bear


class Penalty(NamedTuple):
    """A Gaussian prior of all parameters: precision (p, p), its gradient ``linear`` (p,) at 0, bounds (p,), and a
    factor (q, p) of the precision."""

    precision: Array
    linear: Array
    low: Array
    high: Array
    factor: Array


def penalty_of(priors: list[Prior]) -> Penalty:
    """The priors of a law's terms as one."""
    p = sum(len(prior.mean) for prior in priors)
    rows: list[Array] = []
    targets: list[float] = []
    place = 0
    for prior in priors:
        for i in np.flatnonzero(np.isfinite(prior.sd)).tolist():
            row = np.zeros(p)
            row[place + i] = 1 / prior.sd[i]
            rows.append(row)
            targets.append(float(prior.mean[i] / prior.sd[i]))
        for alike in prior.alike:
            places = place + np.arange(len(prior.mean))[alike.inside]
            count = len(places)
            for line in (np.eye(count) - 1 / count) / alike.sd:
                row = np.zeros(p)
                row[places] = line
                rows.append(row)
                targets.append(0.0)
            if np.isfinite(alike.of_mean):
                row = np.zeros(p)
                row[places] = 1 / count / alike.of_mean
                rows.append(row)
                targets.append(alike.mean / alike.of_mean)
        place += len(prior.mean)
    factor = np.array(rows).reshape(-1, p)
    low, high = (np.concatenate([getattr(prior, end) for prior in priors]) for end in ("low", "high"))
    return Penalty(factor.T @ factor, factor.T @ np.array(targets), low, high, factor)


@dataclass(frozen=True, eq=False)
class Task:
    """b regressions of responses on one set of points.

    Attributes:
        target: (b, n) responses. chance: (b,) of :mod:`.link`. weight: (b, n) 1 / variance; 0 leaves a point out.
        precision, linear: of the prior, (b, p, p) and (b, p). low, high: (b, p).
    """

    law: BoundLaw
    points: MixturePoints
    units: Units
    target: Array
    weight: Array
    precision: Array
    linear: Array
    low: Array
    high: Array
    chance: Array

    def select(self, which: Mask | Index) -> "Task":
        """Some of the regressions."""
        names = ("target", "weight", "precision", "linear", "low", "high", "chance")
        held = (getattr(self, name)[which] for name in names)
        return Task(self.law, self.points, self.units, *held)


def evaluate_responses(
    law: BoundLaw, theta: Array, points: MixturePoints, units: Units, chance: Array
) -> tuple[Array, Array]:
    """Responses (b, n) and their derivatives (b, n, p)."""
    value, slope = law.evaluate(theta, points, units)
    return link.response(value, chance), slope * link.slope(value, chance)[..., None]


def _objective(task: Task, theta: Array) -> Array:
    value = link.response(task.law.predict(theta, task.points, task.units), task.chance)
    return _cost(task, theta, value)


def _cost(task: Task, theta: Array, value: Array) -> Array:
    misfit = np.where(task.weight > 0, (task.target - value) ** 2 * task.weight, 0.0).sum(axis=-1)
    prior = np.einsum("bp,bpq,bq->b", theta, task.precision, theta) - 2 * (task.linear * theta).sum(axis=-1)
    found: Array = 0.5 * (misfit + prior)
    return found


class Solution(NamedTuple):
    """Parameters (b, p), the objective (b,), the Hessian (b, p, p) of data and prior, and that of the data alone."""

    theta: Array
    cost: Array
    hessian: Array
    of_data: Array


def solve(task: Task, start: Array, iterations: int = 150, tolerance: float = 1e-7, damping: float = 1e-2) -> Solution:
    """Minimise from ``start`` (b, p), a chunk at a time.

    A law is done once a step gains less than ``tolerance`` of its objective. ``damping``: of the first step."""
    b, p = start.shape
    size = max(int(_CHUNK / max(len(task.points) * p, 1)), 1)
    parts = [
        _solve(task.select(np.arange(i, min(i + size, b))), start[i : i + size], iterations, tolerance, damping)
        for i in range(0, b, size)
    ]
    return Solution(*(np.concatenate(piece) for piece in zip(*parts, strict=True)))


def _solve(task: Task, start: Array, iterations: int, tolerance: float, first: float) -> Solution:
    theta = np.clip(start, task.low, task.high)
    b, p = theta.shape
    cost = _objective(task, theta)
    damping = np.full(b, first)
    active = np.arange(b)
    for _ in range(iterations):
        now = task.select(active)
        gradient, hessian, _ = _derivatives(now, theta[active])
        # A parameter at its bound that the gradient pushes outwards is held there.
        held = ((theta[active] <= now.low) & (gradient > 0)) | ((theta[active] >= now.high) & (gradient < 0))
        gradient = np.where(held, 0.0, gradient)
        free = ~held
        hessian = hessian * (free[:, :, None] & free[:, None, :])
        scale = np.einsum("bpp->bp", hessian)
        ridge = damping[active, None] * np.maximum(scale, 1e-8) + np.where(held, 1.0, 1e-10)
        hessian[:, np.arange(p), np.arange(p)] += ridge
        step = -np.linalg.solve(hessian, gradient[..., None])[..., 0]
        step = np.clip(step, -3.0, 3.0)
        tried = np.clip(theta[active] + step, now.low, now.high)
        found = _objective(now, tried)
        better = found < cost[active]
        gain = cost[active] - found
        places = active[better]
        theta[places], cost[places] = tried[better], found[better]
        damping[active] = np.where(better, damping[active] * 0.3, damping[active] * 5.0)
        done = (better & (gain < tolerance * (1 + np.abs(found)))) | (damping[active] > 1e8)
        damping = np.clip(damping, 1e-9, 1e9)
        active = active[~done]
        if not len(active):
            break
    _, hessian, of_data = _derivatives(task, theta)
    return Solution(theta, cost, hessian, of_data)


def _derivatives(task: Task, theta: Array) -> tuple[Array, Array, Array]:
    value, slope = evaluate_responses(task.law, theta, task.points, task.units, task.chance)
    weight = task.weight
    weighted = slope * weight[..., None]
    of_data = np.matmul(np.swapaxes(weighted, 1, 2), slope)
    misfit = np.where(weight > 0, value - task.target, 0.0)
    gradient = np.matmul(np.swapaxes(weighted, 1, 2), misfit[..., None])[..., 0]
    gradient += np.matmul(task.precision, theta[..., None])[..., 0] - task.linear
    return gradient, of_data + task.precision, of_data
