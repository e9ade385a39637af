"""Methods that compare an encoder's features of a pool with those of the reference, with labels where they need them.

MMD, label-conditional MMD, optimal transport (LAVA), the proxy A-distance, cross accuracy, KNN-Shapley.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.theory.mmd import median_distance
from synthmix.valuation.methods.baseline import Baseline, CountedPool, Result, one_class
from synthmix.valuation.pool import Pool, labels_of

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


class FeatureMethod(Baseline):
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


class Mmd(FeatureMethod):
    """-MMD(candidate, reference): Xu, Wang, Foo, Low and Fanti, "Data Distribution Valuation" (NeurIPS 2024).

    FOUND: the value is the negative MMD of a sample. CHOSEN: the mean of five Gaussian kernels around the reference's
    median distance, the unbiased estimate, its root with its sign. Labels are not looked at.
    """

    name = "mmd"

    def _fit(self, reference: Pool) -> None:
        super()._fit(reference)
        self._own = self._kernel(self.reference.x, self.reference.x)

    def _value(self, pool: CountedPool) -> Result:
        rows = self._rows(pool)
        squared = unbiased(self._kernel(rows.x, rows.x), self._own, self._kernel(rows.x, self.reference.x))
        return Result(-rooted(squared), {"mmd2": squared}, rows.kept)


class ConditionalMmd(FeatureMethod):
    """-MMD^2 with the kernel k(x, x') 1[y = y']: features count within a class only.

    FOUND (measured, science file): a plain MMD hardly sees wrong labels, a label-conditional one does; KAIROS (arXiv
    2506.23799) uses such kernels too. CHOSEN: the product kernel, which also sees other shares of the classes.
    """

    name = "conditional_mmd"

    def _fit(self, reference: Pool) -> None:
        labels_of(next(iter(reference.batches())), reference.name, self.name)
        super()._fit(reference)
        self._own = self._joint(self.reference.x, self.reference.x, self.reference.labels, self.reference.labels)

    def _joint(self, a: np.ndarray, b: np.ndarray, of_a: np.ndarray | None, of_b: np.ndarray | None) -> np.ndarray:
        assert of_a is not None
        assert of_b is not None
        return np.asarray(self._kernel(a, b) * (of_a[:, None] == of_b[None, :]))

    def _value(self, pool: CountedPool) -> Result:
        labels_of(next(iter(pool.batches())), pool.name, self.name)
        rows, target = self._rows(pool), self.reference
        squared = unbiased(
            self._joint(rows.x, rows.x, rows.labels, rows.labels),
            self._own,
            self._joint(rows.x, target.x, rows.labels, target.labels),
        )
        return Result(-rooted(squared), {"mmd2": squared}, rows.kept, one_class(rows.labels))


class Lava(FeatureMethod):
    """Minus the class-wise Wasserstein distance: Just et al., "LAVA: Data Valuation without Pre-Specified Learning
    Algorithms" (ICLR 2023), by POT's exact solver.

    FOUND: the cost of two labelled items is the cost of their features plus the Wasserstein distance of their labels'
    features (sections 2 and 3.1); a document's value is the calibrated gradient, its dual potential less the mean of
    the others' (eq. 1). CHOSEN: squared distances in units of the reference's median, both parts weighted alike, no
    entropic term. Without labels it is the plain transport of the features.
    """

    name = "lava"

    def _value(self, pool: CountedPool) -> Result:
        rows = self._rows(pool)
        cost, _ = self._transport(rows, pool.name)
        return Result(-float(np.sqrt(max(cost, 0.0))), {"transport": cost}, rows.kept, one_class(rows.labels))

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


FOLDS = 5


class Pad(FeatureMethod):
    """Minus the proxy A-distance, 2 (1 - 2 error): Ben-David et al. (NeurIPS 2006; Machine Learning 2010).

    FOUND: the formula, with the error of a classifier of the two samples. CHOSEN: scikit-learn's logistic regression
    at C = 1, samples of equal size, error on five held-out folds. A linear classifier sees means only: noise that moves
    none goes unseen.
    """

    name = "pad"

    def _value(self, pool: CountedPool) -> Result:
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold, cross_val_predict

        rows = self._rows(pool)
        each = min(len(rows.x), len(self.reference.x))
        if each < FOLDS:
            where = pool.name if len(rows.x) == each else "the reference"
            raise BadInput(f"holds {each} items, where {self.name} needs {FOLDS} or more", where=where)
        rng = np.random.default_rng(self.seed)
        picked = [x[np.sort(rng.permutation(len(x))[:each])] for x in (rows.x, self.reference.x)]
        x, side = np.concatenate(picked), np.repeat([0, 1], each)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed)
        guessed = cross_val_predict(LogisticRegression(max_iter=500), x / self.bandwidth, side, cv=folds)
        error = float(np.mean(guessed != side))
        return Result(-2 * (1 - 2 * error), {"error": error}, rows.kept)


class CrossAccuracy(FeatureMethod):
    """Accuracy on the reference of a linear classifier of the candidate ("train on synthetic, test on real", Esteban et
    al., arXiv 1706.02633); the term ``back`` is the other way round.

    CHOSEN: scikit-learn's logistic regression at C = 1 on the encoder's features.
    """

    name = "cross_accuracy"

    def _value(self, pool: CountedPool) -> Result:
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
        return Result(there, {"accuracy": there, "back": back}, rows.kept)


class KnnShapley(FeatureMethod):
    """The sum of the documents' values: Jia et al., "Efficient Task-Specific Data Valuation for Nearest Neighbor
    Algorithms" (VLDB 2019), theorem 1.

    The sum is the utility of the whole set, the mean share of a reference item's k neighbours that have its label
    (efficiency of the Shapley value). CHOSEN: k = 5, distances of the encoder's features.
    """

    name = "knn_shapley"
    neighbours = 5

    def _value(self, pool: CountedPool) -> Result:
        rows = self._labelled(pool)
        values = self._documents(rows)
        warnings = one_class(rows.labels)
        return Result(values.sum(), {"mean": values.mean(), "negative": np.mean(values < 0)}, rows.kept, warnings)

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
