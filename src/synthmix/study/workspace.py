"""The study's folder: which file lies where.

results.json       report.html         tables/
runs.parquet       the runs table, fits.safetensors the laws fitted to it
speed.json         how fast the workers are, and in which precision
seconds.json       what each stage took
choices.json       which runs were chosen and why (synthmix study run --until, --cost)
values.json        valuation scores of its recipes, once they were asked for
tokenizer/         trained tokenizers, by content key
corpora/           what was built, by name and content key
generated/<key>/   parts of sampled text
runs/<id>/         the ladder's and the generators' runs (synthmix.store)
"""

import os
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from synthmix.errors import BadInput
from synthmix.files import disk_errors, read_json
from synthmix.results.choices import Choices
from synthmix.store import Store


@dataclass(frozen=True)
class Workspace:
    """Paths below a study's folder."""

    root: Path

    @property
    def tokenizer(self) -> Path:
        """Folder of tokenizers, one file a key."""
        return self.root / "tokenizer"

    @property
    def corpora(self) -> Path:
        """Folder of built corpora."""
        return self.root / "corpora"

    @property
    def generated(self) -> Path:
        """Folder of sampled parts."""
        return self.root / "generated"

    @property
    def runs(self) -> Store:
        """The run records."""
        return Store(self.root / "runs")

    @property
    def results(self) -> Path:
        """The results as JSON."""
        return self.root / "results.json"

    @property
    def table(self) -> Path:
        """The runs table."""
        return self.root / "runs.parquet"

    @property
    def fits(self) -> Path:
        """The laws of the runs table."""
        return self.root / "fits.safetensors"

    @property
    def choices(self) -> Path:
        """The runs that were chosen, and why."""
        return self.root / "choices.json"

    @property
    def values(self) -> Path:
        """Valuation scores of its recipes."""
        return self.root / "values.json"

    @property
    def speed(self) -> Path:
        """Speeds of this machine's workers, and the precision they were found to be faster in."""
        return self.root / "speed.json"

    @property
    def seconds(self) -> Path:
        """Seconds that each stage took, all sessions together."""
        return self.root / "seconds.json"

    def create(self) -> None:
        """Make the folder and check that it can be written to.

        Raises:
            BadInput: it cannot.
        """
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
        if not os.access(self.root, os.W_OK):
            raise BadInput("no permission to write here", where=self.root, remedy="set folder: in the study file")


def read_choices(space: Workspace) -> Choices | None:
    """The runs that were chosen so far; None: none was.

    Raises:
        BadInput: the file is damaged.
    """
    if not space.choices.is_file():
        return None
    try:
        return Choices.model_validate(read_json(space.choices))
    except ValidationError:
        remedy = "delete it and run the same command again: finished runs stay"
        raise BadInput("is not of this version", where=space.choices, remedy=remedy) from None
