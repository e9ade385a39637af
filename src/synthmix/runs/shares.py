"""Shares of the sources from columns, patterns or one cell, and the mixture that each row was trained on.

Shape letters: n rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.runs import cells
from synthmix.runs.cells import Floats, Texts, labels
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.plan import ROOM, Plan
from synthmix.runs.table import Kind, mixture_of
from synthmix.runs.view import Bad, Cells, check_range, constant_of, in_our_unit, number_column

#: How far the shares of a row may be from one: what rounding to three decimals does to many of them.
SHARES_WITHIN = 0.01


def source_shares(view: Cells, plan: Plan, told: Told, bad: dict[int, Bad]) -> dict[str, Floats]:
    """Source -> its share (n,)."""
    found: dict[str, Floats] = {}
    if told.mixture is not None:
        found |= _of_one_cell(view.texts(told.mixture.of), told.mixture.separator, told.mixture.of, bad)
    named: dict[str, Any] = {f"share.{source}": column for source, column in plan.shares.items()}
    named |= {key: source for key, source in plan.columns.items() if key.startswith("share.")}
    for key, source in named.items():
        values = np.nan_to_num(number_column(view, key, source, {}, need=False), nan=0.0)
        if isinstance(source, str) and source in view.raw.names:
            for row in np.flatnonzero(view.numbers(source).wrong).tolist():
                cell = cells.shown(view.raw.table[source], row)
                bad.setdefault(row, Bad(source, "is not a number", cell))
        values = in_our_unit(values, told.unit(key))
        if not told.normalise_shares:
            check_range("share", str(source), values, bad)
        elif (values < 0).any():
            for row in np.flatnonzero(values < 0).tolist():
                bad.setdefault(row, Bad(str(source), "is negative", f"{values[row]:g}"))
        found[key.removeprefix("share.")] = values
    return found


def _of_one_cell(cells_: Texts, separator: str, name: str, bad: dict[int, Bad]) -> dict[str, Floats]:
    """``mix-0.9-web-0.1-qa`` by ``-``: each distinct cell is taken apart once."""
    known: dict[str | None, dict[str, float] | str] = {None: "is empty"}
    for cell in cells_:
        if cell not in known:
            known[cell] = _taken_apart(str(cell), separator)
    sources = list(dict.fromkeys(s for parts in known.values() if isinstance(parts, dict) for s in parts))
    found = {source: np.zeros(len(cells_)) for source in sources}
    for row, cell in enumerate(cells_):
        parts = known[cell]
        if isinstance(parts, str):
            bad.setdefault(row, Bad(name, parts, repr(cell) if cell is not None else ""))
            continue
        for source, share in parts.items():
            found[source][row] = share
    return found


def _taken_apart(cell: str, separator: str) -> dict[str, float] | str:
    """Source -> share, or why there is none."""
    pieces = [piece.strip() for piece in (cell.split(separator) if separator.strip() else cell.split())]
    sources: list[str] = []
    shares: list[float | None] = []
    waiting: float | None = None
    for piece in pieces:
        if not piece:
            continue
        share, source = _piece(piece)
        if source is None:
            if waiting is not None:
                return "has a share without a source"
            waiting = share
            continue
        if share is not None and waiting is not None:
            return "has two shares of one source"
        sources.append(source)
        shares.append(waiting if share is None else share)
        waiting = None
    if waiting is not None or not sources:
        return "has a share without a source" if waiting is not None else "names no source"
    known = [share for share in shares if share is not None]
    if known and len(known) < len(sources):
        return "gives only some of its sources a share"
    found: dict[str, float] = {}
    for source, share in zip(sources, known or [1 / len(sources)] * len(sources), strict=True):
        found[source] = found.get(source, 0.0) + share
    return found


def _piece(piece: str) -> tuple[float | None, str | None]:
    """``0.9``, ``web``, ``0.9 web``, ``90% web``, ``web:0.9``, ``web=0.9``."""
    number = constant_of(piece)
    if number is not None:
        return number, None
    for sign in (" ", ":", "="):
        head, found, tail = piece.partition(sign)
        if found and (first := constant_of(head)) is not None:
            return first, tail.strip()
        head, found, tail = piece.rpartition(sign)
        if found and (last := constant_of(tail)) is not None:
            return last, head.strip()
    return None, piece


def check_sums(shares: dict[str, Floats], told: Told, where: str, bad: dict[int, Bad]) -> None:
    """Give the rest to who has it; then rows whose shares are not one are bad, or divided by their sum where asked."""
    if not shares:
        return
    total = np.sum(list(shares.values()), axis=0)
    if told.rest is not None:
        if told.rest in shares:
            raise BadInput(f"{told.rest!r} has a share of its own", where=where, key="rest", remedy="leave rest away")
        shares[told.rest] = np.clip(1.0 - total, 0.0, 1.0)
        total = np.maximum(total, 1.0)
    if told.normalise_shares:
        with np.errstate(all="ignore"):
            for source in shares:
                shares[source] = np.where(total > 0, shares[source] / total, 0.0)
        wrong, rule = ~(total > 0), "are all zero"
    elif len(shares) == 1:
        return  # the share of one source, the rest is not told
    else:
        wrong, rule = ~(np.abs(total - 1) <= SHARES_WITHIN), "add up to {} and not to 1"
    hint = "" if told.normalise_shares else "in a mapping file normalise_shares: true divides, rest: NAME has the rest"
    for row in np.flatnonzero(wrong).tolist():
        bad.setdefault(row, Bad("shares", rule.format(f"{total[row]:.4g}"), hint, rule.format("another sum")))


def kinds_of_sources(shares: Mapping[str, Floats], told: Told, where: str) -> dict[str, Kind]:
    """Source -> natural or synthetic, as told; where one kind is told, all others are of the other."""
    import fnmatch

    def named(source: str, patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(source, pattern) for pattern in patterns)

    sources = [*shares, *([told.rest] if told.rest else [])]
    for key, patterns in (("natural", told.natural), ("synthetic", told.synthetic)):
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(source, pattern) for source in sources):
                there = ", ".join(sources[:ROOM]) or "no shares by source"
                raise BadInput(f"no source is like {pattern!r}", where=where, key=key, remedy=f"there are: {there}")
    found: dict[str, Kind] = {}
    for source in sources:
        if named(source, told.synthetic):
            found[source] = "synthetic"
        elif named(source, told.natural) or told.synthetic:
            found[source] = "natural"
        elif told.natural:
            found[source] = "synthetic"
    return found


def name_mixtures(
    shares: Mapping[str, Floats], numbers: dict[str, Floats], texts: dict[str, Texts], kinds: Mapping[str, Kind]
) -> None:
    """The identity of each row's mixture, its name where it has none, its synthetic share and its synthetic source."""
    numbers |= {f"share.{source}": values for source, values in shares.items()}
    cut = _cut(shares, numbers)
    codes = labels(*(np.round(values, 9) for values in shares.values()), *cut.values())
    first = np.unique(codes, return_index=True)[1]
    mixtures = [
        mixture_of(
            {source: float(values[row]) for source, values in shares.items()},
            {source: float(ratios[row]) for source, ratios in cut.items() if ratios[row]},
        )
        for row in first.tolist()
    ]
    texts["mixture"] = cells.spread(codes.astype(np.int64), mixtures)
    texts.setdefault("recipe", texts["mixture"])
    synthetic = [source for source in shares if kinds.get(source) == "synthetic"]
    if not kinds:
        return
    if "share" not in numbers:
        total = np.sum([shares[source] for source in synthetic], axis=0) if synthetic else np.zeros(len(codes))
        numbers["share"] = np.clip(total, 0.0, 1.0)
    if "synthetic" not in texts:
        alone = []
        for row in first.tolist():
            here = [source for source in synthetic if shares[source][row] > 0]
            alone.append(here[0] if len(here) == 1 else None)
        texts["synthetic"] = cells.spread(codes.astype(np.int64), alone)


def _cut(shares: Mapping[str, Floats], numbers: Mapping[str, Floats]) -> dict[str, Floats]:
    """Of each source with fewer unique tokens than a run reads of it, these over the budget; 0 where none repeats."""
    found: dict[str, Floats] = {}
    for source, values in shares.items():
        unique, budget = numbers.get(f"unique.{source}"), numbers.get("D")
        if unique is None or budget is None:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            less = (unique > 0) & (unique < 0.999 * values * budget)
            ratios = np.where(less, np.round(unique / budget, 6), 0.0)
        if less.any():
            found[source] = ratios
    return found
