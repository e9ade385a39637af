"""The one way to read what a study found."""

from pathlib import Path

from synthmix.files import read_json
from synthmix.results import Results
from synthmix.validation import validated


def read_results(path: Path) -> Results:
    """Read ``results.json``.

    Raises:
        BadInput: missing, damaged, or of another version.
    """
    remedy = "write it again with synthmix study report FILE"
    return validated(Results, read_json(path), where=path, problem="is not a study's results", remedy=remedy)
