"""``synthmix train``: one model, all of it decided by its size unless it is given."""

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli.common import CACHE, AsJson, Cache, Quiet, TokenizerOption, Vocab, parse_named, parse_parts, telling
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

    One dial: --params decides shape, batch, learning rate, weight decay and warm-up (synthmix ladder shows them);
    each can be given instead. Without --on, 2 % of each source's documents are held out and scored.

    Example: synthmix train 67%:web=data/web.jsonl 33%:hq=data/hq.jsonl --params 100k --tokens 1M --to runs
    """
    from synthmix.cli.single import train_one
    from synthmix.cli.terminal import show
    from synthmix.store import flat
    from synthmix.training.processes import open_world

    options: dict[str, Any] = {
        "rules": "dial",
        "schedule": schedule,
        "context": context,
        "batch": batch,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "warmup_steps": warmup,
        "epochs": epochs,
    }
    shape = {"width": width, "depth": depth, "heads": heads, "kv_heads": kv_heads, "hidden": hidden}
    with open_world(parallel) as world, telling(quiet=quiet or not world.is_main) as progress:
        record, folder = train_one(
            parse_parts(parts),
            params=params,
            tokens=tokens,
            to=to,
            on=parse_named(on or []),
            options={key: value for key, value in options.items() if value is not None},
            shape={key: value for key, value in shape.items() if value is not None},
            seed=seed,
            threads=threads,
            log=tuple(log or ()),
            tokenizer=tokenizer,
            vocab=vocab,
            cache=cache,
            progress=progress,
            world=world,
        )
    if not world.is_main:
        return
    row = flat(record)
    losses = "\n".join(
        f"  {name}: {s.nats:.4f} nats/token, {s.bits_per_byte:.4f} bits/byte" for name, s in record.losses.items()
    )
    show(
        {"folder": str(folder), **row},
        f"{folder}: loss {row['loss']:.4f} (N={record.params}, D={record.tokens}, {record.seconds:.1f} s)\n{losses}",
        as_json=as_json,
    )
