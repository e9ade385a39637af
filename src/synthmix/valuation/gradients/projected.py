"""Gradients by every linear layer, each as a small projected matrix: one forward and backward pass a batch.

FOUND: LoGra (Choe et al., arXiv 2405.13954): the gradient of an item by a layer's weights is the sum over positions of
(derivative by the output) x (input); with random A and B on either side of it, it is B'(dy)(x'A), and no gradient is
ever formed. Embeddings and gains of norms are left out; a tied output layer counts by its use as an output layer.
"""

from functools import partial
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.gradients.sketch import basis, sides
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
    found = []
    with torch.enable_grad(), _Watch(layers, each, seed) as watch:
        for reading in learner.read(model, batch):
            found.append(watch.features(reading.scalar(of)))
    return np.concatenate(found)


def linear_layers(model: Any) -> dict[str, Any]:
    """Modules whose weight is one matrix that their input is multiplied by: torch's Linear, transformers' Conv1D."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)}


class _Watch:
    """Sees each layer's projected input and its output in one forward pass."""

    def __init__(self, layers: dict[str, Any], width: int, seed: int) -> None:
        self.layers, self.width, self.seed = layers, width, seed
        self.seen: list[tuple[str, Any, Any]] = []

    def __enter__(self) -> "_Watch":
        self.hooks = [module.register_forward_hook(partial(self._keep, name)) for name, module in self.layers.items()]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def _keep(self, name: str, module: Any, inputs: tuple[Any, ...], out: Any) -> None:
        import torch

        x = inputs[0]
        if not out.requires_grad:
            return
        if module.bias is not None:
            x = torch.cat([x, x.new_ones(*x.shape[:-1], 1)], dim=-1)
        _, inner = sides(out.shape[-1], x.shape[-1], self.width)
        right = basis(x.shape[-1], inner, f"{name} in", self.seed, x.device)
        self.seen.append((name, x.detach().float() @ right, out))

    def features(self, scalars: Any) -> np.ndarray:
        """(n, d) of scalars (n,), each of which depends on its own item alone."""
        import torch

        if not self.seen or not scalars.requires_grad:
            raise BadInput("the model has no linear layer that a gradient reaches", key="gradients")
        # only the derivatives by outputs are asked for, so autograd computes no gradient of a weight
        slopes = torch.autograd.grad(scalars.sum(), [out for *_, out in self.seen], allow_unused=True)
        parts: dict[str, Any] = {}
        for (name, x, out), slope in zip(self.seen, slopes, strict=True):
            if slope is None:
                slope = torch.zeros_like(out)
            outer, _ = sides(out.shape[-1], self._inputs(name), self.width)
            left = basis(out.shape[-1], outer, f"{name} out", self.seed, out.device)
            slope = (slope.float() @ left).reshape(len(scalars), -1, outer)
            made = torch.einsum("ntl,ntk->nlk", slope, x.reshape(len(scalars), -1, x.shape[-1])).flatten(1)
            parts[name] = parts[name] + made if name in parts else made  # a layer that is called twice
        self.seen = []
        return np.asarray(torch.cat(list(parts.values()), dim=1).detach().cpu().numpy())

    def _inputs(self, name: str) -> int:
        module = self.layers[name]
        width = module.in_features if hasattr(module, "in_features") else module.weight.shape[0]
        return int(width) + (module.bias is not None)
