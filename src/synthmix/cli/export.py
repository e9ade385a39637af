"""``synthmix export``: a mixture into somebody's trainer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    CACHE,
    AsJson,
    Cache,
    Quiet,
    TokenizerOption,
    Vocab,
    as_options,
    parse_parts,
    telling,
)
from synthmix.errors import BadInput

if TYPE_CHECKING:
    from synthmix.exporting.schema import ExportedData
    from synthmix.exporting.weights import Weights
    from synthmix.table import Table


def export(
    mixture: Annotated[
        list[str],
        typer.Argument(
            help="A study's file or folder, an advice (JSON), or SHARE:[NAME=]PATH of each source.", show_default=False
        ),
    ],
    to: Annotated[
        str,
        typer.Option(
            "--to",
            help="Weights: megatron-blend, olmo-mixture, nanotron, torchtitan, interleave-datasets, json. "
            "Data: megatron, olmo, datatrove, jsonl, parquet.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="The file to write (unset: it is printed); of data the folder.")
    ] = None,
    recipe: Annotated[str | None, typer.Option(help="Of a study or an advice; unset: the recommended one.")] = None,
    tokens: Annotated[str | None, typer.Option(help="The budget, 1T; unset: that of the question.")] = None,
    path: Annotated[
        list[str] | None, typer.Option(help="SOURCE=PATH: where the trainer finds a source. Repeatable.")
    ] = None,
    available: Annotated[
        list[str] | None, typer.Option(help="SOURCE=TOKENS: unique tokens that there are of it. Repeatable.")
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="How often a source may be gone through; unset: the study's, else 1.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the order.", min=0)] = 0,
    context: Annotated[
        int | None, typer.Option(help="Of data: tokens a sequence predicts; unset: the study's, else 128.", min=1)
    ] = None,
    unit: Annotated[str, typer.Option(help="Of text: sequence, as in training, or document: whole ones.")] = "sequence",
    shard_tokens: Annotated[str | None, typer.Option(help="Tokens of a file; unset: what suits the format.")] = None,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """A mixture into another trainer: a recipe, the answer of a study or of an advice, or shares by hand.

    Its weights in the words of the trainer, or the mixed data itself in the exact order of our own training.

    Example: synthmix export 70%:web=data/web 30%:hq=data/hq --to megatron-blend --tokens 1T --available hq=50B
    """
    from synthmix.cli.terminal import show
    from synthmix.exporting.export import export as exported
    from synthmix.exporting.mixture import find_mixture
    from synthmix.exporting.schema import MANIFEST, ExportedData

    what: Any = mixture[0]
    if len(mixture) > 1 or not _is_file(mixture[0]):
        what = {part.name: (part.path, part.share) for part in parse_parts(mixture)}
    found = find_mixture(
        what, recipe=recipe, paths=_assigned(path, "--path"), available=_assigned(available, "--available")
    )
    with telling(quiet=quiet or as_json) as progress, as_options("vocab"):
        made = exported(
            found,
            to,
            out,
            tokens=tokens,
            epochs=epochs,
            seed=seed,
            context=context,
            unit=unit,
            shard_tokens=shard_tokens,
            tokenizer=tokenizer,
            vocab=vocab,
            cache=cache,
            progress=progress,
        )
    value = made.model_dump(mode="json")
    if isinstance(made, ExportedData):
        where = f"{len(made.files)} files in {made.folder}; checksums in {MANIFEST}"
        show(
            value | {"folder": made.folder}, f"{made.recipe} ({made.origin})", data_table(made), where, as_json=as_json
        )
        return
    warned = "\n".join(f"warning {warning.code}: {warning.message}" for warning in made.warnings)
    last = f"written: {made.file}" if made.file else made.text.rstrip("\n")
    show(value, f"{made.recipe} ({made.origin})", weight_table(made), warned, last, as_json=as_json)


def weight_table(made: "Weights") -> "Table":
    """A row a source."""
    from synthmix.quantities import format_count, percent
    from synthmix.table import Column, Table

    columns = [
        Column("name", "source"),
        Column("share", form=percent),
        Column("weight", form=".6g"),
        Column("tokens", form=format_count, kind=int, missing="?"),
        Column("available", form=format_count, kind=int, missing="?"),
        Column("epochs", form=".3g", kind=float, missing="?"),
        Column("path", align="left"),
    ]
    rows = [tuple(getattr(source, column.key) for column in columns) for source in made.sources]
    return Table("weights", columns, rows)


def data_table(made: "ExportedData") -> "Table":
    """A row a source."""
    from synthmix.quantities import format_count, percent
    from synthmix.table import Column, Table

    columns = [
        Column("name", "source"),
        Column("share", form=percent),
        Column("rows", f"{made.plan.unit}s", form=","),
        Column("tokens", form=format_count),
        Column("available", form=format_count),
        Column("epochs", form=".3g"),
    ]
    rows = [tuple(getattr(source, column.key) for column in columns) for source in made.sources]
    return Table("sources", columns, rows)


def _is_file(argument: str) -> bool:
    """Whether a lone argument names a study or an advice, not one source of shares."""
    where = Path(argument).expanduser()
    return where.suffix in (".yaml", ".yml", ".json") or (where / "results.json").exists() or (where / "runs").is_dir()


def _assigned(pairs: Sequence[str] | None, option: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals or not name or not value:
            raise BadInput(f"'{pair}' is not SOURCE=VALUE", key=option, remedy=f"write {option} web=...")
        found[name] = value
    return found
