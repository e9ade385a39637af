"""Optimal transport between candidate and reference, labels included."""

from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.baselines.base import Counted, Found, one_class
from synthmix.valuation.baselines.featured import Featured, Rows, squared_distances
from synthmix.valuation.pool import Pool


class Lava(Featured):
    """Minus the class-wise Wasserstein distance: Just et al., "LAVA: Data Valuation without Pre-Specified Learning
    Algorithms" (ICLR 2023), by POT's exact solver.

    FOUND: the cost of two labelled items is the cost of their features plus the Wasserstein distance of their labels'
    features (sections 2 and 3.1); a document's value is the calibrated gradient, its dual potential less the mean of
    the others' (eq. 1). CHOSEN: squared distances in units of the reference's median, both parts weighted alike, no
    entropic term. Without labels it is the plain transport of the features.
    """

    name = "lava"

    def _value(self, pool: Counted) -> Found:
        rows = self._rows(pool)
        cost, _ = self._transport(rows, pool.name)
        return Found(-float(np.sqrt(max(cost, 0.0))), {"transport": cost}, rows.kept, one_class(rows.labels))

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,): values of the sampled documents in order, minus their calibrated gradients; higher is better."""
        rows = self._rows(pool)
        _, potential = self._transport(rows, pool.name)
        n = len(potential)
        return np.asarray(-(potential - (potential.sum() - potential) / (n - 1)))

    def _transport(self, rows: Rows, where: str) -> tuple[float, np.ndarray]:
        ot, target = _library(), self.reference
        cost = self._costs(rows.x, target.x)
        if (rows.labels is None) != (target.labels is None):
            raise BadInput("labels are on one side only, candidate or reference", where=where, key="labels")
        if rows.labels is not None and target.labels is not None:
            cost = cost + self._labels(rows.x, rows.labels, target.x, target.labels)
        total, log = ot.emd2(ot.unif(len(rows.x)), ot.unif(len(target.x)), cost, log=True, numItermax=1_000_000)
        return float(total), np.asarray(log["u"])

    def _labels(self, x: np.ndarray, of_x: np.ndarray, y: np.ndarray, of_y: np.ndarray) -> np.ndarray:
        """(n, m): squared Wasserstein distance of the two items' classes."""
        ot = _library()
        (mine, at_x), (theirs, at_y) = np.unique(of_x, return_inverse=True), np.unique(of_y, return_inverse=True)
        between = np.empty((len(mine), len(theirs)))
        for i, a in enumerate(mine):
            for j, b in enumerate(theirs):
                cost = self._costs(x[of_x == a], y[of_y == b])
                between[i, j] = ot.emd2(ot.unif(cost.shape[0]), ot.unif(cost.shape[1]), cost, numItermax=1_000_000)
        return np.asarray(between[np.ix_(at_x, at_y)])

    def _costs(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(squared_distances(a, b) / self.bandwidth**2)


def _library() -> Any:
    """POT.

    Raises:
        BadInput: it is not installed.
    """
    try:
        import ot
    except ImportError:
        raise BadInput("lava needs POT", remedy="run pip install 'synthmix[value]'") from None
    return ot
