"""Top-p truncation that sorts only the head of the distribution."""

from typing import Any


class Nucleus:
    """A logits processor for ``generate``: keep the smallest set of tokens whose probability reaches ``top_p``.

    Exactly nucleus sampling (Holtzman et al., arXiv 1904.09751), as transformers' own ``top_p``, whose sort of the
    whole vocabulary takes half of a small model's time on CPU (docs/log.md). Here the ``head`` most probable tokens
    are sorted, and more only when they do not reach ``top_p``.
    """

    def __init__(self, top_p: float, temperature: float = 1.0, head: int = 128) -> None:
        self.top_p, self.temperature, self.head = top_p, temperature, head

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """``scores``: logits of shape ``(rows, vocabulary)``; those outside the nucleus become -inf."""
        import torch

        probabilities = torch.softmax(scores / self.temperature, dim=-1)
        size = min(self.head, scores.shape[-1])
        while True:
            top, _ = torch.topk(probabilities, size, dim=-1)
            reached = torch.cumsum(top, dim=-1)
            if size == scores.shape[-1] or bool((reached[:, -1] >= self.top_p).all()):
                break
            size = min(4 * size, scores.shape[-1])
        # A token stays when the mass before it is below top_p; the most probable one always does.
        last = ((reached - top) < self.top_p).sum(dim=-1, keepdim=True).clamp(min=1) - 1
        return scores.masked_fill(probabilities < top.gather(-1, last), float("-inf"))
