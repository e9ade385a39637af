"""What a model says of a batch, in the one form from which losses, outputs and gradients by the output layer follow."""

from dataclasses import dataclass
from typing import Any, Literal

Scalar = Literal["output", "loss", "margin"]


@dataclass(frozen=True)
class Reading:
    """n items at t positions each (1 for a classifier) with c classes or tokens to choose from; torch tensors.

    Attributes:
        logits: (n, t, c). targets: the true ones (n, t).
        weights: of the positions (n, t); an item's add up to 1, padding has 0.
        hidden: what the output layer is given (n, t, d), where it was asked for.
        bias: whether the output layer has one.
    """

    logits: Any
    targets: Any
    weights: Any
    hidden: Any = None
    bias: bool = False

    def outputs(self) -> Any:
        """(n,): the true class's logit less the mean logit (theory/ntk.py), the mean over positions."""
        return ((self._true() - self.logits.mean(-1)) * self.weights).sum(-1)

    def losses(self) -> Any:
        """(n,): cross-entropy in nats, the mean over positions."""
        return ((self.logits.logsumexp(-1) - self._true()) * self.weights).sum(-1)

    def margins(self) -> Any:
        """(n,): log p / (1 - p) of the true class, the mean over positions (TRAK, arXiv 2303.14186, eq. 2)."""
        return ((self._true() - self._others().logsumexp(-1)) * self.weights).sum(-1)

    def scalar(self, of: Scalar) -> Any:
        """The scalar an item (n,) whose gradient is asked for."""
        return {"output": self.outputs, "loss": self.losses, "margin": self.margins}[of]()

    def true_share(self) -> Any:
        """(n,): probability of the true class, the mean over positions."""
        return ((self._true() - self.logits.logsumexp(-1)).exp() * self.weights).sum(-1)

    def right(self) -> Any:
        """(n,): share of the positions whose likeliest class is the true one."""
        return ((self.logits.argmax(-1) == self.targets).to(self.weights.dtype) * self.weights).sum(-1)

    def errors(self, of: Scalar, basis: Any) -> Any:
        """Derivative of :meth:`scalar` by the logits, times ``basis`` (c, l): (n, t, l). No backward pass.

        With a narrow basis the (n, t, c) derivative of the output itself is never made.
        """
        import torch

        here = basis[self.targets]
        if of == "output":
            made = here - basis.mean(0)
        elif of == "loss":
            made = torch.softmax(self.logits, -1) @ basis - here
        else:
            made = here - torch.softmax(self._others(), -1) @ basis
        return made * self.weights[..., None]

    def _true(self) -> Any:
        return self.logits.gather(-1, self.targets[..., None])[..., 0]

    def _others(self) -> Any:
        return self.logits.scatter(-1, self.targets[..., None], float("-inf"))
