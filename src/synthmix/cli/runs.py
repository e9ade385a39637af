"""``synthmix mix``, and the options that stages of the ladder share."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli.common import (
    CACHE,
    AsJson,
    Cache,
    Quiet,
    TokenizerOption,
    Vocab,
    opened,
    parsed,
    shared_tokenizer,
    telling,
)

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

    With --schedule (linear:0:50%, step:0=0,50%=60%, synthetic-first:33%, real-last:33%:20%) the first source takes
    what is left, and any between keep their shares; shares written for those two must be the means.

    Example: synthmix mix 67%:web=data/web.jsonl 33%:hq=data/hq.jsonl --tokens 1M
    """
    from synthmix.cli.plan_text import table
    from synthmix.cli.scheduled import mixed
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.mixture.manifest import make_manifest, write_manifest
    from synthmix.quantities import format_count, format_share, parse_count

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
    rows = [
        [name, format_share(n / len(made)), format_count(n * context), f"{made.epochs[name]:.3g}"]
        for name, n in made.counts.items()
    ]
    value = {"tokens": made.tokens, "sequences": len(made), "counts": made.counts, "epochs": made.epochs}
    show(value, table(["source", "share", "tokens", "epochs"], rows), as_json=as_json)
