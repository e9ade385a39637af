"""Seed noise from replicated runs, and lack of fit from what is left."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from synthmix.scaling.runs import Array, Runs


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
    """

    seed: float | None
    seed_dof: int
    cell: float
    total: float | None
    dof: int


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
    """Name -> standard deviation where names differ in it by Bartlett's test, else nothing."""
    from scipy.special import chdtrc

    freedom: dict[str, int] = {}
    total: dict[str, float] = {}
    for name in np.unique(by):
        rows = (by == name) & (counts[group] > 1)
        dof = int(rows.sum()) - len(np.unique(group[rows]))
        if dof >= 2 and squares[rows].sum() > 0:
            freedom[str(name)], total[str(name)] = dof, float(squares[rows].sum())
    if len(freedom) < 2:
        return {}
    nu, every = np.array(list(freedom.values())), sum(freedom.values())
    own = np.array([total[name] / freedom[name] for name in freedom])
    statistic = every * np.log(sum(total.values()) / every) - float((nu * np.log(own)).sum())
    statistic /= 1 + (float((1 / nu).sum()) - 1 / every) / (3 * (len(nu) - 1))
    if chdtrc(len(nu) - 1, max(statistic, 0.0)) > 0.05:
        return {}
    return {name: float(np.sqrt(variance)) for name, variance in zip(freedom, own, strict=True)}


def seed_noise(runs: Runs) -> SeedNoise:
    """Pooled within-cell standard deviation of the losses and of their logarithms."""
    plain, logs = pooled_noise(runs.loss, runs.group), pooled_noise(np.log(runs.loss), runs.group)
    return SeedNoise(logs.sd, plain.sd, plain.dof, plain.cells, plain.runs)


def _within(values: Array, group: np.ndarray) -> Array:
    means = np.bincount(group, values) / np.bincount(group)
    found: Array = (values - means[group]) ** 2
    return found


def split(runs: Runs, residuals: Array, parameters: int, given: float | None = None) -> Noise:
    """Separate seed noise from lack of fit (a one-way analysis of variance of the residuals).

    Args:
        residuals: log-loss residuals (n,) of a least-squares fit.
        parameters: number of fitted parameters.
        given: seed noise (log-loss) known from elsewhere, for example from the whole study's replicates; used where
            these runs have no replicates, counted as 8 degrees of freedom (CHOSEN: a few replicated cells).
    """
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
