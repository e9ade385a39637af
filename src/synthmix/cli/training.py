"""``synthmix mix``, ``train`` and ``ladder``: an order of sequences, one model, and what a size decides."""

import os
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    CACHE,
    AsJson,
    Cache,
    Part,
    Quiet,
    TokenizerOption,
    Vocab,
    as_options,
    opened,
    parse_named,
    parse_parts,
    parsed,
    shared_tokenizer,
    telling,
)
from synthmix.errors import BadInput

if TYPE_CHECKING:
    from synthmix.evaluation.losses import DomainLoss
    from synthmix.mixture.recipe import Recipe
    from synthmix.store.records import DomainScore
    from synthmix.table import Table

Parts = Annotated[list[str], typer.Argument(help="[SHARE:][NAME=]PATH of each source.", show_default=False)]
Tokens = Annotated[str, typer.Option(help="The budget, for example 1M.", show_default=False)]
Context = Annotated[int, typer.Option(help="Tokens a sequence predicts.", min=1)]
Epochs = Annotated[float, typer.Option(help="How often a source may be gone through.", min=1)]
Seed = Annotated[int, typer.Option(help="Of order and initialisation.", min=0)]


def mix(
    parts: Parts,
    tokens: Tokens,
    context: Context = 128,
    epochs: Epochs = 1,
    seed: Seed = 0,
    to: Annotated[Path | None, typer.Option("--to", help="Write the order as Parquet (source, block).")] = None,
    schedule: Annotated[str | None, typer.Option(help="The last source's share over the run: linear:0:50%.")] = None,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Resolve shares and a budget to an exact order of sequences, and say what it repeats.

    With --schedule (linear:0:50%, step:0=0,50%=60%, synthetic-first:33%, natural-last:33%:20%) the first source takes
    what is left, and any between keep their shares; shares written for those two must be the means.

    --to writes the order: block b of a source are tokens [b context, (b + 1) context] of its corpus's training part.

    Example: synthmix mix 67%:web=data/web.jsonl 33%:hq=data/hq.jsonl --tokens 1M
    """
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.mixture.manifest import make_manifest, write_manifest
    from synthmix.quantities import format_count, format_share, parse_count
    from synthmix.table import Column, Table

    sources, recipe = mixed(parts, schedule)
    budget = parsed(parse_count, tokens, "--tokens")
    if budget < context:
        raise BadInput(f"{budget} tokens are less than one sequence of {context}", key="--tokens")
    with telling(quiet=quiet) as progress:
        shared = shared_tokenizer([part.path for part in sources], tokenizer, vocab)
        corpora = {part.name: opened(part.path, shared, cache, progress, name=part.name) for part in sources}
        available = {name: corpus.train_counts.tokens for name, corpus in corpora.items()}
        made = make_manifest(recipe, budget // context, context, available, seed=seed, epochs=epochs)
        if to is not None:
            write_manifest(made, to)
    rows = [(name, n / len(made), n * context, made.epochs[name]) for name, n in made.counts.items()]
    columns = [
        *(Column("source"), Column("share", form=format_share), Column("tokens", form=format_count)),
        Column("epochs", form=".3g"),
    ]
    value = {"tokens": made.tokens, "sequences": len(made), "counts": made.counts, "epochs": made.epochs}
    value |= {"context": context, "corpora": {name: str(corpus.folder) for name, corpus in corpora.items()}}
    lines = []
    if to is not None:
        value["manifest"] = str(to)
        named = "; ".join(f"{name}: {corpus.folder}" for name, corpus in corpora.items())
        lines = [
            f"{to}: {len(made):,} rows, a row a sequence in the order of training: its source, and which block of it.",
            f"Block b of a source is the tokens [{context} b, {context} (b + 1)] of its training part, both ends among "
            f"them: {context} are predicted, the first is input alone. Sources: {named}.",
        ]
    show(value, Table("mixture", columns, rows), "\n".join(lines), as_json=as_json)


def mixed(arguments: Sequence[str], schedule: str | None) -> "tuple[list[Part], Recipe]":
    """The sources and their recipe. With a schedule the last source follows it and the first takes what is left.

    Raises:
        BadInput: shares or a schedule that cannot be, or a written share that is not the schedule's mean.
    """
    from synthmix.mixture.recipe import TOLERANCE, make_recipe, make_scheduled_recipe
    from synthmix.mixture.schedule import Schedule, parse_schedule
    from synthmix.quantities import format_share

    if schedule is None:
        sources = parse_parts(arguments)
        return sources, make_recipe("mixture", {part.name: part.share for part in sources})
    shape = parsed(parse_schedule, schedule, "--schedule")
    if len(arguments) < 2:
        raise BadInput("a share that changes needs a second source", key="--schedule", remedy="name natural text first")
    bare = {i for i, each in enumerate(arguments) if i in (0, len(arguments) - 1) and ":" not in each}
    sources = parse_parts([f"0:{each}" if i in bare else each for i, each in enumerate(arguments)])
    shares: dict[str, Schedule | Fraction | str] = {part.name: part.share for part in sources}
    recipe = make_scheduled_recipe(
        "mixture", shares | {sources[0].name: "rest", sources[-1].name: shape}, where="--schedule"
    )
    means = dict(recipe.shares)
    for i, part in enumerate(sources):
        mean = means.get(part.name, Fraction(0))
        if i not in bare and abs(part.share - mean) > TOLERANCE:
            raise BadInput(
                f"{format_share(part.share)} asked for, {format_share(mean)} in the schedule's mean",
                key=part.name,
                remedy="leave the share out",
            )
    return sources, recipe


Dimension = Annotated[int | None, typer.Option(help="Instead of the rule's.", min=1)]


def train(
    parts: Parts,
    params: Annotated[str, typer.Option(help="Non-embedding parameters, for example 100k.", show_default=False)],
    tokens: Tokens,
    to: Annotated[Path, typer.Option("--to", help="Folder of run records.")] = Path("runs"),
    on: Annotated[list[str] | None, typer.Option(help="Held-out text, [NAME=]PATH; may be repeated.")] = None,
    context: Context = 128,
    batch: Annotated[str | None, typer.Option(help="Tokens a step; unset: by size and budget.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak; unset: by size.", min=0)] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Unset: by size and budget.", min=0)] = None,
    schedule: Annotated[str, typer.Option(help="cosine, or wsd: warm-up, stable, decay.")] = "cosine",
    warmup: Annotated[int | None, typer.Option(help="Steps; unset: by size and budget.", min=1)] = None,
    width: Dimension = None,
    depth: Dimension = None,
    heads: Dimension = None,
    kv_heads: Dimension = None,
    hidden: Dimension = None,
    epochs: Epochs = 1,
    seed: Seed = 0,
    log: Annotated[
        list[str] | None, typer.Option(help="Curves: tensorboard, wandb or mlflow; may be repeated.")
    ] = None,
    threads: Annotated[int, typer.Option(help="Threads; 0: all cores.", min=0)] = 0,
    parallel: Annotated[
        str | None, typer.Option(help="Under torchrun: ddp (the default there) or fsdp; docs/cluster.md.")
    ] = None,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Train one model on a mixture and score it; a finished run is not repeated, a killed one resumes.

    Shape, batch, learning rate, weight decay and warm-up are derived from the model size (synthmix ladder shows them);
    each can be given instead. Without --on, 2 % of each source's documents are held out and scored.

    Example: synthmix train 67%:web=data/web.jsonl 33%:hq=data/hq.jsonl --params 100k --tokens 1M --to runs
    """
    from synthmix.cli.terminal import show
    from synthmix.store import flat
    from synthmix.study.single import train as train_one
    from synthmix.training.device import keep_heap, use_threads

    options: dict[str, Any] = {
        "schedule": schedule,
        "context": context,
        "batch": batch,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "warmup_steps": warmup,
        "epochs": epochs,
    }
    shape = {"width": width, "depth": depth, "heads": heads, "kv_heads": kv_heads, "hidden": hidden}
    main = os.environ.get("RANK", "0") == "0"  # torchrun starts several processes: one of them speaks
    keep_heap()
    if threads:
        use_threads(threads)
    mixture = {part.name: (part.path, part.share) for part in parse_parts(parts)}
    with (
        telling(quiet=quiet or not main) as progress,
        as_options("params", "tokens", "vocab", *options, warmup_steps="warmup"),
    ):
        record = train_one(
            mixture,
            params=params,
            tokens=tokens,
            to=to,
            on={part.name: part.path for part in parse_named(on or [])} or None,
            seed=seed,
            shape={key: value for key, value in shape.items() if value is not None},
            tokenizer=tokenizer,
            vocab=vocab,
            cache=cache,
            log=log or (),
            parallel=parallel,
            progress=progress,
            **{key: value for key, value in options.items() if value is not None},
        )
    if not main:
        return
    folder = to / record.id
    row = flat(record)
    said = f"{folder}: loss {row['loss']:.4f} (N={record.params}, D={record.tokens}, {record.seconds:.1f} s)"
    show({"folder": str(folder), **row}, said, loss_table(record.losses), as_json=as_json)


_SHAPE = ("width", "depth", "heads", "kv_heads", "hidden", "batch")
_SHAPE_TITLES = ("width", "depth", "heads", "kv", "hidden", "batch")
SIZES = ["100k", "300k", "1M", "3M", "10M", "30M", "100M", "300M", "1B", "3B"]


def ladder(
    params: Annotated[
        list[str] | None, typer.Option(help="Non-embedding parameters; may be repeated. Unset: 100k to 3B.")
    ] = None,
    vocab: Annotated[str, typer.Option(help="Entries of the tokenizer.")] = "4096",
    context: Annotated[int, typer.Option(help="Tokens a sequence predicts.", min=8)] = 128,
    tokens: Annotated[str | None, typer.Option(help="Smallest budget, when below 20 tokens a parameter.")] = None,
    width: Dimension = None,
    depth: Dimension = None,
    heads: Dimension = None,
    kv_heads: Dimension = None,
    hidden: Dimension = None,
    batch: Annotated[str | None, typer.Option(help="Tokens a step, instead of the rule's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak, instead of the rule's.", min=1e-9)] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Instead of the rule's.", min=0)] = None,
    warmup: Annotated[int | None, typer.Option(help="Steps, instead of the rule's.", min=0)] = None,
    published: Annotated[bool, typer.Option("--published", help="Two published rules beside ours.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hyper-parameters derived from model size: shape, batch, learning rate, weight decay, FLOPs and memory.

    The rules are in docs/ladder.md.

    Example: synthmix ladder --params 1M --params 100M --vocab 32k --context 1024
    """
    from synthmix.cli.terminal import show
    from synthmix.quantities import parse_count
    from synthmix.training.hyperparameters import hyperparameters
    from synthmix.training.hyperparameters import published as others

    sizes = [parsed(parse_count, size, "--params") for size in params or SIZES]
    smallest = None if tokens is None else parsed(parse_count, tokens, "--tokens")
    words = parsed(parse_count, vocab, "--vocab")
    step = None if batch is None else parsed(parse_count, batch, "--batch")
    settings = [
        hyperparameters(
            size,
            tokens=smallest,
            vocab=words,
            context=context,
            width=width,
            depth=depth,
            heads=heads,
            kv_heads=kv_heads,
            hidden=hidden,
            batch=step,
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            warmup=warmup,
        )
        for size in sizes
    ]
    rows = [setting.as_dict() for setting in settings]
    if published:
        rows = [row | others(row["params"], row["tokens"]) for row in rows]
    show({"models": rows}, _ladder_table(rows, published=published), as_json=as_json)


def _ladder_table(rows: list[dict[str, Any]], *, published: bool) -> "Table":
    from synthmix.quantities import format_count
    from synthmix.table import Column, Table

    columns = [
        *(Column("params", "N", format_count), Column("params_total", "N total", format_count)),
        *(Column(key, title, "d") for key, title in zip(_SHAPE, _SHAPE_TITLES, strict=True)),
        *(
            Column("learning_rate", "rate", ".2g"),
            Column("weight_decay", "decay", ".2g"),
            Column("warmup", "warm-up", "d"),
        ),
        *(Column("flops_per_token", "FLOPs/token", ".3g"), Column("memory", form=_size)),
    ]
    if published:
        columns += [
            Column("step_law_batch", "batch: Step Law", ".3g"),
            Column("deepseek_batch", "batch: DeepSeek", ".3g"),
        ]
        columns += [Column("step_law_rate", "rate: Step Law", ".2g"), Column("deepseek_rate", "rate: DeepSeek", ".2g")]
    first = rows[0]
    note = (
        f"batch in tokens, warm-up in steps; vocabulary {first['vocab']}, context {first['context']}; "
        "memory: of a process, bf16, one sequence at a time"
    )
    return Table("ladder", columns, [tuple(row[column.key] for column in columns) for row in rows], note=note)


def _size(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"


def loss_table(losses: "Mapping[str, DomainLoss | DomainScore]", note: str = "") -> "Table":
    """Loss by held-out domain."""
    from synthmix.table import Column, Table

    columns = [
        Column("domain"),
        Column("nats", "nats/token", ".4f"),
        Column("bits", "bits/byte", ".4f"),
        Column("tokens"),
    ]
    rows = [(name, one.nats, one.bits_per_byte, one.tokens) for name, one in losses.items()]
    return Table("losses", columns, rows, note=note)
