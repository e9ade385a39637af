"""Seed noise from replicated runs, and lack of fit from what is left."""

from dataclasses import dataclass

import numpy as np

from synthmix.scaling.inputs import Array
from synthmix.scaling.runs import Runs


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


def seed_noise(runs: Runs) -> SeedNoise:
    """Pooled within-cell standard deviation."""
    counts = np.bincount(runs.group)
    many = counts[runs.group] > 1
    cells, number = int((counts > 1).sum()), int(many.sum())
    dof = number - cells
    if dof == 0:
        return SeedNoise(None, None, 0, 0, 0)
    return SeedNoise(
        float(np.sqrt(_within(np.log(runs.loss), runs.group)[many].sum() / dof)),
        float(np.sqrt(_within(runs.loss, runs.group)[many].sum() / dof)),
        dof,
        cells,
        number,
    )


def _within(values: Array, group: np.ndarray) -> Array:
    means = np.bincount(group, values) / np.bincount(group)
    return (values - means[group]) ** 2


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
