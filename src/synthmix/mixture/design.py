"""Which mixtures of many sources to train, under bounds: the natural mixture, each source's extreme, then mixtures that
fill what is allowed.

- Every tenth run is the natural mixture again with another seed, so that noise is measured.
- The extreme of a source has as much of it as the bounds allow, and of the others what is nearest to the natural
  mixture (a least-distance problem: Lawson and Hanson 1974, chapter 23).
- The rest are taken one after the other from a fixed set of candidates, each the farthest from all before it (maximin;
  Kennard and Stone 1969, doi 10.1080/00401706.1969.10490666). Distance is Euclidean between square roots of shares
  (Hellinger's; CHOSEN: small shares matter more than their size, and no share at all most).
- Candidates are uniform on the allowed mixtures (hit-and-run, Smith 1984, doi 10.1287/opre.32.6.1296); a third of them
  lies between two or three of their corners, where most sources are left out or at a bound (CHOSEN).

No step looks at the number of runs, so 20 runs are the first 20 of 30. Shares are whole tenths of a percent.

Shape letters: k sources, m constraints, d free directions, c chains, n mixtures.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from math import ceil, floor
from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.quantities import format_share, listed

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]

GRID = 1000  # shares are whole parts of it
MOST_RUNS = 1000
_CHAINS, _KEPT = 512, 8  # candidates: their product
_CORNERS = 64
_FLAT = 1e-9  # room below which a constraint holds everywhere
_WITHIN = Fraction(1, 1000)  # of the natural mixture's sum: 33.3 % three times is meant to be one


@dataclass(frozen=True)
class Group:
    """Sources whose shares together lie between ``least`` and ``most``."""

    name: str
    sources: tuple[str, ...]
    least: Fraction = Fraction(0)
    most: Fraction = Fraction(1)


@dataclass(frozen=True)
class Bounds:
    """Which mixtures are allowed: shares of ``sources`` between ``least`` and ``most``, and groups of them."""

    sources: tuple[str, ...]
    least: tuple[Fraction, ...]
    most: tuple[Fraction, ...]
    groups: tuple[Group, ...] = ()

    def members(self) -> Array:
        """(groups, k) 1 where a source is in a group."""
        found = [[float(name in group.sources) for name in self.sources] for group in self.groups]
        return np.array(found).reshape(len(self.groups), len(self.sources))

    def allow(self, counts: Counts) -> npt.NDArray[np.bool_]:
        """(n,) whether mixtures in parts of :data:`GRID` (n, k) keep all bounds, exactly."""
        low, high = _whole(self.least, ceil), _whole(self.most, floor)
        together = counts @ self.members().astype(np.int64).T
        least, most = (_whole([getattr(g, end) for g in self.groups], form) for end, form in _ENDS)
        inside = ((counts >= low) & (counts <= high)).all(axis=1)
        return np.logical_and(inside, ((together >= least) & (together <= most)).all(axis=1))


_ENDS: tuple[tuple[str, Any], ...] = (("least", ceil), ("most", floor))


def _whole(shares: Any, form: Any) -> Counts:
    return np.array([form(share * GRID) for share in shares], dtype=np.int64)


Kind = Literal["natural", "extreme", "filling", "simulated epochs"]


class Designed(NamedTuple):
    """One run: its mixture, sources without a share left out; why it is there; which repeat of that mixture it is.

    A study repeats some of its mixtures as ``simulated epochs``, on less text; :func:`make_design` has none.
    """

    shares: tuple[tuple[str, Fraction], ...]
    kind: Kind
    repeat: int = 0


def make_design(
    bounds: Bounds, natural: Mapping[str, Fraction], runs: int, *, natural_every: int = 10
) -> tuple[Designed, ...]:
    """The first ``runs`` runs of the design: equal arguments give equal runs, and fewer runs their beginning.

    Args:
        natural: shares of the natural mixture; it is run whether the bounds allow it or not.
        natural_every: after how many runs it is repeated, 2 or more.

    Raises:
        BadInput: bounds that no mixture keeps, that leave out a source or too few mixtures, a natural mixture that
            does not add up, more than 1,000 runs.
    """
    if not 1 <= runs <= MOST_RUNS:
        raise BadInput(f"{runs} is not from 1 to {MOST_RUNS:,}", key="design.runs")
    return _designed(bounds, tuple(natural.items()), runs, natural_every)


@lru_cache(maxsize=32)
def _designed(
    bounds: Bounds, natural: tuple[tuple[str, Fraction], ...], runs: int, natural_every: int
) -> tuple[Designed, ...]:
    shares = _natural(bounds, dict(natural))
    space = _Space(bounds)
    target = np.array([float(share) for share in shares])
    chosen = [np.rint(target * GRID).astype(np.int64)]
    found = [Designed(_named(bounds, shares), "natural")]
    first = [space.extreme(i, target) for i in range(len(bounds.sources))]
    extremes = [each for each in first if each is not None]
    candidates = space.candidates()
    roots = np.sqrt(candidates / GRID)
    nearest = np.full(len(candidates), np.inf)

    def taken(counts: Counts) -> None:
        apart = ((roots - np.sqrt(counts / GRID)) ** 2).sum(axis=1).round(12)
        np.minimum(nearest, apart, out=nearest)

    taken(chosen[0])
    repeats = 0
    while len(found) < runs:
        if len(found) % natural_every == 0:
            repeats += 1
            found.append(Designed(found[0].shares, "natural", repeats))
            continue
        kind: Kind = "filling"
        if extremes:
            kind, counts = "extreme", extremes.pop(0)
            if any((counts == other).all() for other in chosen):
                continue
        else:
            if not len(candidates) or nearest.max() <= 0:
                raise BadInput(
                    f"the bounds leave {len(chosen)} mixtures in steps of 0.1 %, and {runs} runs ask for more",
                    key="design.runs", remedy="widen the bounds, or ask for fewer runs",
                )  # fmt: skip
            counts = candidates[int(nearest.argmax())]
        chosen.append(counts)
        taken(counts)
        found.append(Designed(_named(bounds, [Fraction(int(count), GRID) for count in counts]), kind))
    return tuple(found)


def _named(bounds: Bounds, shares: Any) -> tuple[tuple[str, Fraction], ...]:
    return tuple((name, share) for name, share in zip(bounds.sources, shares, strict=True) if share > 0)


def _natural(bounds: Bounds, given: Mapping[str, Fraction]) -> list[Fraction]:
    if missing := [name for name in given if name not in bounds.sources]:
        raise BadInput(f"no source '{missing[0]}'", key="natural", remedy=f"there are {listed(bounds.sources)}")
    total = sum(given.values(), Fraction(0))
    if abs(total - 1) > _WITHIN:
        text = " + ".join(f"{name} {format_share(share)}" for name, share in given.items()) or "nothing"
        raise BadInput(
            f"the natural mixture {text} makes {format_share(total)}, not 100%", key="sources",
            remedy="make the shares under 'natural' add up to 100%",
        )  # fmt: skip
    return [given.get(name, Fraction(0)) / total for name in bounds.sources]


class _Space:
    """The allowed mixtures: their middle, their extremes, and points all over them.

    Attributes:
        rows, most: rows @ r <= most, (m, k) and (m,). middle: (k,) strictly inside what is not held fixed.
        basis: (k, d) directions in which a mixture can move.
    """

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        k, members = len(bounds.sources), bounds.members()
        eye = np.eye(k)
        low, high = (np.array([float(x) for x in end]) for end in (bounds.least, bounds.most))
        least, most = (np.array([float(getattr(group, end)) for group in bounds.groups]) for end, _ in _ENDS)
        self.rows = np.vstack([eye, -eye, members, -members])
        self.most = np.concatenate([high, -low, most, -least])
        self._check(low, high)
        corners = np.array([self._corner(row) for row in self.rows])  # each keeps as far from one bound as it can
        room = self.most - np.einsum("mk,mk->m", self.rows, corners)
        self.middle = corners.mean(axis=0)
        for name, highest in zip(bounds.sources, corners[k : 2 * k].max(axis=0), strict=True):
            if highest < 1 / GRID:
                raise BadInput(
                    f"'{name}' is at 0 in every mixture that the bounds allow", key=f"sources.{name}",
                    remedy="raise its max or that of its group, lower a min of another, or leave the source out",
                )  # fmt: skip
        fixed = np.vstack([np.ones((1, k)), self.rows[room < _FLAT]])
        _, values, vectors = np.linalg.svd(fixed)
        self.basis = vectors[int((values > 1e-9).sum()) :].T

    def _check(self, low: Array, high: Array) -> None:
        for name, least, most in zip(self.bounds.sources, self.bounds.least, self.bounds.most, strict=True):
            if least > most:
                raise BadInput(f"min {format_share(least)} is above max {format_share(most)}", key=f"sources.{name}")
        if high.sum() < 1 - 1e-12:
            raise BadInput(
                f"no mixture adds up to 100%: the max of all sources make {format_share(high.sum())}", key="sources",
                remedy="raise a max",
            )  # fmt: skip
        if low.sum() > 1 + 1e-12:
            raise BadInput(
                f"no mixture adds up to 100%: the min of all sources make {format_share(low.sum())}", key="sources",
                remedy="lower a min",
            )  # fmt: skip
        for group in self.bounds.groups:
            if group.least > group.most:
                said = f"min {format_share(group.least)} is above max {format_share(group.most)}"
                raise BadInput(said, key=f"groups.{group.name}")

    def _corner(self, cost: Array) -> Array:
        """(k,) an allowed mixture of the lowest ``cost @ r``."""
        from scipy.optimize import linprog

        k = len(cost)
        found = linprog(cost, A_ub=self.rows, b_ub=self.most, A_eq=np.ones((1, k)), b_eq=[1.0], bounds=[(0, 1)] * k)
        if found.x is None or not found.success:
            raise BadInput(
                f"no mixture keeps the bounds of the sources and of {listed([g.name for g in self.bounds.groups])}",
                key="groups", remedy="raise a max or lower a min",
            )  # fmt: skip
        corner: Array = found.x
        return corner

    def extreme(self, place: int, target: Array) -> Counts | None:
        """The mixture with the most of one source, else nearest to ``target``, (k,); None where the grid has none."""
        k = len(target)
        highest = float(self._corner(-np.eye(k)[place])[place])
        highest = floor(highest * GRID + 1e-6) / GRID
        aim = np.delete(target, place)
        rest = aim / aim.sum() if aim.sum() > 0 else np.full(k - 1, 1 / (k - 1))
        wanted = np.insert((1 - highest) * rest, place, highest)
        held = np.vstack([np.ones((1, k)), -np.ones((1, k)), np.eye(k)[[place]], -np.eye(k)[[place]]])
        ends = np.array([1.0, -1.0, highest, -highest])
        near = _nearest(wanted, np.vstack([self.rows, held]), np.concatenate([self.most, ends]))
        if near is None:
            return None
        steps = np.array([0.0, 0.002, 0.01, 0.05, 0.2])[:, None]  # inwards, where rounding leaves a bound
        tries = _rounded((1 - steps) * near + steps * self.middle)
        able = tries[self.bounds.allow(tries)]
        return able[0] if len(able) else None

    def candidates(self) -> Counts:
        """Distinct mixtures all over what is allowed, in parts of :data:`GRID`, (n, k); the same at every call."""
        d = self.basis.shape[1]
        if d == 0:
            middle = _rounded(self.middle[None])
            return middle[self.bounds.allow(middle)]
        rng = np.random.default_rng([0, len(self.middle)])
        at = np.tile(self.middle, (_CHAINS, 1))
        found = []
        for step in range(10 * d + _KEPT * max(d, 4)):
            towards = rng.standard_normal((_CHAINS, d)) @ self.basis.T
            back, ahead = self._chord(at, -towards), self._chord(at, towards)
            at = at + ((ahead + back) * rng.random(_CHAINS) - back)[:, None] * towards
            if step >= 10 * d and (step - 10 * d) % max(d, 4) == 0:
                found.append(at)
        points = np.vstack(found)
        corners = np.array([self._corner(cost) for cost in rng.standard_normal((_CORNERS, len(self.middle)))])
        parts = rng.dirichlet(np.ones(3), len(points[::3]))
        parts[::2, 2] = 0.0
        between = corners[rng.integers(_CORNERS, size=parts.shape)]
        points[::3] = np.einsum("nj,njk->nk", parts / parts.sum(axis=1, keepdims=True), between)
        counts = _rounded(points)
        counts = counts[self.bounds.allow(counts)]
        return counts[np.sort(np.unique(counts, axis=0, return_index=True)[1])]

    def _chord(self, at: Array, towards: Array) -> Array:
        """(n,) how far mixtures (n, k) can move in directions (n, k)."""
        along = towards @ self.rows.T
        room = np.maximum(self.most - at @ self.rows.T, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            reach: Array = np.where(along > 1e-12, room / along, np.inf).min(axis=1)
        return np.where(np.isfinite(reach), reach, 0.0)


def _nearest(target: Array, rows: Array, most: Array) -> Array | None:
    """(k,) the point of rows @ r <= most nearest to ``target``; None where there is none."""
    from scipy.optimize import nnls

    gap = rows @ target - most  # with x = r - target: -rows @ x >= gap
    system = np.vstack([-rows.T, gap[None]])
    aim = np.zeros(len(target) + 1)
    aim[-1] = 1.0
    dual, _ = nnls(system, aim)
    left = system @ dual - aim
    if abs(left[-1]) < 1e-9:
        return None
    moved: Array = target - left[:-1] / left[-1]
    return moved


def _rounded(points: Array) -> Counts:
    """Mixtures (n, k) in whole parts of :data:`GRID` that add up to it: the largest remainders are rounded up."""
    scaled = np.maximum(points, 0.0) * GRID
    counts = np.floor(scaled + 1e-6).astype(np.int64)
    short = GRID - counts.sum(axis=1)
    order = np.argsort(-(scaled - counts).round(9), axis=1, kind="stable")
    ranks = np.argsort(order, axis=1, kind="stable")
    found: Counts = counts + (ranks < short[:, None])
    return found
