"""The distance of a pool's distribution from the reference's: maximum mean discrepancy, given the labels if there are.

FOUND: MMD (Gretton et al., JMLR 2012) is a term of arXiv 2511.13640, with several kernels; random Fourier features
(Rahimi & Recht 2007) make it linear in the items. CHOSEN: Gaussian kernels of half, once and twice the reference's
median distance, equally weighted; with labels the kernel is that of (item, label) pairs, k(x, x') 1[y = y'], since the
plain one cannot see labels that are wrong.
"""

from collections.abc import Callable

import numpy as np

from synthmix.theory.mmd import fourier_features, median_distance
from synthmix.theory.products import ExactProduct, rounded
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.term import COUNT, LENGTHS, REFERENCE_BLOCKS, SQUARES, Sums, Term, block_of, one_hot

WIDTHS = (0.5, 1.0, 2.0)  # of the kernels, times the reference's median distance
# Features are rounded to multiples of 2^-30, as float32 holds those above 2^-7, and squared lengths to 2^-36: their
# sums are exact in any order and add up to the last bit, for up to 2^23 and 2^17 items.
FEATURE_BITS, LENGTH_BITS = 30, 36
ALONE = 1e-9  # of the squared weight of all items, what pairs of different ones have, where there is but one


class Discrepancy(Term):
    """MMD, the root of the squared one's unbiased estimate (0 where that is below 0).

    Args:
        featurise: a batch to vectors (n, d).
        conditional: on the labels, where the reference has them.
        features: random features of each kernel.
    """

    name = reads = "discrepancy"

    def __init__(
        self,
        featurise: Callable[[Batch], np.ndarray],
        *,
        conditional: bool = True,
        features: int = 512,
        widths: tuple[float, ...] = WIDTHS,
        seed: int = 0,
    ) -> None:
        self.featurise, self.conditional, self.features = featurise, conditional, features
        self.prepares = featurise
        self.widths, self.seed = widths, seed

    def fit(self, reference: Pool) -> None:
        """Fix the bandwidths, and keep the reference's sums by block."""
        batches = list(reference.batches())
        labelled = self.conditional and batches[0].labels is not None
        labels = np.concatenate([b.labels for b in batches if b.labels is not None]) if labelled else None
        self.classes = None if labels is None else np.unique(labels)
        rows = [b.by(self.featurise) for b in batches]
        seen = getattr(self.featurise, "seen", None)  # by the encoder
        unseen = np.ones(sum(map(len, rows)), bool) if seen is None else ~seen(sum(map(len, rows)))
        self._median = median_distance(np.concatenate(rows)[unseen], seed=self.seed)
        maps = np.concatenate([self._map(r) for r in rows])[unseen]
        labels = None if labels is None else labels[unseen]
        block = block_of(np.arange(len(maps)), REFERENCE_BLOCKS)
        which, count = np.zeros(len(maps), int), 1
        if labels is not None and self.classes is not None:
            which, count = np.searchsorted(self.classes, labels), len(self.classes)
        self._sums = np.zeros((REFERENCE_BLOCKS, count, maps.shape[1]))
        np.add.at(self._sums, (block, which), maps)
        self._counts = np.bincount(block, minlength=REFERENCE_BLOCKS).astype(float)
        self._lengths = np.bincount(block, _squared_lengths(maps), minlength=REFERENCE_BLOCKS)

    def read(self, batch: Batch) -> Sums:
        """Sum of the feature map by class (classes, features x kernels), and of the maps' squared lengths, which are 1
        but for rounding; an item of a class that the reference lacks adds to the number of items only."""
        maps = self._map(batch.by(self.featurise))
        n, lengths = np.array(float(len(maps))), _squared_lengths(maps)
        if self.classes is None:
            return {"S": maps.sum(axis=0, dtype=float)[None], COUNT: n, SQUARES: n, LENGTHS: lengths.sum()}
        hot = one_hot(batch.labels, self.classes)
        lengths = lengths @ hot.sum(axis=1)
        return {"S": hot.T @ maps.astype(float), COUNT: n, SQUARES: np.array(hot.sum()), LENGTHS: lengths}

    def value(self, sums: Sums, without: int | None = None) -> float:
        """sqrt(max(MMD^2, 0)), at most sqrt(2)."""
        return float(np.sqrt(min(max(self.squared(sums, without), 0.0), 2.0)))

    def squared(self, sums: Sums, without: int | None = None) -> float:
        """The unbiased estimate of MMD^2; of one item, of which there is none, that of the point where it lies."""
        mean, within = self._parts(without)
        total, ours = float(sums[COUNT]), float(sums[SQUARES])
        left = total**2 - ours
        if left <= ALONE * total**2:
            mine = float((sums["S"] ** 2).sum()) / max(total**2, 1e-12)
        else:
            mine = (float((sums["S"] ** 2).sum()) - float(sums[LENGTHS])) / left
        return mine + within - 2 * float((sums["S"] * mean).sum()) / max(total, 1e-12)

    def between(self, sums: Sums, others: Sums) -> float:
        """The MMD of two pools, each of two items or more: the root of the unbiased estimate, as :meth:`value`."""
        both = [(each["S"], float(each[COUNT]), float(each[COUNT]) ** 2 - float(each[SQUARES]), float(each[LENGTHS]))
                for each in (sums, others)]  # fmt: skip
        within = sum((float((s**2).sum()) - lengths) / max(left, 1e-12) for s, _, left, lengths in both)
        cross = float((both[0][0] * both[1][0]).sum()) / max(both[0][1] * both[1][1], 1e-12)
        return float(np.sqrt(min(max(within - 2 * cross, 0.0), 2.0)))

    def slope(self, sums: Sums) -> Sums:
        """d MMD / d sums: none where the estimate is not above 0, since nothing can be seen to be wrong there."""
        mean, _ = self._parts(None)
        total, ours = float(sums[COUNT]), float(sums[SQUARES])
        left = total**2 - ours
        energy = float((sums["S"] ** 2).sum()) - float(sums[LENGTHS])
        square = self.squared(sums)
        down = 2 * np.sqrt(square) if square > 0 else np.inf
        if left <= ALONE * total**2:
            of_s = 2 * sums["S"] / total**2 - 2 * mean / total
            of_n = -2 * float((sums["S"] ** 2).sum()) / total**3 + 2 * float((sums["S"] * mean).sum()) / total**2
            return {"S": of_s / down, COUNT: np.array(of_n / down), SQUARES: np.array(0.0), LENGTHS: np.array(0.0)}
        by_s = 2 * sums["S"] / left - 2 * mean / total
        by_n = -energy * 2 * total / left**2 + 2 * float((sums["S"] * mean).sum()) / total**2
        return {
            "S": by_s / down,
            COUNT: np.array(by_n / down),
            SQUARES: np.array(energy / left**2 / down),
            LENGTHS: np.array(-1 / left / down),
        }

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) change of the value by one more of each item, to first order."""
        maps = self._map(batch.by(self.featurise))
        own = float(slope[SQUARES]) + float(slope[LENGTHS]) * _squared_lengths(maps)
        by_class = ExactProduct(slope["S"].T)(maps)  # equal items have equal influences, wherever they stand
        hot = np.ones((len(maps), 1)) if self.classes is None else one_hot(batch.labels, self.classes)
        return np.asarray((hot * by_class).sum(axis=1) + float(slope[COUNT]) + own * hot.sum(axis=1))

    def _map(self, rows: np.ndarray) -> np.ndarray:
        maps = [
            fourier_features(rows, self._median * width, features=self.features, seed=self.seed + i)
            for i, width in enumerate(self.widths)
        ]
        return rounded(np.concatenate(maps, axis=1) / np.float32(np.sqrt(len(maps))), FEATURE_BITS)

    def _parts(self, without: int | None) -> tuple[np.ndarray, float]:
        """(mean map by class, mean product of two different items) of the reference."""
        keep = np.ones(REFERENCE_BLOCKS, bool)
        if without is not None:
            keep[without] = False
        n = float(self._counts[keep].sum())
        total = self._sums[keep].sum(axis=0)
        within = (float((total**2).sum()) - float(self._lengths[keep].sum())) / max(n * (n - 1), 1.0)
        return total / n, within


def _squared_lengths(maps: np.ndarray) -> np.ndarray:
    """(n,) of the rows."""
    return rounded(np.square(maps, dtype=float).sum(axis=1), LENGTH_BITS)
