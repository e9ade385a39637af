"""Task scores for the checkpoints of a run, or of every run of a study: into the records, resumed where it was left."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthmix.errors import BadInput
from synthmix.progress import Progress, Silent
from synthmix.store import RunRecord, Store
from synthmix.study.finished_study import ladder_records, study_folder
from synthmix.study.ladder import attempts, ladder_specs
from synthmix.study.load import load_study
from synthmix.study.prepare import look
from synthmix.study.workspace import Workspace

if TYPE_CHECKING:
    from synthmix.evaluation.harness import Tasks, TaskScore


@dataclass(frozen=True)
class ScoredRun:
    """A run with its scores; ``scored``: tasks that were asked now, not read from the record."""

    id: str
    recipe: str
    params: int
    tokens: int
    seed: int
    tasks: dict[str, "TaskScore"]
    scored: tuple[str, ...]


def score_study(where: Path, tasks: "Tasks", *, progress: Progress | None = None) -> list[ScoredRun]:
    """Ask every finished run of a study the tasks that its record has no score on.

    Named by its file, a study's runs are those of the file as it is now; by its folder, all that lie there but the
    generators of sampled text, off which no law is read.

    Raises:
        BadInput: no study there, no finished run, or a run without a checkpoint.
    """
    space = Workspace(study_folder(where))
    records = _planned(where, space) if where.is_file() else ladder_records(space)
    if not records:
        raise BadInput("no run is finished yet", where=space.root, remedy="run it with synthmix study run")
    return score_records(space.runs, records, tasks, progress=progress)


def _planned(where: Path, space: Workspace) -> list[RunRecord]:
    config = load_study(where)
    prepared = look(config, space)
    specs = ladder_specs(config, prepared) if prepared else []
    repeat = config.training.on_divergence == "repeat"
    finished = [tried[-1][1] for spec in specs if (tried := attempts(spec, space.runs, repeat=repeat))]
    return [record for record in finished if record.diverged is None]


def score_run(folder: Path, tasks: "Tasks", *, progress: Progress | None = None) -> ScoredRun | None:
    """Ask one run, named by its folder or its checkpoint; None where there is no record (a model from elsewhere)."""
    folder = folder.resolve()
    folder = folder.parent if folder.name == "checkpoint" else folder
    record = Store(folder.parent).record(folder.name) if (folder / "record.json").exists() else None
    if record is None:
        return None
    return score_records(Store(folder.parent), [record], tasks, progress=progress)[0]


def score_records(
    store: Store, records: Sequence[RunRecord], tasks: "Tasks", *, progress: Progress | None = None
) -> list[ScoredRun]:
    """Ask the runs of ``records`` what they have no score on; each score is in its record before the next is asked.

    Raises:
        BadInput: a checkpoint was not kept, or another process works on a run.
    """
    progress = progress or Silent()
    left = {record.id: _missing(record, tasks) for record in records}
    for record in records:
        if left[record.id] and not store.checkpoint(record.id).exists():
            raise BadInput(
                "its checkpoint was not kept, so it cannot be asked",
                where=store.run_folder(record.id),
                remedy="delete the run's folder and train it again, with keep_checkpoints: true",
            )
    progress.start("task scores", sum(map(len, left.values())), "scores")
    done, found = 0, []
    for record in records:
        with store.claim(record.id) as mine:
            if not mine:
                raise BadInput("another process works on this run", where=store.run_folder(record.id), remedy="wait")
            now = store.record(record.id) or record
            for name, score in _asked(store, now, left[record.id], tasks):
                now = now.model_copy(update={"tasks": now.tasks | {name: score}})
                store.write(now)
                done += 1
                progress.update("task scores", done, f"{now.spec.at()}: {name} {score.value:.3f}")
        found.append(_row(now, tasks, left[record.id]))
    progress.finish("task scores", f"{done} new, {len(records) * len(tasks.names) - done} from the records")
    return found


def _missing(record: RunRecord, tasks: "Tasks") -> tuple[str, ...]:
    """Tasks that the record has no score on, or one of other questions."""
    return tuple(n for n in tasks.names if n not in record.tasks or record.tasks[n].id != tasks.ids[n])


def _asked(
    store: Store, record: RunRecord, names: tuple[str, ...], tasks: "Tasks"
) -> "Iterator[tuple[str, TaskScore]]":
    """(name, score) of each of ``names``, one by one; the model is loaded once, and only where something is left."""
    if not names:
        return
    from synthmix.evaluation.harness import ask, wrapped

    model = wrapped(store.checkpoint(record.id), context=record.spec.protocol.context)
    for name in names:
        yield name, ask(model, tasks, name)


def _row(record: RunRecord, tasks: "Tasks", scored: tuple[str, ...]) -> ScoredRun:
    return ScoredRun(
        id=record.id,
        recipe=record.spec.recipe,
        params=record.params,
        tokens=record.tokens,
        seed=record.spec.seed,
        tasks={name: record.tasks[name] for name in tasks.names},
        scored=scored,
    )
