"""What a worker is handed: a run or a trunk, with the paths of all that it needs."""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from synthmix.engine.places import visible_gpus
from synthmix.store import RunRecord, Store
from synthmix.study.domains import EvaluationDomain
from synthmix.training.memory import run_memory
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import state_at


class Sized:
    """What an engine asks of a task that trains ``spec``: the memory that it would like, and what it can do with."""

    spec: RunSpec
    precision: str

    @property
    def memory_bytes(self) -> int:
        """With a whole batch at once."""
        return memory_of(self.spec, self.precision)

    @property
    def memory_least(self) -> int:
        """One sequence at a time."""
        return memory_of(self.spec, self.precision, sequences=1)


@dataclass(frozen=True)
class RunTask(Sized):
    """Everything that a worker needs; small, so that it travels to any process."""

    spec: RunSpec
    runs: Path
    corpora: dict[str, Path]
    tokenizer: Path
    domains: tuple[EvaluationDomain, ...]
    evaluate_tokens: int | None
    precision: str
    keep_checkpoint: bool = True
    save_every: float = field(default=60.0, compare=False)
    log: tuple[str, ...] = field(default=(), compare=False)
    shares_trunk: bool = False

    @property
    def run(self) -> str:
        """Name of its folder among the runs."""
        return self.spec.id

    @property
    def tokens(self) -> int:
        """Tokens that it trains itself."""
        return self.spec.tokens - self.began

    @property
    def began(self) -> int:
        """Tokens that its trunk trains for it."""
        return self.spec.branch * self.spec.protocol.batch if self.shares_trunk else 0

    @property
    def label(self) -> str:
        """For messages."""
        return self.spec.at()

    def is_done(self, store: Store) -> bool:
        """Its record is there, with a loss on every domain."""
        record = store.record(self.spec.id)
        return record is not None and not missing(record, self.domains)


@dataclass(frozen=True)
class TrunkTask(Sized):
    """The part that several runs share; ``spec`` is the longest of them, ``stops`` their branch points in steps."""

    spec: RunSpec
    stops: tuple[int, ...]
    runs: Path
    corpora: dict[str, Path]
    tokenizer: Path
    precision: str
    save_every: float = field(default=60.0, compare=False)
    log: tuple[str, ...] = field(default=(), compare=False)
    began: int = 0

    @property
    def run(self) -> str:
        """Name of its folder among the runs."""
        return f"trunk-{self.spec.trunk}"

    @property
    def tokens(self) -> int:
        """Tokens that it trains."""
        return max(self.stops) * self.spec.protocol.batch

    @property
    def label(self) -> str:
        """For messages."""
        return f"trunk of {self.spec.at()}"

    def is_done(self, store: Store) -> bool:
        """All its states are there, and the record of what they took."""
        record, folder = store.trunk_record(self.spec.trunk), store.trunk_folder(self.spec.trunk)
        written = record is not None and record.tokens >= self.tokens
        return written and all(state_at(folder, stop).exists() for stop in self.stops)


def missing(record: RunRecord, domains: tuple[EvaluationDomain, ...]) -> list[EvaluationDomain]:
    """Domains that a record has no loss for, or a loss on other text."""
    return [d for d in domains if d.name not in record.losses or record.losses[d.name].corpus != d.id]


def memory_of(spec: RunSpec, precision: str, sequences: int | None = None) -> int:
    """Bytes that a worker needs at its peak while it trains ``spec``, a whole batch or ``sequences`` at a time."""
    protocol = spec.protocol
    tokens = protocol.context * (sequences or protocol.sequences)
    return run_memory(spec.shape, spec.vocab, tokens, protocol.context, precision, device=_device())


@cache
def _device() -> str:
    return "cuda" if visible_gpus() else "cpu"
