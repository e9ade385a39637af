"""What a worker is handed: a run or a trunk, with the paths of all that it needs."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from synthmix.files import write_json
from synthmix.store import RunRecord, Store
from synthmix.study.domains import EvaluationDomain
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import state_at

PROGRESS_SECONDS = 1.0


@dataclass(frozen=True)
class RunTask:
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

    def is_done(self, store: Store) -> bool:
        """Its record is there, with a loss on every domain."""
        record = store.record(self.spec.id)
        return record is not None and not missing(record, self.domains)


@dataclass(frozen=True)
class TrunkTask:
    """The part that several runs share; ``spec`` is the longest of them, ``stops`` their branch points in steps."""

    spec: RunSpec
    stops: tuple[int, ...]
    runs: Path
    corpora: dict[str, Path]
    tokenizer: Path
    precision: str
    save_every: float = field(default=60.0, compare=False)
    began: int = 0

    @property
    def run(self) -> str:
        """Name of its folder among the runs."""
        return f"trunk-{self.spec.trunk}"

    @property
    def tokens(self) -> int:
        """Tokens that it trains."""
        return max(self.stops) * self.spec.protocol.batch

    def is_done(self, store: Store) -> bool:
        """All its states are there."""
        return all(state_at(store.trunk_folder(self.spec.trunk), stop).exists() for stop in self.stops)


def missing(record: RunRecord, domains: tuple[EvaluationDomain, ...]) -> list[EvaluationDomain]:
    """Domains that a record has no loss for, or a loss on other text."""
    return [d for d in domains if d.name not in record.losses or record.losses[d.name].corpus != d.id]


class Reporter:
    """Writes how far a run is to ``progress.json``, about once a second; ``tell`` hears the tokens."""

    def __init__(self, folder: Path, spec: RunSpec, last: int, tell: Callable[[int], None]) -> None:
        self.folder, self.spec, self.last, self.tell = folder, spec, last, tell
        self.told = time.monotonic()

    def __call__(self, step: int, steps: int, loss: float) -> None:
        if time.monotonic() - self.told > PROGRESS_SECONDS or step == self.last:
            self.told = time.monotonic()
            tokens = step * self.spec.protocol.batch
            write_json(
                self.folder / "progress.json",
                {"tokens": tokens, "of": self.last * self.spec.protocol.batch, "loss": loss, "pid": os.getpid()},
            )
            self.tell(tokens)
