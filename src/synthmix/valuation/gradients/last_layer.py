"""Gradients by the output layer alone: error times hidden state, from a forward pass.

FOUND: the factorisation is that of theory/ntk.py; a projection of both factors as in LoGra (Choe et al., arXiv
2405.13954) where the product is wider than asked for.
"""

from typing import Any

import numpy as np

from synthmix.valuation.gradients.sketch import basis, sides
from synthmix.valuation.learners import Learner, Reading, Scalar
from synthmix.valuation.pool import Batch


def last_layer(
    learner: Learner, model: Any, batch: Batch, *, of: Scalar = "output", width: int = 4096, seed: int = 0
) -> np.ndarray:
    """Features (n, d) float32, d at most ``width``: exact where classes x inputs (and bias) fit, else projected.

    For text the feature of an item is the mean over its positions, as its scalar is.
    """
    import torch

    with torch.no_grad():
        found = [of_reading(reading, of, width, seed) for reading in learner.read(model, batch, hidden=True)]
    return np.concatenate(found)


def of_reading(reading: Reading, of: Scalar, width: int, seed: int) -> np.ndarray:
    """:func:`last_layer` of items that were read already, with their hidden states."""
    import torch

    hidden = reading.hidden
    if reading.bias:
        hidden = torch.cat([hidden, hidden.new_ones(*hidden.shape[:-1], 1)], dim=-1)
    outer, inner = sides(reading.logits.shape[-1], hidden.shape[-1], width)
    left = basis(reading.logits.shape[-1], outer, "head out", seed, hidden.device)
    right = basis(hidden.shape[-1], inner, "head in", seed, hidden.device)
    made = torch.einsum("ntl,ntk->nlk", reading.errors(of, left), hidden @ right)
    return np.asarray(made.flatten(1).cpu().numpy())


def hidden_means(learner: Learner, model: Any, batch: Batch) -> np.ndarray:
    """Features (n, d) float32: what the output layer is given, the mean over positions; no label has a part in it."""
    import torch

    with torch.no_grad():
        found = [
            (reading.hidden * reading.weights[..., None]).sum(1).cpu().numpy()
            for reading in learner.read(model, batch, hidden=True)
        ]
    return np.concatenate(found)
