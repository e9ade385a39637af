"""``synthmix value``: what datasets and their mixtures are worth for a target, before anyone trains on them."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.common import AsJson, Quiet, built_tokenizer, parse_named, telling

if TYPE_CHECKING:
    from synthmix.valuation.pool import Pool
    from synthmix.valuation.score import Score
    from synthmix.valuation.valuer import Valuer

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
    mix: Annotated[bool, typer.Option("--mix", help="Also the value of every mixture of the candidates.")] = False,
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
    html: Annotated[Path | None, typer.Option(help="Write a page with the plots.")] = None,
    documents: Annotated[
        Path | None, typer.Option(help="Write each document's part in its dataset's score, as Parquet.")
    ] = None,
    engine: Annotated[str, typer.Option("--engine", help="Where candidates are read: local or ray.")] = "local",
    workers: Annotated[int | None, typer.Option(help="Processes that read candidates; unset: this one.", min=1)] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Score datasets against a reference: predicted transfer, distance, and with --model complexity and loss.

    Candidates are corpora, generated folders, JSONL, Parquet or text; with --label they are labelled texts; .npz files
    (arrays x and y) and folders with a folder of images a class are labelled images. Higher is better.

    Example: synthmix value --reference data/wiki.jsonl data/web.jsonl data/rephrased.jsonl --mix --html value.html
    """
    from synthmix.cli.terminal import show
    from synthmix.cli.value_text import value_text
    from synthmix.engine import open_engine
    from synthmix.valuation.parallel import score_all

    _check_methods(method or [])
    with telling(quiet=quiet) as progress, ExitStack() as stack:
        valuer, pools = fitted(reference, candidates, text, label, model, weights, after)
        each, parts = None, 1
        if engine != "local" or workers is not None:  # a process takes longer to start than most pools to read
            running = stack.enter_context(open_engine(engine, workers=workers))
            each, parts = running.each, max(1, round(running.workers / len(pools)))
        scores, summaries = score_all(valuer, pools, each=each, parts=parts, progress=progress)
        curve = valuer.score_mixture(summaries) if mix else None
        others = _beside(method or [], valuer, pools)
        if documents is not None:
            from synthmix.valuation.selection import write_documents

            write_documents(valuer, pools, summaries, documents)
    made: Any = [score.as_json() for score in scores]
    found = {"scores": made, "mixture": curve.as_json() if curve else None, "baselines": others}
    if html is not None:
        from synthmix.report.value_page import write_value

        write_value({**found, "reference": reference, "weights": valuer.coefficients}, html)
    lines = value_text(found, valuer.coefficients, [path for path in (html, documents) if path])
    show(found if mix or others else made, lines, as_json=as_json)


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
    model = "init" if model is None and {"loss", "complexity"} & set(asked.values) else model
    gradients = None if model is None else gradients_of(model, target)
    ends = None if after is None else after.replace("\\n", "\n")
    made = Valuer(
        gradients=gradients,
        weights=asked,
        tokenizer=built_tokenizer([reference, *(part.path for part in parts)]),
        after=ends,
    )
    return made.fit(target), pools


def _check_methods(names: list[str]) -> None:
    """Before anything is read."""
    from synthmix.errors import BadInput
    from synthmix.valuation.methods import METHODS

    for name in names if names != ["all"] else ():
        if name not in METHODS:
            raise BadInput(f"no method {name!r}", key="--method", remedy=f"one of {', '.join(METHODS)}, or all")


def _beside(names: list[str], valuer: "Valuer", pools: "list[Pool]") -> dict[str, list[dict[str, Any]]]:
    """Scores of baselines by name."""
    if not names:
        return {}
    from synthmix.errors import BadInput
    from synthmix.valuation.learners import learner_for
    from synthmix.valuation.methods import METHODS

    chosen = list(METHODS) if names == ["all"] else names
    found: dict[str, list[dict[str, Any]]] = {}
    learner: Any = None
    for name in chosen:
        try:
            learner = learner or learner_for(valuer.reference)
            method = METHODS[name](encoder=valuer.encoded, learner=learner).fit(valuer.reference)
            made: list[Score] = [method.score(pool) for pool in pools]
        except BadInput:
            if len(chosen) == len(names):  # asked for by name
                raise
            continue
        found[name] = [score.as_json() for score in made]
    return found
