"""The error of a law in the effect of the share: what the differences of mixtures may be where the law is not theirs.

An error that all mixtures of one size and budget have in common cancels in their differences. What does not cancel is
that the curve over the share has another form than the law's, and that it moves with size and budget in another way.
Both are a Gaussian process on top of the law (Kennedy and O'Hagan 2001), in log-loss, nothing at share 0:

    d(r, N, D) = a(r) + b_N(r) log10(N / N0) + b_D(r) log10(D / D0) + c(r) beyond(N, D),

with N0, D0 the geometric means of the runs, ``beyond`` the decades by which a point lies beyond them, and a, b_N, b_D
and c independent squared-exponential processes over the share. Runs say nothing of c, a drift that begins at their
edge. Standard deviations of a and of the b, in units of the share's effect, and their length are not fitted but
averaged over by their restricted likelihood: the law's derivatives by its parameters are the trend (universal kriging),
an error of each cell (N, D) is common to its mixtures. What the law can take up of a drift is thereby left to the
parameters, and beyond the runs the spread grows in proportion to the distance. Each resample of the parameters has its
own draw of d, given that resample's residuals.

Shape letters: n mixtures in cells, d draws, k curves, t knots, m shares.
"""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from synthmix.rounding import symmetric_root
from synthmix.scaling.model_error import decades
from synthmix.scaling.runs import Array, Index, Inputs, Runs

if TYPE_CHECKING:
    from synthmix.scaling.fitted import Predictor

# CHOSEN on simulated studies of five kinds of truth (docs/calibration.md); other kinds were kept aside.
FORM = (0.01, 0.03, 0.1, 0.3)  # standard deviation of a, of the share's effect
DRIFT = (0.01, 0.03, 0.1, 0.2, 0.4, 0.8)  # of b_N and b_D, a decade
LENGTHS = (0.25, 0.5)
EDGE = 0.1  # of c, a decade beyond the runs
KNOTS = np.linspace(0.0, 1.0, 26)
CELL = 0.003  # log-loss: the error that mixtures of a cell have in common, the least
MIXTURE = 0.0005  # log-loss: of one mixture in a cell, beside seed noise
SEED = 0.003  # log-loss: seed noise where nothing is known of it
MOST_ROWS = 400  # a sample beyond it: the matrices are of their square
LIGHTEST = 1e-3  # weight of a setting below which it is left out


@dataclass(frozen=True)
class ShareError:
    """Draws of d.

    Attributes:
        curves: (d, k, t) of a, of the drifts and of c at :data:`KNOTS`. axes: the columns of the drifts.
        middle: log10 of their geometric means. runs: that they are of.
    """

    curves: Array
    axes: tuple[str, ...]
    middle: Array
    runs: Inputs

    def at(self, x: Inputs) -> Array:
        """d (draws, n) at points (n,)."""
        from scipy.interpolate import CubicSpline

        far = [x.log(name) / np.log(10) - self.middle[place] for place, name in enumerate(self.axes)]
        beyond = np.max([*decades(self.runs, x).values(), np.zeros(len(x))], axis=0)
        between = CubicSpline(KNOTS, np.eye(len(KNOTS)))(x.share).T  # (t, n)
        found = np.zeros((len(self.curves), len(x)))
        for place, scale in enumerate((np.ones(len(x)), *far, beyond)):
            found += self.curves[:, place] @ (between * scale)
        return found


def share_error(fitted: "Predictor") -> ShareError | None:
    """The error of a fitted law in the share's effect; None where it has no share or no resamples."""
    if fitted.why or "share" not in fitted.law.columns or fitted.runs.distinct("share") < 2:
        return None
    runs = fitted.runs.sampled(MOST_ROWS, fitted.seed)
    axes = tuple(name for name in ("N", "D") if name in fitted.law.columns and runs.distinct(name) > 1)
    places = np.array([runs.log(name) for name in axes]).reshape(len(axes), len(runs)).T / np.log(10)  # (rows, axes)
    middle = places.mean(axis=0)
    rows, label, count = np.unique(
        np.column_stack([places - middle, runs.share, _trained(runs)]), axis=0, return_inverse=True, return_counts=True
    )
    label = label.reshape(-1)
    first = np.unique(label, return_index=True)[1]
    x = runs.points.select(first)
    away, share = np.column_stack([np.ones(len(rows)), rows[:, : len(axes)]]), rows[:, len(axes)]
    measured = np.bincount(label, np.log(runs.loss)) / count
    errors = _errors(fitted, runs, label, rows[:, : len(axes)], rows[:, -1])
    losses, slopes = fitted.law.evaluate(fitted.values, x)
    unit = _effect(fitted, x)
    settings = list(product(FORM, DRIFT, LENGTHS))
    trend = _trend((slopes / losses).T)
    found, known = measured - np.log(losses), trend + errors
    evidence = np.array([_evidence(found, known + covariance(away, share, unit, *one)) for one in settings])
    weights = np.exp(evidence - evidence.max())
    weights[weights < LIGHTEST * weights.max()] = 0.0
    with np.errstate(invalid="ignore", divide="ignore"):
        residuals = measured - np.log(fitted.law.predict(fitted.draws, x))  # (d, n)
    residuals[~np.isfinite(residuals).all(axis=1)] = found  # of a wild resample: the fit's
    rng = np.random.default_rng([fitted.seed, 7])
    chosen = rng.choice(len(settings), size=len(residuals), p=weights / weights.sum())
    curves = np.zeros((len(residuals), away.shape[1] + 1, len(KNOTS)))
    roots = {length: symmetric_root(pinned(KNOTS, KNOTS, length)) for length in LENGTHS}
    for place in np.unique(chosen).tolist():
        mine = np.flatnonzero(chosen == place)
        curves[mine, :-1] = _draws(rng, residuals[mine], errors, away, share, unit, *settings[place])
        curves[mine, -1] = EDGE * unit * rng.standard_normal((len(mine), len(KNOTS))) @ roots[settings[place][2]]
    return ShareError(curves, axes, middle, fitted.runs.points)


def _trained(runs: Runs) -> Array:
    """(rows,) one label for steps of one training run, else one for all."""
    return np.zeros(len(runs)) if runs.run is None else np.asarray(runs.run, dtype=np.float64)


def _errors(fitted: "Predictor", runs: Runs, label: Index, cells: Array, trained: Array) -> Array:
    """(n, n) covariance of what a mixture's mean log-loss misses beside d: seeds, mixtures, cells, steps of one run."""
    noise = fitted.noise
    seed = (noise.seed or noise.total or SEED) * noise.seed_factor(runs)
    count = np.bincount(label)
    found = np.diag(np.bincount(label, seed**2) / count**2 + MIXTURE**2)
    same = np.unique(cells, axis=0, return_inverse=True)[1].reshape(-1)
    found += max(noise.cell, CELL) ** 2 * (same[:, None] == same[None, :])
    if runs.run is not None:
        found += (noise.total or SEED) ** 2 * (trained[:, None] == trained[None, :])
    return found


def _effect(fitted: "Predictor", x: Inputs) -> float:
    """The unit: how far the law's log-loss moves over the shares trained, the mean over the runs' sizes and budgets."""
    shares = np.unique(x.share)
    columns = {name: np.repeat(getattr(x, name), len(shares)) for name in fitted.law.columns if name != "share"}
    at = Inputs(**columns, share=np.tile(shares, len(x)))
    curves = np.log(fitted.law.predict(fitted.values, at)).reshape(len(x), len(shares))
    return max(float(np.ptp(curves, axis=1).mean()), fitted.noise.total or 0.0, 1e-4)


def _trend(slopes: Array) -> Array:
    """(n, n) covariance of a law whose parameters are hardly known: each moves log-losses by about 1."""
    scale = np.sqrt((slopes**2).mean(axis=0))
    columns = slopes[:, np.isfinite(scale) & (scale > 0)] / scale[np.isfinite(scale) & (scale > 0)]
    found: Array = columns @ columns.T
    return found


def pinned(one: Array, two: Array, length: float) -> Array:
    """Covariance of a squared-exponential process over the share, given that it is 0 at share 0."""

    def kernel(a: Array, b: Array) -> Array:
        found: Array = np.exp(-0.5 * ((a[:, None] - b[None, :]) / length) ** 2)
        return found

    none = np.zeros(1)
    return kernel(one, two) - kernel(one, none) * kernel(none, two)


def covariance(away: Array, share: Array, unit: float, form: float, drift: float, length: float) -> Array:
    """(n, n) of d at the mixtures."""
    scale = unit * np.array([form, *[drift] * (away.shape[1] - 1)])
    found: Array = pinned(share, share, length) * ((away * scale**2) @ away.T)
    return found


def _evidence(residuals: Array, matrix: Array) -> float:
    """Log-likelihood of residuals (n,) with a covariance matrix."""
    root = np.linalg.cholesky(matrix)
    white = np.linalg.solve(root, residuals)
    return float(-0.5 * white @ white - np.log(np.diag(root)).sum())


def _draws(
    rng: np.random.Generator, residuals: Array, errors: Array, away: Array, share: Array, unit: float, form: float,
    drift: float, length: float,
) -> Array:  # fmt: skip
    """Curves (d, k, t) given residuals (d, n)."""
    scale = unit * np.array([form, *[drift] * (away.shape[1] - 1)])
    k, t = len(scale), len(KNOTS)
    across = (away * scale**2).T[:, None, :] * pinned(KNOTS, share, length)[None]  # (k, t, n)
    across = across.reshape(k * t, -1)
    known = errors + covariance(away, share, unit, form, drift, length)
    solved = np.asarray(np.linalg.solve(known, across.T), dtype=np.float64)
    left: Array = np.asarray(np.kron(np.diag(scale**2), pinned(KNOTS, KNOTS, length)), dtype=np.float64)
    left = left - np.asarray(across, dtype=np.float64) @ solved
    found: Array = residuals @ solved + rng.standard_normal((len(residuals), k * t)) @ symmetric_root(left)
    return found.reshape(len(residuals), k, t)
