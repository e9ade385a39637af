"""``synthmix mix`` and ``evaluate``: single stages of the ladder."""

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
    parse_parts,
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


def evaluate(
    model: Annotated[str, typer.Argument(help="A run's folder, or any Hugging Face causal model with safetensors.")],
    on: Annotated[list[str], typer.Option(help="Held-out text, [NAME=]PATH; may be repeated.", show_default=False)],
    context: Context = 128,
    max_tokens: Annotated[str | None, typer.Option(help="Score at most so many tokens of each.")] = None,
    tokenizer: TokenizerOption = None,
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Loss of a model on held-out text, per domain, in nats per token and bits per byte.

    Example: synthmix evaluate runs/0123456789abcdef --on wiki=data/wiki.jsonl
    """
    from synthmix.cli.plan_text import table
    from synthmix.cli.single import evaluate_one
    from synthmix.cli.terminal import show
    from synthmix.evaluation.losses import AVERAGING, average
    from synthmix.quantities import parse_count

    most = None if max_tokens is None else parsed(parse_count, max_tokens, "--max-tokens")
    with telling(quiet=quiet) as progress:
        found = evaluate_one(
            model,
            parse_parts([f"1:{each}" for each in on]),
            context=context,
            max_tokens=most,
            tokenizer=tokenizer,
            cache=cache,
            progress=progress,
        )
    mean = average({name: loss.nats for name, loss in found.items()})
    rows = [[name, f"{s.nats:.4f}", f"{s.bits_per_byte:.4f}", str(s.tokens)] for name, s in found.items()]
    value = {"loss": mean, "averaging": AVERAGING, "domains": {name: vars(loss) for name, loss in found.items()}}
    text = table(["domain", "nats/token", "bits/byte", "tokens"], rows) + f"\naverage {mean:.4f}: {AVERAGING}"
    show(value, text, as_json=as_json)
