"""Columns that look like the shares of sources and were not named: so that nobody's mixtures pass for repeats."""

from collections.abc import Iterable

import numpy as np

from synthmix.quantities import listed
from synthmix.runs.cells import numbers
from synthmix.runs.raw import Raw
from synthmix.scaling.mixtures.points import SUM_TOLERANCE

_MARKS = "._/-: "
_SHOWN = 4


def unnamed_shares(raw: Raw, taken: Iterable[str]) -> tuple[str, str] | None:
    """What is seen and what to write, where columns that are not ``taken`` add up to one in every row and vary."""
    used = set(taken)
    free = {name: column for name in raw.names if name not in used and (column := _part(raw, name)) is not None}
    groups: dict[str, list[str]] = {}
    for name in free:
        for place in [i + 1 for i, letter in enumerate(name) if letter in _MARKS and i]:
            groups.setdefault(name[:place], []).append(name)
    # The longest beginning that a whole group has in common; else the columns as they are called.
    order = [*sorted(groups.items(), key=lambda item: (-len(item[1]), -len(item[0]))), ("", list(free))]
    for start, names in order:
        values = np.array([free[name] for name in names])
        if len(names) < (2 if start else 3) or np.ptp(values, axis=1).max() == 0:
            continue
        if (np.abs(values.sum(axis=0) - 1) <= SUM_TOLERANCE).all():
            shown = listed(names if len(names) <= _SHOWN else [*names[:_SHOWN], f"{len(names) - _SHOWN} more"])
            named = f"shares={start}*" if start else ",".join(f"share.{name}={name}" for name in names)
            return f"{shown} add up to 1 in every row", f'if these are the shares of sources: --columns "{named}"'
    return None


def _part(raw: Raw, name: str) -> np.ndarray | None:
    """A column of numbers from 0 to 1; None where it is none."""
    if len(raw) == 0:
        return None
    found = numbers(raw.table[name], name=name, where=raw.where)
    inside = not (found.wrong.any() or found.blank.any()) and bool(((found.values >= 0) & (found.values <= 1)).all())
    return found.values if inside else None
