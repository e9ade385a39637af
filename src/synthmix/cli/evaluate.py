"""``synthmix evaluate``: loss on held-out text, and scores on tasks."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli.common import CACHE, AsJson, Cache, Quiet, TokenizerOption, as_options, parse_named, telling
from synthmix.cli.runs import Context

Harness = Annotated[
    str | None,
    typer.Option("--harness", help="Tasks of lm-evaluation-harness, by name: arc_easy,piqa. Kept in records."),
]


def evaluate(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL_OR_STUDY",
            help="A run's folder, or any Hugging Face causal model with safetensors; with --harness also a study.",
        ),
    ] = None,
    study: Annotated[Path | None, typer.Option(help="With --harness: a study's file or folder, all its runs.")] = None,
    on: Annotated[list[str] | None, typer.Option(help="Held-out text, [NAME=]PATH; may be repeated.")] = None,
    harness: Harness = None,
    include_path: Annotated[Path | None, typer.Option(help="Folder of task files (YAML) of your own.")] = None,
    fewshot: Annotated[int | None, typer.Option(help="Examples before a question; unset: the task's.", min=0)] = None,
    limit: Annotated[int | None, typer.Option(help="Ask the first so many questions of a task only.", min=2)] = None,
    context: Context = 128,
    max_tokens: Annotated[str | None, typer.Option(help="Score at most so many tokens of each text.")] = None,
    tokenizer: TokenizerOption = None,
    cache: Cache = CACHE,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Loss of a model on held-out text, per domain, or with --harness scores on tasks, of a model or a whole study.

    A run's scores go into its record, one by one: the same command resumes. A study named by its file has its report
    written anew, with the law from loss to score and where the two disagree about the best share.

    Example: synthmix evaluate runs/0123456789abcdef --on wiki=data/wiki.jsonl

    Example: synthmix evaluate examples/quickstart.yaml --harness arc_easy,piqa
    """
    from synthmix.errors import BadInput

    if model is not None and study is not None:
        raise BadInput("is a second model or study", key="--study", remedy="name one of the two")
    named = model if study is None else str(study)
    if named is None:
        raise BadInput("nothing is named", key="MODEL_OR_STUDY", remedy="name a run, a model, or --study STUDY.yaml")
    if harness is None:
        if not on:
            raise BadInput("nothing to evaluate on", key="--on", remedy="name held-out text, or tasks with --harness")
        _losses(named, on, context, max_tokens, tokenizer, cache, as_json=as_json, quiet=quiet)
        return
    if on:
        raise BadInput("is for losses", key="--on", remedy="give --on or --harness, one at a time")
    from synthmix.cli.evaluate_tasks import ask_tasks

    with telling(quiet=quiet) as progress:
        value, text = ask_tasks(
            named, harness, include_path, fewshot=fewshot, limit=limit, tokenizer=tokenizer, progress=progress
        )
    from synthmix.cli.terminal import show

    show(value, text, as_json=as_json)


def _losses(
    model: str,
    on: list[str],
    context: int,
    max_tokens: str | None,
    tokenizer: str | None,
    cache: Path,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    from synthmix.cli.plan_text import table
    from synthmix.cli.terminal import show
    from synthmix.evaluation.losses import AVERAGING, average
    from synthmix.study.single import evaluate as evaluate_one

    with telling(quiet=quiet) as progress, as_options("max_tokens", "tokenizer"):
        found = evaluate_one(
            model,
            {part.name: part.path for part in parse_named(on)},
            context=context,
            max_tokens=max_tokens,
            tokenizer=tokenizer,
            cache=cache,
            progress=progress,
        )
    mean = average({name: loss.nats for name, loss in found.items()})
    rows = [[name, f"{s.nats:.4f}", f"{s.bits_per_byte:.4f}", str(s.tokens)] for name, s in found.items()]
    value = {"loss": mean, "averaging": AVERAGING, "domains": {name: vars(loss) for name, loss in found.items()}}
    text = table(["domain", "nats/token", "bits/byte", "tokens"], rows) + f"\naverage {mean:.4f}: {AVERAGING}"
    show(value, text, as_json=as_json)
