"""Drawing the next token when each row of a batch has parameters and a seed of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synthmix.generation.draw import Draw

DEFAULTS = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0}


class RowDraw(Draw):
    """Like :class:`Draw`, for rows sampled differently. What a row draws depends on its own parameters and seed alone,
    not on the batch that it happens to be in; a temperature of 0 takes the most probable token.

    Args:
        sampling: ``temperature``, ``top_p``, ``top_k``, ``min_p`` and ``seed`` of each row; absent ones do nothing.
    """

    def __init__(self, sampling: Sequence[Mapping[str, Any]], device: Any) -> None:
        import torch

        def column(name: str) -> Any:
            values = [float(row.get(name) or 0.0) if name in row else DEFAULTS[name] for row in sampling]
            return torch.tensor(values, dtype=torch.float32, device=device)[:, None]

        self._heat, self._top_p, self._top_k, self._min_p = map(column, ("temperature", "top_p", "top_k", "min_p"))
        self._greedy = self._heat < 1e-4
        self._rows = [np.random.default_rng(int(row.get("seed", 0))) for row in sampling]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``scores``: logits, shape ``(rows, vocabulary)``. Returned: 0 at the token drawn, -inf elsewhere."""
        import torch

        heat = self._heat.where(~self._greedy, 1.0)
        kept = self.truncate(torch.softmax(scores.float() / heat, dim=-1))
        total = torch.cumsum(kept, dim=-1)
        uniform = torch.tensor([[row.random()] for row in self._rows], dtype=torch.float32, device=kept.device)
        drawn = torch.searchsorted(total, (1 - uniform) * total[:, -1:]).clamp(max=kept.shape[-1] - 1)
        drawn = drawn.where(~self._greedy, scores.argmax(dim=-1, keepdim=True))
        return torch.full_like(scores, float("-inf")).scatter(1, drawn, 0.0)

    def truncate(self, probabilities: Any) -> Any:
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
