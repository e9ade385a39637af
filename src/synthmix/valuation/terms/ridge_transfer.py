"""How well a kernel regression on a pool predicts the reference's labels: transfer without training, for classes.

CHOSEN (not in arXiv 2511.13640): in the neural-tangent limit a trained model is the kernel regression on its training
set (Jacot et al., arXiv 1806.07572), so its error on the reference is known without training it. With features phi
and one-hot labels y, all of a pool is A = sum phi phi' and B = sum phi y'; W = (A + lambda I)^-1 B, and the term is
the mean squared error of W' phi on the reference. The ridge is the best of a fixed grid on the reference, for every
pool alike (one number from a whole reference).
"""

from collections.abc import Callable

import numpy as np

from synthmix.errors import BadInput
from synthmix.theory.mmd import fourier_features, median_distance
from synthmix.theory.products import ExactProduct, rounded
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.term import COUNT, REFERENCE_BLOCKS, Sums, Term, block_of, one_hot

Featurise = Callable[[Batch], np.ndarray]
_Solved = tuple[np.ndarray, float, np.ndarray, np.ndarray, np.ndarray]
RIDGES = tuple(10.0**power for power in range(-6, 1))  # times the trace of A over its size

BANDWIDTH_SAMPLE = 2000  # items of the reference that fix a bandwidth
# Of a lifted feature, whose squares sum to about 2 an item: products are multiples of 2^-36, so that their sums are
# exact, and add up to the last bit, for up to 2^16 items. What is lost is a thousandth of the smallest ridge.
LIFTED_BITS = 18


class Lifted:
    """The encoder's features and random Fourier features of a Gaussian kernel of the reference's median distance.

    A linear part and a smooth one (CHOSEN): a kernel regression on them is linear in the items, whatever their number.
    Both parts have a mean square of 1 over the reference.
    """

    def __init__(
        self, encode: Callable[[Batch], np.ndarray], reference: Pool, *, features: int = 256, seed: int = 0
    ) -> None:
        self.encode, self.features, self.seed = encode, features, seed
        rows = encode(reference.take(BANDWIDTH_SAMPLE, seed=seed))
        self.bandwidth = median_distance(rows, seed=seed)
        self._scale = float(np.sqrt((rows.astype(float) ** 2).sum(axis=1).mean())) or 1.0

    def __call__(self, batch: Batch) -> np.ndarray:
        rows = batch.by(self.encode)
        made = [rows / self._scale]
        if self.features:
            made.append(fourier_features(rows, self.bandwidth, features=self.features, seed=self.seed))
        return rounded(np.concatenate(made, axis=1), LIFTED_BITS)


class RidgeTransfer(Term):
    """Mean squared error of the reference's one-hot labels (0 is perfect; 1 - sum p^2 knows the classes' shares only).

    Args:
        featurise: a batch to phi (n, d).
        ridges: the grid.
    """

    name = reads = "transfer"

    def __init__(self, featurise: Featurise, *, ridges: tuple[float, ...] = RIDGES) -> None:
        self.featurise, self.ridges = featurise, ridges
        self.prepares = featurise
        self._last: tuple[np.ndarray, np.ndarray, _Solved] | None = None

    def fit(self, reference: Pool) -> None:
        """Keep the reference's features and labels.

        Raises:
            BadInput: no labels, or one class only.
        """
        batches = list(reference.batches())
        if batches[0].labels is None:
            raise BadInput("has no labels", where=reference.name)
        labels = np.concatenate([b.labels for b in batches if b.labels is not None])
        self.classes = np.unique(labels)
        if len(self.classes) < 2:
            raise BadInput("holds one class only", where=reference.name, remedy="give a reference with all classes")
        self._phi = _padded(np.concatenate([b.by(self.featurise) for b in batches]))
        self._y = one_hot(labels, self.classes)
        self._block = block_of(np.arange(len(labels)), REFERENCE_BLOCKS)
        self.scale = 1 - float((self._y.mean(axis=0) ** 2).sum())

    def read(self, batch: Batch) -> Sums:
        """A (d, d), B (d, classes), and the number of items."""
        phi = _padded(batch.by(self.featurise)).astype(float)  # float32 sums depend on how items fall into batches
        return {"A": phi.T @ phi, "B": phi.T @ one_hot(batch.labels, self.classes), COUNT: np.array(float(len(phi)))}

    def value(self, sums: Sums, without: int | None = None) -> float:
        """The smallest over the grid of ridges."""
        squared = self._solved(sums)[-1]
        errors = (squared if without is None else squared[self._block != without]).mean(axis=0)
        self._best = self.ridges[int(np.argmin(errors))]
        return float(errors.min())

    def slope(self, sums: Sums) -> Sums:
        """At the best ridge: dW = M^-1 (dB - dA W), so d value / dB = -2 M^-1 G and d value / dA = 2 M^-1 G W'."""
        self.value(sums)
        values, turned, rotated, directions, _ = self._solved(sums)
        down = 1 / (values + self._best * turned)
        weights = rotated * down[:, None]  # W in the eigenvectors of A
        left = self._seen.T @ (self._y - self._seen @ weights) / len(self._y)
        solved = directions @ (left * down[:, None])
        by_b = -2 * solved
        by_a = 2 * solved @ (directions @ weights).T
        # The ridge is a share of the trace of A: it moves with it.
        by_trace = 2 * self._best / len(values) * float(((left * down[:, None]) * weights).sum())
        return {"A": (by_a + by_a.T) / 2 + by_trace * np.eye(len(values)), "B": by_b}

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) change of the value by one more of each item, to first order."""
        phi, y = _padded(batch.by(self.featurise)), one_hot(batch.labels, self.classes)
        by_a, by_b = ExactProduct(slope["A"])(phi), ExactProduct(slope["B"])(phi)  # equal items, equal influences
        return np.asarray((by_a * phi).sum(axis=1) + (by_b * y).sum(axis=1))

    def _solved(self, sums: Sums) -> _Solved:
        """(eigenvalues of A, their mean, B in the eigenvectors, eigenvectors, squared error of each of the reference's
        items at each ridge); the reference is turned along."""
        if (
            self._last is not None and self._last[0] is sums["A"] and self._last[1] is sums["B"]
        ):  # asked again for another part of the reference
            return self._last[2]
        values, directions = np.linalg.eigh(sums["A"])
        self._seen = (self._phi @ directions.astype(self._phi.dtype)).astype(float)
        mean, values, rotated = max(float(values.mean()), 1e-12), np.maximum(values, 0.0), directions.T @ sums["B"]
        weights = np.concatenate([rotated / (values + ridge * mean)[:, None] for ridge in self.ridges], axis=1)
        missed = (self._seen @ weights).reshape(len(self._y), len(self.ridges), -1) - self._y[:, None]
        made = values, mean, rotated, directions, (missed**2).sum(axis=2)
        self._last = (sums["A"], sums["B"], made)
        return made


def _padded(phi: np.ndarray) -> np.ndarray:
    """With a constant 1 for the intercept."""
    return np.concatenate([phi, np.ones((len(phi), 1), phi.dtype)], axis=1)
