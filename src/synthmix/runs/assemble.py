"""From columns of cells and a mapping to the runs table: names, numbers, units, shares, steps, and what cannot be used.

Shape letters: n rows that are left by ``where``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import listed, plural
from synthmix.results import Warn
from synthmix.runs import cells
from synthmix.runs.cells import Floats, Mask, Texts, labels
from synthmix.runs.divergence import marked
from synthmix.runs.mapping import KEPT, Unit
from synthmix.runs.mapping import Mapping as Told
from synthmix.runs.plan import MEASURED, Plan
from synthmix.runs.raw import SKIP, Raw
from synthmix.runs.shares import check_sums, kinds_of_sources, name_mixtures, source_shares
from synthmix.runs.table import LOSS, TEXTS, Metric, RunsTable
from synthmix.runs.view import Bad, Cells, check_range, in_our_unit, number_column


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
    plan = Plan.of(raw, told)
    bad: dict[int, Bad] = {}
    numbers, texts = _columns(view, plan, bad)
    shares = source_shares(view, plan, told, bad)
    metrics = {name: number_column(view, name, source, {}, need=False) for name, source in plan.metrics.items()}
    described = [
        _described(name, plan.stars.get(source), raw.metrics.get(source, {}), told)
        for name, source in plan.metrics.items()
    ]
    if LOSS in plan.columns:
        described.insert(0, Metric(LOSS))
        numbers[LOSS] = in_our_unit(numbers[LOSS], told.unit(LOSS))
    for metric in described:
        if metric.name != LOSS:
            known = raw.metrics.get(plan.metrics[metric.name], {})
            numbers[metric.name] = in_our_unit(metrics[metric.name], _unit(metric.name, known, told))
    averaged = LOSS not in plan.columns and bool(described) and {m.unit for m in described} == {"nats"}
    if averaged:  # the average over held-out domains, where each was measured
        numbers[LOSS] = np.mean([numbers[metric.name] for metric in described], axis=0)
        described.insert(0, Metric(LOSS))
    kinds = kinds_of_sources(shares, told, raw.where)
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
        check_range(name, plan.shown(name), numbers[name], bad)
    if averaged and not stepwise:
        check_range(LOSS, "the average of the metrics", numbers[LOSS], bad)
    elif LOSS not in plan.columns:
        _check_measured(described, numbers, bad)
    if plan.shares or told.mixture or any(key.startswith("share.") for key in plan.columns):
        check_sums(shares, told, raw.where, bad)
    if shares:
        name_mixtures(shares, numbers, texts, kinds)
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


def _columns(view: Cells, plan: Plan, bad: dict[int, Bad]) -> tuple[dict[str, Floats], dict[str, Texts]]:
    numbers: dict[str, Floats] = {}
    texts: dict[str, Texts] = {}
    for key, source in plan.columns.items():
        if key in TEXTS:
            texts[key] = view.texts(source)
        elif not key.startswith((*MEASURED, "share.")):
            need = key not in KEPT and not key.startswith("unique.") and not (key == LOSS and plan.metrics)
            numbers[key] = number_column(view, key, source, bad, need=need)
    return numbers, texts


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


def _check_measured(metrics: Sequence[Metric], numbers: Mapping[str, Floats], bad: dict[int, Bad]) -> None:
    known = np.zeros(len(next(iter(numbers.values()))), dtype=bool)
    for metric in metrics:
        known |= np.isfinite(numbers[metric.name])
    for row in np.flatnonzero(~known).tolist():
        bad.setdefault(row, Bad("metrics", "holds no measurement"))


# Rows: steps, replicates, what is left out


def _stepwise(told: Told, plan: Plan, texts: Mapping[str, Texts]) -> bool:
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


def _left_out(raw: Raw, bad: Mapping[int, Bad], keep: Mask, places: Any, total: int) -> Warn:
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


def _embedded(plan: Plan) -> Warn:
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
