"""One method of ours beside a library's, on one small case."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.valuation.pool import Pool


@dataclass(frozen=True)
class Comparison:
    """Values (n,) of the same n datasets or items, and the seconds that each side took for all of them.

    Attributes:
        what: our method, and the library's in its words.
        why: why the two are not equal, where they are not.
    """

    what: str
    ours: np.ndarray
    theirs: np.ndarray
    seconds: tuple[float, float]
    why: str = ""

    @property
    def spearman(self) -> float:
        """Rank correlation of both sides."""
        from scipy.stats import spearmanr

        return float(spearmanr(self.ours, self.theirs)[0])

    @property
    def difference(self) -> float:
        """The largest difference over the largest value of the library's."""
        return float(np.abs(self.ours - self.theirs).max() / np.abs(self.theirs).max())


def timed(make: Callable[[], Any]) -> tuple[Any, float]:
    """What it makes, and how long the second time took: the first one loads what it needs."""
    make()
    began = time.perf_counter()
    made = make()
    return made, time.perf_counter() - began


def digits(reference: int = 100, size: int = 80, count: int = 12) -> tuple[Pool, list[Pool]]:
    """A reference of digits as rows of 64 pixels, and datasets of ``size`` others, from clean to spoiled: noise on the
    pixels and wrong labels, each from none to much."""
    from sklearn.datasets import load_digits

    data, rng = load_digits(), np.random.default_rng(0)
    order = rng.permutation(len(data.target))
    x, y = data.data[order] / 16, data.target[order]
    pools = []
    for i in range(count):
        rows = slice(reference + i * size, reference + (i + 1) * size)
        noise, flips = (i % 4) / 3, (i % 3) / 2
        wrong = rng.random(size) < 0.6 * flips
        labels = np.where(wrong, (y[rows] + rng.integers(1, 10, size)) % 10, y[rows])
        pools.append(Pool.of(f"pool {i}", x[rows] + rng.normal(0, 0.4 * noise, (size, 64)), labels))
    return Pool.of("reference", x[:reference], y[:reference]), pools
