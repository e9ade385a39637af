"""Drawing the next token: temperature, top-k, top-p, min-p, and one uniform number a row."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch

DEFAULTS = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0}


class Draw:
    """A logits processor for greedy ``generate`` that draws a token and leaves only it finite.

    Exactly temperature, then top-k, then nucleus sampling (Holtzman et al., arXiv 1904.09751), then min-p (Nguyen et
    al., arXiv 2407.01082: tokens below ``min_p`` times the most probable one go), as transformers does with
    ``do_sample``. On CPU its sort of the whole vocabulary in torch and the exponential numbers of its
    ``multinomial`` took two thirds of a small model's time: sorting in numpy and inverting the cumulative sum took
    a quarter of that (docs/log.md). Draws come from a generator of its own, so a seed gives the same text.
    """

    def __init__(
        self,
        *,
        temperature: float,
        top_k: int,
        top_p: float,
        seed: int,
        device: "torch.device | str",
        min_p: float = 0.0,
    ) -> None:
        import torch

        self.temperature, self.top_k, self.top_p, self.min_p = temperature, top_k, top_p, min_p
        self.random = torch.Generator(device).manual_seed(seed)

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """``scores``: logits, shape ``(rows, vocabulary)``. Returned: 0 at the token drawn, -inf elsewhere."""
        import torch

        kept = self.truncate(torch.softmax(scores.float() / self.temperature, dim=-1))
        total = torch.cumsum(kept, dim=-1)
        uniform = torch.rand(len(kept), 1, generator=self.random, device=kept.device)
        # 1 - uniform lies in (0, 1]: the first token whose cumulative mass reaches it has mass of its own.
        drawn = torch.searchsorted(total, (1 - uniform) * total[:, -1:]).clamp(max=kept.shape[-1] - 1)
        return torch.full_like(scores, float("-inf")).scatter(1, drawn, 0.0)

    def truncate(self, probabilities: "torch.Tensor") -> "torch.Tensor":
        """Zero what lies outside top-k, the nucleus and min-p; rows are not normalised again."""
        if self.top_k:
            least = probabilities.topk(min(self.top_k, probabilities.shape[-1]), dim=-1).values[:, -1:]
            probabilities = probabilities.where(probabilities >= least, 0.0)
        if self.top_p < 1:
            descending = _sorted(probabilities).flip(-1)
            before = descending.cumsum(dim=-1) - descending
            # A token stays while the mass before it is below top_p; the most probable one always does.
            size = (before < self.top_p * descending.sum(dim=-1, keepdim=True)).sum(dim=-1, keepdim=True)
            least = descending.gather(-1, size.clamp(min=1) - 1)
            probabilities = probabilities.where(probabilities >= least, 0.0)
        if self.min_p:
            least = self.min_p * probabilities.amax(dim=-1, keepdim=True)
            probabilities = probabilities.where(probabilities >= least, 0.0)
        return probabilities


def _sorted(values: "torch.Tensor") -> "torch.Tensor":
    """Ascending along the last axis; numpy's sort is six times torch's on CPU."""
    import numpy as np
    import torch

    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=-1))
    return values.sort(dim=-1).values


class RowDraw(Draw):
    """Like :class:`Draw`, for rows sampled differently. What a row draws depends on its own parameters and seed alone,
    not on the batch that it happens to be in; a temperature of 0 takes the most probable token.

    Args:
        sampling: ``temperature``, ``top_p``, ``top_k``, ``min_p`` and ``seed`` of each row; absent ones do nothing.
    """

    def __init__(self, sampling: Sequence[Mapping[str, Any]], device: "torch.device | str") -> None:
        import torch

        def column(name: str) -> "torch.Tensor":
            values = [float(row.get(name) or 0.0) if name in row else DEFAULTS[name] for row in sampling]
            return torch.tensor(values, dtype=torch.float32, device=device)[:, None]

        self._heat, self._top_p, self._top_k, self._min_p = map(column, ("temperature", "top_p", "top_k", "min_p"))
        self._greedy = self._heat < 1e-4
        self._rows = [np.random.default_rng(int(row.get("seed", 0))) for row in sampling]

    def __call__(self, input_ids: "torch.Tensor", scores: "torch.Tensor") -> "torch.Tensor":
        """``scores``: logits, shape ``(rows, vocabulary)``. Returned: 0 at the token drawn, -inf elsewhere."""
        import torch

        heat = self._heat.where(~self._greedy, 1.0)
        kept = self.truncate(torch.softmax(scores.float() / heat, dim=-1))
        total = torch.cumsum(kept, dim=-1)
        uniform = torch.tensor([[row.random()] for row in self._rows], dtype=torch.float32, device=kept.device)
        drawn = torch.searchsorted(total, (1 - uniform) * total[:, -1:]).clamp(max=kept.shape[-1] - 1)
        drawn = drawn.where(~self._greedy, scores.argmax(dim=-1, keepdim=True))
        return torch.full_like(scores, float("-inf")).scatter(1, drawn, 0.0)

    def truncate(self, probabilities: "torch.Tensor") -> "torch.Tensor":
        """Zero what lies outside each row's top-k, nucleus and min-p; rows are not normalised again."""
        descending = probabilities.sort(dim=-1, descending=True).values
        size = probabilities.shape[-1]
        limit = self._top_k.where((self._top_k > 0) & (self._top_k < size), float(size))
        least = descending.gather(-1, limit.long() - 1)
        descending = descending.where(descending >= least, 0.0)
        before = descending.cumsum(dim=-1) - descending
        nucleus = (before < self._top_p * descending.sum(dim=-1, keepdim=True)).sum(dim=-1, keepdim=True)
        least = least.maximum(descending.gather(-1, nucleus.clamp(min=1) - 1))
        least = least.maximum(self._min_p * descending[:, :1])
        return probabilities.where(probabilities >= least, 0.0)
