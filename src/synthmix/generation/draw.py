"""Drawing the next token: temperature, top-k, top-p, min-p, and one uniform number a row."""

from typing import Any


class Draw:
    """A logits processor for greedy ``generate`` that draws a token and leaves only it finite.

    Exactly temperature, then top-k, then nucleus sampling (Holtzman et al., arXiv 1904.09751), then min-p (Nguyen et
    al., arXiv 2407.01082: tokens below ``min_p`` times the most probable one go), as transformers does with
    ``do_sample``. On CPU its sort of the whole vocabulary in torch and the exponential numbers of its
    ``multinomial`` took two thirds of a small model's time: sorting in numpy and inverting the cumulative sum took
    a quarter of that (docs/log.md). Draws come from a generator of its own, so a seed gives the same text.
    """

    def __init__(
        self, *, temperature: float, top_k: int, top_p: float, seed: int, device: Any, min_p: float = 0.0
    ) -> None:
        import torch

        self.temperature, self.top_k, self.top_p, self.min_p = temperature, top_k, top_p, min_p
        self.random = torch.Generator(device).manual_seed(seed)

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``scores``: logits, shape ``(rows, vocabulary)``. Returned: 0 at the token drawn, -inf elsewhere."""
        import torch

        kept = self.truncate(torch.softmax(scores.float() / self.temperature, dim=-1))
        total = torch.cumsum(kept, dim=-1)
        uniform = torch.rand(len(kept), 1, generator=self.random, device=kept.device)
        # 1 - uniform lies in (0, 1]: the first token whose cumulative mass reaches it has mass of its own.
        drawn = torch.searchsorted(total, (1 - uniform) * total[:, -1:]).clamp(max=kept.shape[-1] - 1)
        return torch.full_like(scores, float("-inf")).scatter(1, drawn, 0.0)

    def truncate(self, probabilities: Any) -> Any:
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


def _sorted(values: Any) -> Any:
    """Ascending along the last axis; numpy's sort is six times torch's on CPU."""
    import numpy as np
    import torch

    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=-1))
    return values.sort(dim=-1).values
