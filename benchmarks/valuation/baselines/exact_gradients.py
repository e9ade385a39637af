"""Gradients by every weight, one item at a time in effect: the oracle that projections are tested against."""

from collections.abc import Callable
from typing import Any

import numpy as np

from synthmix.valuation.learners import Reader, Scalar
from synthmix.valuation.pool import Batch

ROWS = 16  # items at once: each has a gradient as large as the model


def exact_gradients(
    learner: Reader,
    model: Any,
    batch: Batch,
    *,
    of: Scalar = "output",
    only: Callable[[str], bool] = lambda name: True,
) -> np.ndarray:
    """Features (n, parameters) float32 by torch.func's vmap(grad); ``only`` says which parameters, by name, count."""
    import torch

    held = {name: value.detach() for name, value in model.named_parameters()}
    asked = {name: value for name, value in held.items() if only(name)}
    rest = {name: value for name, value in held.items() if not only(name)}
    inside = _inside(learner, model, of)

    def scalar(weights: dict[str, Any], item: dict[str, Any]) -> Any:
        values = {f"model.{name}": value for name, value in {**rest, **weights}.items()}
        return torch.func.functional_call(inside, values, ({k: v[None] for k, v in item.items()},))

    slope = torch.func.vmap(torch.func.grad(scalar), in_dims=(None, 0))
    found = []
    for tensors in learner.placed(model, batch):
        count = len(next(iter(tensors.values())))
        for start in range(0, count, ROWS):
            part = {name: value[start : start + ROWS] for name, value in tensors.items()}
            made = slope(asked, part)
            found.append(torch.cat([made[name].flatten(1) for name in asked], dim=1).cpu().numpy())
    return np.concatenate(found)


def _inside(learner: Reader, model: Any, of: Scalar) -> Any:
    """A module around ``model`` whose forward is one item's scalar: what functional_call can replace weights in."""
    from torch import nn

    class Item(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, tensors: dict[str, Any]) -> Any:
            return learner.call(self.model, tensors).scalar(of)[0]

    return Item()
