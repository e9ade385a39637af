"""Which metrics of a table are meant: by name, by pattern, or a weighted one, an expression over others."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

import numpy as np

from synthmix.errors import BadInput
from synthmix.runs.expression import Columns, evaluate, names_in
from synthmix.runs.table import Metric, RunsTable


def asked_metrics(table: RunsTable, asked: str | Sequence[str] | None) -> tuple[RunsTable, list[str]]:
    """The table, with every weighted metric as a column of its own, and the names of those that are asked for.

    Args:
        asked: names, patterns (``loss.*``), or expressions over metrics of one unit, such as
            ``0.7 * loss.web + 0.3 * loss.code``. None: none is named, and the list is empty.

    Raises:
        BadInput: no such metric, one made of metrics of several units, or one that is equal in every run.
    """
    names = [metric.name for metric in table.metrics]
    found: list[str] = []
    for each in [asked] if isinstance(asked, str) else asked or []:
        like = [each] if each in names else [name for name in names if fnmatchcase(name, each)]
        if not like:
            table = _weighted(table, each)
            like = [each]
        found += [name for name in like if name not in found]
    for name in found:
        values = table.column(name)[np.isfinite(table.column(name))]
        if len(values) > 1 and np.ptp(values) == 0:
            raise BadInput(f"is {values[0]:g} in every run", where="runs", key=name, remedy="name another metric")
    return table, found


def _weighted(table: RunsTable, text: str) -> RunsTable:
    there = ", ".join(metric.name for metric in table.metrics)
    known = {metric.name: metric for metric in table.metrics}
    try:
        parts = names_in(text, list(known))
    except BadInput:
        parts = []
    if not parts or any(part not in known for part in parts):
        raise BadInput(f"no metric {text!r}", where="runs", remedy=f"there are {there}")
    kinds = {(known[part].unit, known[part].higher_is_better) for part in parts}
    if len(kinds) > 1:
        said = " and ".join(sorted({unit for unit, _ in kinds}))
        raise BadInput(f"{text!r} adds {said}", where="runs", key="metric", remedy="weigh metrics of one unit")
    unit, higher_is_better = kinds.pop()
    values = np.array(evaluate(text, Columns(list(known), table.column, len(table))), dtype=np.float64)
    metric = Metric(text, unit, higher_is_better=higher_is_better)
    return replace(table, numbers={**table.numbers, text: values}, metrics=(*table.metrics, metric))
