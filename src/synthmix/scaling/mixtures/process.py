"""What a law of mixtures leaves: a Gaussian process on its residuals, where runs enough show that they hang together.

In units of each run's noise the residuals u are c (sqrt(phi) h + sqrt(1 - phi) e): h a process over the square roots of
the shares (and log N, log D) with a Gaussian kernel of one length, e independent. Length, phi and c by the marginal
likelihood, each domain its own, on a grid; one eigendecomposition a length serves all domains.

Shape letters: n runs, m points, t domains, d features.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from synthmix.scaling.mixtures.points import MixturePoints
from synthmix.scaling.runs import Array, Index, Mask

LENGTHS = (0.15, 0.25, 0.4, 0.6, 0.9)
PARTS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
FEWEST, FEWEST_A_SOURCE, MOST = 100, 8, 800  # runs below which residuals show nothing, above which it is slow (CHOSEN)
_BETTER = 2.0  # log-likelihood that a process has to gain over none


@dataclass(frozen=True, eq=False)
class ResidualProcess:
    """The process of each domain, conditioned on the residuals of some runs.

    Attributes:
        points: the runs (n). scaled: their residuals in units of the noise (t, n).
        length, part, size: of each domain (t,): the kernel's length, phi and c^2.
    """

    points: MixturePoints
    scaled: Array
    length: Array
    part: Array
    size: Array

    def at(self, points: MixturePoints) -> tuple[Array, Array, Array]:
        """Expected u (t, m), its variance (t, m), and the variance of e (t,)."""
        here, there = features(self.points), features(points)
        mean, variance = np.zeros((len(self.part), len(there))), np.zeros((len(self.part), len(there)))
        for i, (length, part, size) in enumerate(zip(self.length, self.part, self.size, strict=True)):
            if part == 0:
                continue
            own = part * kernel(here, here, float(length)) + (1 - part) * np.eye(len(here))
            across = part * kernel(there, here, float(length))
            solved = np.linalg.solve(own, np.column_stack([self.scaled[i], across.T]))
            mean[i] = across @ solved[:, 0]
            variance[i] = size * np.maximum(part - np.einsum("mn,nm->m", across, solved[:, 1:]), 0.0)
        return mean, variance, np.where(self.part > 0, self.size * (1 - self.part), 1.0)

    @cached_property
    def _weights(self) -> Array:
        """(t, n) what the kernel to each run is multiplied by in the mean."""
        here = features(self.points)
        found = np.zeros_like(self.scaled)
        for i, (length, part) in enumerate(zip(self.length, self.part, strict=True)):
            if part > 0:
                own = part * kernel(here, here, float(length)) + (1 - part) * np.eye(len(here))
                found[i] = part * np.linalg.solve(own, self.scaled[i])
        return found

    def mean(self, points: MixturePoints) -> Array:
        """Expected u (t, m), as :meth:`at` has it; many times as fast."""
        here, there = features(self.points), features(points)
        found = np.zeros((len(self.part), len(there)))
        for length in np.unique(self.length[self.part > 0]):
            which = (self.length == length) & (self.part > 0)
            found[which] = self._weights[which] @ kernel(there, here, float(length)).T
        return found

    def of(self, which: Mask | Index, scaled: Array) -> "ResidualProcess":
        """The same process, conditioned on other residuals (t, n) of some of the runs."""
        return ResidualProcess(self.points.select(which), scaled, self.length, self.part, self.size)


def features(points: MixturePoints) -> Array:
    """(n, d): square roots of the shares, and a tenth of log N and log D."""
    scale = [0.1 * np.log(x)[:, None] for x in (points.N, points.D) if x is not None]
    return np.concatenate([np.sqrt(points.shares), *scale], axis=1)


def kernel(one: Array, other: Array, length: float) -> Array:
    """exp(-|x - y|^2 / (2 length^2)), (m, n)."""
    from scipy.spatial.distance import cdist

    found: Array = np.exp(-cdist(one, other, "sqeuclidean") / (2 * length**2))
    return found


def residual_process(points: MixturePoints, scaled: Array) -> ResidualProcess | None:
    """The process that explains the residuals (t, n) best; None where the runs are too few or too many for one, or no
    domain's residuals hang together."""
    n = len(points)
    if not max(FEWEST, FEWEST_A_SOURCE * len(points.sources)) <= n <= MOST:
        return None
    x, t = features(points), len(scaled)
    best = np.full(t, -np.inf)
    none = -0.5 * n * np.log((scaled**2).mean(axis=1))
    length, part, size = np.ones(t), np.zeros(t), np.ones(t)
    for each in LENGTHS:
        values, vectors = np.linalg.eigh(kernel(x, x, each))
        turned = (scaled @ vectors) ** 2
        for share in PARTS[1:]:
            spread = share * np.maximum(values, 0.0) + 1 - share
            squared = (turned / spread).mean(axis=1)
            likely = -0.5 * (np.log(spread).sum() + n * np.log(squared))
            better = likely > best
            best = np.where(better, likely, best)
            length, part = np.where(better, each, length), np.where(better, share, part)
            size = np.where(better, squared, size)
    part = np.where(best > none + _BETTER, part, 0.0)
    return ResidualProcess(points, scaled, length, part, size) if part.any() else None
