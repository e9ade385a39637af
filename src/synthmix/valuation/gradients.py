"""Per-item gradient features of a model: (n, d) whose inner products are the tangent kernel's.

FOUND: LoGra (Choe et al., arXiv 2405.13954): an item's gradient by a linear layer's weights is the sum over positions
of (derivative by the output) x (input); with random A and B on either side of it, it is B'(dy)(x'A), and no gradient
is ever formed. By the output layer alone it is error times hidden state, from a forward pass (theory/bound.py), and is
projected where the product is wider than asked for. Embeddings and gains of norms are left out; a tied output layer
counts by its use as an output layer.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

import numpy as np

from synthmix.errors import BadInput, Failure
from synthmix.valuation.learners import (
    Learner,
    ModelOutput,
    PretrainedClassifier,
    PretrainedLanguageModel,
    Scalar,
    learner_for,
)
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.terms.complexity import GradientBatch


def sides(outer: int, inner: int, width: int) -> tuple[int, int]:
    """Columns (l, k) of the bases of an outer x inner gradient, with l k <= ``width`` where that can be; all of a
    side where it fits."""
    if outer * inner <= width:
        return outer, inner
    side = max(1, int(width**0.5))
    left = min(outer, side)
    right = min(inner, max(1, width // left))
    return min(outer, max(1, width // right)), right


def basis(rows: int, columns: int, key: str, seed: int, device: "torch.device") -> "Tensor":
    """(rows, columns) float32: the identity where nothing is to be saved, else normal numbers of variance 1 / columns,
    so that products of projected vectors are those of the vectors in expectation (Johnson and Lindenstrauss).

    It depends on its sizes, the ``key`` (a layer's name) and the ``seed`` alone.
    """
    import torch

    if columns >= rows:
        return torch.eye(rows, device=device)
    generator = torch.Generator().manual_seed(crc32(f"{key} {rows} {columns} {seed}".encode()))
    return (torch.randn(rows, columns, generator=generator) / columns**0.5).to(device)


if TYPE_CHECKING:
    import torch
    from torch import Tensor

Kind = Literal["last", "projected"]  # the output layer, factorised and without a backward pass; every linear layer
Narrow = Callable[[str, "Tensor", int], "Tensor"]  # (layer, input (..., inputs), outputs) to what is kept of the input


def linear_layers(model: Any) -> dict[str, Any]:
    """Modules whose weight is one matrix that their input is multiplied by: torch's Linear, transformers' Conv1D."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    return {name: module for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)}


class LayerHooks:
    """Keeps each layer's input and output in one forward pass; one backward pass gives the slopes.

    Args:
        layers: by name. narrow: what is kept of an input; a bias counts as an input that is always 1.
    """

    def __init__(self, layers: dict[str, Any], narrow: Narrow = lambda name, x, outputs: x) -> None:
        self.layers, self.narrow = layers, narrow
        self.seen: list[tuple[str, Tensor, Tensor]] = []

    def __enter__(self) -> "LayerHooks":
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

    def slopes(self, scalars: "Tensor") -> "list[tuple[str, Tensor, Tensor]]":
        """(layer, kept input (n, t, k), slope (n, t, outputs)) of scalars (n,), each of its own item alone.

        Positions (t) are all axes between the item and the last one. A layer that is called twice appears twice.

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

    def _keep(self, name: str, module: Any, inputs: "tuple[Tensor, ...]", out: "Tensor") -> None:
        import torch

        x = inputs[0]
        if not out.requires_grad:
            return
        if module.bias is not None:
            x = torch.cat([x, x.new_ones(*x.shape[:-1], 1)], dim=-1)
        self.seen.append((name, self.narrow(name, x.detach().float(), out.shape[-1]), out))


def last_layer(
    learner: Learner, model: Any, batch: Batch, *, of: Scalar = "output", width: int = 4096, seed: int = 0
) -> np.ndarray:
    """Features (n, d) float32, d at most ``width``: exact where classes x inputs (and bias) fit, else projected.

    For text the feature of an item is the mean over its positions, as its scalar is.
    """
    import torch

    with torch.no_grad():
        found = [last_layer_of(output, of, width, seed) for output in learner.read(model, batch, hidden=True)]
    return np.concatenate(found)


def last_layer_of(output: ModelOutput, of: Scalar, width: int, seed: int) -> np.ndarray:
    """:func:`last_layer` of items that were read already, with their hidden states."""
    import torch

    hidden = output.hidden
    assert hidden is not None
    if output.bias:
        hidden = torch.cat([hidden, hidden.new_ones(*hidden.shape[:-1], 1)], dim=-1)
    outer, inner = sides(output.logits.shape[-1], hidden.shape[-1], width)
    left = basis(output.logits.shape[-1], outer, "head out", seed, hidden.device)
    right = basis(hidden.shape[-1], inner, "head in", seed, hidden.device)
    made = torch.einsum("ntl,ntk->nlk", output.errors(of, left), hidden @ right)
    return np.asarray(made.flatten(1).cpu().numpy())


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

    def narrow(name: str, x: "Tensor", outputs: int) -> "Tensor":
        _, inner = sides(outputs, x.shape[-1], each)
        return x @ basis(x.shape[-1], inner, f"{name} in", seed, x.device)

    found = []
    with torch.enable_grad(), LayerHooks(layers, narrow) as hooks:
        for output in learner.read(model, batch):
            parts: dict[str, Tensor] = {}
            for name, x, slope in hooks.slopes(output.scalar(of)):
                outer, _ = sides(slope.shape[-1], hooks.inputs(name), each)
                left = basis(slope.shape[-1], outer, f"{name} out", seed, slope.device)
                made = torch.einsum("ntl,ntk->nlk", slope @ left, x).flatten(1)
                parts[name] = parts[name] + made if name in parts else made  # a layer that is called twice
            found.append(torch.cat(list(parts.values()), dim=1).detach().cpu().numpy())
    return np.concatenate(found)


@dataclass
class GradientFeatures:
    """One kind of features of one model, for batch after batch.

    Attributes:
        kind: ``last`` or ``projected``.
        of: whose gradient; see :class:`synthmix.valuation.learners.ModelOutput`.
        width: columns at most.
    """

    learner: Any
    model: Any
    kind: Kind = "last"
    of: Scalar = "output"
    width: int = 4096
    seed: int = 0
    _read: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._read = self.learner.readable(self.model)  # converted once

    def __call__(self, batch: Batch) -> np.ndarray:
        """(n, d) float32.

        Raises:
            Failure: a gradient is not finite.
        """
        how = last_layer if self.kind == "last" else projected
        found = how(self.learner, self._read, batch, of=self.of, width=self.width, seed=self.seed)
        if not np.isfinite(found).all():
            raise Failure("gradients are not finite", remedy="the model is broken: train it again, or take another")
        return found


def gradients_for(
    learner: Learner,
    model: Any = None,
    *,
    kind: Kind = "last",
    width: int = 1024,
    seed: int = 0,
) -> Callable[[Batch], GradientBatch]:
    """For ``Valuer(gradients=...)``: features, residuals 1 - output and losses of a batch.

    Args:
        learner: fitted on the reference. model: any of its models; None: the initial one of ``seed``.
        kind: ``last``: one forward pass for all three; ``projected``: a forward and backward pass besides.
    """
    reader = learner.readable(learner.initial(seed) if model is None else model)

    def read(batch: Batch) -> GradientBatch:
        import torch

        features, outputs, losses = [], [], []
        with torch.no_grad():
            for output in learner.read(reader, batch, hidden=kind == "last"):
                if kind == "last":
                    features.append(last_layer_of(output, "output", width, seed))
                outputs.append(output.outputs().double().cpu().numpy())
                losses.append(output.losses().double().cpu().numpy())
        if kind == "projected":
            features = [projected(learner, reader, batch, width=width, seed=seed)]
        return GradientBatch(np.concatenate(features), 1 - np.concatenate(outputs), np.concatenate(losses))

    return read


def gradients_of(model: str, reference: Pool, *, width: int = 512, seed: int = 0) -> Callable[[Batch], GradientBatch]:
    """Of ``init`` (the usual small model for what the reference holds, untrained) or of a pretrained one.

    Args:
        model: ``init``, a checkpoint's folder, or a Hugging Face path: a causal language model, or a sequence
            classifier where the reference has labels.

    Raises:
        BadInput: no such model, or one of the other kind.
    """
    labelled = next(iter(reference.batches())).labels is not None
    learner: Any
    if model == "init":
        learner = learner_for(reference)
    else:
        learner = (PretrainedClassifier if labelled else PretrainedLanguageModel)(model).fit(reference)
    return gradients_for(learner, learner.initial(seed), width=width, seed=seed)
