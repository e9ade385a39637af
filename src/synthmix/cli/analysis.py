"""``synthmix report``: from results to statements."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli.common import AsJson


def report(
    results: Annotated[Path, typer.Argument(help="A study's results.json, or its folder.", show_default=False)],
    to: Annotated[Path | None, typer.Option("--to", help="Folder to write to; unset: beside the results.")] = None,
    as_json: AsJson = False,
) -> None:
    """Render the page and the tables from a study's results; reads nothing else.

    Example: synthmix report studies/quickstart --to public/
    """
    from synthmix.cli.terminal import show
    from synthmix.report import headline, write_report
    from synthmix.runs.load import read_results

    path = results / "results.json" if results.is_dir() else results
    found = read_results(path)
    page = write_report(found, to or path.parent).resolve()
    show({"report": str(page), "headline": headline(found)}, f"{headline(found)}\n\nReport: {page}", as_json=as_json)
