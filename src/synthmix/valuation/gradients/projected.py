"""Gradients by every linear layer, each as a small projected matrix: one forward and backward pass a batch.

FOUND: LoGra (Choe et al., arXiv 2405.13954): the gradient of an item by a layer's weights is the sum over positions of
(derivative by the output) x (input); with random A and B on either side of it, it is B'(dy)(x'A), and no gradient is
ever formed. Embeddings and gains of norms are left out; a tied output layer counts by its use as an output layer.
"""

from typing import Any

import numpy as np

from synthmix.valuation.gradients.sketch import basis, sides
from synthmix.valuation.gradients.watch import Watch, linear_layers
from synthmix.valuation.learners import Learner, Scalar
from synthmix.valuation.pool import Batch


def projected(
    learner: Learner, model: Any, batch: Batch, *, of: Scalar = "output", width: int = 4096, seed: int = 0
) -> np.ndarray:
    """Features (n, d) float32, d at most about ``width``, shared equally among the linear layers; biases included.

    Raises:
        BadInput: a model without linear layers that a gradient reaches.
    """
    import torch

    model = learner.readable(model)
    layers = linear_layers(model)
    each = max(1, width // max(1, len(layers)))

    def narrow(name: str, x: Any, outputs: int) -> Any:
        _, inner = sides(outputs, x.shape[-1], each)
        return x @ basis(x.shape[-1], inner, f"{name} in", seed, x.device)

    found = []
    with torch.enable_grad(), Watch(layers, narrow) as watch:
        for reading in learner.read(model, batch):
            parts: dict[str, Any] = {}
            for name, x, slope in watch.slopes(reading.scalar(of)):
                outer, _ = sides(slope.shape[-1], watch.inputs(name), each)
                left = basis(slope.shape[-1], outer, f"{name} out", seed, slope.device)
                made = torch.einsum("ntl,ntk->nlk", slope @ left, x).flatten(1)
                parts[name] = parts[name] + made if name in parts else made  # a layer that is called twice
            found.append(torch.cat(list(parts.values()), dim=1).detach().cpu().numpy())
    return np.concatenate(found)
