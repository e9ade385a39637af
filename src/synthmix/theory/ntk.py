"""The complexity of fitting labels with a model's neural tangent kernel: y' Theta^-1 y.

FOUND: Jacot et al. (arXiv 1806.07572) for the kernel; Arora et al. (arXiv 1901.08584) for the complexity; DAVINZ (Wu et
al., ICML 2022) for its use before training. CHOSEN for causal language models: one scalar output a sample, the true
token's logit less the mean logit of its position, and the gradient by the output layer alone, where it factorises.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


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
