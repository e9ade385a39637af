"""Which runs to make next: those that shrink what is open about a decision most for what they cost.

What is believed is one Gaussian over the options' losses at the question and the log-losses of the runs that could be
made. Its first part are draws of the fitted laws, evaluated at both (so that a law says by itself how much a cheap run
at a small N tells about the question); its second part is the error of the laws (:class:`Error`): no law is right,
and how far a mixture lies off it is alike at near scales and for near mixtures only. A run with noise s moves it by a
rank-one update (Kalman 1960); its outcome is not needed to know how far it narrows what is open:

* ``regret``: sum over options of the expected improvement over the best, E max(0, L_best - L_o) (Jones et al. 1998), a
  bound on the expected loss of naming the best one;
* ``width``: variance of the loss of the best option minus that of the reference (natural text alone).

The run that brings most of it per cost is taken as made, then the next one (greedy; the sum over a batch of such an
objective falls ever slower, so that this is near the best batch). The knowledge gradient of Frazier et al. (2009) is
the gain of one run alone and is zero where no single run can change the choice; a sum over options is not.

Shape letters: m options, n runs that could be made, s draws.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from synthmix.rounding import symmetric_root
from synthmix.scaling.runs import Array, Index, Mask

Target = Literal["regret", "width"]
CLIPPED = 0.005  # of the draws at either end: a few wild resamples must not set the covariance
LENGTH = 1.5  # decades of N and of D over which a mixture's distance from the law is alike (CHOSEN)
NEAR = 0.15  # total variation between mixtures over which it is (CHOSEN)
DECIDED = 1e-4  # of the mean option's expected improvement, below which an option decides nothing
LOOK = 200  # runs that are looked at again for each of a batch
LEAST = 1e-3  # of what is open that a run must bring to be worth its start (CHOSEN)


@dataclass
class Belief:
    """What is believed of m options at the question and of n runs that could be made.

    Attributes:
        mean: (m,) expected losses of the options, or their differences from a reference, nats per token.
        across: (m, m + n) covariance of the options with the options and with the log-losses of the runs.
        own: (n,) variances of the runs' expected log-losses.
        column: the covariance (m + n,) of a run, by its place, with everything, before any run was taken as made.
        noise: (n,) variance of one run's log-loss about its own expected one.
        reference: the option that ``width`` is of the difference from; None: of the best option's own value.
    """

    mean: Array
    across: Array
    own: Array
    column: Callable[[int], Array]
    noise: Array
    reference: int | None = None
    _taken: list[Array] = field(default_factory=list)

    @classmethod
    def of_covariance(cls, mean: Array, covariance: Array, noise: Array) -> "Belief":
        """From the whole of it (m + n, m + n), the options first."""
        m, whole = len(mean), np.asarray(covariance, dtype=np.float64)
        return cls(np.asarray(mean), whole[:m].copy(), np.diag(whole)[m:].copy(), lambda run: whole[:, m + run], noise)

    @classmethod
    def of_draws(
        cls,
        mean: Array,
        options: Array,
        runs: Array,
        error: "Error | None",
        noise: Array,
        reference: int | None = None,
    ) -> "Belief":
        """From draws of laws, options (s, m) in nats and runs (s, n) in log-loss, and the laws' own error at both."""
        m, draws = options.shape[1], np.column_stack([options, runs])
        low, high = np.quantile(draws, [CLIPPED, 1 - CLIPPED], axis=0)
        draws = np.clip(draws, low, high)
        root = (draws - draws.mean(axis=0)) / np.sqrt(len(draws) - 1)
        across = root[:, :m].T @ root
        own = (root[:, m:] ** 2).sum(axis=0)
        if error is not None:
            across, own = across + error.columns(np.arange(m)).T, own + error.variances[m:]

        def column(run: int) -> Array:
            found: Array = root.T @ root[:, m + run]
            return found if error is None else found + error.columns(np.array([m + run]))[:, 0]

        return cls(np.asarray(mean), across, own, column, np.asarray(noise), reference)

    @property
    def options(self) -> int:
        """m."""
        return len(self.mean)

    @property
    def best(self) -> int:
        """The place of the option with the lowest expected loss."""
        return int(np.argmin(self.mean))

    @property
    def beside(self) -> int:
        """The best option but the reference."""
        others = np.arange(self.options) != (-1 if self.reference is None else self.reference)
        return int(np.flatnonzero(others)[np.argmin(self.mean[others])])

    def sd(self, option: int, other: int | None = None) -> float:
        """Standard deviation of an option's value, or of its difference from another's."""
        c = self.across
        variance = c[option, option]
        if other is not None:
            variance += c[other, other] - 2 * c[option, other]
        return float(np.sqrt(max(variance, 0.0)))

    def regret(self, draws: int = 512) -> float:
        """Expected loss of naming the best option instead of the one that is best in truth, nats."""
        m = self.options
        root = symmetric_root(self.across[:, :m])
        losses = self.mean + np.random.default_rng(0).standard_normal((draws, m)) @ root
        return float((losses[:, self.best] - losses.min(axis=1)).mean())

    def open(self, target: Target) -> float:
        """What is open: the sum of expected improvements (nats), or the variance of the best option's value or, with a
        reference, of its difference from that."""
        if target == "width":
            return self.sd(self.beside, self.reference) ** 2
        return float(_improvements(self._gaps(), self._against()).sum())

    def openings(self, target: Target, which: Index | None = None) -> Array:
        """What would be open after each of the runs (n,), or after each of some of them."""
        m, best = self.options, self.best
        which = np.arange(len(self.own)) if which is None else which
        own = np.maximum(self.own[which], 0.0) + np.maximum(self.noise[which], 1e-18)
        if target == "width":
            tells = self.across[self.beside, m + which]
            if self.reference is not None:
                tells = tells - self.across[self.reference, m + which]
            found: Array = np.maximum(self.open("width") - tells**2 / own, 0.0)
            return found
        gaps, against = self._gaps(), self._against()
        each = _improvements(gaps[:, None], against[:, None])[:, 0]
        able = np.flatnonzero(each > DECIDED * each.sum() / m)  # it only falls as more is known
        across = self.across[np.ix_(able, m + which)] - self.across[best, m + which]
        after = _improvements(gaps[able, None], against[able, None] - across**2 / own)
        total: Array = after.sum(axis=0) + each.sum() - each[able].sum()
        return total

    def _gaps(self) -> Array:
        found: Array = self.mean - self.mean[self.best]
        return found

    def _against(self) -> Array:
        """(m,) variances of the options' differences from the best."""
        c, m, best = self.across, self.options, self.best
        found: Array = np.diag(c[:, :m]) + c[best, best] - 2 * c[best, :m]
        return np.maximum(found, 0.0)

    def observe(self, run: int, surprise: float = 0.0) -> None:
        """Take a run as made: its log-loss was ``surprise`` above the expected one."""
        m = self.options
        column = self.column(run).copy()
        for unit in self._taken:
            column -= unit * unit[m + run]
        size = max(float(column[m + run]), 0.0) + max(float(self.noise[run]), 1e-18)
        unit = column / np.sqrt(size)
        self.mean = self.mean + column[:m] * (surprise / size)
        self.across = self.across - np.outer(unit[:m], unit)
        self.own = self.own - unit[m:] ** 2
        self._taken.append(unit)


def _improvements(gaps: Array, variances: Array) -> Array:
    """E max(0, -(gap + sd Z)), of the shape of ``variances``."""
    from scipy.special import ndtr

    sd = np.sqrt(np.maximum(variances, 1e-18))
    z = gaps / sd
    found: Array = sd * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi) - gaps * ndtr(-z)
    return found


class Points(NamedTuple):
    """Mixtures (p, k) and their places (p, 2), log10 of N and of D."""

    shares: Array
    places: Array

    def __add__(self, other: "Points") -> "Points":  # type: ignore[override]
        return Points(*(np.vstack(pair) for pair in zip(self, other, strict=True)))


class Errors(NamedTuple):
    """Standard deviations in log-loss: of what a mixture has of its own about the law, of what all mixtures of one
    (N, D) have in common, and of one run."""

    own: float
    common: float
    run: float


class Error:
    """How far points lie off a law, given how far the runs that were made do: a Gaussian process.

    The prior covariance of two points is (own^2 exp(-apart / NEAR) + common^2) exp(-far / LENGTH), apart the total
    variation between their mixtures and far the decades between them in N and D.
    """

    def __init__(
        self, points: Points, made: Points, residuals: Array, errors: Errors, scale: Array | None = None
    ) -> None:
        """Args:
        points: (p,). made: (r,) runs. residuals: (r,) their log-losses minus the law's.
        scale: (p,) what errors are multiplied by; None: 1.
        """
        from scipy.linalg import solve_triangular
        from scipy.spatial.distance import cdist

        count = len(points.shares)
        every = np.vstack([points.shares, made.shares])
        unique, which = np.unique(np.round(every, 9), axis=0, return_inverse=True)
        self._near: Array = np.exp(-0.5 * cdist(unique, unique, "cityblock") / NEAR)
        self._points = which.reshape(-1)[:count], points.places
        past = which.reshape(-1)[count:], made.places
        self.errors, self.scale = errors, np.ones(count) if scale is None else scale
        inside = self._prior(past, past)
        inside[np.diag_indices(len(inside))] += max(errors.run, 1e-9) ** 2
        root = np.linalg.cholesky(inside)
        self._known: Array = solve_triangular(root, self._prior(past, self._points), lower=True)  # (r, p)
        self.mean: Array = self._known.T @ solve_triangular(root, residuals, lower=True)
        self.variances: Array = self.scale**2 * np.maximum(
            errors.own**2 + errors.common**2 - (self._known**2).sum(axis=0), 0.0
        )

    def columns(self, which: Index) -> Array:
        """Covariances (p, q) of all points with some of them."""
        mixtures, places = self._points
        found = self._prior(self._points, (mixtures[which], places[which])) - self._known.T @ self._known[:, which]
        scaled: Array = self.scale[:, None] * found * self.scale[which]
        return scaled

    def _prior(self, points: tuple[Index, Array], others: tuple[Index, Array]) -> Array:
        (mixtures, places), (them, there) = points, others
        far = sum(np.abs(a[:, None] - b[None]) for a, b in zip(places.T, there.T, strict=True))
        own, common, _ = self.errors
        found: Array = (own**2 * self._near[np.ix_(mixtures, them)] + common**2) * np.exp(-far / LENGTH)
        return found


class Pick(NamedTuple):
    """One run that is chosen, and why.

    Attributes:
        run: its place. cost: of it alone.
        before, after: what is open without and with it, those picked before being made; regret in nats, the width as a
            standard deviation in nats.
        instead: the place of the run that would have been next best per cost; None: there was none.
        instead_after: what would be open after that.
    """

    run: int
    cost: float
    before: float
    after: float
    instead: int | None
    instead_after: float | None


def choose_runs(
    beliefs: Sequence[tuple[Belief, Index]],
    costs: Array,
    *,
    target: Target,
    spend: float,
    count: int = 1_000,
    free: Mask | None = None,
) -> list[Pick]:
    """A batch of runs, those that narrow what is open most per cost first; the beliefs are left as they are after it.

    Args:
        beliefs: each with the places (n,) of its runs among all.
        costs: (c,) of all runs, positive. free: (c,) which may be chosen; None: all.
        spend: the batch costs at most so much. count: it has at most so many runs.
    """
    costs = np.asarray(costs, dtype=np.float64)
    able = np.ones(len(costs), dtype=bool) if free is None else free.copy()
    inside = [np.full(len(costs), -1) for _ in beliefs]
    for places, (_, mine) in zip(inside, beliefs, strict=True):
        places[mine] = np.arange(len(mine))

    def gains_of(which: Index) -> Array:
        """By how much each of some runs would shrink what is open."""
        found = np.zeros(len(which))
        for (belief, _), places in zip(beliefs, inside, strict=True):
            own = places[which]
            found[own >= 0] += belief.open(target) - belief.openings(target, own[own >= 0])
        return found

    gains = gains_of(np.arange(len(costs)))
    picked: list[Pick] = []
    while len(picked) < count:
        before = sum(belief.open(target) for belief, _ in beliefs)
        can = able & (costs <= spend)
        if picked:  # what a run brings falls as others are taken, so that only the first ones are looked at again
            look = np.flatnonzero(can)
            if len(look) > LOOK:
                look = look[np.argpartition(-gains[look] / costs[look], LOOK)[:LOOK]]
            gains[look] = gains_of(look)
        worth = np.where(can & (gains > LEAST * before), gains / costs, 0.0)
        run = int(np.argmax(worth))
        if worth[run] <= 0:
            break
        rest = np.where(np.arange(len(costs)) == run, 0.0, worth)
        second = int(np.argmax(rest)) if rest.max() > 0 else None
        for (belief, _), places in zip(beliefs, inside, strict=True):
            if places[run] >= 0:
                belief.observe(int(places[run]))
        able[run] = False
        spend -= costs[run]
        after = sum(belief.open(target) for belief, _ in beliefs)
        instead = None if second is None else _shown(before - gains[second], target)
        picked.append(Pick(run, float(costs[run]), _shown(before, target), _shown(after, target), second, instead))
    return picked


def _shown(value: float, target: Target) -> float:
    value = max(value, 0.0)
    return float(np.sqrt(value)) if target == "width" else float(value)
