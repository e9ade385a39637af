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
    from synthmix.generation.quality import compare_quality
    from synthmix.interval import format_interval
    from synthmix.report.quality import quality_rows, write_quality

    named = {folder.resolve().name: folder for folder in folders}
    if len(named) < len(folders):
        raise BadInput("two folders have the same name", where=str(folders[0]), remedy="rename one")
    report = compare_quality(named)
    found = report.model_dump(mode="json")
    if to is not None:
        write_quality(found, to)
    shown = [[one, measure, format_interval(mean, ".4g", level=False)] for one, measure, mean in quality_rows(found)]
    text = table(["text", "measure", "value"], shown) + (f"\n{to}: page and tables" if to is not None else "")
    show(found, text, as_json=as_json)
