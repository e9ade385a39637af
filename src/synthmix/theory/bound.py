"""The generalization bound of a mixture, term by term.

Parts FOUND (Wang et al., arXiv 2511.13640; DAVINZ, ICML 2022, Theorem 1), assembly DERIVED: with probability at least
1 - O(delta), for n samples of which n pi are natural,

    L_T <= pi L_r + (1 - pi) L_s                            empirical losses on both parts
         + pi d(D_r, T) + (1 - pi) d(D_s, T)                discrepancies to the target (MMD)
         + c1 sqrt(y' Theta^-1 y / n)                       complexity of the residuals for the model's NTK
         + c2 sqrt(2 max(pi, 1 - pi) log(8 / delta) / n)    confidence
         + eps.

The constants are not known (c1 = c2 = 1 here, the losses are in nats and not bounded): the value is loose, its ranking
of mixtures is what can be tested.

The complexity of fitting labels with a model's neural tangent kernel is y' Theta^-1 y. FOUND: Jacot et al. (arXiv
1806.07572) for the kernel; Arora et al. (arXiv 1901.08584) for the complexity; DAVINZ (Wu et al., ICML 2022) for its
use before training. CHOSEN for causal language models: one scalar output a sample, the true token's logit less the mean
logit of its position, and the gradient by the output layer alone, where it factorises.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Bound:
    """What the bound is made of; :attr:`terms` are the addends.

    Attributes:
        pi: natural share. n: samples. delta: confidence.
        loss_natural, loss_synthetic: empirical losses, nats per token.
        far_natural, far_synthetic: MMD of each part to the target.
        amount, power: complexity y' Theta^-1 y ~ amount n^power (theory/bound.py, growth).
        c1, c2, eps: the constants.

    Raises:
        BadInput: pi outside [0, 1], n below 1, delta outside (0, 1), a negative term.
    """

    pi: float
    n: float
    loss_natural: float
    loss_synthetic: float
    far_natural: float
    far_synthetic: float
    amount: float
    power: float
    delta: float = 0.05
    c1: float = 1.0
    c2: float = 1.0
    eps: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.pi <= 1:
            raise BadInput(f"is {self.pi:g}", where="bound", key="pi", remedy="give a natural share between 0 and 1")
        if not self.n >= 1 or math.isinf(self.n):
            raise BadInput(f"is {self.n:g}", where="bound", key="n", remedy="give a number of samples, 1 or more")
        if not 0 < self.delta < 1:
            raise BadInput(f"is {self.delta:g}", where="bound", key="delta", remedy="give one between 0 and 1")
        for name in ("loss_natural", "loss_synthetic", "far_natural", "far_synthetic", "amount", "c1", "c2", "eps"):
            if not getattr(self, name) >= 0:
                raise BadInput(f"is {getattr(self, name):g}", where="bound", key=name, remedy="give 0 or more")

    @property
    def terms(self) -> dict[str, float]:
        """The addends by name."""
        widest = max(self.pi, 1 - self.pi)
        return {
            "empirical_natural": self.pi * self.loss_natural,
            "empirical_synthetic": (1 - self.pi) * self.loss_synthetic,
            "discrepancy_natural": self.pi * self.far_natural,
            "discrepancy_synthetic": (1 - self.pi) * self.far_synthetic,
            "complexity": self.c1 * math.sqrt(self.amount * self.n ** (self.power - 1)),
            "confidence": self.c2 * math.sqrt(2 * widest * math.log(8 / self.delta) / self.n),
            "eps": self.eps,
        }

    @property
    def total(self) -> float:
        """The bound."""
        return sum(self.terms.values())

    def at(self, *, pi: float | None = None, n: float | None = None) -> Self:
        """The same text and model at another share or number of samples (the complexity is that of the old share)."""
        return replace(self, pi=self.pi if pi is None else pi, n=self.n if n is None else n)


def last_layer_kernel(hidden: Array, targets: Array, vocab: int, other: tuple[Array, Array] | None = None) -> Array:
    """The kernel of the output layer, (m, m) (or (m, l) against ``other``).

    With logits W h, the gradient of (W h)_y - mean(W h) by W is (e_y - 1/V) h', so

        Theta_ij = (1[y_i = y_j] - 1/V) <h_i, h_j>.

    Args:
        hidden: states before the output layer (m, d).
        targets: true tokens (m,).
        vocab: V.
        other: hidden states and targets of other samples.
    """
    their_hidden, their_targets = (hidden, targets) if other is None else other
    same = (targets[:, None] == their_targets[None, :]).astype(np.float64) - 1 / vocab
    return np.asarray((hidden.astype(np.float64) @ their_hidden.astype(np.float64).T) * same)


def feature_kernel(features: Array) -> Array:
    """The kernel (m, m) of gradient features (m, d), projected or whole."""
    wide = features.astype(np.float64)
    return np.asarray(wide @ wide.T)


def complexity(kernel: Array, residual: Array, ridge: float = 1e-3) -> float:
    """y' (Theta + ridge tr(Theta)/m I)^-1 y for residuals (m,), with the kernel scaled to a mean diagonal of 1.

    The scale makes models of different widths comparable; the ridge (CHOSEN) stands for lambda_min > 0, which holds for
    no kernel of a finite layer and more samples than features.
    """
    from scipy.linalg import cho_factor, cho_solve

    m = len(residual)
    scale = float(np.trace(kernel)) / m
    if not scale > 0:
        return 0.0 if not np.any(residual) else float("inf")
    matrix = kernel / scale + ridge * np.eye(m)
    return float(residual @ cho_solve(cho_factor(matrix, lower=True), residual))


def growth(kernel: Array, residual: Array, ridge: float = 1e-3, *, seed: int = 0) -> tuple[float, float]:
    """(amount, power) with complexity ~ amount m^power, from a quarter, a half and all of the samples (m,).

    A function that the kernel can express has power 0, noise has power 1; the term sqrt(complexity / n) of the bound at
    an n that is larger than m is read off this line.
    """
    order = np.random.default_rng(seed).permutation(len(residual))
    sizes = [max(2, len(order) * part // 4) for part in (1, 2, 4)]
    values = [complexity(kernel[np.ix_(order[:m], order[:m])], residual[order[:m]], ridge) for m in sizes]
    if min(values) <= 0 or not np.isfinite(values).all():
        return float(values[-1]), 0.0
    power, log_amount = np.polyfit(np.log(sizes), np.log(values), 1)
    return float(np.exp(log_amount)), float(np.clip(power, 0.0, 1.0))
