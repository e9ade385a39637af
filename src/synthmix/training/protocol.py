"""One protocol for all runs of a study: what is held fixed so that recipes can be compared."""

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from synthmix.quantities import Count, format_count


class Protocol(BaseModel):
    """How every model of a study is trained (1-scaling.md, "Defaults that no source states": CHOSEN).

    AdamW(0.9, 0.95), decoupled weight decay 0.1 on matrices, gradient clip 1.0, linear warm-up, then a cosine
    to zero over exactly the run's budget: every reported (N, D) point has had its full decay.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    context: int = Field(default=128, ge=8, description="tokens a sequence predicts")
    batch: Count = Field(default=4096, description="tokens a step")
    learning_rate: float | None = Field(default=None, gt=0, description="peak; unset: the rule of peak_rate")
    warmup: float = Field(default=0.1, ge=0, le=1, description="share of the steps")
    final_rate: float = Field(default=0.0, ge=0, le=1, description="last learning rate over the peak")
    weight_decay: float = Field(default=0.1, ge=0)
    clip: float = Field(default=1.0, gt=0)
    betas: tuple[float, float] = (0.9, 0.95)
    epochs: float = Field(default=1, ge=1, description="how often a corpus may be gone through")
    precision: Literal["auto", "bf16", "float32"] = "auto"

    @model_validator(mode="after")
    def _whole_sequences(self) -> "Protocol":
        if self.batch % self.context:
            raise ValueError(
                f"batch: {self.batch} tokens are not a whole number of sequences of {self.context}; "
                f"write {max(1, self.batch // self.context) * self.context}"
            )
        return self

    @property
    def sequences(self) -> int:
        """Sequences a step."""
        return self.batch // self.context

    def steps(self, tokens: int) -> int:
        """Whole steps nearest to a budget of ``tokens``.

        Raises:
            ValueError: the budget is below ten steps, too few for a warm-up and a decay.
        """
        steps = round(tokens / self.batch)
        if steps < 10:
            raise ValueError(
                f"{format_count(tokens)} tokens are {steps} steps of {self.batch}; "
                f"ask for {format_count(10 * self.batch)} or lower training.batch"
            )
        return steps

    def in_words(self) -> dict[str, str]:
        """For the report: what all runs have in common."""
        rate = f"{self.learning_rate:g}" if self.learning_rate else "by size (training/protocol.py, peak_rate)"
        return {
            "model": "Llama 3 architecture (RMSNorm, RoPE, SwiGLU, grouped-query attention), tied embeddings",
            "optimizer": f"AdamW{self.betas}, weight decay {self.weight_decay:g} on matrices, clip {self.clip:g}",
            "peak learning rate": rate,
            "schedule": f"{self.warmup:.0%} linear warm-up, cosine to {self.final_rate:.0%} over the run's own budget",
            "batch": f"{self.batch} tokens, {self.sequences} sequences of {self.context}",
            "epochs": f"at most {self.epochs:g} over any corpus",
            "pairing": "one seed gives every recipe the same initialisation and the same order of the natural text",
        }

    def rate(self, step: int, steps: int, peak: float) -> float:
        """Learning rate at ``step`` (from 0) of ``steps``: linear warm-up, cosine to ``final_rate`` x peak."""
        warmup = max(1, round(self.warmup * steps))
        if step < warmup:
            return peak * (step + 1) / warmup
        passed = (step - warmup) / max(1, steps - warmup)
        return peak * (self.final_rate + (1 - self.final_rate) * 0.5 * (1 + math.cos(math.pi * passed)))


def peak_rate(width: int) -> float:
    """Peak learning rate for a model of ``width``: 0.36 / width.

    Falling with one over the width is the rule of maximal-update parametrisation for hidden matrices under Adam
    (Yang et al., arXiv 2203.03466; FOUND); the factor is CHOSEN between sweeps at widths 32 to 112 (docs/log.md). It
    gives 4e-4 at 100M and 1.8e-4 at 1B parameters, near what is used there.
    """
    return 0.36 / width
