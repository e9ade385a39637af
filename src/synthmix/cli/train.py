"""``synthmix train``: one model, all of it decided by its size unless it is given."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.common import (
    CACHE,
    AsJson,
    Cache,
    Quiet,
    TokenizerOption,
    Vocab,
    as_options,
    parse_named,
    parse_parts,
    telling,
)
from synthmix.cli.runs import Context, Epochs, Parts, Seed, Tokens

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
    losses = "\n".join(
        f"  {name}: {s.nats:.4f} nats/token, {s.bits_per_byte:.4f} bits/byte" for name, s in record.losses.items()
    )
    show(
        {"folder": str(folder), **row},
        f"{folder}: loss {row['loss']:.4f} (N={record.params}, D={record.tokens}, {record.seconds:.1f} s)\n{losses}",
        as_json=as_json,
    )
