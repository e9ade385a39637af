"""What goes into and comes back to every linear layer: an item's gradient by the layer is made of these two."""

from collections.abc import Callable
from functools import partial
from typing import Any

from synthmix.errors import BadInput

Narrow = Callable[[str, Any, int], Any]  # (layer, input (..., inputs), outputs) to what is kept of the input


def linear_layers(model: Any) -> dict[str, Any]:
    """Modules whose weight is one matrix that their input is multiplied by: torch's Linear, transformers' Conv1D."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)}


class Watch:
    """Keeps each layer's input and output in one forward pass; one backward pass gives the slopes.

    Args:
        layers: by name. narrow: what is kept of an input; a bias counts as an input that is always 1.
    """

    def __init__(self, layers: dict[str, Any], narrow: Narrow = lambda name, x, outputs: x) -> None:
        self.layers, self.narrow = layers, narrow
        self.seen: list[tuple[str, Any, Any]] = []

    def __enter__(self) -> "Watch":
        self.hooks = [module.register_forward_hook(partial(self._keep, name)) for name, module in self.layers.items()]
        return self

    def __exit__(self, *_: object) -> None:
        for hook in self.hooks:
            hook.remove()

    def inputs(self, name: str) -> int:
        """Of a layer, its bias among them."""
        module = self.layers[name]
        width = module.in_features if hasattr(module, "in_features") else module.weight.shape[0]
        return int(width) + (module.bias is not None)

    def slopes(self, scalars: Any) -> list[tuple[str, Any, Any]]:
        """(layer, kept input (n, t, k), slope (n, t, outputs)) of scalars (n,), each of its own item alone.

        Positions (t) are all axes between the item and the last one. A layer that is called twice stands twice.

        Raises:
            BadInput: a model without linear layers that a gradient reaches.
        """
        import torch

        if not self.seen or not scalars.requires_grad:
            raise BadInput("the model has no linear layer that a gradient reaches", key="gradients")
        # only the derivatives by outputs are asked for, so autograd computes no gradient of a weight
        outs = [out for *_, out in self.seen]
        found = []
        slopes = torch.autograd.grad(scalars.sum(), outs, allow_unused=True)
        for (name, x, out), slope in zip(self.seen, slopes, strict=True):
            slope = torch.zeros_like(out) if slope is None else slope
            n = len(scalars)
            found.append((name, x.reshape(n, -1, x.shape[-1]), slope.float().reshape(n, -1, slope.shape[-1])))
        self.seen = []
        return found

    def _keep(self, name: str, module: Any, inputs: tuple[Any, ...], out: Any) -> None:
        import torch

        x = inputs[0]
        if not out.requires_grad:
            return
        if module.bias is not None:
            x = torch.cat([x, x.new_ones(*x.shape[:-1], 1)], dim=-1)
        self.seen.append((name, self.narrow(name, x.detach().float(), out.shape[-1]), out))
