"""``synthmix runs``: other people's training runs as one table."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import AsJson

if TYPE_CHECKING:
    from synthmix.runs import RunsTable
    from synthmix.table import Table

app = typer.Typer(help="Training runs of any trainer as one table.", no_args_is_help=True)

SHOWN = 20  # sources that are listed one by one
Sources = Annotated[
    list[str],
    typer.Argument(
        help="Runs: a study's folder, CSV, TSV, JSONL, Parquet, Arrow, and logs of other trainers and trackers.",
        show_default=False,
    ),
]
InsteadOfStudy = Annotated[
    list[str] | None,
    typer.Option("--runs", help="Instead of a study: runs of any trainer, as synthmix runs import takes them."),
]
Columns = Annotated[str, typer.Option(help="N=params,D=tokens,loss=val_loss: which column is what.")]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", help="A mapping file (YAML): columns, shares, metrics, filters, units.")
]
SkipBad = Annotated[
    bool, typer.Option("--skip-bad", help="Leave out rows that cannot be used; they are counted by reason.")
]


@app.command("import")
def import_(
    sources: Sources,
    to: Annotated[Path, typer.Option("--to", help="The table to write (Parquet).")],
    columns: Columns = "",
    mapping: MappingFile = None,
    skip_bad: SkipBad = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace a table that is there.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read runs from tables, trackers and logs into one table that every command takes.

    Example: synthmix runs import wandb-export.csv --columns loss=val_loss --to runs.parquet

    Example: synthmix runs import runs.csv.gz --mapping mapping.yaml --skip-bad --to runs.parquet
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.runs import read_runs

    if to.exists() and not replace:
        raise BadInput("is there already", where=to, key="--to", remedy="name a new file, or add --replace")
    table = read_runs(sources, columns, mapping=mapping, skip_bad=skip_bad)
    table.write(to)
    show({"to": str(to), **summary(table)}, *described(table), f"written: {to}", as_json=as_json)


def summary(table: "RunsTable") -> dict[str, Any]:
    """What was read, for ``--json``."""
    from dataclasses import asdict

    return {
        "runs": len(table),
        "recipes": len(set(table.text("recipe"))),
        "sources": table.sources,
        "metrics": [asdict(metric) for metric in table.metrics],
        "taken": dict(table.taken),
        "warnings": [{"code": w.code, "message": w.message} for w in table.warnings],
    }


def taken(table: "RunsTable") -> list[str]:
    """What was taken for what, in a line; nothing for a table of ours."""
    if not table.taken:
        return []
    return ["read: " + "; ".join(f"{ours} = {theirs}" for ours, theirs in table.taken.items())]


def described(table: "RunsTable") -> "list[Table | str]":
    """What was read, its columns with their ranges, and what is to be known about it."""
    import numpy as np

    from synthmix.quantities import plural
    from synthmix.table import Column, Table

    units = {metric.name: _unit(metric.unit, metric.higher_is_better) for metric in table.metrics}
    rows = []
    for name, values in table.numbers.items():
        if name.startswith("share.") and len(table.sources) > SHOWN:
            continue
        known = values[np.isfinite(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (None, None)
        rows.append((name, table.taken.get(name, ""), units.get(name, ""), len(known), low, high))
    if len(table.sources) > SHOWN:
        rows.append((f"share.* ({len(table.sources)} sources)", "", "", len(table), 0.0, 1.0))
    columns = [
        *(Column("column"), Column("from"), Column("unit"), Column("known")),
        *(Column("low", form=".4g"), Column("high", form=".4g")),
    ]
    recipes = len(set(table.text("recipe")))
    first = [f"{plural(len(table), 'row')}, {plural(recipes, 'recipe')}", *taken(table)]
    return [
        "\n".join(first),
        Table("columns", columns, rows),
        *([said] if (said := "\n".join(f"warning {w.code}: {w.message}" for w in table.warnings)) else []),
    ]


def _unit(unit: str, higher_is_better: bool) -> str:
    return unit + (", higher is better" if higher_is_better else "")
