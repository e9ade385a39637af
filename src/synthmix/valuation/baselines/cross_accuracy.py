"""Train on one side, test on the other."""

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.baselines.base import Counted, Found, labels_of
from synthmix.valuation.baselines.featured import Featured


class CrossAccuracy(Featured):
    """Accuracy on the reference of a linear classifier of the candidate ("train on synthetic, test on real", Esteban et
    al., arXiv 1706.02633); the term ``back`` is the other way round.

    CHOSEN: scikit-learn's logistic regression at C = 1 on the encoder's features.
    """

    name = "cross_accuracy"

    def _value(self, pool: Counted) -> Found:
        from sklearn.linear_model import LogisticRegression

        labels_of(next(iter(pool.batches())), pool.name, self.name)
        rows, target = self._rows(pool), self.reference
        if target.labels is None:
            raise BadInput(f"the reference has no labels, which {self.name} needs", where=pool.name, key="labels")
        for where, labels in ((pool.name, rows.labels), ("the reference", target.labels)):
            if len(np.unique(np.asarray(labels))) < 2:
                raise BadInput("holds one class only", where=where, remedy=f"{self.name} needs two or more")
        sides = ((rows.x, rows.labels), (target.x, target.labels))
        there, back = (
            LogisticRegression(max_iter=500).fit(a / self.bandwidth, y).score(b / self.bandwidth, z)
            for (a, y), (b, z) in (sides, sides[::-1])
        )
        return Found(there, {"accuracy": there, "back": back}, rows.kept)
