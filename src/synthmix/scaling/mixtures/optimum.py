"""The best mixture under linear constraints, for many draws of a law at once.

The laws of effective tokens are convex in the shares (each f is concave, and x^-beta is convex and falls), so there is
one optimum; for laws that are not, several starts are tried. Newton's method with a logarithmic barrier (Boyd and
Vandenberghe 2004, section 11.3), batched: every draw has its own mixture.

Shape letters: s draws, u laws in a draw's objective, k sources, p parameters, m constraints, n points.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.mixtures.law import BoundLaw
from synthmix.scaling.mixtures.points import MixtureGrid
from synthmix.scaling.mixtures.terms import Units
from synthmix.scaling.runs import Array

_FIRST, _LAST, _FALL = 1e-2, 2e-9, 0.2  # the barrier's weight, nats
_STEP = 1e-5  # of shares, for second derivatives
_ROOM = 1e-9  # slack below which the constraints leave no interior
_CHUNK = 1.5e6  # numbers held at once


@dataclass(frozen=True, eq=False)
class Limits:
    """Mixtures that are allowed: shares that add up to one, within ``low`` and ``high`` (k,), ``rows`` @ r <= ``most``.

    rows: (m, k). most: (m,)."""

    low: Array
    high: Array
    rows: Array
    most: Array

    def inside(self) -> Array:
        """The allowed mixture that is farthest from every limit, (k,).

        Raises:
            BadInput: no mixture is allowed.
        """
        from scipy.optimize import linprog

        k, m = len(self.low), len(self.most)
        fixed = self.high - self.low < _ROOM
        room = np.where(fixed, 0.0, 1.0)[:, None]
        eye = np.eye(k)
        rows = np.vstack([
            np.hstack([self.rows.reshape(m, k), np.ones((m, 1))]), np.hstack([eye, room]), np.hstack([-eye, room])
        ])  # fmt: skip
        most = np.concatenate([self.most, self.high, -self.low])
        found = linprog(
            np.r_[np.zeros(k), -1.0], A_ub=rows, b_ub=most + 1e-12, A_eq=np.r_[np.ones(k), 0.0][None], b_eq=[1.0],
            bounds=[(0, 1)] * k + [(0, 1)],
        )  # fmt: skip
        if not found.success:
            raise BadInput(
                "no mixture keeps all of the bounds", where="optimize", key="bounds",
                remedy="raise an upper bound, a supply or the epochs allowed, or lower a lower bound",
            )  # fmt: skip
        middle: Array = np.clip(found.x[:k], self.low, self.high)
        return middle


@dataclass(frozen=True, eq=False)
class Objective:
    """The weighted loss of mixtures at one N and D, for s draws: theta (s, u, p), weights (u,) of a draw's laws.

    ``chance`` (u,): what guessing scores where a law is of a task's score, whose error counts; NaN where it is of a
    loss."""

    law: BoundLaw
    units: Units
    sources: tuple[str, ...]
    theta: Array
    weights: Array
    N: float | None = None
    D: float | None = None
    unique: Array | None = None
    chance: Array | None = None

    @property
    def convex(self) -> bool:
        """Whether it is so in the shares: a score's link is not."""
        return self.law.convex and self._rest is None

    @property
    def _rest(self) -> Array | None:
        """(u,) 1 - chance, NaN where a loss is measured; None where all are losses."""
        return None if self.chance is None or not np.isfinite(self.chance).any() else 1 - self.chance

    def select(self, which: Array) -> "Objective":
        """Some of the draws."""
        return replace(self, theta=self.theta[which])

    def averaged(self) -> "Objective":
        """One objective: the mean over the draws."""
        s, u, p = self.theta.shape
        theta, weights = self.theta.reshape(1, s * u, p), np.tile(self.weights, s) / s
        return replace(
            self, theta=theta, weights=weights, chance=None if self.chance is None else np.tile(self.chance, s)
        )

    def _grid(self, shares: Array) -> MixtureGrid:
        n, k, u = shares.shape[1], shares.shape[2], self.theta.shape[1]
        each = np.repeat(shares, u, axis=0) if len(shares) > 1 or u == 1 else shares
        N, D = (None if x is None else np.full(n, x) for x in (self.N, self.D))
        unique = None if self.unique is None else np.broadcast_to(self.unique, (n, k))
        return MixtureGrid(sources=self.sources, grid=each, N=N, D=D, unique=unique)

    def value(self, shares: Array) -> Array:
        """Losses (s, n) of mixtures (s or 1, n, k)."""
        s, u, p = self.theta.shape
        values = self.law.predict(self.theta.reshape(s * u, p), self._grid(shares), self.units).reshape(s, u, -1)
        if (rest := self._rest) is not None:
            values = np.where(np.isfinite(rest)[:, None], rest[:, None] * values / (1 + values), values)
        found: Array = np.einsum("sun,u->sn", values, self.weights)
        return found

    def slope(self, shares: Array) -> Array:
        """Derivatives (s, n, k) by the shares."""
        s, u, p = self.theta.shape
        grid, theta = self._grid(shares), self.theta.reshape(s * u, p)
        slopes = self.law.by_share(theta, grid, self.units)
        slopes = slopes.reshape(s, u, *slopes.shape[1:])
        if (rest := self._rest) is not None:
            values = self.law.predict(theta, grid, self.units).reshape(s, u, -1)
            slopes = slopes * np.where(np.isfinite(rest)[:, None], rest[:, None] / (1 + values) ** 2, 1.0)[..., None]
        found: Array = np.einsum("sunk,u->snk", slopes, self.weights)
        return found

    def curvature(self, shares: Array) -> tuple[Array, Array]:
        """Slopes (s, k) and second derivatives (s, k, k) at one mixture a draw (s, k), made convex."""
        k = shares.shape[-1]
        step = np.minimum(_STEP, 0.5 * np.maximum(shares, 1e-12))  # small shares bend within their own size
        moved = shares[:, None] + np.concatenate([np.zeros((1, k)), np.eye(k)]) * step[:, None]
        slopes = self.slope(moved)
        second = (slopes[:, 1:] - slopes[:, :1]) / step[..., None]
        second = (second + np.swapaxes(second, 1, 2)) / 2
        values, vectors = np.linalg.eigh(second)
        return slopes[:, 0], np.einsum("ski,si,sli->skl", vectors, np.maximum(values, 1e-10), vectors)


class Optimum(NamedTuple):
    """The best mixture of each draw (s, k) and its loss (s,)."""

    shares: Array
    loss: Array


def optimum(objective: Objective, limits: Limits) -> Optimum:
    """The best mixture of each draw under the limits.

    Raises:
        BadInput: no mixture is allowed.
    """
    middle = limits.inside()
    starts = [middle] if objective.convex else [middle, *_towards_each(limits, middle)]
    (s, u, _), k = objective.theta.shape, len(limits.low)
    size = max(int(_CHUNK / (u * (k + 1) * k * 4)), 1)
    found: list[Optimum] = []
    for i in range(0, s, size):
        some = objective.select(np.arange(i, min(i + size, s)))
        tries = [_newton(some, limits, start) for start in starts]
        best = np.argmin([each.loss for each in tries], axis=0)
        shares = np.array([tries[place].shares[draw] for draw, place in enumerate(best)])
        found.append(Optimum(shares, np.min([each.loss for each in tries], axis=0)))
    return Optimum(np.concatenate([part.shares for part in found]), np.concatenate([part.loss for part in found]))


def _towards_each(limits: Limits, middle: Array) -> list[Array]:
    """From the middle most of the way to each source alone, as far as the limits let it."""
    found = []
    for vertex in np.eye(len(middle)):
        step = vertex - middle
        rows = np.vstack([limits.rows, np.eye(len(middle)), -np.eye(len(middle))])
        room = np.concatenate([limits.most, limits.high, -limits.low]) - rows @ middle
        along = rows @ step
        most = np.where(along > 1e-12, np.maximum(room, 0.0) / np.maximum(along, 1e-12), np.inf).min()
        found.append(middle + 0.8 * min(float(most), 1.0) * step)
    return found


def _newton(objective: Objective, limits: Limits, middle: Array) -> Optimum:
    s = len(objective.theta)
    free = limits.high - limits.low >= _ROOM
    place, count = np.flatnonzero(free), int(free.sum())
    shares = np.tile(middle, (s, 1))
    if count < 2:
        return Optimum(shares, objective.value(shares[:, None])[:, 0])
    fixed = np.where(free, 0.0, middle)
    rows = np.vstack([limits.rows[:, place], np.eye(count), -np.eye(count)])
    most = np.concatenate([limits.most - limits.rows @ fixed, limits.high[place], -limits.low[place]])
    inner = middle[place]
    short = rows @ inner - most
    most = most + np.maximum(short + _ROOM, 0.0)  # limits that leave one mixture alone are given a hair's breadth
    r = np.tile(inner, (s, 1))

    def whole(part: Array) -> Array:
        out = np.tile(fixed, (len(part), 1))
        out[:, place] = part
        return out

    def merit(part: Array, weight: float) -> Array:
        slack = most - part @ rows.T
        value = objective.value(whole(part)[:, None])[:, 0]
        found: Array = np.where(
            (slack > 0).all(axis=1), value - weight * np.log(np.maximum(slack, 1e-300)).sum(axis=1), np.inf
        )
        return found

    weight = _FIRST
    while weight > _LAST:
        for _ in range(2 if weight > _LAST / _FALL else 4):
            slack = most - r @ rows.T
            slope, second = objective.curvature(whole(r))
            slope, second = slope[:, place], second[:, place][:, :, place]
            gradient = slope + weight * (1 / slack) @ rows
            hessian = second + weight * np.einsum("mi,sm,mj->sij", rows, 1 / slack**2, rows)
            system = np.zeros((s, count + 1, count + 1))
            system[:, :count, :count] = hessian
            system[:, :count, count] = system[:, count, :count] = 1.0
            right = np.concatenate([-gradient, np.zeros((s, 1))], axis=1)
            step = np.linalg.solve(system, right[..., None])[:, :count, 0]
            along = step @ rows.T
            with np.errstate(divide="ignore", invalid="ignore"):
                most_step = np.where(along > 0, slack / along, np.inf).min(axis=1)
            length = np.minimum(1.0, 0.98 * most_step)
            now = merit(r, weight)
            for _ in range(12):
                worse = merit(r + length[:, None] * step, weight) > now + 1e-14
                if not worse.any():
                    break
                length = np.where(worse, length / 3, length)
            r = np.where(worse[:, None], r, r + length[:, None] * step)
        weight *= _FALL
    found = whole(r)
    found /= found.sum(axis=1, keepdims=True)
    return Optimum(found, objective.value(found[:, None])[:, 0])
