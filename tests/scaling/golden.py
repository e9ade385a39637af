"""Published tables, read where they are and never copied: SYNTHMIX_SHARED, or `shared` beside the checkout."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest


def shared() -> Path:
    """The folder of third-party data."""
    return Path(os.environ.get("SYNTHMIX_SHARED") or Path(__file__).parents[3] / "shared")


def table(name: str) -> dict[str, np.ndarray]:
    """Columns of a golden CSV; numbers where every cell is one. Skips the test when the file is absent."""
    path = shared() / "golden" / name
    if not path.is_file():
        pytest.skip(f"third-party table not found: {path} (set SYNTHMIX_SHARED)")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    out = {}
    for key in rows[0]:
        column = [row[key] for row in rows]
        try:
            out[key] = np.array([float(cell) for cell in column])
        except ValueError:
            out[key] = np.array(column)
    return out
