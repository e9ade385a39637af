"""The exact tangent kernel of every linear layer from its factors: no item's gradient by all weights is formed.

FOUND: an item's gradient by a layer's weights is the sum over positions t of slope_t x input_t. With one position two
items' product is <slope, slope'> <input, input'>, two narrow products instead of one as wide as the layer ("ghost"
products, Li et al., arXiv 2110.05679). With several, the layer's own gradient is formed (n, outputs x inputs), some
outputs at a time, and dropped again. Embeddings and gains of norms are left out, as in
:mod:`synthmix.valuation.gradients`.
"""

from typing import Any

import numpy as np

from synthmix.valuation.gradients import LayerHooks, linear_layers
from synthmix.valuation.learners import Learner, Scalar
from synthmix.valuation.pool import Batch

CELLS = 2**26  # numbers of a layer's gradients that are formed at once
# each linear layer's (inputs (n, t, k), slopes (n, t, l)) of n items, one pair a part of the batch; torch tensors
Factors = dict[str, list[tuple[Any, Any]]]


def factors(learner: Learner, model: Any, batch: Batch, *, of: Scalar = "output") -> Factors:
    """One forward and one backward pass.

    Raises:
        BadInput: a model without linear layers that a gradient reaches.
    """
    import torch

    model = learner.readable(model)
    held: Factors = {}
    with torch.enable_grad(), LayerHooks(linear_layers(model)) as hooks:
        for output in learner.read(model, batch):
            part: dict[str, tuple[Any, Any]] = {}
            for name, x, slope in hooks.slopes(output.scalar(of)):
                if name in part:  # a layer that is called twice has more positions
                    x, slope = torch.cat([part[name][0], x], dim=1), torch.cat([part[name][1], slope], dim=1)
                part[name] = x, slope.detach()
            for name, pair in part.items():
                held.setdefault(name, []).append(pair)
    return held


def tangent_kernel(mine: Factors, other: Factors | None = None) -> np.ndarray:
    """(n, n) float64, or (n, m) against the items of ``other``: the products of the gradients."""
    total: Any = None
    for name, parts in mine.items():
        theirs = None if other is None else other[name]
        made = _product(parts, theirs)
        total = made if total is None else total.add_(made)
    return np.asarray(total.double().cpu().numpy())


def _product(mine: list[tuple[Any, Any]], theirs: list[tuple[Any, Any]] | None) -> Any:
    if all(x.shape[1] == 1 for x, _ in (*mine, *(theirs or ()))):
        x, slope = _joined(mine)
        y, other = (x, slope) if theirs is None else _joined(theirs)
        return (x @ y.T).mul_(slope @ other.T)
    outputs, inputs = mine[0][1].shape[-1], mine[0][0].shape[-1]
    step = max(1, CELLS // (inputs * sum(len(x) for x, _ in mine)))
    total: Any = 0
    for start in range(0, outputs, step):
        left = _formed(mine, slice(start, start + step))
        total = total + left @ (left if theirs is None else _formed(theirs, slice(start, start + step))).T
    return total


def _joined(parts: list[tuple[Any, Any]]) -> tuple[Any, Any]:
    import torch

    return torch.cat([x[:, 0] for x, _ in parts]), torch.cat([slope[:, 0] for _, slope in parts])


def _formed(parts: list[tuple[Any, Any]], rows: slice) -> Any:
    """(n, rows x inputs) of the gradient by a layer's weights: those of some of its outputs."""
    import torch

    return torch.cat([torch.einsum("ntl,ntk->nlk", slope[..., rows], x).flatten(1) for x, slope in parts])
