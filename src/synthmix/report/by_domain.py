"""The best share and the laws by held-out domain and by task, beside those of the averaged loss."""

from dataclasses import dataclass
from typing import Any

from synthmix.interval import Interval
from synthmix.quantities import format_count, percent
from synthmix.report.figures import Figure, View, dots, source_symbol, source_token
from synthmix.report.tables import fitted_to, parameters_cell
from synthmix.results import Results, ShareCurve
from synthmix.style import Spec, axis, label, layout
from synthmix.table import Column, Table

AVERAGE = "average loss"
_ROW = 26  # pixels a measure


@dataclass(frozen=True)
class BestBy:
    """The best share of one source by one measure: the average loss, a domain's loss, or a task's score."""

    measure: str
    synthetic: str
    params: int
    tokens: int
    expected: bool
    best: Interval
    gain: Interval | None


def best_by(results: Results) -> list[BestBy]:
    """By the average, by every domain, by every task above chance: at the largest measured cell of each source, and
    expected at the question."""
    found = []
    largest: dict[str, ShareCurve] = {}
    for curve in sorted(results.share_curves, key=lambda c: (c.params * c.tokens, c.params)):
        largest[curve.synthetic] = curve
    for curve in largest.values():
        found.append(BestBy(AVERAGE, curve.synthetic, curve.params, curve.tokens, False, curve.best, None))
    if (decision := results.decision) is not None:
        for asked in decision.curves:
            if asked.shares:
                at = (asked.kind, decision.params, decision.tokens)
                found.append(BestBy(AVERAGE, *at, True, asked.best, None))
    for domain in results.by_domain:
        for s in domain.shares:
            found.append(BestBy(domain.domain, s.synthetic, s.params, s.tokens, s.law is not None, s.best, s.gain))
    for task in results.tasks:
        for share in () if task.at_chance else task.shares:
            at = (share.synthetic, share.params, share.tokens)
            cell = largest.get(share.synthetic)
            if share.is_question or cell is None or (cell.params, cell.tokens) == at[1:]:
                found.append(BestBy(f"task {task.task}", *at, share.is_question, share.by_score, None))
    return found


def best_share_table(results: Results) -> Table:
    """A row a measure and source: best share as measured and as expected at the question."""
    every = best_by(results)
    asked = any(each.expected for each in every)
    columns = [
        *(Column("measure", "By"), Column("source", "Source")),
        Column("measured", "Best share, measured", percent, kind=Interval, missing=""),
        Column("gain", "Gain there", "+", kind=Interval, missing="", help="nats per token below natural text alone"),
    ]
    if asked:
        columns.append(Column("expected", "At the question", percent, kind=Interval, missing=""))
        columns.append(Column("expected_gain", "Gain there", "+", kind=Interval, missing=""))
    rows = []
    for measure, source in dict.fromkeys((each.measure, each.synthetic) for each in every):
        mine = [each for each in every if (each.measure, each.synthetic) == (measure, source)]
        row: list[Any] = [measure, source]
        for expected in (False, True) if asked else (False,):
            one = next((each for each in mine if each.expected == expected), None)
            row += [None, None] if one is None else [one.best, one.gain]
        rows.append(row)
    note = "Gain: loss of natural text alone minus that at the best share, nats per token. Tasks: by their score."
    return Table("best_share_by", columns, rows, "Best share by domain and by task", note=note)


def domain_law_table(results: Results) -> Table:
    """A row a domain and law."""
    columns = [
        *(Column("domain", "Domain"), Column("fitted", "Fitted to"), Column("points", "Points")),
        *(Column("parameters", "Parameters"), Column("r2", "R\u00b2", ".4f", kind=float)),
        Column("error", "Held-out error", ".2%", kind=float, missing="not tested"),
    ]
    rows = [
        (
            *(found.domain, fitted_to(results, law), law.points, parameters_cell(law.parameters), law.r2),
            None if law.held_out is None else law.held_out.mean_abs_relative_error,
        )
        for found in results.by_domain
        for law in found.laws
    ]
    caption = "The law of the averaged loss fitted to each held-out domain by itself."
    return Table("laws by domain", columns, rows, "The law of each domain", caption)


def best_share_figure(results: Results) -> Figure | None:
    """A row a measure, a mark a source: as measured first, then as expected at the question."""
    every = best_by(results)
    names = list(dict.fromkeys(each.measure for each in every))
    if len(names) < 2:
        return None
    views = []
    for expected in (False, True):
        here = [each for each in every if each.expected == expected and each.best.mid is not None]
        if here:
            places = sorted({(each.params, each.tokens) for each in here}, reverse=True)
            at = ", ".join(f"{format_count(n)} on {format_count(d)} tokens" for n, d in places)
            views.append(View(f"{'question' if expected else 'measured'}: {at}", *_rows(results, here, names)))
    if not views:
        return None
    return Figure(
        id="best-by",
        title="Best share by domain and by task",
        caption="The share with the lowest loss on each held-out domain, and with the highest score on each task, with "
        "its interval. Where the rows disagree, the average hides a choice.",
        summary="Best synthetic share by held-out domain and task; the numbers are in the table below.",
        views=views,
        height=120 + _ROW * len(names),
    )


def _rows(results: Results, here: list[BestBy], names: list[str]) -> tuple[list[Spec], Spec]:
    sources = list(dict.fromkeys(each.synthetic for each in here))
    data = []
    for i, source in enumerate(sources):
        mine = [each for each in here if each.synthetic == source]
        off = 0.3 * (i - (len(sources) - 1) / 2) / max(1, len(sources) - 1)
        data.append(
            dots(
                [each.best.scaled(100) for each in mine],
                [names.index(each.measure) + off for each in mine],
                source_token(results, source),
                source,
                "%{x:.0f}%",
                symbol=source_symbol(results, source),
                size=10,
            )
        )
    y = axis("", tickvals=list(range(len(names))), ticktext=[label(name) for name in names], ticks="")
    return data, layout(axis("best synthetic share", ticksuffix="%", range=[-3, 103]), y | {"autorange": "reversed"})
