"""Where a study stands, as tables and as a page that refreshes itself."""

import time
from pathlib import Path

from synthmix.quantities import format_count, format_seconds, percent
from synthmix.report.html import Section, write_page
from synthmix.results.status import Status
from synthmix.table import Column, Table


def left(status: Status) -> str:
    """``, about 12 min left`` where that is known and there is something left."""
    known = status.seconds_left is not None and status.done < status.runs
    return f", about {format_seconds(status.seconds_left or 0.0)} of training left" if known else ""


def working_table(status: Status) -> Table:
    """A row a run that was begun."""
    columns = [
        Column("recipe"),
        Column("params", "N", format_count),
        Column("seed"),
        Column("tokens", form=format_count),
        Column("of", form=format_count),
        Column("share", "", percent),
        Column("loss", "training loss", ".3f", missing=""),
        Column("node", align="left", missing=""),
        Column("tries"),
        Column("state", align="left"),
    ]
    rows = [
        (
            *(run.recipe, run.params, run.seed, run.tokens, run.of, run.tokens / run.of, run.loss, run.node, run.tries),
            "in work" if run.held else "begun, resumes at the next run",
        )
        for run in status.working
    ]
    return Table("working", columns, rows, title="Runs in work")


def cell_table(status: Status) -> Table:
    """A row a recipe, a column a size: runs done of all."""
    sizes = list(dict.fromkeys(params for _, params, _, _ in status.cells))
    recipes = list(dict.fromkeys(recipe for recipe, _, _, _ in status.cells))
    counts = {(recipe, params): f"{done} of {runs}" for recipe, params, done, runs in status.cells}
    columns = [Column("recipe"), *(Column(f"n{size}", format_count(size), align="right") for size in sizes)]
    rows = [(recipe, *(counts.get((recipe, size), "") for size in sizes)) for recipe in recipes]
    return Table("cells", columns, rows, title="Runs done, by recipe and size")


def write_status(status: Status, path: Path, *, every: float | None = None) -> None:
    """The page at ``path``, atomically; a browser loads it again ``every`` so many seconds (None: it stays).

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    corpora = Table(
        "corpora",
        [Column("corpus"), Column("tokens", "training tokens", format_count, missing="not built")],
        list(status.corpora.items()),
        title="Corpora",
    )
    write_page(
        path,
        title=status.study,
        eyebrow="Where the study stands",
        lead=f"{status.done} of {status.runs} runs done{left(status)}.",
        under=[f"{len(status.working)} in work or begun." if status.working else ""],
        sections=[
            Section("working", "In work", "Runs in work", tables=[working_table(status)] if status.working else []),
            Section("runs", "Runs", "Runs by recipe and size", tables=[cell_table(status)]),
            Section("corpora", "Corpora", "Corpora", tables=[corpora]),
        ],
        facts={"Folder": status.folder, "As of": time.strftime("%Y-%m-%d %H:%M:%S"), "Report": status.report or "none"},
        colours=1,
        refresh=every,
    )
