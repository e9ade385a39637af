"""All runs of a study through an engine: trunks, their branches, and the runs that share nothing."""

from collections.abc import Mapping
from typing import Any

from synthmix.config import StudyConfig
from synthmix.engine import Engine
from synthmix.progress import Progress
from synthmix.study.corpora import Prepared
from synthmix.study.generators import generator_spec
from synthmix.study.ladder import cells
from synthmix.study.speed import Speeds
from synthmix.study.tasks import RunTask, TrunkTask
from synthmix.study.trunks import Family, Trunk, find_trunks, own_tokens, spec_family
from synthmix.study.watch import run_tasks
from synthmix.study.workspace import Workspace
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import state_at, states

GENERATOR = "generator of "


def task_for(
    config: StudyConfig,
    space: Workspace,
    prepared: Prepared,
    spec: RunSpec,
    precision: str,
    trunks: Mapping[Family, Trunk],
) -> RunTask:
    """The task that executes ``spec`` in a worker."""
    folders = {name: prepared.corpora[name].folder for name in spec.corpora}
    return RunTask(
        spec=spec,
        runs=space.runs.folder,
        corpora=folders,
        tokenizer=next(iter(folders.values())) / "tokenizer.json",
        domains=prepared.domains,
        evaluate_tokens=config.evaluate_tokens,
        precision=precision,
        keep_checkpoint=config.keep_checkpoints or spec.recipe.startswith(GENERATOR),
        shares_trunk=spec_family(spec) in trunks,
        log=tuple(config.log),
    )


def train_all(
    config: StudyConfig,
    space: Workspace,
    prepared: Prepared,
    specs: list[RunSpec],
    speeds: Speeds,
    engine: Engine[Any, Any],
    progress: Progress,
) -> None:
    """Train what is left of ``specs``: trunks and runs without one first, then what branches from the trunks.

    Raises:
        SynthmixError: see :func:`synthmix.study.watch.run_tasks`.
    """
    trunks = find_trunks(cells(config))
    tasks = [task_for(config, space, prepared, spec, speeds.precision, trunks) for spec in specs]
    # The longest first, so that no worker is left with a long one at the end; generators before all.
    tasks.sort(key=lambda task: (not task.spec.recipe.startswith(GENERATOR), -task.spec.flops))
    first = [
        TrunkTask(
            longest.spec,
            stops,
            longest.runs,
            longest.corpora,
            longest.tokenizer,
            longest.precision,
            log=longest.log,
        )
        for longest, stops in _needed_trunks(tasks, space)
    ]
    run_tasks(
        [[*first, *(t for t in tasks if not t.shares_trunk)], [t for t in tasks if t.shares_trunk]],
        space.runs,
        speeds,
        engine,
        progress,
    )
    _drop_states(tasks, space)


def _needed_trunks(tasks: list[RunTask], space: Workspace) -> list[tuple[RunTask, tuple[int, ...]]]:
    """For each trunk the longest task that is left to do, and the branch points of all that are."""
    left: dict[str, list[RunTask]] = {}
    for task in tasks:
        if task.shares_trunk and space.runs.record(task.spec.id) is None:
            left.setdefault(task.spec.trunk, []).append(task)
    return [
        (max(members, key=lambda task: task.spec.steps), tuple(sorted({task.spec.branch for task in members})))
        for members in left.values()
    ]


def _drop_states(tasks: list[RunTask], space: Workspace) -> None:
    """All but each trunk's last state: a larger budget, added later, goes on from that."""
    for trunk in {task.spec.trunk for task in tasks if task.shares_trunk}:
        folder = space.runs.trunk_folder(trunk)
        for step in states(folder)[:-1]:
            state_at(folder, step).unlink(missing_ok=True)


def expected_seconds(config: StudyConfig, prepared: Prepared, speeds: Speeds) -> float:
    """Work of all runs and generators in worker seconds, finished ones too: the length of the progress bar."""
    ladder = cells(config)
    trunks = find_trunks(ladder)
    work = sum(speeds.seconds(cell.shape, own_tokens(cell, trunks)) for cell in ladder)
    work += sum(speeds.seconds(trunk.cell.shape, trunk.tokens) for trunk in trunks.values())
    for name in config.sampled:
        spec = generator_spec(config, name, prepared)
        work += speeds.seconds(spec.shape, spec.tokens)
    return work
