"""``synthmix ladder``: what one number, N, decides."""

from typing import Annotated, Any

import typer

from synthmix.cli.common import AsJson, parsed

SIZES = ["100k", "300k", "1M", "3M", "10M", "30M", "100M", "300M", "1B", "3B"]
Override = Annotated[int | None, typer.Option(help="Instead of the rule's.", min=1)]


def ladder(
    params: Annotated[
        list[str] | None, typer.Option(help="Non-embedding parameters; may be repeated. Unset: 100k to 3B.")
    ] = None,
    vocab: Annotated[str, typer.Option(help="Entries of the tokenizer.")] = "4096",
    context: Annotated[int, typer.Option(help="Tokens a sequence predicts.", min=8)] = 128,
    tokens: Annotated[str | None, typer.Option(help="Smallest budget, when below 20 tokens a parameter.")] = None,
    width: Override = None,
    depth: Override = None,
    heads: Override = None,
    kv_heads: Override = None,
    hidden: Override = None,
    batch: Annotated[str | None, typer.Option(help="Tokens a step, instead of the rule's.")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak, instead of the rule's.", min=1e-9)] = None,
    weight_decay: Annotated[float | None, typer.Option(help="Instead of the rule's.", min=0)] = None,
    warmup: Annotated[int | None, typer.Option(help="Steps, instead of the rule's.", min=0)] = None,
    published: Annotated[bool, typer.Option("--published", help="Two published rules beside ours.")] = False,
    as_json: AsJson = False,
) -> None:
    """The table from N to shape, batch, learning rate, weight decay, FLOPs and memory; docs/ladder.md has the rules.

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
    show(rows, _text(rows, published=published), as_json=as_json)


def _text(rows: list[dict[str, Any]], *, published: bool) -> str:
    from synthmix.cli.plan_text import table
    from synthmix.quantities import format_count

    head = ["N", "N total", "width", "depth", "heads", "kv", "hidden", "batch", "rate", "decay", "warm-up"]
    head += ["FLOPs/token", "memory"]
    lines = []
    for row in rows:
        counts = [format_count(row[key]) for key in ("params", "params_total")]
        shape = [str(row[key]) for key in ("width", "depth", "heads", "kv_heads", "hidden", "batch")]
        rules = [f"{row['learning_rate']:.2g}", f"{row['weight_decay']:.2g}", str(row["warmup"])]
        lines.append([*counts, *shape, *rules, f"{row['flops_per_token']:.3g}", _size(row["memory"])])
        if published:
            lines[-1] += [f"{row[k]:.3g}" for k in ("step_law_batch", "deepseek_batch")]
            lines[-1] += [f"{row[k]:.2g}" for k in ("step_law_rate", "deepseek_rate")]
    if published:
        head += ["batch: Step Law", "DeepSeek", "rate: Step Law", "DeepSeek"]
    first = rows[0]
    note = (
        f"batch in tokens, warm-up in steps; vocabulary {first['vocab']}, context {first['context']}; "
        "memory: of a process, bf16, one sequence at a time"
    )
    return f"{table(head, lines)}\n{note}"


def _size(size: float) -> str:
    return f"{size / 1e9:.3g} GB" if size >= 1e9 else f"{size / 1e6:.3g} MB"
