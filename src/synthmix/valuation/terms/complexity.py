"""How hard a pool's labels are to fit for a model as it stands: y' Theta^-1 y, and the model's loss on the pool.

FOUND: DAVINZ (Wu et al., ICML 2022) and arXiv 2511.13640: sqrt(y' Theta_0^-1 y / n) with Theta_0 the neural tangent
kernel and y the residual 1 - f_y. DERIVED: with gradient features Phi (n, d), Theta = Phi Phi' + ridge I, by Woodbury

    y' Theta^-1 y = (y'y - q' (G + ridge I)^-1 q) / ridge,   G = Phi'Phi, q = Phi'y,

so n items cost O(n d^2), their sums are additive, and no inverse is made.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.term import COUNT, Sums, Term


class GradientBatch(NamedTuple):
    """Of n items: features (n, d) of the gradient of the true output, residuals (n,), losses (n,) in nats."""

    features: np.ndarray
    residuals: np.ndarray
    losses: np.ndarray


class Complexity(Term):
    """sqrt(y' (Phi Phi' + ridge s I)^-1 y / n), with s the reference's mean squared length of a feature vector.

    Args:
        gradients: of a batch, by a model that no candidate changes.
        ridge: explicit, relative to s.
        most: items of a pool that are read: a uniform sample, whose sums count for the whole pool.
    """

    name = reads = "complexity"

    def __init__(
        self, gradients: Callable[[Batch], GradientBatch], *, ridge: float = 1e-2, most: int | None = 512, seed: int = 0
    ) -> None:
        self.gradients, self.ridge, self.most, self.seed = gradients, ridge, most, seed
        self.prepares = gradients

    def fit(self, reference: Pool) -> None:
        """Fix the scale of the kernel."""
        made = self.gradients(reference.take(self.most or 2000, seed=self.seed))
        self._scale = max(float((made.features.astype(float) ** 2).sum(axis=1).mean()), 1e-12)

    def read(self, batch: Batch) -> Sums:
        """G (d, d), q (d,), y'y, and the sum of losses."""
        made = batch.by(self.gradients)
        phi = made.features.astype(float) / np.sqrt(self._scale)
        return {
            "G": phi.T @ phi,
            "q": phi.T @ made.residuals,
            "yy": np.array(float(made.residuals @ made.residuals)),
            "loss": np.array(float(made.losses.sum())),
            COUNT: np.array(float(len(batch))),
        }

    def value(self, sums: Sums, without: int | None = None) -> float:
        """The root, per item."""
        return float(np.sqrt(max(self._energy(sums)[0], 0.0) / max(float(sums[COUNT]), 1e-12)))

    def slope(self, sums: Sums) -> Sums:
        """dE = (2 e dy'y ... ): d E / dq = -2 u / ridge, d E / dG = u u' / ridge with (G + ridge I) u = q."""
        energy, u = self._energy(sums)
        n, value = float(sums[COUNT]), self.value(sums)
        down = 1 / max(2 * value * n, 1e-12)
        return {
            "G": np.outer(u, u) / self.ridge * down,
            "q": -2 * u / self.ridge * down,
            "yy": np.array(down / self.ridge),
            COUNT: np.array(-energy / n * down),
        }

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) change of the value by one more of each item, to first order."""
        made = batch.by(self.gradients)
        phi = made.features.astype(float) / np.sqrt(self._scale)
        quadratic = ((phi @ slope["G"]) * phi).sum(axis=1)
        linear = (phi @ slope["q"]) * made.residuals
        return np.asarray(quadratic + linear + made.residuals**2 * float(slope["yy"]) + float(slope[COUNT]))

    def _energy(self, sums: Sums) -> tuple[float, np.ndarray]:
        from scipy.linalg import cho_factor, cho_solve

        size = len(sums["q"])
        u = cho_solve(cho_factor(sums["G"] + self.ridge * np.eye(size), lower=True), sums["q"])
        return (float(sums["yy"]) - float(sums["q"] @ u)) / self.ridge, u


class _OfComplexity(Term):
    """A term that reads the sums of :class:`Complexity`."""

    reads = "complexity"

    def __init__(self, complexity: Complexity) -> None:
        self._complexity = complexity
        self.prepares = complexity.gradients
        self.most = complexity.most

    def read(self, batch: Batch) -> Sums:
        """What :class:`Complexity` adds."""
        return self._complexity.read(batch)


class Ntk(_OfComplexity):
    """y' Theta_0^-1 y / n, without a root: as arXiv 2511.13640 has it by its public reviews (FOUND); the square of
    :class:`Complexity`, whose sums it reads."""

    name = "ntk"

    def value(self, sums: Sums, without: int | None = None) -> float:
        """Per item."""
        return self._complexity.value(sums) ** 2

    def slope(self, sums: Sums) -> Sums:
        """Of a square."""
        twice = 2 * self._complexity.value(sums)
        return {name: twice * array for name, array in self._complexity.slope(sums).items()}

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) change of the value by one more of each item, to first order."""
        return self._complexity.influence(slope, batch)


class Loss(_OfComplexity):
    """The mean loss of the model on the pool, nats: the paper's first term; reads the sums of :class:`Complexity`."""

    name = "loss"

    def value(self, sums: Sums, without: int | None = None) -> float:
        """Nats an item (for text: a token)."""
        return float(sums["loss"]) / max(float(sums[COUNT]), 1e-12)

    def slope(self, sums: Sums) -> Sums:
        """Of a mean."""
        n = float(sums[COUNT])
        return {"loss": np.array(1 / n), COUNT: np.array(-float(sums["loss"]) / n**2)}

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) change of the value by one more of each item."""
        return np.asarray(batch.by(self._complexity.gradients).losses * float(slope["loss"]) + float(slope[COUNT]))
