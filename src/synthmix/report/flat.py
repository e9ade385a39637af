"""A flat table, and an interval as columns of it."""

from dataclasses import dataclass
from typing import Any

from synthmix.interval import Interval

INTERVAL: dict[str, type] = {"low": float, "mid": float, "high": float, "level": float, "covers": str, "why": str}


@dataclass(frozen=True)
class Table:
    """``columns``: name -> str, int, float or bool; every value may be None."""

    name: str
    columns: dict[str, type]
    rows: list[tuple[Any, ...]]


def cells(interval: Interval) -> tuple[Any, ...]:
    """The columns of an interval."""
    return tuple(getattr(interval, field) for field in INTERVAL)
