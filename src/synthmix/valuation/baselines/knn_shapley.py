"""Shapley values of documents for a nearest-neighbour classifier, in closed form."""

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.baselines.base import Counted, Found, labels_of, one_class
from synthmix.valuation.baselines.featured import Featured, Rows, squared_distances
from synthmix.valuation.pool import Pool


class KnnShapley(Featured):
    """The sum of the documents' values: Jia et al., "Efficient Task-Specific Data Valuation for Nearest Neighbor
    Algorithms" (VLDB 2019), theorem 1.

    The sum is the utility of the whole set, the mean share of a reference item's k neighbours that have its label
    (efficiency of the Shapley value). CHOSEN: k = 5, distances of the encoder's features.
    """

    name = "knn_shapley"
    neighbours = 5

    def _value(self, pool: Counted) -> Found:
        rows = self._labelled(pool)
        values = self._documents(rows)
        warnings = one_class(rows.labels)
        return Found(values.sum(), {"mean": values.mean(), "negative": np.mean(values < 0)}, rows.kept, warnings)

    def documents(self, pool: Pool) -> np.ndarray:
        """(n,): values of the sampled documents in order."""
        return self._documents(self._labelled(pool))

    def _labelled(self, pool: Pool) -> Rows:
        labels_of(next(iter(pool.batches())), pool.name, self.name)
        if self.reference.labels is None:
            raise BadInput(f"the reference has no labels, which {self.name} needs", where=pool.name, key="labels")
        rows = self._rows(pool)
        return rows

    def _documents(self, rows: Rows) -> np.ndarray:
        target = self.reference
        assert rows.labels is not None
        assert target.labels is not None
        order = np.argsort(squared_distances(target.x, rows.x), axis=1, kind="stable")  # (m, n)
        right = (rows.labels[order] == target.labels[:, None]).astype(np.float64)
        n, k = order.shape[1], self.neighbours
        at = np.arange(1, n)  # rank of the nearer one of two neighbours in the order
        steps = (right[:, :-1] - right[:, 1:]) / k * np.minimum(k, at) / at
        last = right[:, -1:] * min(k, n) / (k * n)
        rest = np.cumsum(steps[:, ::-1], axis=1)[:, ::-1]
        sorted_values = last + np.concatenate([rest, np.zeros((len(right), 1))], axis=1)
        values = np.zeros_like(sorted_values)
        np.put_along_axis(values, order, sorted_values, axis=1)
        return np.asarray(values.mean(axis=0))
