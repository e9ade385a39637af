"""The generalization bound of a mixture, term by term.

Parts FOUND (Wang et al., arXiv 2511.13640; DAVINZ, ICML 2022, Theorem 1), assembly DERIVED: with probability at least
1 - O(delta), for n samples of which n pi are real,

    L_T <= pi L_r + (1 - pi) L_s                            empirical losses on both parts
         + pi d(D_r, T) + (1 - pi) d(D_s, T)                discrepancies to the target (MMD)
         + c1 sqrt(y' Theta^-1 y / n)                       complexity of the residuals for the model's NTK
         + c2 sqrt(2 max(pi, 1 - pi) log(8 / delta) / n)    confidence
         + eps.

The constants are not known (c1 = c2 = 1 here, the losses are in nats and not bounded): the value is loose, its ranking
of mixtures is what can be tested.
"""

import math
from dataclasses import dataclass, replace
from typing import Self

from synthmix.errors import BadInput


@dataclass(frozen=True)
class Bound:
    """What the bound is made of; :attr:`terms` are the addends.

    Attributes:
        pi: real share. n: samples. delta: confidence.
        loss_real, loss_synthetic: empirical losses, nats per token.
        far_real, far_synthetic: MMD of each part to the target.
        amount, power: complexity y' Theta^-1 y ~ amount n^power (theory/ntk.py, growth).
        c1, c2, eps: the constants.

    Raises:
        BadInput: pi outside [0, 1], n below 1, delta outside (0, 1), a negative term.
    """

    pi: float
    n: float
    loss_real: float
    loss_synthetic: float
    far_real: float
    far_synthetic: float
    amount: float
    power: float
    delta: float = 0.05
    c1: float = 1.0
    c2: float = 1.0
    eps: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.pi <= 1:
            raise BadInput(f"is {self.pi:g}", where="bound", key="pi", remedy="give a real share between 0 and 1")
        if not self.n >= 1 or math.isinf(self.n):
            raise BadInput(f"is {self.n:g}", where="bound", key="n", remedy="give a number of samples, 1 or more")
        if not 0 < self.delta < 1:
            raise BadInput(f"is {self.delta:g}", where="bound", key="delta", remedy="give one between 0 and 1")
        for name in ("loss_real", "loss_synthetic", "far_real", "far_synthetic", "amount", "c1", "c2", "eps"):
            if not getattr(self, name) >= 0:
                raise BadInput(f"is {getattr(self, name):g}", where="bound", key=name, remedy="give 0 or more")

    @property
    def terms(self) -> dict[str, float]:
        """The addends by name."""
        widest = max(self.pi, 1 - self.pi)
        return {
            "empirical_real": self.pi * self.loss_real,
            "empirical_synthetic": (1 - self.pi) * self.loss_synthetic,
            "discrepancy_real": self.pi * self.far_real,
            "discrepancy_synthetic": (1 - self.pi) * self.far_synthetic,
            "complexity": self.c1 * math.sqrt(self.amount * self.n ** (self.power - 1)),
            "confidence": self.c2 * math.sqrt(2 * widest * math.log(8 / self.delta) / self.n),
            "eps": self.eps,
        }

    @property
    def total(self) -> float:
        """The bound."""
        return sum(self.terms.values())

    def at(self, *, pi: float | None = None, n: float | None = None) -> Self:
        """The same text and model at another share or number of samples (the complexity is that of the old share)."""
        return replace(self, pi=self.pi if pi is None else pi, n=self.n if n is None else n)
