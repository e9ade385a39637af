"""Seed noise from replicated runs, and lack of fit from what is left."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from synthmix.scaling.runs import Array, Inputs, Runs

UNEVEN = 0.01  # level of Bartlett's test at which the seed noise of a law's runs is taken to differ (CHOSEN)


@dataclass(frozen=True)
class SeedNoise:
    """Spread of runs that differ only in their seed, pooled over the replicated cells.

    Attributes:
        sd_log: standard deviation of the log-loss (relative noise); None without replicates.
        sd: the same in nats per token.
        dof: degrees of freedom (runs minus cells, over replicated cells).
        cells, runs: how many cells are replicated, and their runs.
    """

    sd_log: float | None
    sd: float | None
    dof: int
    cells: int
    runs: int


@dataclass(frozen=True)
class Noise:
    """What a fit leaves unexplained, in log-loss.

    Attributes:
        seed: seed noise (measured, or given); None when unknown.
        seed_dof: its degrees of freedom.
        cell: extra spread between cells beyond seed noise: lack of fit of the law.
        total: spread of one run around the curve, sqrt(seed^2 + cell^2); None when the law is exactly determined
            and no seed noise is known.
        dof: degrees of freedom of ``total``.
        slope: of ln(seed noise) in ln N, where replicates of several sizes say that it is not 0; held to ``sizes``, the
            smallest and largest replicated N, beyond them. scale: what makes the mean over the replicates 1.
        shares: (share, factor) of the seed noise, where replicates of several shares say that they differ; a share
            between takes the nearest one's.
    """

    seed: float | None
    seed_dof: int
    cell: float
    total: float | None
    dof: int
    slope: float = 0.0
    sizes: tuple[float, float] = (1.0, 1.0)
    scale: float = 1.0
    shares: tuple[tuple[float, float], ...] = ()

    @property
    def even(self) -> bool:
        """Whether the seed noise is the same everywhere, as far as the replicates show."""
        return self.slope == 0 and not self.shares

    def seed_factor(self, x: Inputs) -> Array:
        """Seed noise at points over the pooled one (n,)."""
        found = np.ones(len(x))
        if self.slope != 0 and x.has("N"):
            found = found * self.scale * np.clip(x.N, *self.sizes) ** self.slope
        if self.shares and x.has("share"):
            shares, factors = np.array(self.shares).T
            found = found * factors[np.abs(x.share[:, None] - shares).argmin(axis=1)]
        return found

    def factor(self, x: Inputs) -> Array:
        """``total`` at points over the pooled one (n,)."""
        if self.even or not self.total or self.seed is None:
            return np.ones(len(x))
        seed = self.total if self.cell == 0 else self.seed
        return np.asarray(np.hypot(seed * self.seed_factor(x), self.cell) / np.hypot(seed, self.cell))


@dataclass(frozen=True)
class PooledNoise:
    """Spread of one run of any metric, from runs that differ only in their seed.

    Attributes:
        sd: standard deviation, in the metric's unit; None without replicates.
        dof: its degrees of freedom: runs minus cells, over the replicated cells.
        cells, runs: how many cells are replicated, and their runs.
        by: name -> its own standard deviation, where the replicates say that names differ; else empty.
    """

    sd: float | None
    dof: int
    cells: int
    runs: int
    by: Mapping[str, float] = field(default_factory=dict)

    def of(self, name: str) -> float:
        """Of one name: its own, else the pooled one; 0 where nothing is known."""
        return self.by.get(name, self.sd or 0.0)

    def apart(self, level: float = 0.9) -> float | None:
        """How far two runs that differ in their seed alone lie apart at most, at ``level``: t * sd * sqrt(2)."""
        if self.sd is None:
            return None
        from scipy.special import stdtrit

        return float(stdtrit(self.dof, (1 + level) / 2)) * self.sd * 2**0.5


def pooled_noise(values: Array, group: np.ndarray, *, by: Array | None = None) -> PooledNoise:
    """The one estimate of seed noise: the pooled within-group standard deviation of ``values`` (n,).

    Args:
        group: (n,) integer labels; rows of one label differ in their seed alone.
        by: (n,) names (recipes) whose noise may differ: they get their own where Bartlett's test (1937; FOUND) says at
            5 % that they do, each from two degrees of freedom or more.
    """
    counts = np.bincount(group)
    many = counts[group] > 1
    cells, runs = int((counts > 1).sum()), int(many.sum())
    dof = runs - cells
    if dof <= 0:
        return PooledNoise(None, 0, 0, 0)
    squares = _within(values, group)
    sd = float(np.sqrt(squares[many].sum() / dof))
    return PooledNoise(sd, dof, cells, runs, {} if by is None else _apart(squares, group, counts, by))


def _apart(squares: Array, group: np.ndarray, counts: np.ndarray, by: Array) -> dict[str, float]:
    """Name -> standard deviation where names differ in it by Bartlett's test at 5 %, else nothing."""
    chance, found = _bartlett(squares, group, counts, by)
    return {str(name): sd for name, (sd, _) in found.items()} if chance <= 0.05 else {}


def _bartlett(
    squares: Array, group: np.ndarray, counts: np.ndarray, by: Array
) -> tuple[float, dict[Any, tuple[float, int]]]:
    """Chance that names differ as much in their noise as they do, and name -> standard deviation, its degrees of
    freedom; of names with two degrees of freedom or more. 1 where fewer than two have them."""
    from scipy.special import chdtrc

    freedom: dict[Any, int] = {}
    total: dict[Any, float] = {}
    for name in np.unique(by):
        rows = (by == name) & (counts[group] > 1)
        dof = int(rows.sum()) - len(np.unique(group[rows]))
        if dof >= 2 and squares[rows].sum() > 0:
            freedom[name], total[name] = dof, float(squares[rows].sum())
    if len(freedom) < 2:
        return 1.0, {}
    nu, every = np.array(list(freedom.values())), sum(freedom.values())
    own = np.array([total[name] / freedom[name] for name in freedom])
    statistic = every * np.log(sum(total.values()) / every) - float((nu * np.log(own)).sum())
    statistic /= 1 + (float((1 / nu).sum()) - 1 / every) / (3 * (len(nu) - 1))
    found = {name: (float(np.sqrt(v)), freedom[name]) for name, v in zip(freedom, own, strict=True)}
    return float(chdtrc(len(nu) - 1, max(statistic, 0.0))), found


def seed_noise(runs: Runs) -> SeedNoise:
    """Pooled within-cell standard deviation of the losses and of their logarithms."""
    plain, logs = pooled_noise(runs.loss, runs.group), pooled_noise(np.log(runs.loss), runs.group)
    return SeedNoise(logs.sd, plain.sd, plain.dof, plain.cells, plain.runs)


def _within(values: Array, group: np.ndarray) -> Array:
    means = np.bincount(group, values) / np.bincount(group)
    found: Array = (values - means[group]) ** 2
    return found


def _uneven(runs: Runs, noise: Noise) -> Noise:
    """The noise with what the replicates say of the size and of the share, each by Bartlett's test at :data:`UNEVEN`.

    The one that shows more is taken first and divided out: the two may stand for each other, and noise that is a
    mixture of two sizes has tails that the test takes for a difference.
    """
    counts = np.bincount(runs.group)
    squares = _within(np.log(runs.loss), runs.group)
    left = [name for name in ("N", "share") if runs.has(name)]
    while left:
        tests = {name: _bartlett(squares, runs.group, counts, getattr(runs, name)) for name in left}
        first = min(left, key=lambda name: tests[name][0])
        chance, found = tests[first]
        if chance > UNEVEN:
            break
        left.remove(first)
        values = np.array(list(found))
        sd, dof = np.array(list(found.values())).T
        if first == "N":
            slope = float(np.polyfit(np.log(values), np.log(sd), 1, w=np.sqrt(dof))[0])
            scale = float(1 / np.sqrt(np.average(values ** (2 * slope), weights=dof)))
            noise = replace(noise, slope=slope, sizes=(float(values.min()), float(values.max())), scale=scale)
            squares = squares / (scale * np.clip(runs.N, *noise.sizes) ** slope) ** 2
        else:
            factors = sd / np.sqrt(np.average(sd**2, weights=dof))
            noise = replace(noise, shares=tuple(zip(values.tolist(), factors.tolist(), strict=True)))
            nearest = np.abs(runs.share[:, None] - values).argmin(axis=1)
            squares = squares / factors[nearest] ** 2
    return noise


def split(runs: Runs, residuals: Array, parameters: int, given: float | None = None) -> Noise:
    """Separate seed noise from lack of fit (a one-way analysis of variance of the residuals).

    Args:
        residuals: log-loss residuals (n,) of a least-squares fit.
        parameters: number of fitted parameters.
        given: seed noise (log-loss) known from elsewhere, for example from the whole study's replicates; used where
            these runs have no replicates, counted as 8 degrees of freedom (CHOSEN: a few replicated cells).
    """
    found = _split(runs, residuals, parameters, given)
    if seed_noise(runs).dof < 4:  # two names of two degrees of freedom each
        return found
    return _uneven(runs, found)


def _split(runs: Runs, residuals: Array, parameters: int, given: float | None) -> Noise:
    measured = seed_noise(runs)
    seed, seed_dof = (measured.sd_log, measured.dof) if measured.dof else (given, 8 if given is not None else 0)
    counts = np.bincount(runs.group)
    dof = runs.cells - parameters
    means = np.bincount(runs.group, residuals) / counts
    if dof <= 0:
        return Noise(seed, seed_dof, 0.0, seed, seed_dof)
    between = float((counts * means**2).sum() / dof)  # expectation: seed^2 + m cell^2
    m = float(counts.mean())
    if seed is None:
        return Noise(None, 0, 0.0, float(np.sqrt(between)), dof)
    if between <= seed**2 * _limit(dof, seed_dof):  # no lack of fit beyond chance: pool both estimates
        pooled = (between * dof + seed**2 * seed_dof) / (dof + seed_dof)
        return Noise(seed, seed_dof, 0.0, float(np.sqrt(pooled)), dof + seed_dof)
    cell = float(np.sqrt(max(between - seed**2, 0.0) / m))
    return Noise(seed, seed_dof, cell, float(np.hypot(seed, cell)), dof)


def _limit(dof: int, seed_dof: int) -> float:
    from scipy.special import fdtri

    return float(fdtri(dof, seed_dof, 0.95))
