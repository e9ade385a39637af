"""From columns of cells and a mapping to the runs table: names, numbers, units, shares, steps, and what cannot be used.

Shape letters: n rows that are left by ``where``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import listed, plural
from synthmix.results import Warn
from synthmix.runs import cells
from synthmix.runs.cells import Floats, Mask, Texts, labels
from synthmix.runs.divergence import marked
from synthmix.runs.expression import Columns, evaluate, names_in
from synthmix.runs.mapping import ALIASES, KEPT, OPEN, Unit, matched, usual
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.raw import SKIP, Raw
from synthmix.runs.table import LOSS, TEXTS, Kind, Metric, RunsTable, mixture_of
from synthmix.runs.unnamed import unnamed_shares

#: How far the shares of a row may be from one: what rounding to three decimals does to many of them.
SHARES_WITHIN = 0.01
SURE = ("run", "run_id")  # what names a run whatever its cells; other names may be a recipe's
MEASURED = ("loss.", "bits.", "task.")
_ROOM = 24  # columns that a message lists


class _Bad(NamedTuple):
    """Why a row cannot be used; ``kind``: what it is counted under, where ``problem`` holds a number."""

    column: str
    problem: str
    cell: str = ""
    kind: str = ""

    def says(self, row: int) -> str:
        return f"{self.problem} in row {row}" + (f" ({self.cell})" if self.cell else "")


@dataclass
class Cells:
    """The columns of a table as it stands, each read when it is asked for."""

    raw: Raw
    told: Told
    held: dict[str, cells.Numbers] = field(default_factory=dict)

    def numbers(self, name: str) -> cells.Numbers:
        if name not in self.held:
            self.held[name] = cells.numbers(
                self.raw.table[name], name=name, comma=self.raw.comma, decimal=self.told.decimal, where=self.raw.where
            )
        return self.held[name]

    def typed(self, name: str) -> Any:
        """Numbers where all cells are, else n strings and None: what an expression sees."""
        import pyarrow as pa

        column = self.raw.table[name]
        if pa.types.is_boolean(column.type):
            return column.to_numpy()
        found = self.numbers(name)
        if found.wrong.all() and (truths := cells.truths(column)) is not None:
            return truths
        if found.wrong.any() or (found.blank.all() and not pa.types.is_null(column.type)):
            return np.array(cells.texts(column), dtype=object)
        return found.values

    def texts(self, source: str | int | float) -> Texts:
        """A column, an expression or a constant as n strings, None where a cell is empty."""
        if isinstance(source, str) and source in self.raw.names:
            return cells.texts(self.raw.table[source])
        if not isinstance(source, str):
            return [str(source)] * len(self.raw)
        found = self.evaluate(f"text({source})")
        shared: dict[str | None, str | None] = {}
        return [shared.setdefault(cell, cell if cell is not None and cell.strip() else None) for cell in found.tolist()]

    def evaluate(self, text: str) -> Any:
        """An expression over the columns, (n,)."""
        try:
            return evaluate(text, Columns(self.raw.names, self.typed, len(self.raw)))
        except BadInput as error:
            raise BadInput(error.problem, where=self.raw.where, key=error.key, remedy=error.remedy) from None


def assemble(raw: Raw, told: Told, *, skip_bad: bool = False, points: bool = False) -> RunsTable:
    """The runs table of a table as it stands.

    Args:
        told: what is said of its columns; the others are taken under their usual names where there is one candidate.
        skip_bad: leave out rows that cannot be used, and say how many and why in ``warnings``.
        points: the rows are points to predict: all of them stay, equal ones too.

    Raises:
        BadInput: a column that is missing, named twice or of several candidates, a value that is not a number or out
            of its range (the row is named), no row left, one run with two losses, shares that do not add up.
    """
    if not raw.names or not len(raw):
        raise BadInput("holds no runs", where=raw.where)
    total = len(raw)
    raw, places = _where(raw, told)
    view = Cells(raw, told)
    plan = _Plan.of(raw, told)
    bad: dict[int, _Bad] = {}
    numbers, texts = _columns(view, plan, bad)
    shares = _shares(view, plan, told, bad)
    metrics = {name: _metric(view, plan, name, source) for name, source in plan.metrics.items()}
    described = [
        _described(name, plan.stars.get(source), raw.metrics.get(source, {}), told)
        for name, source in plan.metrics.items()
    ]
    if LOSS in plan.columns:
        described.insert(0, Metric(LOSS))
        numbers[LOSS] = _in_our_unit(numbers[LOSS], told.unit(LOSS))
    for metric in described:
        if metric.name != LOSS:
            known = raw.metrics.get(plan.metrics[metric.name], {})
            numbers[metric.name] = _in_our_unit(metrics[metric.name], _unit(metric.name, known, told))
    averaged = LOSS not in plan.columns and bool(described) and {m.unit for m in described} == {"nats"}
    if averaged:  # the average over held-out domains, where each was measured
        numbers[LOSS] = np.mean([numbers[metric.name] for metric in described], axis=0)
        described.insert(0, Metric(LOSS))
    kinds = _kinds(shares, told, raw.where)
    numbers |= {f"share.{source}": values for source, values in shares.items()}
    notes = list(raw.notes)
    keep = np.ones(len(raw), dtype=bool)
    stepwise = not points and _stepwise(told, plan, texts)
    if stepwise:
        measured = np.zeros(len(raw), dtype=bool)
        for metric in described:
            measured |= np.isfinite(numbers[metric.name])
        keep &= measured  # a log has rows at which nothing was evaluated: these are not bad
    for name in [key for key in plan.columns if key in numbers and key not in KEPT and not key.startswith("unique.")]:
        _check(name, plan.shown(name), numbers[name], bad)
    if averaged and not stepwise:
        _check(LOSS, "the average of the metrics", numbers[LOSS], bad)
    elif LOSS not in plan.columns:
        _check_measured(described, numbers, bad)
    if plan.shares or told.mixture or any(key.startswith("share.") for key in plan.columns):
        _add_up(shares, told, raw.where, bad)
    if shares:
        _mixtures(shares, numbers, texts, kinds)
    bad = {row: why for row, why in bad.items() if keep[row]}
    if stepwise and "run" in texts and told.rows != "every":
        keep[list(bad)] = not skip_bad
        keep, last = _last(keep, texts["run"], numbers, places)
        notes += last
        bad = {row: why for row, why in bad.items() if keep[row] or skip_bad}
    if bad and not skip_bad:
        row = min(bad)
        more = f" (and {plural(len(bad) - 1, 'more row')})" if len(bad) > 1 else ""
        problem = f"{bad[row].says(int(places[row]))}{more} (rows count from 0, without the header)"
        raise BadInput(problem, where=raw.where, key=bad[row].column, remedy=SKIP)
    if bad or raw.dropped:
        keep[list(bad)] = False
        notes.insert(0, _left_out(raw, bad, keep, places, total))
    if not keep.any():
        raise BadInput("no row holds a measurement", where=raw.where, remedy="check metrics, or where")
    if told.unit("N") is not None or (plan.total_for_n and "N" in numbers):
        notes.append(_embedded(plan))
    table = RunsTable(numbers, texts, tuple(described), kinds, taken=plan.taken(told, averaged=averaged))
    if not keep.all():
        table = table.select(keep)
    if stepwise and told.rows == "every" and "run" in table.texts:
        table = replace(table, texts={**table.texts, "group": table.texts["run"]})
        notes.append(_correlated(table))
    if points:
        return table
    table, doubled = _one_value(raw.where, table, told)
    notes += doubled
    return marked(replace(table, warnings=(*notes, *plan.unnamed(raw), *_assumed(table), *_constant(table))))


# Which column is what


@dataclass
class _Plan:
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
    def of(cls, raw: Raw, told: Told) -> "_Plan":
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
    if _constant_of(source) is not None:
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


def _constant_of(source: str | int | float) -> float | None:
    from synthmix.quantities import parse_number

    try:
        return parse_number(source)
    except ValueError:
        return None


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
    more = f" and {len(names) - _ROOM} more" if len(names) > _ROOM else ""
    return ", ".join(names[:_ROOM]) + more


# Columns of numbers and of text


def _where(raw: Raw, told: Told) -> tuple[Raw, Any]:
    """The rows for which ``where`` holds, and their places (n,)."""
    if told.where is None:
        return raw, np.arange(len(raw))
    mask = Cells(raw, told).evaluate(told.where)
    if mask.dtype != bool:
        raise BadInput(
            "is no condition", where=raw.where, key=f"where: {told.where}", remedy='write State == "finished"'
        )
    if not mask.any():
        raise BadInput(f"none of {len(raw):,} rows is left by where: {told.where}", where=raw.where, key="where")
    import pyarrow as pa

    return replace(raw, table=raw.table.filter(pa.array(mask))), np.flatnonzero(mask)


def _columns(view: Cells, plan: _Plan, bad: dict[int, _Bad]) -> tuple[dict[str, Floats], dict[str, Texts]]:
    numbers: dict[str, Floats] = {}
    texts: dict[str, Texts] = {}
    for key, source in plan.columns.items():
        if key in TEXTS:
            texts[key] = view.texts(source)
        elif not key.startswith((*MEASURED, "share.")):
            need = key not in KEPT and not key.startswith("unique.") and not (key == LOSS and plan.metrics)
            numbers[key] = _number(view, key, source, bad, need=need)
    return numbers, texts


def _number(view: Cells, key: str, source: str | int | float, bad: dict[int, _Bad], *, need: bool) -> Floats:
    """A column of numbers, NaN where a cell is none; ``need``: such a row is bad."""
    n = len(view.raw)
    if isinstance(source, str) and source in view.raw.names:
        found = view.numbers(source)
        if need:
            column = view.raw.table[source]
            for row in np.flatnonzero(found.wrong).tolist():
                bad.setdefault(row, _Bad(source, "is not a number", cells.shown(column, row)))
            for row in np.flatnonzero(found.blank).tolist():
                bad.setdefault(row, _Bad(source, "is empty"))
        return found.values
    constant = _constant_of(source)
    if constant is not None:
        return np.full(n, constant)
    values = view.evaluate(str(source))
    if values.dtype == object:
        values = view.evaluate(f"number({source})")
    numbers = np.array(values, dtype=np.float64)
    if need:
        for row in np.flatnonzero(np.isnan(numbers)).tolist():
            bad.setdefault(row, _Bad(str(source), "gives no number"))
    return numbers


def _metric(view: Cells, plan: _Plan, name: str, source: str) -> Floats:
    return _number(view, name, source, {}, need=False)


def _described(name: str, star: str | None, known: Mapping[str, Any], told: Told) -> Metric:
    """What a metric's name, its format and the mapping say of it."""
    kind, _, what = name.partition(".")
    unit = _unit(name, known, told)
    grows = told.grows(name)
    if grows is None:
        grows = known.get("higher_is_better")
    if kind == "task" or unit in ("score", "percent") or grows:
        asked = {key: known[key] for key in ("measure", "items") if key in known}
        return Metric(name, "score", higher_is_better=grows is not False, task=what or name, **asked)
    bits = unit == "bits_per_byte" or (kind == "bits" and unit is None)
    domain = what if kind in ("loss", "bits") and what else star
    return Metric(name, "bits" if bits else "nats", domain=domain or what or name)


def _unit(name: str, known: Mapping[str, Any], told: Told) -> Unit | None:
    found: Unit | None = told.unit(name) or known.get("unit")
    return found


def _in_our_unit(values: Floats, unit: Unit | None) -> Floats:
    """Bits per token and perplexities as nats per token, percent as scores between 0 and 1."""
    with np.errstate(all="ignore"):
        if unit == "bits":
            return values * float(np.log(2))
        if unit == "perplexity":
            return np.log(values)
    return values / 100 if unit == "percent" else values


def _check(key: str, name: str, values: Floats, bad: dict[int, _Bad]) -> None:
    """Rows out of the range of their column."""
    if key == "share" or key.startswith("share."):
        wrong, rule = ~((values >= 0) & (values <= 1)), "is not between 0 and 1"
    elif key == LOSS:
        wrong, rule = ~(np.isfinite(values) & (values > 0)), "is not a positive number"
    else:
        wrong, rule = ~(np.isfinite(values) & (values > 0)), "is not positive"
    for row in np.flatnonzero(wrong).tolist():
        bad.setdefault(row, _Bad(name, rule, f"{values[row]:g}"))


def _check_measured(metrics: Sequence[Metric], numbers: Mapping[str, Floats], bad: dict[int, _Bad]) -> None:
    known = np.zeros(len(next(iter(numbers.values()))), dtype=bool)
    for metric in metrics:
        known |= np.isfinite(numbers[metric.name])
    for row in np.flatnonzero(~known).tolist():
        bad.setdefault(row, _Bad("metrics", "holds no measurement"))


# Mixtures


def _shares(view: Cells, plan: _Plan, told: Told, bad: dict[int, _Bad]) -> dict[str, Floats]:
    """Source -> its share (n,)."""
    found: dict[str, Floats] = {}
    if told.mixture is not None:
        found |= _of_one_cell(view.texts(told.mixture.of), told.mixture.separator, told.mixture.of, bad)
    named: dict[str, Any] = {f"share.{source}": column for source, column in plan.shares.items()}
    named |= {key: source for key, source in plan.columns.items() if key.startswith("share.")}
    for key, source in named.items():
        values = np.nan_to_num(_number(view, key, source, {}, need=False), nan=0.0)
        if isinstance(source, str) and source in view.raw.names:
            for row in np.flatnonzero(view.numbers(source).wrong).tolist():
                cell = cells.shown(view.raw.table[source], row)
                bad.setdefault(row, _Bad(source, "is not a number", cell))
        values = _in_our_unit(values, told.unit(key))
        if not told.normalise_shares:
            _check("share", str(source), values, bad)
        elif (values < 0).any():
            for row in np.flatnonzero(values < 0).tolist():
                bad.setdefault(row, _Bad(str(source), "is negative", f"{values[row]:g}"))
        found[key.removeprefix("share.")] = values
    return found


def _of_one_cell(cells_: Texts, separator: str, name: str, bad: dict[int, _Bad]) -> dict[str, Floats]:
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
            bad.setdefault(row, _Bad(name, parts, repr(cell) if cell is not None else ""))
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
    number = _constant_of(piece)
    if number is not None:
        return number, None
    for sign in (" ", ":", "="):
        head, found, tail = piece.partition(sign)
        if found and (first := _constant_of(head)) is not None:
            return first, tail.strip()
        head, found, tail = piece.rpartition(sign)
        if found and (last := _constant_of(tail)) is not None:
            return last, head.strip()
    return None, piece


def _add_up(shares: dict[str, Floats], told: Told, where: str, bad: dict[int, _Bad]) -> None:
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
        bad.setdefault(row, _Bad("shares", rule.format(f"{total[row]:.4g}"), hint, rule.format("another sum")))


def _kinds(shares: Mapping[str, Floats], told: Told, where: str) -> dict[str, Kind]:
    """Source -> natural or synthetic, as told; where one kind is told, all others are of the other."""
    import fnmatch

    def named(source: str, patterns: Sequence[str]) -> bool:
        return any(fnmatch.fnmatchcase(source, pattern) for pattern in patterns)

    sources = [*shares, *([told.rest] if told.rest else [])]
    for key, patterns in (("natural", told.natural), ("synthetic", told.synthetic)):
        for pattern in patterns:
            if not any(fnmatch.fnmatchcase(source, pattern) for source in sources):
                there = ", ".join(sources[:_ROOM]) or "no shares by source"
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


def _mixtures(
    shares: Mapping[str, Floats], numbers: dict[str, Floats], texts: dict[str, Texts], kinds: Mapping[str, Kind]
) -> None:
    """The identity of each row's mixture, its name where it has none, its synthetic share and its synthetic source."""
    numbers |= {f"share.{source}": values for source, values in shares.items()}
    codes = labels(*(np.round(values, 9) for values in shares.values()))
    first = np.unique(codes, return_index=True)[1]
    mixtures = [mixture_of({source: float(shares[source][row]) for source in shares}) for row in first.tolist()]
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


# Rows: steps, replicates, what is left out


def _stepwise(told: Told, plan: _Plan, texts: Mapping[str, Texts]) -> bool:
    """Whether a row is a step of a run: as told, else where the table has steps and several rows of one run."""
    if told.rows is not None:
        return told.rows != "run"
    if "step" not in plan.columns or "run" not in texts:
        return False
    return len(set(texts["run"])) < len(texts["run"])


def _last(keep: Mask, runs: Texts, numbers: Mapping[str, Floats], places: Any) -> tuple[Mask, list[Warn]]:
    """The last step of every run among the rows that are kept."""
    order = numbers.get("step", numbers.get("D"))
    steps = np.asarray(places, dtype=np.float64) if order is None else np.nan_to_num(order, nan=-1.0)
    run = labels(runs)
    rows = np.flatnonzero(keep)
    if not len(rows):
        return keep, []
    by = rows[np.lexsort((steps[rows], run[rows]))]
    final = np.ones(len(by), dtype=bool)
    final[:-1] = run[by][1:] != run[by][:-1]
    top = np.full(int(run.max()) + 1, -np.inf)
    np.maximum.at(top, run[by], steps[by])
    chosen = np.zeros(len(keep), dtype=bool)
    chosen[by[steps[by] == top[run[by]]]] = True  # of two at the last step both: checked later
    count, every = int(final.sum()), len(rows)
    message = f"the last step of each of {plural(count, 'run')} is taken, of {every:,} rows; rows: every takes all"
    return chosen, [Warn(code="last_step", message=message)]


def _left_out(raw: Raw, bad: Mapping[int, _Bad], keep: Mask, places: Any, total: int) -> Warn:
    if not keep.any() and bad:
        row = min(bad)
        raise BadInput(f"none of {total:,} rows can be used: {bad[row].says(int(places[row]))}", where=raw.where)
    reasons = Counter(f"{why.column} {why.kind or why.problem}" for why in bad.values())
    said = [cells.listed_counts(reasons)] if reasons else []
    said += [f"{count:,} because {why}" for why, count in raw.dropped.items()]
    dropped = sum(raw.dropped.values())
    examples = ", ".join(str(int(places[row])) for row in sorted(bad)[:10])
    more = ", ..." if len(bad) > 10 else ""
    which = f" (rows {examples}{more})" if bad else ""
    message = (
        f"{len(bad) + dropped} of {total + dropped} rows cannot be used and are left out: {'; '.join(said)}{which}"
    )
    return Warn(code="rows_left_out", message=message)


def _embedded(plan: _Plan) -> Warn:
    message = (
        f"N is taken from {plan.columns['N_total']}, parameters with embeddings: of small models a large part, which "
        "bends the exponent of N; write N: params - vocabulary * width in a mapping file if these are known"
    )
    return Warn(code="params_with_embeddings", message=message)


def _correlated(table: RunsTable) -> Warn:
    runs = len(set(table.text("run")))
    message = (
        f"{len(table):,} steps of {plural(runs, 'run')} are taken as {plural(runs, 'correlated group')}: losses "
        "before the end of a schedule are not those of a run of that budget"
    )
    return Warn(code="steps_of_runs", message=message)


def _one_value(where: str, table: RunsTable, told: Told) -> tuple[RunsTable, list[Warn]]:
    """One run written twice with two values: without this it would pass for a replicate.

    Raises:
        BadInput: two rows of one run (and one step) differ in a measurement.
    """
    notes: list[Warn] = []
    metric = LOSS if LOSS in table.numbers else table.metrics[0].name
    values = table.column(metric)
    if "run" in table.texts:
        ids = labels(
            table.text("run"),
            *(np.nan_to_num(table.numbers[name], nan=-1.0) for name in ("step", "N", "D") if name in table.numbers),
        )
        known = np.array([run is not None for run in table.text("run")])
        first = np.unique(ids, return_index=True)[1][ids]
        same = (values == values[first]) | (np.isnan(values) & np.isnan(values[first]))
        apart = np.flatnonzero(known & ~same)
        if len(apart):
            row = int(apart[0])
            run = table.text("run")[row]
            problem = f"the run {run!r} stands there twice with {metric} {values[first[row]]:g} and {values[row]:g}"
            remedy = "delete one, or name a column of distinct ids: --columns run=..."
            raise BadInput(problem, where=where, key="run", remedy=remedy)
        again = known & (first != np.arange(len(table)))
        if again.any():
            message = f"{plural(int(again.sum()), 'row')} of runs that stand there already are left out"
            notes.append(Warn(code="rows_repeated", message=message))
            table = table.select(~again)
        return table, notes
    if "seed" not in table.texts or "group" in table.texts:
        return table, notes
    ids = labels(table.replicates, table.text("seed"))
    first = np.unique(ids, return_index=True)[1][ids]
    apart = np.flatnonzero(~((values == values[first]) | np.isnan(values)))
    if len(apart):
        row = int(apart[0])
        problem = f"rows {int(first[row])} and {row} are one run (equal in all but the loss) with two losses"
        raise BadInput(problem, where=where, remedy="delete one of them, or give them different seeds")
    return table, notes


def _assumed(table: RunsTable) -> tuple[Warn, ...]:
    repeated = int((np.bincount(table.replicates) > 1).sum())
    if "seed" in table.texts or "group" in table.texts or not repeated:
        return ()
    message = (
        f"{repeated} cells have several rows and no column says their seed: taken for repeated runs, and their "
        "differences for seed noise; add a seed column, or delete rows that are one run written twice"
    )
    return (Warn(code="replicates_assumed", message=message),)


def _constant(table: RunsTable) -> list[Warn]:
    """Metrics that are equal in every row: nothing can be concluded from them."""
    found = []
    for metric in table.metrics:
        values = table.column(metric.name)
        values = values[np.isfinite(values)]
        if metric.name != LOSS and len(values) > 1 and (values == values[0]).all():
            found.append(metric.name)
    if not found:
        return []
    message = f"{listed(found)}: equal in every row, nothing can be fitted to {'it' if len(found) == 1 else 'them'}"
    return [Warn(code="constant_metric", message=message)]
