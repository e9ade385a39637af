"""``synthmix select``: the best part of a pool under a token budget."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli.common import AsJson, Quiet, TokenizerOption, Vocab, parsed, shared_tokenizer, telling
from synthmix.cli.value import Reference, TextField, WeightsOption

NO_BETTER = (
    "no_better: on documents of the reference that did not choose, the selection is no better than an even sample"
)


def select(
    pool: Annotated[str, typer.Argument(help="A corpus, a generated folder or files of text.", show_default=False)],
    reference: Reference,
    tokens: Annotated[str, typer.Option(help="The budget: 5M.", show_default=False)],
    to: Annotated[Path, typer.Option("--to", help="Folder of the new corpus.", show_default=False)],
    text: TextField = "text",
    weights: WeightsOption = "fixed",
    rounds: Annotated[int, typer.Option(help="Times that documents are judged anew.", min=1)] = 4,
    check: Annotated[bool, typer.Option(help="Choose by half of the reference too, and compare on the rest.")] = True,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Keep the documents of a pool that add most to its score for the reference, and write them as a corpus.

    Compared with an even sample of as many tokens, on documents of the reference that did not choose: this takes as
    long again as the selection. The score is made for datasets: what it says of a single document is a first-order
    guess, so train on both before believing it.

    Example: synthmix select data/rephrased.jsonl --reference data/wiki.jsonl --tokens 5M --to corpora/best
    """
    from synthmix.cli.terminal import show
    from synthmix.quantities import format_count, parse_count
    from synthmix.valuation.load import open_pool
    from synthmix.valuation.selection import CAVEAT, select_documents
    from synthmix.valuation.valuer import Valuer
    from synthmix.valuation.weights import load_weights

    budget = parsed(parse_count, tokens, "--tokens")
    with telling(quiet=quiet) as progress:
        shared = shared_tokenizer([pool, reference], tokenizer, vocab)
        target = open_pool(reference, name="reference", text=text, reference=True)
        valuer = Valuer(weights=load_weights(weights), tokenizer=shared).fit(target)
        found, corpus, compared = select_documents(
            valuer, pool, budget, to, tokenizer=shared, text=text, rounds=rounds, check=check, progress=progress
        )
    warnings = [CAVEAT] if compared is None or compared.better else [CAVEAT, NO_BETTER]
    value = {
        "corpus": str(to),
        "documents": int(found.chosen.sum()),
        "of": len(found.chosen),
        "tokens": found.taken,
        "selected": found.score.as_json(),
        "even": found.even.as_json(),
        "whole": found.whole.as_json(),
        "check": None if compared is None else compared.as_json(),
        "warnings": warnings,
    }
    lines = [
        f"{to}: {int(found.chosen.sum()):,} of {len(found.chosen):,} documents, {format_count(found.taken)} tokens "
        f"({format_count(corpus.train_counts.tokens)} with ends of documents)",
        f"score {found.score.value:.4f}; an even sample of as many tokens {found.even.value:.4f}; all of it "
        f"{found.whole.value:.4f}",
        *(
            []
            if compared is None
            else [
                f"on the half of the reference that did not choose: {compared.gain:+.4f} above an even sample "
                f"({compared.interval[0]:+.4f} to {compared.interval[1]:+.4f})"
            ]
        ),
        *warnings,
    ]
    show(value, "\n".join(lines), as_json=as_json)
