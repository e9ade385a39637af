"""What a generation job came to."""

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Documents(BaseModel):
    """Counts of documents (a source document has as many as there are rollouts).

    Attributes:
        written: in the output. filtered: dropped by a filter. failed: a request of theirs failed for good.
        unfinished: begun, and stopped by a budget. resumed: of all these, answered before this run.
    """

    model_config = ConfigDict(frozen=True)

    written: int
    filtered: int
    failed: int
    unfinished: int
    resumed: int


class Requests(BaseModel):
    """Counts of requests: all that were ever answered, answered now, answered before, failed, tried again now."""

    model_config = ConfigDict(frozen=True)

    answered: int
    now: int
    before: int
    failed: int
    retried: int
    truncated: int


class Tokens(BaseModel):
    """Tokens as the server counts them: of all answers, of the written text; ``lost``: what tries without an answer
    may have cost at the most."""

    model_config = ConfigDict(frozen=True)

    input: int
    output: int
    written: int
    lost: int


class Summary(BaseModel):
    """The outcome of :func:`synthmix.generation.job.generate_corpus`, also kept as ``generation.json``.

    Attributes:
        folder: where all of it lies. files: the text. failed_file: the list of failed requests, if there are any.
        stopped: ``target`` or ``budget`` when that ended the job before the source did.
        dropped: a row for each filter. cost: money, for the tokens of all answers. seconds: of this run.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path = Field(exclude=True)
    name: str
    documents: Documents
    requests: Requests
    tokens: Tokens
    cost: float
    seconds: float
    stopped: str | None
    files: list[str]
    failed_file: str | None
    dropped: list[dict[str, Any]]
    generator: dict[str, Any]

    @property
    def paths(self) -> list[Path]:
        """The files of text, as a corpus takes them."""
        return [self.folder / name for name in self.files]
