"""A batched robust least-squares solver: many parameter sets, one law, one pass through numpy.

It minimises, for each of K problems, the sum over runs of weight x Huber_delta(ln L_hat - ln L): the objective of
Hoffmann et al. (arXiv 2203.15556, equation 3) as a *sum* (Besiroglu et al., arXiv 2404.10102: the mean stops early).
An infinite delta is least squares, in logarithms or (``in_loss``) in the losses themselves.

Each step solves (H_inner + lam H_all) step = -gradient, with H_inner = sum of J'J over residuals inside delta, the
objective's own curvature, and H_all = sum of min(1, delta/|r|) J'J, that of the quadratic that lies above it
(reweighting). lam = 1 is nearly the safe reweighted step, lam -> 0 the Gauss-Newton step that ends fast.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.law import Law
from synthmix.scaling.runs import Array, Index, Inputs

_CHUNK = 1 << 18  # derivatives held at once: small enough for the cache


@dataclass(frozen=True)
class Problem:
    """What is minimised.

    Attributes:
        law: the law.
        x: points, n of them.
        target: logarithms of the losses, (n,) or one row per problem (K, n).
        weight: weights, (n,) or (K, n).
        delta: where Huber's loss turns from quadratic to linear, in log-loss; inf is least squares.
        low, high: bounds (p,); a parameter with equal bounds stays fixed.
        in_loss: residuals are L_hat - L, nats per token, instead of their logarithms' (delta with them).
    """

    law: Law
    x: Inputs
    target: Array
    weight: Array
    delta: float
    low: Array
    high: Array
    in_loss: bool = False

    def rows(self, which: Index) -> tuple[Array, Array]:
        """Targets and weights of some of the problems."""
        target = self.target if self.target.ndim == 1 else self.target[which]
        weight = self.weight if self.weight.ndim == 1 else self.weight[which]
        return target, weight

    def objective(self, theta: Array, which: Index | None = None) -> Array:
        """Huber sums (K,) at parameters (K, p)."""
        target, weight = self.rows(np.arange(len(theta)) if which is None else which)
        return _huber(self.law.predict(theta, self.x), target, weight, self)[0]


@dataclass(frozen=True)
class Solution:
    """Parameters (K, p), objectives (K,), and which problems came to rest (K,)."""

    theta: Array
    objective: Array
    converged: Array


def minimise(problem: Problem, start: Array, *, steps: int = 300, tolerance: float = 1e-10) -> Solution:
    """Minimise each problem from its own start (K, p). Starts outside the bounds are clipped to them."""
    size = max(1, _CHUNK // (start.shape[1] * len(problem.x)))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # a wild trial is refused by its objective
        parts = [
            _chunk(problem, start[k : k + size], np.arange(k, min(k + size, len(start))), steps, tolerance)
            for k in range(0, len(start), size)
        ]
    return Solution(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _chunk(problem: Problem, start: Array, which: Index, steps: int, tolerance: float) -> tuple[Array, Array, Array]:
    theta = np.clip(start, problem.low, problem.high)
    best, gradient, inner, outer = _state(problem, theta, which)
    lam = np.ones(len(theta))
    calm = np.zeros(len(theta), dtype=int)
    active = np.arange(len(theta))
    for _ in range(steps):
        if not len(active):
            break
        step = _step(problem, theta[active], gradient[active], inner[active], outer[active], lam[active])
        trial = np.clip(theta[active] + step, problem.low, problem.high)
        value, g, h_inner, h_outer = _state(problem, trial, which[active])
        gain = best[active] - value
        good = gain > 0
        small = np.abs(gain) <= tolerance * best[active] + 1e-30
        took = active[good]
        theta[took], best[took], gradient[took] = trial[good], value[good], g[good]
        inner[took], outer[took] = h_inner[good], h_outer[good]
        lam[active] = np.where(good, np.maximum(lam[active] * 0.25, 1e-9), lam[active] * 6.0)
        # Calm: accepted steps that gain nothing, or a step so short that nothing is left to gain.
        calm[active] = np.where(small, calm[active] + 1, 0)
        done = (calm[active] >= 3) | (lam[active] > 1e12) | (best[active] < 1e-28)
        active = active[~done]
    converged = np.ones(len(theta), dtype=bool)
    converged[active] = False
    return theta, best, converged


def _huber(predicted: Array, target: Array, weight: Array, problem: Problem) -> tuple[Array, Array]:
    """Objectives (K,), inf where a prediction is not positive, and residuals (K, n)."""
    fine, delta = predicted > 0, problem.delta
    residual = predicted - np.exp(target) if problem.in_loss else np.log(np.where(fine, predicted, 1.0)) - target
    size = np.abs(residual)
    if np.isinf(delta):
        each = 0.5 * residual * residual
    else:
        inside = np.minimum(size, delta)
        each = inside * (size - 0.5 * inside)
    total = np.einsum("...n,...n->...", np.broadcast_to(weight, each.shape), each)
    return np.where(fine.all(axis=-1), total, np.inf), residual


def _state(problem: Problem, theta: Array, which: Index) -> tuple[Array, Array, Array, Array]:
    """Objective (k,), gradient (k, p) and the two curvatures (k, p, p)."""
    target, weight = problem.rows(which)
    predicted, slopes = problem.law.evaluate(theta, problem.x)
    value, residual = _huber(predicted, target, weight, problem)
    if not problem.in_loss:
        slopes /= np.where(predicted > 0, predicted, 1.0)[:, None, :]
    size = np.maximum(np.abs(residual), 1e-300)
    above = weight * np.minimum(1.0, problem.delta / size)
    weighted = slopes * above[:, None, :]
    turned = np.swapaxes(slopes, -1, -2)
    gradient = (weighted @ residual[:, :, None])[..., 0]
    outer = weighted @ turned
    if np.isinf(problem.delta):
        return value, gradient, outer, outer
    weighted = slopes * np.where(size <= problem.delta, weight, 0.0)[:, None, :]
    return value, gradient, weighted @ turned, outer


def _step(problem: Problem, theta: Array, gradient: Array, inner: Array, outer: Array, lam: Array) -> Array:
    diagonal = np.einsum("kii->ki", outer)
    scale = 1.0 / np.sqrt(np.maximum(diagonal, 1e-300))
    # A parameter at its bound that wants to go further stays there for this step.
    stuck = ((theta <= problem.low) & (gradient >= 0)) | ((theta >= problem.high) & (gradient <= 0))
    stuck |= (problem.low == problem.high) | (diagonal <= 0)
    scale = np.where(stuck, 0.0, scale)
    matrix = (inner + lam[:, None, None] * outer) * scale[:, :, None] * scale[:, None, :]
    p = theta.shape[1]
    ridge = np.where(stuck, 1.0, (1e-3 * lam + 1e-13)[:, None])
    matrix[:, np.arange(p), np.arange(p)] += ridge
    found: Array = -scale * np.linalg.solve(matrix, (gradient * scale)[..., None])[..., 0]
    return found
