"""What is kept of a finished run, and of a trunk."""

from typing import Any

from pydantic import BaseModel, ConfigDict, model_validator

from synthmix.evaluation.harness import TaskScore
from synthmix.training.spec import RunSpec

FORMAT = 2  # of a run's record; 1 had no stage
_GENERATORS_NAME = "generator of "  # how format 1 told a generator's run


class DomainScore(BaseModel):
    """Loss on one held-out domain; ``corpus`` is the content id of the held-out text."""

    model_config = ConfigDict(extra="forbid")

    corpus: str
    nats: float
    bits_per_byte: float
    tokens: int


class RunRecord(BaseModel):
    """A finished run: what it was, what it gave, what it cost. Losses in nats per token; ``seconds`` of training.

    ``began``: steps that a trunk had trained for it; they are not in ``seconds``, and ``own_tokens`` leaves them out.
    ``tasks``: scores that ``synthmix evaluate --harness`` added later; they are no part of the run's id.
    """

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    id: str
    spec: RunSpec
    params: int
    params_total: int
    tokens: int
    flops: float
    seconds: float
    epochs: dict[str, float]
    trace: list[tuple[int, float]]
    precision: str
    device: str
    versions: dict[str, str]
    losses: dict[str, DomainScore]
    began: int = 0
    tasks: dict[str, TaskScore] = {}

    @model_validator(mode="before")
    @classmethod
    def _upgraded(cls, raw: Any) -> Any:
        """A record of format 1 as one of now: its stage was in the recipe's name."""
        if not isinstance(raw, dict) or raw.get("format") != 1 or not isinstance(spec := raw.get("spec"), dict):
            return raw
        made = str(spec.get("recipe", "")).startswith(_GENERATORS_NAME)
        return raw | {"format": FORMAT, "spec": {"stage": "generator" if made else "ladder"} | spec}

    @property
    def own_tokens(self) -> int:
        """Tokens trained for this run alone."""
        return self.tokens - self.began * self.spec.protocol.batch


class TrunkRecord(BaseModel):
    """What a trunk took to its furthest branch point so far, in all sessions together.

    A part of it that is trained again, for a run whose folder was deleted, is counted once, as such a run is.
    """

    model_config = ConfigDict(extra="forbid")

    format: int = 1
    id: str
    recipe: str
    params: int
    seed: int
    tokens: int
    flops: float
    seconds: float


def flat(record: RunRecord) -> dict[str, Any]:
    """One record as a flat row."""
    from synthmix.evaluation.losses import average

    row: dict[str, Any] = {
        "id": record.id,
        "recipe": record.spec.recipe,
        "params": record.params,
        "params_total": record.params_total,
        "tokens": record.tokens,
        "seed": record.spec.seed,
        "stage": record.spec.stage,
        "loss": average({name: score.nats for name, score in record.losses.items()}),
        "flops": record.flops,
        "seconds": record.seconds,
    }
    row |= {f"share.{name}": float(share) for name, share in record.spec.shares.items()}
    row |= {f"loss.{name}": score.nats for name, score in record.losses.items()}
    row |= {f"bits.{name}": score.bits_per_byte for name, score in record.losses.items()}
    row |= {f"task.{name}": score.value for name, score in record.tasks.items()}
    return row
