"""Which columns of a table become the columns of the runs table: as told, as a format says, or under usual names."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthmix.errors import BadInput
from synthmix.quantities import listed
from synthmix.results import Warn
from synthmix.runs import cells
from synthmix.runs.expression import names_in
from synthmix.runs.mapping import ALIASES, KEPT, OPEN, matched, usual
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.raw import Raw
from synthmix.runs.table import LOSS
from synthmix.runs.unnamed import unnamed_shares
from synthmix.runs.view import constant_of

SURE = ("run", "run_id")  # what names a run whatever its cells; other names may be a recipe's
MEASURED = ("loss.", "bits.", "task.")
ROOM = 24  # names that a message lists


@dataclass
class Plan:
    """What each of our columns is taken from.

    Attributes:
        columns: our column -> a column, an expression or a constant. shares, metrics: source or metric -> column.
        stars: column -> what the star of its pattern stands for.
        total_for_n: N is not there, N_total is.
    """

    names: Sequence[str]
    columns: dict[str, str | int | float]
    shares: dict[str, str]
    metrics: dict[str, str]
    stars: dict[str, str]
    total_for_n: bool = False

    @classmethod
    def of(cls, raw: Raw, told: Told) -> "Plan":
        columns: dict[str, str | int | float] = {k: v for k, v in raw.columns.items() if v in raw.names}
        columns |= told.columns
        read: set[str] = set()
        for key, source in columns.items():
            read |= _reads(key, source, raw)
        said = {key: source for key, source in columns.items() if key in told.columns}
        taken = {source for source in said.values() if isinstance(source, str) and source in raw.names}
        stars: dict[str, str] = {}
        metrics = _matched(raw, told.metrics, "metrics", taken, stars)
        shares = _matched(raw, told.shares or {"share.*": "*"}, "shares", taken, {}, asked=bool(told.shares))
        for source in shares:
            if f"unique.{source}" in raw.names:
                columns.setdefault(f"unique.{source}", f"unique.{source}")
        free = [name for name in raw.names if name not in taken | set(metrics.values()) | set(shares.values())]
        _guess(raw, columns, free, read, told)
        used = {*(source for source in columns.values() if isinstance(source, str)), *metrics.values()}
        named = [name for name in columns if name.startswith(MEASURED)]
        own = [name for name in raw.names if name.startswith(MEASURED) or name in raw.metrics]
        metrics |= {name: str(columns[name]) for name in named}
        metrics |= {name: name for name in own if name not in used and name not in metrics}
        total = "N" not in columns and "N_total" in columns
        if total:
            columns["N"] = columns["N_total"]
        plan = cls(raw.names, columns, shares, metrics, stars, total)
        plan._enough(raw)
        return plan

    def _enough(self, raw: Raw) -> None:
        measured = LOSS in self.columns or bool(self.metrics)
        named = self.shares or any(key.startswith("share") for key in self.columns)
        if not measured or (not {"N", "D"} & set(self.columns) and not named):
            missing = "loss" if not measured else "N or D"
            seen = unnamed_shares(raw, self._used()) if measured else None
            if seen is not None:
                raise BadInput(f"no column found for N or D; {seen[0]}", where=raw.where, key="columns", remedy=seen[1])
            remedy = f"name them: --columns N=...,D=...,loss=..., or in a mapping file; the table has: {_there(raw)}"
            raise BadInput(f"no column found for {missing}", where=raw.where, key="columns", remedy=remedy)

    def unnamed(self, raw: Raw) -> list[Warn]:
        """A warning of columns that look like shares and were not named."""
        if self.shares or any(key.startswith("share") for key in self.columns):
            return []
        seen = unnamed_shares(raw, self._used())
        return [] if seen is None else [Warn(code="shares_not_named", message="; ".join(seen))]

    def _used(self) -> set[str]:
        sources = {str(source) for source in self.columns.values()} | set(self.metrics.values())
        return {name for name in self.names if any(name in source for source in sources)}

    def shown(self, key: str) -> str:
        """What messages call a column of ours: the table's own name of it."""
        return str(self.columns.get(key, key))

    def taken(self, told: Told, *, averaged: bool) -> dict[str, str]:
        """Our column -> what it was taken from, in words."""
        found = {key: str(source) for key, source in self.columns.items() if not key.startswith(OPEN)}
        if self.total_for_n:
            found["N"] = f"{self.columns['N_total']} (with embeddings)"
        if averaged:
            found[LOSS] = "the average of the metrics"
        if told.mixture is not None:
            found["shares"] = f"the mixture in {told.mixture.of}"
        if self.shares:
            found["shares"] = listed(list(self.shares.values())[:6]) + (" ..." if len(self.shares) > 6 else "")
        if self.metrics:
            found["metrics"] = listed(list(self.metrics)[:6]) + (" ..." if len(self.metrics) > 6 else "")
        if told.where:
            found["where"] = told.where
        return found


def _reads(key: str, source: str | int | float, raw: Raw) -> set[str]:
    """Columns of the table that one of ours is made of.

    Raises:
        BadInput: it names no column, and is no expression over columns that are there.
    """
    if not isinstance(source, str) or source in raw.names:
        return {source} if isinstance(source, str) else set()
    if constant_of(source) is not None:
        return set()
    try:
        found = names_in(source, raw.names)
    except BadInput:
        found = [source]
    missing = [name for name in found if name not in raw.names]
    if missing or (not found and source.isidentifier()):
        name = missing[0] if missing else source
        within = "" if name == source else f" in {source}"
        problem, remedy = f"no column {name!r} for {key}{within}", f"the table has: {_there(raw)}"
        raise BadInput(problem, where=raw.where, key="columns", remedy=remedy)
    return set(found)


def _matched(
    raw: Raw, patterns: Mapping[str, str], key: str, taken: set[str], stars: dict[str, str], *, asked: bool = True
) -> dict[str, str]:
    """Our name -> column for patterns, without columns that are named otherwise; what each star stood for is added."""
    free = [name for name in raw.names if name not in taken]
    found: dict[str, str] = {}
    for pattern, name in patterns.items():
        here = matched(pattern, name, free)
        if asked and not here:
            remedy = f"the table has: {_there(raw)}"
            raise BadInput(f"no column is like {pattern!r}", where=raw.where, key=key, remedy=remedy)
        for ours, column, star in here:
            stars[column] = star
            if found.setdefault(ours, column) != column:
                problem = f"{found[ours]!r} and {column!r} both become {ours!r}"
                raise BadInput(problem, where=raw.where, key=key, remedy="give each a name of its own")
    return found


def _guess(raw: Raw, columns: dict[str, str | int | float], free: Sequence[str], read: set[str], told: Told) -> None:
    """Add what is found under its usual name; two candidates are a question. What an expression reads (``read``) may
    still be the step or the run, but not a measurement."""
    for key, known in ALIASES.items():
        if key in columns or (key == "N_total" and "N" in columns):
            continue
        found = [name for name in free if usual(name) in known and (key in KEPT or name not in read)]
        if key == "run":
            found = [name for name in found if usual(name) in SURE or _tells_runs(raw, name)]
        if not found or (key == LOSS and told.metrics and len(found) > 1):
            continue
        if len(found) > 1 and key not in KEPT:
            remedy = f"say which one: --columns {key}={found[0]} or {key}={found[1]}"
            raise BadInput(
                f"{' and '.join(map(repr, found))} may both be {key}", where=raw.where, key="columns", remedy=remedy
            )
        columns[key] = min(found, key=lambda name: known.index(usual(name)))


def _tells_runs(raw: Raw, name: str) -> bool:
    """Whether a column such as ``Name`` names runs: each row another, or rows are steps; else it may be a recipe's."""
    if any(usual(each) in ALIASES["step"] for each in raw.names):
        return True
    codes, distinct = cells.factorized(cells.strings(raw.table[name]))
    return len(distinct) == len(codes)


def _there(raw: Raw) -> str:
    names = [name for name in raw.names if name != "file"]
    more = f" and {len(names) - ROOM} more" if len(names) > ROOM else ""
    return ", ".join(names[:ROOM]) + more
