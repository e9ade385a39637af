"""``synthmix quality``: generated text measured against its sources and against other generators."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli.common import AsJson


def quality(
    folders: Annotated[list[Path], typer.Argument(help="Folders of synthmix generate, side by side.")],
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the page and the tables.")] = None,
    as_json: AsJson = False,
) -> None:
    """Diversity, faithfulness, lengths and refusals of generated text, against its sources and each other.

    Example: synthmix quality corpora/hq corpora/qa --to reports/quality
    """
    from synthmix.cli.plan_text import table
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.generation.publish import compare_quality
    from synthmix.report.quality import write_quality

    named = {folder.resolve().name: folder for folder in folders}
    if len(named) < len(folders):
        raise BadInput("two folders have the same name", where=str(folders[0]), remedy="rename one")
    report = compare_quality(named)
    rows = report.table()
    if to is not None:
        write_quality(report.model_dump(mode="json"), to)
    shown = [[str(row[name]) for name in ("set", "measure")] + [_interval(row)] for row in rows]
    text = table(["text", "measure", "value"], shown) + (f"\n{to}: page and tables" if to is not None else "")
    show(report.model_dump(mode="json"), text, as_json=as_json)


def _interval(row: dict[str, str | float | int | None]) -> str:
    value, low, high = row["value"], row["low"], row["high"]
    return f"{value:.4g}" + (f" ({low:.4g} to {high:.4g})" if low is not None else "")
