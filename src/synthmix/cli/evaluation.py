"""``synthmix evaluate``: loss on held-out text, and scores on tasks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.cli.options import (
    CACHE,
    AsJson,
    Cache,
    Quiet,
    TokenizerOption,
    as_options,
    parse_named,
    telling,
)
from synthmix.cli.training import Context
from synthmix.errors import BadInput
from synthmix.progress import Progress

if TYPE_CHECKING:
    from synthmix.evaluation.harness import TaskScore
    from synthmix.study.score_tasks import ScoredRun
    from synthmix.table import Table

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
    with telling(quiet=quiet) as progress:
        value, blocks = ask_tasks(
            named, harness, include_path, fewshot=fewshot, limit=limit, tokenizer=tokenizer, progress=progress
        )
    from synthmix.cli.terminal import show

    show(value, *blocks, as_json=as_json)


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
    from synthmix.cli.terminal import show
    from synthmix.cli.training import loss_table
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
    value = {"loss": mean, "averaging": AVERAGING, "domains": {name: vars(loss) for name, loss in found.items()}}
    show(value, loss_table(found, f"average {mean:.4f}: {AVERAGING}"), as_json=as_json)


def ask_tasks(
    where: str,
    names: str,
    include: Path | None,
    *,
    fewshot: int | None,
    limit: int | None,
    tokenizer: str | None,
    progress: Progress,
) -> "tuple[dict[str, Any], list[str | Table]]":
    """The value for ``--json`` and what is shown.

    Raises:
        BadInput: no such model, study or task, or data that cannot be had.
    """
    from synthmix.evaluation.harness import ask, load_tasks, wrapped
    from synthmix.study.score_tasks import score_run, score_study

    path = Path(where)
    study = _is_study(path)
    if study and not path.exists():
        raise BadInput("no such study", where=path, remedy="name its file or its folder")
    if tokenizer is not None and (study or (path / "record.json").exists()):
        raise BadInput("a run brings its own tokenizer", key="--tokenizer", remedy="leave it out")
    progress.start("tasks", None, "steps")
    asked = [name.strip() for name in names.split(",") if name.strip()]
    tasks = load_tasks(asked, include=include, fewshot=fewshot, limit=limit)
    progress.finish("tasks", ", ".join(tasks.names))
    if study:
        runs = score_study(path, tasks, progress=progress)
        report = _reported(path, progress)
        said = f"Report: {report}" if report else "Write them into the report: synthmix study report STUDY.yaml"
        return {"runs": [_as_json(run) for run in runs], "report": report}, [_scores(runs), said]
    run = score_run(path, tasks, progress=progress)
    if run is not None:
        return {"runs": [_as_json(run)], "report": None}, [_scores([run])]
    model = wrapped(path if path.exists() else where, tokenizer=tokenizer)
    progress.start("task scores", len(tasks.names), "scores")
    scores: dict[str, TaskScore] = {}
    for i, name in enumerate(tasks.names):
        scores[name] = ask(model, tasks, name)
        progress.update("task scores", i + 1, f"{name} {scores[name].value:.3f}")
    progress.finish("task scores")
    value = {"model": where, "tasks": {name: score.model_dump(mode="json") for name, score in scores.items()}}
    return value, ["\n".join(_said(name, score) for name, score in scores.items())]


def _is_study(path: Path) -> bool:
    """A study file, or a folder with runs in it."""
    return path.suffix in (".yaml", ".yml") or (path / "runs").is_dir()


def _reported(path: Path, progress: Progress) -> str | None:
    """The report of a study that is named by its file, written anew."""
    if path.is_dir():
        return None
    from synthmix.study.conclude import report_path
    from synthmix.study.load import load_study
    from synthmix.study.status import report_study
    from synthmix.study.workspace import Workspace

    config = load_study(path)
    report_study(config, progress=progress)
    return str(report_path(Workspace(config.root)).resolve())


def _scores(runs: "list[ScoredRun]") -> "Table":
    from synthmix.quantities import format_count
    from synthmix.table import Column, Table

    names = list(runs[0].tasks)
    columns = [
        *(
            Column("recipe"),
            Column("params", form=format_count),
            Column("tokens", form=format_count),
            Column("seed", form="d"),
        ),
        *(Column(f"score on {name}", name, ".4f") for name in names),
    ]
    rows = [
        (run.recipe, run.params, run.tokens, run.seed, *(run.tasks[name].value for name in names))
        for run in sorted(runs, key=lambda run: (run.params, run.tokens, run.recipe, run.seed))
    ]
    note = "\n".join(_said(name, score, value=False) for name, score in runs[0].tasks.items())
    return Table("scores", columns, rows, note=note)


def _said(name: str, score: "TaskScore", *, value: bool = True) -> str:
    noise = f" ± {score.stderr:.4f}" if score.stderr is not None else ""
    scored = f" {score.value:.4f}{noise}" if value else ""
    return f"{name}:{scored} {score.metric}, {score.items} questions, chance {score.chance:.4f}"


def _as_json(run: "ScoredRun") -> dict[str, Any]:
    scores = {name: score.model_dump(mode="json") for name, score in run.tasks.items()}
    return {**vars(run), "tasks": scores, "scored": list(run.scored)}
