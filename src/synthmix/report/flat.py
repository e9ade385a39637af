"""A flat table, and an interval as five of its columns."""

import math
from dataclasses import dataclass
from typing import Any

from synthmix.results import Interval

FIELDS = ("value", "low", "high", "level", "why")
INTERVAL: dict[str, type] = {"value": float, "low": float, "high": float, "level": float, "why": str}


@dataclass(frozen=True)
class Table:
    """``columns``: name -> str, int, float or bool; every value may be None."""

    name: str
    columns: dict[str, type]
    rows: list[tuple[Any, ...]]


def cells(interval: Interval) -> tuple[Any, ...]:
    """The five columns of an interval; what is not finite is None."""
    values = (getattr(interval, field) for field in FIELDS)
    return tuple(None if isinstance(v, float) and not math.isfinite(v) else v for v in values)
