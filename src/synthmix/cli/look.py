"""``synthmix look``: reading sheets for people, and what their ratings say."""

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.common import AsJson, Quiet, telling


def look(
    corpora: Annotated[
        list[str],
        typer.Argument(
            help="[NAME=]PATH of generated folders, corpora or files; or the sheet, with --ratings.",
            show_default=False,
        ),
    ],
    source: Annotated[str | None, typer.Option(help="What they were made from: a corpus, file or glob.")] = None,
    to: Annotated[Path, typer.Option("--to", help="The page; its key is written beside it.")] = Path("sheet.html"),
    count: Annotated[int, typer.Option(help="Items of the sheet.", min=1)] = 40,
    words: Annotated[int, typer.Option(help="Longest text shown; 0: whole texts.", min=0)] = 300,
    single: Annotated[bool, typer.Option("--single", help="One text at a time, half of them the source's.")] = False,
    by: Annotated[str | None, typer.Option(help="One file of all: the field that names the writer.")] = None,
    human: Annotated[str, typer.Option(help="With --by: its value for the sources.")] = "human",
    pair: Annotated[str, typer.Option(help="Field that names the source document.")] = "id",
    text: Annotated[str, typer.Option(help="Field that holds the text.")] = "text",
    where: Annotated[list[str] | None, typer.Option(help="Keep generated records with FIELD=VALUE.")] = None,
    fold: Annotated[
        list[str] | None, typer.Option(help="Typography to fold away: whitespace, punctuation; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws texts, order and sides.", min=0)] = 0,
    ratings: Annotated[
        list[str] | None, typer.Option(help="Files (globs, folders) that raters downloaded; may be repeated.")
    ] = None,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = 0.9,
    html: Annotated[Path | None, typer.Option(help="With --ratings: write a page with the figures.")] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """A blind reading sheet of texts beside their sources, one offline page; with --ratings how far the raters agree,
    what they found, and whether the automatic measures say the same.

    Example: synthmix look corpora/hq --source data/web.jsonl --count 40 --to sheet.html

    Then: synthmix look sheet.html --ratings "ratings-*.json" --html agreement.html
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput

    if ratings:
        if len(corpora) != 1:
            raise BadInput(f"{len(corpora)} sheets are named", key="--ratings", remedy="name one sheet")
        value, lines = _rated(corpora[0], ratings, level, html)
        show(value, lines, as_json=as_json)
        return
    if html is not None:
        raise BadInput("is for ratings", key="--html", remedy="name the page with --to, or give --ratings FILES")
    if corpora[0].endswith((".html", ".key.json")):
        raise BadInput("is a sheet", where=corpora[0], remedy="give its ratings: --ratings FILES")
    with telling(quiet=quiet) as progress:
        value, lines = _made(
            corpora,
            to,
            source=source,
            count=count,
            words=words or None,
            single=single,
            by=by,
            human=human,
            pair=pair,
            text=text,
            where=where or [],
            fold=fold or [],
            seed=seed,
            progress=progress,
        )
    show(value, lines, as_json=as_json)


def _made(corpora: list[str], to: Path, *, where: list[str], fold: list[str], **how: Any) -> tuple[dict[str, Any], str]:
    from typing import get_args

    from synthmix.cli.common import field_values, parse_named
    from synthmix.corpus.sources import Fold
    from synthmix.errors import BadInput
    from synthmix.reading.make import make_sheet
    from synthmix.reading.sheet import key_path

    for each in fold:
        if each not in get_args(Fold):
            raise BadInput(f"{each!r} cannot be folded", key="--fold", remedy=f"write {' or '.join(get_args(Fold))}")
    named = {part.name: part.path for part in parse_named(corpora)}
    sheet = make_sheet(named, to, where=field_values(where) or None, fold=fold, **how)  # type: ignore[arg-type]
    value = {
        "sheet": sheet.id,
        "page": str(to),
        "key": str(key_path(to)),
        "kind": sheet.kind,
        "items": len(sheet.items),
    }
    value["corpora"] = sheet.corpora
    beside = {"pair": "beside its source", "apart": "beside a text of the source", "single": "alone"}[sheet.kind]
    lines = [
        f"{to}: {len(sheet.items)} items of {', '.join(sheet.corpora)}, each text {beside} (sheet {sheet.id}).",
        f"{key_path(to)}: who wrote what; keep it, and send raters the page alone.",
        f"Then: synthmix look {to} --ratings FILE --ratings FILE",
    ]
    if len(sheet.items) < how["count"]:
        lines.insert(1, f"{how['count']} items were asked for; no more texts with a source of their own were found.")
    return value, "\n".join(lines)


def _rated(sheet: str, ratings: list[str], level: float, html: Path | None) -> tuple[dict[str, Any], str]:
    from synthmix.cli.plan_text import table
    from synthmix.reading.agreement import agreement
    from synthmix.report.agreement_page import write_agreement
    from synthmix.report.agreement_text import agreement_rows, lead, outcome_rows, rho_rows, under

    value = agreement(sheet, ratings, level=level).model_dump(mode="json")
    blocks = [f"{lead(value)}.", *under(value)]
    blocks.append("\n" + table(["text", "what", "value", "items"], outcome_rows(value)))
    blocks.append("\n" + table(["question", "alpha", "equal", "texts or items"], agreement_rows(value)))
    if value["correlations"]:
        head = ["automatic measure", "with", "Spearman's rho", "texts"]
        blocks.append("\n" + table(head, rho_rows(value)))
    if html is not None:
        write_agreement(value, html)
        value["page"] = str(html)
        blocks.append(f"\npage: {html}")
    return value, "\n".join(blocks)
