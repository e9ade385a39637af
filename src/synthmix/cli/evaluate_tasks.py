"""What ``synthmix evaluate --harness`` does: of a model, a run or a study."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmix.errors import BadInput
from synthmix.progress import Progress

if TYPE_CHECKING:
    from synthmix.evaluation.harness import TaskScore
    from synthmix.study.score_tasks import ScoredRun


def ask_tasks(
    where: str,
    names: str,
    include: Path | None,
    *,
    fewshot: int | None,
    limit: int | None,
    tokenizer: str | None,
    progress: Progress,
) -> tuple[dict[str, Any], str]:
    """The value for ``--json`` and the text.

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
        said = f"\n\nReport: {report}" if report else "\n\nWrite them into the report: synthmix study report STUDY.yaml"
        return {"runs": [_as_json(run) for run in runs], "report": report}, _table(runs) + said
    run = score_run(path, tasks, progress=progress)
    if run is not None:
        return {"runs": [_as_json(run)], "report": None}, _table([run])
    model = wrapped(path if path.exists() else where, tokenizer=tokenizer)
    progress.start("task scores", len(tasks.names), "scores")
    scores: dict[str, TaskScore] = {}
    for i, name in enumerate(tasks.names):
        scores[name] = ask(model, tasks, name)
        progress.update("task scores", i + 1, f"{name} {scores[name].value:.3f}")
    progress.finish("task scores")
    value = {"model": where, "tasks": {name: score.model_dump(mode="json") for name, score in scores.items()}}
    return value, "\n".join(_said(name, score) for name, score in scores.items())


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


def _table(runs: "list[ScoredRun]") -> str:
    from synthmix.cli.plan_text import table
    from synthmix.quantities import format_count

    names = list(runs[0].tasks)
    rows = [
        [run.recipe, format_count(run.params), format_count(run.tokens), str(run.seed)]
        + [f"{run.tasks[name].value:.4f}" for name in names]
        for run in sorted(runs, key=lambda run: (run.params, run.tokens, run.recipe, run.seed))
    ]
    first = "\n".join(_said(name, score, value=False) for name, score in runs[0].tasks.items())
    return table(["recipe", "params", "tokens", "seed", *names], rows) + "\n" + first


def _said(name: str, score: "TaskScore", *, value: bool = True) -> str:
    noise = f" ± {score.stderr:.4f}" if score.stderr is not None else ""
    scored = f" {score.value:.4f}{noise}" if value else ""
    return f"{name}:{scored} {score.metric}, {score.items} questions, chance {score.chance:.4f}"


def _as_json(run: "ScoredRun") -> dict[str, Any]:
    scores = {name: score.model_dump(mode="json") for name, score in run.tasks.items()}
    return {**vars(run), "tasks": scores, "scored": list(run.scored)}
