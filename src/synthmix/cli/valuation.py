"""``synthmix value`` and ``select``: what datasets are worth for a target, before anyone trains on them."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    Address,
    AsJson,
    EngineKind,
    Quiet,
    TokenizerOption,
    Vocab,
    Workers,
    built_tokenizer,
    opened_engine,
    parse_named,
    parsed,
    shared_tokenizer,
    telling,
)

if TYPE_CHECKING:
    from synthmix.valuation.pool import Pool
    from synthmix.valuation.valuer import Valuer

LARGE = 40_000_000  # bytes of candidates from which processes save more time than they take to start

Reference = Annotated[str, typer.Option(help="The target: a corpus (what it holds out), or any file.")]
TextField = Annotated[str, typer.Option(help="Field that holds the text, in files.")]
LabelField = Annotated[str | None, typer.Option(help="Field that holds the label, in files; unset: no labels.")]
WeightsOption = Annotated[str, typer.Option(help="fixed, paper, a term alone, or a JSON file of weights.")]
ModelOption = Annotated[
    str | None,
    typer.Option(help="For the terms loss and complexity: init, a checkpoint's folder, or a Hugging Face path."),
]


def value(
    candidates: Annotated[list[str], typer.Argument(help="Datasets, as [NAME=]PATH.", show_default=False)],
    reference: Reference,
    mix: Annotated[
        bool, typer.Option("--mix", help="Also the best mixture of the candidates, and the value over each share.")
    ] = False,
    mixture: Annotated[
        list[str] | None,
        typer.Option(help="With --mix, one of your own: mine=web:50%,hq:50%; repeatable.", show_default=False),
    ] = None,
    text: TextField = "text",
    label: LabelField = None,
    after: Annotated[
        str | None, typer.Option(help="What ends a prompt ('\\n'): of the reference only what follows counts.")
    ] = None,
    model: ModelOption = None,
    weights: WeightsOption = "fixed",
    method: Annotated[
        list[str] | None, typer.Option(help="Another method beside it, or 'all'; may be repeated.", show_default=False)
    ] = None,
    tokens: Annotated[
        str | None, typer.Option(help="Rank at this budget of each: 5M (items, where it has none).")
    ] = None,
    base: Annotated[
        str | None, typer.Option(help="What you have already: rank by what each dataset adds to it.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with the plots.")] = None,
    documents: Annotated[
        Path | None, typer.Option(help="Write each document's part in its dataset's score, as Parquet.")
    ] = None,
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score datasets against a reference: predicted transfer, distance, and with --model complexity and loss.

    Candidates are corpora, generated folders, JSONL, Parquet or text; with --label they are labelled texts; .npz files
    (arrays x and y) and folders with a folder of images a class are labelled images. Higher is better.

    Example: synthmix value --reference data/wiki.jsonl data/web.jsonl data/rephrased.jsonl --mix --html value.html

    Datasets are compared at equal size and at --tokens, and each pair gets a verdict whose confidence is that of tasks
    on which models were trained. --weights paper is the method of arXiv 2511.13640 as published; the default is another
    score, since that one orders datasets worse than several simple baselines (docs/results/valuation.md). Of unlabelled
    text, --method kneser_ney and coverage order datasets as well as the default; of labelled data it is ahead.

    Example: synthmix value --reference data/wiki.jsonl data/hq.jsonl data/qa.jsonl --base data/web.jsonl --tokens 5M

    Example: synthmix value --reference wiki.jsonl web.jsonl hq.jsonl qa.jsonl --mix --mixture mine=web:50%,hq:50%
    """
    from synthmix.cli.options import parse_mixtures
    from synthmix.cli.terminal import show
    from synthmix.errors import BadInput
    from synthmix.quantities import format_seconds, parse_count
    from synthmix.report.value import (
        best_table,
        comparison_table,
        mixtures_table,
        others_table,
        score_table,
        write_value,
    )
    from synthmix.valuation.load import open_pool
    from synthmix.valuation.methods import estimated_seconds, named, score_by
    from synthmix.valuation.parallel import score_all
    from synthmix.valuation.verdicts import compare_datasets

    named(method or [])
    if mixture and not mix:
        raise BadInput("is for --mix", key="--mixture", remedy="add --mix")
    parsed_parts = parse_named(candidates)
    names = [part.name for part in parsed_parts]
    asked = parse_mixtures(mixture or [], names)
    with telling(quiet=quiet) as progress, ExitStack() as stack:
        valuer, pools = fitted(reference, candidates, text, label, model, weights, after)
        each, parts = None, 1
        large = model is None and sum(os.path.getsize(p.path) for p in parsed_parts if os.path.isfile(p.path)) >= LARGE
        running = stack.enter_context(opened_engine(engine, address, workers, always=large))
        if running is not None:
            each, parts = running.each, max(1, round(running.workers / len(pools)))
        scores, summaries = score_all(valuer, pools, each=each, parts=parts, progress=progress)
        budget = None if tokens is None else parsed(parse_count, tokens, "--tokens")
        have = None if base is None else valuer.summarise(open_pool(base, name="base", text=text, label=label))
        compared = compare_datasets(valuer, summaries, tokens=budget, base=have)
        own = {name: [float(shares.get(pool, 0)) for pool in names] for name, shares in asked.items()}
        curve = valuer.score_mixture(summaries, named=own) if mix else None
        left_out: list[str] = []
        if method:
            seconds = estimated_seconds(method, [summary.items for summary in summaries])
            progress.say(f"methods beside the score: about {format_seconds(seconds)} on one core")
        others = score_by(
            method or [], valuer.reference, pools, encoder=valuer.encoded, progress=progress, left_out=left_out
        )
        if documents is not None:
            from synthmix.valuation.selection import write_documents

            write_documents(valuer, pools, summaries, documents)
    made: Any = [score.as_json() for score in scores]
    beside = {name: [score.as_json() for score in each] for name, each in others.items()}
    found = {
        "scores": made,
        "comparison": compared.as_json(),
        "mixture": curve.as_json() if curve else None,
        "baselines": beside,
        "left_out": left_out,
    }
    shown = {**found, "reference": reference, "weights": valuer.coefficients}
    if html is not None:
        write_value(shown, html)
    warnings = [f"{row['name']}: {warning}" for row in made for warning in row["warnings"]]
    written = [f"written: {path}" for path in (html, documents) if path]
    tables = [
        score_table(shown),
        *([comparison_table(found["comparison"])] if have is not None or len(pools) > 1 else []),
        *([best_table(found["mixture"]), mixtures_table(found["mixture"])] if curve else []),
        *([others_table(found)] if others else []),
    ]
    show(found, *tables, "\n".join([*warnings, *left_out, *written]), as_json=as_json)


def fitted(
    reference: str,
    candidates: list[str],
    text: str,
    label: str | None,
    model: str | None,
    weights: str,
    after: str | None = None,
) -> "tuple[Valuer, list[Pool]]":
    """The valuer, fitted, and the candidates as pools.

    Raises:
        BadInput: a path, a field, a model or weights that are not there.
    """
    from synthmix.valuation.gradients import gradients_of
    from synthmix.valuation.load import open_pool
    from synthmix.valuation.valuer import Valuer
    from synthmix.valuation.weights import load_weights

    target = open_pool(reference, name="reference", text=text, label=label, reference=True)
    parts = parse_named(candidates)
    pools = [open_pool(part.path, name=part.name, text=text, label=label) for part in parts]
    asked = load_weights(weights)
    model = "init" if model is None and {"loss", "complexity", "ntk"} & set(asked.values) else model
    gradients = None if model is None else gradients_of(model, target)
    ends = None if after is None else after.replace("\\n", "\n")
    made = Valuer(
        gradients=gradients,
        weights=asked,
        tokenizer=built_tokenizer([reference, *(part.path for part in parts)]),
        after=ends,
    )
    return made.fit(target), pools


NO_BETTER = (
    "no_better: on documents of the reference that did not choose, the selection is no better than an even sample"
)


def select(
    pool: Annotated[str, typer.Argument(help="A corpus, a generated folder or files of text.", show_default=False)],
    reference: Reference,
    tokens: Annotated[str, typer.Option(help="The budget: 5M.", show_default=False)],
    to: Annotated[str, typer.Option("--to", help="Folder of the new corpus, or s3://, gs://.", show_default=False)],
    text: TextField = "text",
    method: Annotated[
        str,
        typer.Option(help="What judges: stacked, classifier, coverage, kneser_ney_filter, dsir, fasttext or score."),
    ] = "stacked",
    weights: WeightsOption = "fixed",
    rounds: Annotated[int, typer.Option(help="Times that documents are judged anew.", min=1)] = 4,
    check: Annotated[bool, typer.Option(help="Choose by half of the reference too, and compare on the rest.")] = True,
    tokenizer: TokenizerOption = None,
    vocab: Vocab = "4096",
    engine: EngineKind = "local",
    address: Address = None,
    workers: Workers = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Keep the documents of a pool that are most like the reference, and write them as a corpus.

    Three filters judge each document (a classifier, coverage, perplexity), weighed by how well each tells the reference
    from this pool; with --method score, documents are taken by what they add to the score. Compared with an even sample
    of as many tokens, on documents of the reference that did not choose: this takes as long again as the selection.

    Example: synthmix select data/rephrased.jsonl --reference data/wiki.jsonl --tokens 5M --to corpora/best

    Example: synthmix select corpora/pool --reference corpora/wiki --tokens 50M --to corpora/best --engine ray
    """
    from synthmix.cli.terminal import show
    from synthmix.interval import format_interval
    from synthmix.quantities import format_count, parse_count
    from synthmix.valuation.load import open_pool
    from synthmix.valuation.selection import CAVEAT, SCORE, select_documents
    from synthmix.valuation.valuer import Valuer
    from synthmix.valuation.weights import load_weights

    budget = parsed(parse_count, tokens, "--tokens")
    with telling(quiet=quiet) as progress, opened_engine(engine, address, workers, always=False) as running:
        shared = shared_tokenizer([pool, reference], tokenizer, vocab)
        target = open_pool(reference, name="reference", text=text, reference=True)
        valuer = Valuer(weights=load_weights(weights), tokenizer=shared).fit(target)
        found, corpus, compared = select_documents(
            valuer,
            pool,
            budget,
            to,
            tokenizer=shared,
            text=text,
            method=method,
            rounds=rounds,
            check=check,
            engine=running,
            progress=progress,
        )
    warnings = [CAVEAT] if method == SCORE else []
    warnings += [] if compared is None or compared.better else [NO_BETTER]
    value = {
        "corpus": to,
        "method": method,
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
                "on the half of the reference that did not choose, above an even sample: "
                f"{format_interval(compared.interval, '+.4f')}"
            ]
        ),
        *warnings,
    ]
    show(value, "\n".join(lines), as_json=as_json)
