"""Where a study stands."""

from dataclasses import dataclass
from typing import Any

from synthmix.results.choices import Choices


@dataclass(frozen=True)
class Working:
    """A run that was begun: ``held`` while a process works on it, else it resumes at the next ``study run``.
    ``loss``: its latest training loss in nats per token; ``node``: the machine that has it, or had it last; ``tries``:
    how often it was begun, with what a lost worker, a lost node or an interruption ended."""

    recipe: str
    params: int
    tokens: int
    of: int
    seed: int
    held: bool
    loss: float | None = None
    node: str | None = None
    tries: int = 1


@dataclass(frozen=True)
class Status:
    """Where a study stands. ``corpora``: name -> training tokens, None while it is not built. ``cells``: done and all
    runs by recipe and non-embedding parameters. ``seconds_left``: of its runs, at the speeds of the last plan or run;
    None: they are not known. ``choices``: the runs that were chosen, where they are."""

    study: str
    folder: str
    runs: int
    done: int
    working: tuple[Working, ...]
    corpora: dict[str, int | None]
    report: str | None
    cells: tuple[tuple[str, int, int, int], ...] = ()
    seconds_left: float | None = None
    choices: Choices | None = None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        choices = None if self.choices is None else self.choices.model_dump(mode="json")
        return vars(self) | {"working": [vars(each) for each in self.working], "choices": choices}
