"""``synthmix rank``: which of many recipes is best at a target."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli.options import AsJson, as_options
from synthmix.cli.runs import Columns, MappingFile, SkipBad, Sources

if TYPE_CHECKING:
    from synthmix.table import Table


def rank(
    runs: Sources,
    params: Annotated[
        str | None, typer.Option(help="Non-embedding parameters of the target; unset: the largest cell.")
    ] = None,
    tokens: Annotated[str | None, typer.Option(help="Training tokens of the target.")] = None,
    metric: Annotated[str | None, typer.Option(help="Of the table; unset: its first.")] = None,
    recipe: Annotated[
        list[str] | None, typer.Option(help="Only these are ordered; the others still inform. Repeatable.")
    ] = None,
    columns: Columns = "",
    mapping: MappingFile = None,
    skip_bad: SkipBad = False,
    level: Annotated[
        float,
        typer.Option(help="Of intervals, and of the pairs told apart the part that is right.", min=0.51, max=0.99),
    ] = 0.9,
    html: Annotated[Path | None, typer.Option(help="Write a page with the figures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Order many recipes or data sets, measured at few scales, at a target: the confidence that each is better, which
    cannot be told apart, what choosing the first may lose, what a single scale and own laws say, and the run to
    make next.

    Example: synthmix rank runs.csv --params 7B --tokens 140B --columns recipe=dataset,loss=val_loss --html rank.html
    """
    from synthmix.cli.terminal import show
    from synthmix.decisions.rank import rank as ranked
    from synthmix.report.ranking import SHOWN, rank_headline, rank_rests_on, rank_sections, write_ranking

    with as_options("columns"):
        found = ranked(
            runs,
            params=params,
            tokens=tokens,
            metric=metric,
            recipes=recipe,
            columns=columns,
            mapping=mapping,
            skip_bad=skip_bad,
            level=level,
        )
    warned = "\n".join(f"warning {warning.code}: {warning.message}" for warning in found.warnings)
    blocks: list[str | Table] = [f"{rank_headline(found)}\n{rank_rests_on(found)}"]
    blocks += [table for section in rank_sections(found, SHOWN) for table in section.tables if table.rows]
    blocks.append(warned)
    if html is not None:
        write_ranking(found, html)
        blocks.append(f"page: {html}")
    show(found.model_dump(mode="json"), *blocks, as_json=as_json)
