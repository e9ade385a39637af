"""``synthmix advise``: what to do, from a finished study or from what is published."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli.options import AsJson, Quiet, parsed, telling
from synthmix.cli.runs import Columns, InsteadOfStudy, MappingFile, SkipBad

if TYPE_CHECKING:
    from synthmix.table import Table


def advise(
    params: Annotated[str | None, typer.Option(help="Non-embedding parameters; unset: the study's question.")] = None,
    tokens: Annotated[str | None, typer.Option(help="Training tokens; unset: the study's question.")] = None,
    natural: Annotated[
        str | None,
        typer.Option("--natural", help="Unique natural tokens there are: 60B, or 60B,epochs=4: at most so often."),
    ] = None,
    real: Annotated[str | None, typer.Option("--real", hidden=True)] = None,
    synthetic: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME[=TOKENS],price=MONEY[,params=SIZE][,epochs=MOST][,like=KIND][,files=PATH]: tokens that can be "
            "had, money per million; the generator's size; how often it may be gone through; without a study the "
            "published kind it is like, and its text. Repeatable."
        ),
    ] = None,
    study: Annotated[Path | None, typer.Option(help="A finished study: its file, folder or results.json.")] = None,
    runs: InsteadOfStudy = None,
    columns: Columns = "",
    mapping: MappingFile = None,
    skip_bad: SkipBad = False,
    budget_money: Annotated[str | None, typer.Option(help="Money for synthetic tokens, at most.")] = None,
    price_training: Annotated[
        str | None, typer.Option(help="Money per million tokens trained at this size: what saved tokens are worth.")
    ] = None,
    prices: Annotated[
        Path | None,
        typer.Option(help="A price list (YAML): gpu_hour, flops (peak of a GPU), mfu, generated: money per million."),
    ] = None,
    next_flops: Annotated[
        str | None, typer.Option(help="FLOPs of one of the next runs, at most; unset: those of the whole study.")
    ] = None,
    scores: Annotated[
        bool | None,
        typer.Option(
            "--scores/--no-scores",
            help="Read the study's texts for its valuation scores too: once, they are kept in its folder. "
            "Unset: those that are kept.",
        ),
    ] = None,
    evidence: Annotated[
        Path | None, typer.Option(help="A CSV file of further published effects, beside those of the package.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the figures.")] = None,
    write_study: Annotated[
        Path | None, typer.Option(help="Without a study: write the study file that would replace the priors.")
    ] = None,
    minutes: Annotated[str, typer.Option(help="Training time that study may take on this machine.")] = "60",
    natural_files: Annotated[
        str | None, typer.Option("--natural-files", help="Natural text for that study; unset: the embedded sample.")
    ] = None,
    real_files: Annotated[str | None, typer.Option("--real-files", hidden=True)] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Which synthetic text to mix in, how much, at what cost and with what confidence; sensitivity, and the next runs.

    From a finished study its decision under these constraints, beside what published effects say; without one these
    alone, as a prior, and the study that would replace it.

    Example: synthmix advise --params 1B --tokens 100B --natural 60B --synthetic hq=30B,price=0.5 --study mine.yaml

    Example: synthmix advise --params 7B --tokens 1T --runs runs.parquet
    """
    from synthmix.advice.advise import advise as advised
    from synthmix.advice.page import eyebrow, sections, write_advice
    from synthmix.cli.terminal import show

    with telling(quiet=quiet or as_json) as progress:
        found = advised(
            params,
            tokens,
            natural=natural or real,
            synthetic=synthetic or [],
            study=study,
            runs=runs or None,
            columns=columns,
            mapping=mapping,
            skip_bad=skip_bad,
            budget_money=None if budget_money is None else parsed(float, budget_money, "--budget-money"),
            price_training=None if price_training is None else parsed(float, price_training, "--price-training"),
            prices=prices,
            next_flops=None if next_flops is None else parsed(float, next_flops, "--next-flops"),
            scores=scores,
            minutes=parsed(float, minutes, "--minutes"),
            natural_files=natural_files or real_files,
            write_study=write_study,
            evidence=evidence,
            progress=progress,
        )
    first = [eyebrow(found), found.measured, found.headline, found.confidence, found.recommendation]
    blocks: list[str | Table] = ["\n".join(line for line in first if line)]
    for section in sections(found):
        tables = [table for table in section.tables if table.rows]
        blocks += [replace(table, title=section.title if i == 0 else table.title) for i, table in enumerate(tables)]
    if html is not None:
        write_advice(found, html)
        blocks.append(f"page: {html}")
    show(found.model_dump(mode="json"), *blocks, as_json=as_json)
