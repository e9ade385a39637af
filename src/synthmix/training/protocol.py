"""One protocol for all runs of a study: what is held fixed so that recipes can be compared."""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator

from synthmix.quantities import format_count
from synthmix.validation import Count


def _named_before(rules: Any) -> Any:
    """``dial`` is what ``by_size`` was called."""
    return "by_size" if rules == "dial" else rules


class Protocol(BaseModel):
    """How every model of a study is trained (1-scaling.md, "Defaults that no source states": CHOSEN).

    AdamW(0.9, 0.95), decoupled weight decay 0.1 on matrices, gradient clip 1.0, linear warm-up, then one of

    - ``cosine``: to zero over exactly the run's budget, one run a budget: the reference;
    - ``wsd``: the peak rate held until the last ``decay`` of the budget, then down as one minus a square root
      (Haegele et al., arXiv 2405.18392, eq. 2 and section 4; FOUND: 20 % and 1-sqrt match a cosine). Until its decay a
      run does not know its budget, so runs that differ in it alone share one trunk (:attr:`RunSpec.trunk`).

    Either way every reported (N, D) point has had its full decay.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rules: Annotated[Literal["fixed", "by_size"], BeforeValidator(_named_before)] = Field(
        default="fixed", description="by_size: batch, weight decay and warm-up that are not given follow from the size"
    )
    context: int = Field(default=128, ge=8, description="tokens a sequence predicts")
    batch: Count = Field(default=4096, validate_default=True, description="tokens a step")
    learning_rate: float | None = Field(default=None, gt=0, description="peak; unset: the rule of peak_rate")
    rate_factor: float = Field(default=0.36, gt=0, description="peak times width, where learning_rate is unset")
    schedule: Literal["cosine", "wsd"] = "cosine"
    warmup: float = Field(default=0.1, ge=0, le=1, description="share of the steps; wsd: of the smallest budget's")
    warmup_steps: int | None = Field(default=None, ge=1, description="instead of a share of the steps")
    decay: float = Field(default=0.2, gt=0, le=1, description="wsd: share of the budget that decays")
    final_rate: float = Field(default=0.0, ge=0, le=1, description="last learning rate over the peak")
    weight_decay: float = Field(default=0.1, ge=0)
    clip: float = Field(default=1.0, gt=0)
    betas: tuple[float, float] = (0.9, 0.95)
    epochs: float = Field(default=1, ge=1, description="how often a corpus may be gone through")
    precision: Literal["auto", "bf16", "float32"] = "auto"
    on_divergence: Literal["mark", "repeat"] = Field(
        default="mark",
        description="repeat: a run that diverged is trained again at half its peak rate, and at a quarter if need be",
    )

    @field_validator("batch")
    @classmethod
    def _whole_sequences(cls, batch: int, info: ValidationInfo) -> int:
        context = info.data.get("context")  # absent where it did not fit itself
        if context and batch % context:
            raise ValueError(
                f"{batch} tokens are not a whole number of sequences of {context}; "
                f"write {max(1, batch // context) * context}"
            )
        return batch

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

    def with_warmup(self, steps: int) -> "Protocol":
        """For ``wsd``: the warm-up resolved in steps, from a smallest budget of ``steps``; a cosine as it is."""
        if self.schedule == "cosine" or self.warmup_steps is not None:
            return self
        return self.model_copy(update={"warmup_steps": max(1, round(self.warmup * steps))})

    def branch(self, steps: int) -> int:
        """The step at which a run of ``steps`` leaves the trunk: its decay begins. A cosine never shares: 0.

        Raises:
            ValueError: the decay would begin within the warm-up.
        """
        if self.schedule == "cosine":
            return 0
        at = steps - max(1, round(self.decay * steps))
        if at < self._warmup_steps(steps):
            raise ValueError(f"{steps} steps are too few for a warm-up of {self._warmup_steps(steps)} and the decay")
        return at

    def identity(self) -> dict[str, Any]:
        """What changes a trained model, for hashes: keys that the schedule does not look at are left out."""
        unused = {"rules", "rate_factor", "on_divergence"} | (
            set() if self.schedule == "wsd" else {"schedule", "decay"}
        )
        unused.add("warmup" if self.warmup_steps else "warmup_steps")
        return self.model_dump(mode="json", exclude=unused)

    def _warmup_steps(self, steps: int) -> int:
        return self.warmup_steps or max(1, round(self.warmup * steps))

    def in_words(self) -> dict[str, str]:
        """For the report: what all runs have in common."""
        rate = f"{self.learning_rate:g}" if self.learning_rate else f"{self.rate_factor:g} / width"
        by_size = {"weight_decay", "batch"} - self.model_fields_set if self.rules == "by_size" else set()
        decay = "by size" if "weight_decay" in by_size else f"{self.weight_decay:g}"
        batch = f"{self.batch} tokens, {self.sequences} sequences of {self.context}"
        if "batch" in by_size:
            batch = f"by size (docs/ladder.md), in sequences of {self.context}"
        return {
            "model": "Llama 3 architecture (RMSNorm, RoPE, SwiGLU, grouped-query attention), tied embeddings",
            "optimizer": f"AdamW{self.betas}, weight decay {decay} on matrices, clip {self.clip:g}",
            "peak learning rate": rate,
            "schedule": self._schedule_in_words(),
            "batch": batch,
            "epochs": f"at most {self.epochs:g} over any corpus",
            "pairing": "one seed gives every recipe the same initialisation and the same order of the natural text",
        }

    def _schedule_in_words(self) -> str:
        if self.schedule == "cosine":
            warmup = f"{self.warmup_steps} steps" if self.warmup_steps else f"{self.warmup:.0%}"
            return f"{warmup} linear warm-up, cosine to {self.final_rate:.0%} over the run's own budget"
        warmup = f"{self.warmup_steps} steps" if self.warmup_steps else f"{self.warmup:.0%} of the smallest budget"
        return (
            f"linear warm-up over {warmup}, constant, then the last {self.decay:.0%} of the run's own budget down to "
            f"{self.final_rate:.0%} (1-sqrt); budgets of one size, recipe and seed branch from one trunk"
        )

    def rate(self, step: int, steps: int, peak: float) -> float:
        """Learning rate at ``step`` (from 0) of ``steps``: linear warm-up, then the schedule's way down."""
        warmup = self._warmup_steps(steps)
        if step < warmup:
            return peak * (step + 1) / warmup
        if self.schedule == "wsd":
            begin = self.branch(steps)
            way = 0.0 if step < begin else math.sqrt((step - begin + 1) / (steps - begin + 1))
        else:
            way = 0.5 * (1 - math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
        return peak * (1 - (1 - self.final_rate) * way)


def peak_rate(width: int, factor: float = 0.36) -> float:
    """Peak learning rate for a model of ``width``: 0.36 / width, unless ``synthmix tune`` says another factor.

    Falling with one over the width is the rule of maximal-update parametrisation for hidden matrices under Adam
    (Yang et al., arXiv 2203.03466; FOUND); the factor is CHOSEN between sweeps at widths 32 to 112 (docs/log.md). It
    gives 4e-4 at 100M and 1.8e-4 at 1B parameters, near what is used there.
    """
    return factor / width
