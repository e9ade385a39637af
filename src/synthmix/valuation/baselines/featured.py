"""Baselines that compare an encoder's features of a pool with those of the reference."""

from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.theory.mmd import median_distance
from synthmix.valuation.baselines.base import Baseline
from synthmix.valuation.pool import Pool

SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)  # bandwidths over the median distance of the reference (CHOSEN, powers of two)


@dataclass(frozen=True)
class Rows:
    """Features (n, d) float64 of a sample, and its labels (n,) where there are any."""

    x: np.ndarray
    labels: np.ndarray | None

    @property
    def kept(self) -> int:
        """Bytes."""
        return int(self.x.nbytes)


class Featured(Baseline):
    """Holds the reference's rows and the median distance among them."""

    def _fit(self, reference: Pool) -> None:
        self._encoder(reference)
        self.reference = self._rows(reference)
        self.bandwidth = median_distance(self.reference.x, most=self.most)

    def _rows(self, pool: Pool) -> Rows:
        """A sample of a pool, encoded.

        Raises:
            BadInput: fewer than two items, or features that are not finite.
        """
        assert self.encoder is not None
        batch = self._sample(pool)
        if len(batch) < 2:
            raise BadInput(f"holds one item, where {self.name} needs two or more", where=pool.name)
        x = np.asarray(self.encoder.encode(batch.items), dtype=np.float64)
        if not np.isfinite(x).all():
            raise BadInput("has features that are not finite", where=pool.name, remedy="drop or mend those rows")
        return Rows(x, batch.labels)

    def _kernel(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """(n, m): the mean of Gaussian kernels at :data:`SCALES` times the reference's median distance."""
        squares = np.maximum(squared_distances(a, b), 0.0)
        return np.mean([np.exp(squares / (-2 * (scale * self.bandwidth) ** 2)) for scale in SCALES], axis=0)


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) of rows (n, d) and (m, d)."""
    made = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1)[None, :] - 2 * a @ b.T
    return np.asarray(np.maximum(made, 0.0))


def unbiased(within_a: np.ndarray, within_b: np.ndarray, between: np.ndarray) -> float:
    """Squared MMD from kernels (n, n), (m, m), (n, m), without the diagonals: mean zero for equal distributions
    (Gretton et al., JMLR 2012, eq. 3); it may be below 0."""
    n, m = between.shape
    own = (within_a.sum() - np.trace(within_a)) / (n * (n - 1)) + (within_b.sum() - np.trace(within_b)) / (m * (m - 1))
    return float(own - 2 * between.mean())


def rooted(squared: float) -> float:
    """The root with its sign, so that values below 0 keep their order."""
    return float(np.sign(squared) * np.sqrt(abs(squared)))
