"""What is kept of a finished run, and of a trunk."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from synthmix.evaluation.harness import TaskScore
from synthmix.training.divergence import Divergence, divergence
from synthmix.training.spec import RunSpec

FORMAT = 3  # of a run's record; 1 had no stage, 2 no digest and no word on whether the run diverged
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
    ``diverged``: code of why the run diverged; one whose loss was not finite has no ``losses``.
    ``heldout``: ``(tokens, nats by domain)`` along the run, on a part of each domain (``evaluation/along.py``).
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
    diverged: Divergence | None = None
    heldout: list[tuple[int, dict[str, float]]] = []
    tasks: dict[str, TaskScore] = {}

    @model_validator(mode="before")
    @classmethod
    def _upgraded(cls, raw: Any) -> Any:
        """A record of format 1: its stage was in the recipe's name."""
        if not isinstance(raw, dict) or raw.get("format") != 1 or not isinstance(spec := raw.get("spec"), dict):
            return raw
        made = str(spec.get("recipe", "")).startswith(_GENERATORS_NAME)
        return raw | {"spec": {"stage": "generator" if made else "ladder"} | spec}

    @model_validator(mode="after")
    def _judged(self) -> Self:
        """A record of format 1 or 2 did not say whether the run diverged."""
        if self.format < FORMAT:
            from synthmix.evaluation.losses import average

            loss = average({name: score.nats for name, score in self.losses.items()}) if self.losses else None
            self.diverged, self.format = divergence(loss, self.spec.vocab, self.trace), FORMAT
        return self

    _digested: bool = PrivateAttr(default=True)

    @property
    def digested(self) -> bool:
        """Whether the file that it was read from held its own digest: those of earlier versions did not."""
        return self._digested

    def keep_digested(self, digested: bool) -> None:
        """Note whether it did."""
        self._digested = digested

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
        "loss": average({name: score.nats for name, score in record.losses.items()}) if record.losses else None,
        "flops": record.flops,
        "seconds": record.seconds,
    }
    row |= {f"share.{name}": float(share) for name, share in record.spec.shares.items()}
    row |= {f"loss.{name}": score.nats for name, score in record.losses.items()}
    row |= {f"bits.{name}": score.bits_per_byte for name, score in record.losses.items()}
    row |= {f"task.{name}": score.value for name, score in record.tasks.items()}
    return row | ({} if record.diverged is None else {"diverged": record.diverged})
