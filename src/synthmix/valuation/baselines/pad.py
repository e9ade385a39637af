"""How well a linear classifier tells candidate from reference."""

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.baselines.base import Counted, Found
from synthmix.valuation.baselines.featured import Featured

FOLDS = 5


class Pad(Featured):
    """Minus the proxy A-distance, 2 (1 - 2 error): Ben-David et al. (NeurIPS 2006; Machine Learning 2010).

    FOUND: the formula, with the error of a classifier of the two samples. CHOSEN: scikit-learn's logistic regression
    at C = 1, samples of equal size, error on five held-out folds. A linear classifier sees means only: noise that moves
    none goes unseen.
    """

    name = "pad"

    def _value(self, pool: Counted) -> Found:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        rows = self._rows(pool)
        each = min(len(rows.x), len(self.reference.x))
        if each < FOLDS:
            raise BadInput(f"holds {each} items, where {self.name} needs {FOLDS} or more", where=pool.name)
        rng = np.random.default_rng(self.seed)
        picked = [x[np.sort(rng.permutation(len(x))[:each])] for x in (rows.x, self.reference.x)]
        x, side = np.concatenate(picked), np.repeat([0, 1], each)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed)
        guessed = cross_val_predict(LogisticRegression(max_iter=500), x / self.bandwidth, side, cv=folds)
        error = float(np.mean(guessed != side))
        return Found(-2 * (1 - 2 * error), {"error": error}, rows.kept)
