"""The best share of each synthetic source in a table of runs, for any metric, as measured or by a law elsewhere.

Losses fall and scores grow: of a score the curve is fitted as it stands, with its own seed noise, no logarithm taken.
Shape letters: n rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.quantities import listed
from synthmix.results import Warn
from synthmix.runs.cells import Mask
from synthmix.runs.table import LOSS, Cell, Metric, RunsTable, mixture_of
from synthmix.scaling import best_share as _best_share
from synthmix.scaling import best_share_of_law, compare, fit
from synthmix.scaling.share_summary import BestShare

FEWEST = 3
#: Laws in (N, D, share) that can say "none"; the better one on the largest runs, held out, is taken.
LAWS = ("joint_quadratic", "three_phase_size")


@dataclass(frozen=True)
class SourceShare:
    """The best share of one source beside one natural text, for one metric.

    Attributes:
        source: the synthetic source; None: the table does not name it. beside: the natural text, as a mixture.
        metric: its name, unit and direction. cell: the (N, D) that it holds for.
        law: the law that predicts it; None: measured there.
        shares: those measured, sorted. runs: how many.
        noise: standard deviation of one run, in the metric's unit; None: not known.
        best: the share, with its interval. value: the metric expected there. gain: by how much it is better there than
            at share 0, positive is better. flat: shares that are as good within the noise.
        warnings: coded.
    """

    source: str | None
    beside: str
    metric: Metric
    cell: Cell
    law: str | None
    shares: tuple[float, ...]
    runs: int
    noise: float | None
    best: Interval
    value: Interval
    gain: Interval
    flat: tuple[float, float] | None
    warnings: tuple[Warn, ...]


def best_shares(
    table: RunsTable, metric: str | None = None, *, source: str | None = None, at: Cell | None = None,
    level: float = 0.9, bootstrap: int = 1000, seed: int = 0,
) -> list[SourceShare]:  # fmt: skip
    """The best share of every synthetic source, the largest cell first.

    Args:
        metric: its name; None: the loss, or the only metric that there is.
        source: only this one. at: the (N, D) asked about; where it was not trained, a law predicts it (of losses, and
            of scores by their error). None: every cell at which three shares were measured.

    Raises:
        BadInput: no synthetic share, no such source or metric, a metric that is constant, or nowhere three shares.
    """
    known = asked_metric(table, metric)
    if "share" not in table.numbers:
        remedy = "say which sources are synthetic, in a mapping file: synthetic: [...], or name the column of the share"
        raise BadInput("has no share of synthetic text", where="runs", key="share", remedy=remedy)
    values = table.column(known.name)
    table = table.select(np.isfinite(values))
    values = table.column(known.name)
    if len(values) > 1 and np.ptp(values) == 0:
        raise BadInput(f"is {values[0]:g} in every run", where="runs", key=known.name, remedy="name another metric")
    named = dict.fromkeys(name for name in table.text("synthetic") if name is not None)
    sources: list[str | None] = [*named] or [None]
    if source is not None and source not in sources:
        there = listed([str(name) for name in sources]) if sources != [None] else "none by name"
        raise BadInput(f"no runs with the one synthetic source {source!r}", where="runs", remedy=f"there are {there}")
    noise = table.noise(known.name).sd
    found: list[SourceShare] = []
    for name in sources if source is None else [source]:
        for beside, rows in _groups(table, name):
            mine = table.select(rows)
            if at is None:
                found += [
                    _measured(mine.at(cell), name, beside, known, cell, noise, level, bootstrap, seed)
                    for cell in sorted(mine.cells, reverse=True)
                    if len(set(mine.at(cell).column("share").tolist())) >= FEWEST
                ]
            elif len(set(mine.column("share").tolist())) >= FEWEST:
                measured = mine.at(at) if at in mine.cells else None
                enough = measured is not None and len(set(measured.column("share").tolist())) >= FEWEST
                if measured is not None and enough:
                    found.append(_measured(measured, name, beside, known, at, noise, level, bootstrap, seed))
                else:
                    found.append(_predicted(mine, name, beside, known, at, level, bootstrap, seed))
    if not found:
        remedy = "a best share needs three shares of one source beside one natural text, at one size and budget"
        raise BadInput("nowhere were three shares measured", where="runs", key="share", remedy=remedy)
    return sorted(found, key=lambda one: (-one.cell.compute, -len(one.shares)))


def asked_metric(table: RunsTable, name: str | None) -> Metric:
    """The metric of a name; of none the loss, or the only one that there is.

    Raises:
        BadInput: no such metric, or several and none is the loss.
    """
    if name is not None:
        return table.metric(name)
    if LOSS in table.numbers:
        return Metric(LOSS)
    if len(table.metrics) == 1:
        return table.metrics[0]
    there = ", ".join(metric.name for metric in table.metrics[:12])
    raise BadInput("has several metrics and no loss", where="runs", key="--metric", remedy=f"name one of {there}")


def _groups(table: RunsTable, source: str | None) -> list[tuple[str, Mask]]:
    """Natural text and the rows (n,) of its mixtures with one source, natural text alone among them; pure synthetic
    text belongs to each."""
    share = table.column("share")
    mine = np.array([name == source for name in table.text("synthetic")]) | (share == 0)
    natural = [name for name in table.sources if name != source]
    if not natural or source is None:
        return [("natural text", mine)]
    rest = np.column_stack([table.column(f"share.{name}") for name in natural])
    total = rest.sum(axis=1)
    with np.errstate(all="ignore"):
        parts = np.round(np.where(total[:, None] > 0, rest / total[:, None], 0.0), 4)
    beside = np.array([mixture_of(dict(zip(natural, row, strict=True))) if sum(row) else "" for row in parts.tolist()])
    names = dict.fromkeys(name for name in beside[mine & (share > 0)].tolist() if name)
    found = []
    for name in names:
        rows = mine & ((beside == name) | (beside == ""))
        found.append((name.removeprefix("1 "), rows))
    return found


def _measured(
    mine: RunsTable, source: str | None, beside: str, metric: Metric, cell: Cell, noise: float | None, level: float,
    bootstrap: int, seed: int,
) -> SourceShare:  # fmt: skip
    sign = -1.0 if metric.higher_is_better else 1.0
    shares, values = mine.column("share"), mine.column(metric.name)
    found = _best_share(shares, sign * values, noise=noise, draws=bootstrap, seed=seed, level=level)
    return _found(found, source, beside, metric, cell, None, shares, noise, sign)


def _predicted(
    mine: RunsTable,
    source: str | None,
    beside: str,
    metric: Metric,
    cell: Cell,
    level: float,
    bootstrap: int,
    seed: int,
) -> SourceShare:
    runs = mine.arrays(metric.name)
    ranking = compare(runs, list(LAWS), delta=None, level=level)
    law = fit(ranking.winner, runs, bootstrap=bootstrap, level=level, delta=None, seed=seed)
    found = best_share_of_law(law, level=level, N=cell.N, D=cell.D)
    one = _found(found, source, beside, metric, cell, ranking.winner, mine.column("share"), found.noise, 1.0)
    if metric.unit == "score" and metric.higher_is_better:
        one = replace(one, value=_mapped(found.loss, lambda error: 1 - error))
    return replace(one, warnings=(*one.warnings, *law.warnings, *law.warnings_at(N=cell.N, D=cell.D)))


def _found(
    found: BestShare, source: str | None, beside: str, metric: Metric, cell: Cell, law: str | None, shares: Any,
    noise: float | None, sign: float,
) -> SourceShare:  # fmt: skip
    value = _mapped(found.loss, lambda loss: -loss) if sign < 0 else found.loss
    distinct = tuple(sorted(set(np.asarray(shares).tolist())))
    return SourceShare(
        source, beside, metric, cell, law, distinct, len(shares), noise, found.best, value, found.gain, found.flat,
        tuple(found.warnings),
    )  # fmt: skip


def _mapped(interval: Interval, by: Any) -> Interval:
    """The interval of a falling function of what an interval is of."""
    low = None if interval.high is None else by(interval.high)
    high = None if interval.low is None else by(interval.low)
    return replace(interval, mid=None if interval.mid is None else by(interval.mid), low=low, high=high)


def as_json(found: Sequence[SourceShare]) -> list[dict[str, Any]]:
    """Plain data, for ``--json``."""
    from dataclasses import asdict

    return [
        asdict(one)
        | {"cell": one.cell._asdict(), "warnings": [{"code": w.code, "message": w.message} for w in one.warnings]}
        for one in found
    ]
