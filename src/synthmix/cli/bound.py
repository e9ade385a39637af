"""``synthmix bound``: the generalization bound of a mixture, term by term."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.common import CACHE, AsJson, Cache, Quiet, TokenizerOption, Vocab, opened, parsed, shared_tokenizer

if TYPE_CHECKING:
    from synthmix.phases.bounding import BoundReport


def bound(
    real: Annotated[str, typer.Option(help="Real training text: a corpus or a plain file.", show_default=False)],
    synthetic: Annotated[str, typer.Option(help="Synthetic training text.", show_default=False)],
    target: Annotated[str, typer.Option(help="Text that the model is for.", show_default=False)],
    pi: Annotated[str, typer.Option("--pi", help="Real share of the mixture.")] = "50%",
    tokens: Annotated[str, typer.Option(help="Training tokens n.")] = "10M",
    checkpoint: Annotated[Path | None, typer.Option(help="A trained model; unset: one at initialization.")] = None,
    params: Annotated[str, typer.Option(help="Size of the model at initialization.")] = "100k",
    context: Annotated[int, typer.Option(help="Tokens of a window.", min=2)] = 64,
    windows: Annotated[int, typer.Option(help="Windows sampled from each text.", min=8)] = 192,
    delta: Annotated[float, typer.Option(help="The bound holds with probability 1 - O(delta).")] = 0.05,
    seed: int = 0,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Every term of the generalization bound, and how it moves with the share, n and a harder cutoff.

    The constants of the bound are unknown: its value is loose, its ranking of mixtures is what it is for.

    Example: synthmix bound --real data/web.jsonl --synthetic data/hq.jsonl --target data/wiki.jsonl --pi 30%
    """
    from synthmix.cli.common import telling
    from synthmix.cli.terminal import show
    from synthmix.phases.bounding import bound_report, read_texts
    from synthmix.quantities import parse_count, parse_share
    from synthmix.training.checkpoint import load_checkpoint
    from synthmix.training.model import make_model
    from synthmix.training.shape import shape_for

    share, n = float(parsed(parse_share, pi, "--pi")), parsed(parse_count, tokens, "--tokens")
    if tokenizer is None and checkpoint is not None and (checkpoint / "tokenizer.json").exists():
        tokenizer = str(checkpoint / "tokenizer.json")
    with telling(quiet=quiet) as progress:
        shared = shared_tokenizer([real, synthetic, target], tokenizer, vocab)
        texts = [opened(path, shared, cache, progress) for path in (real, synthetic, target)]
        for corpus in texts:
            corpus.check_tokenizer(shared.hash)
        if checkpoint is not None:
            model = load_checkpoint(checkpoint)
        else:
            size = shape_for(parsed(parse_count, params, "--params"))
            model = make_model(size, shared.vocab_size, context, seed, eos=shared.eos_id)
        streams = (texts[0].train, texts[1].train, texts[2].train)
        sampled = read_texts(model, streams, shared.vocab_size, context=context, windows=windows, seed=seed)
        found = bound_report(sampled, share, n, delta=delta, seed=seed)
    value = {
        "model": str(checkpoint) if checkpoint is not None else f"{params} at initialization",
        "asked": _row(found.asked),
        "by_share": [_row(one) for one in found.by_share],
        "by_n": [_row(one) for one in found.by_n],
        "by_kept": [{"kept": kept, **_row(one)} for kept, one in found.by_kept.items()],
        "samples": found.samples,
    }
    show(value, _text(found), as_json=as_json)


def _row(one: Any) -> dict[str, Any]:
    return {"pi": one.pi, "n": one.n, "bound": one.total, "terms": one.terms}


def _text(found: "BoundReport") -> str:
    from synthmix.cli.plan_text import table
    from synthmix.quantities import format_count, format_share

    asked = found.asked
    lines = [f"bound {asked.total:.4g} at a real share of {format_share(asked.pi)}, {format_count(asked.n)} tokens"]
    lines.append(table(["term", "size", "of the bound"], [
        [name, f"{size:.4g}", f"{size / asked.total:.1%}"] for name, size in asked.terms.items()
    ]))  # fmt: skip
    names = ["complexity", "discrepancy_real", "discrepancy_synthetic"]
    head = ["bound", *names]
    cells = lambda one: [f"{one.total:.4g}", *(f"{one.terms[name]:.3g}" for name in names)]  # noqa: E731
    lines.append(table(["real share", *head], [[format_share(one.pi), *cells(one)] for one in found.by_share]))
    lines.append(table(["tokens", *head], [[format_count(one.n), *cells(one)] for one in found.by_n]))
    kept = [[f"{share:.0%}", *cells(one)] for share, one in found.by_kept.items()]
    lines.append(table(["synthetic mass kept", *head], kept))
    return "\n\n".join(lines)
