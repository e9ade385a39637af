"""All runs of a study through an engine: trunks, then their branches; progress, busy runs, failures at the end."""

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from synthmix.config import StudyConfig
from synthmix.engine import Engine
from synthmix.errors import Failure, SynthmixError
from synthmix.progress import Progress
from synthmix.quantities import format_count
from synthmix.store import Store
from synthmix.study.corpora import Prepared
from synthmix.study.execute import RunTask, TrunkTask, execute
from synthmix.study.ladder import (
    RATE_FACTORS,
    Family,
    Trunk,
    at_rate,
    cells,
    find_trunks,
    own_tokens,
    spec_family,
    trunk_records,
)
from synthmix.study.sampled import generator_spec
from synthmix.study.timings import Speeds
from synthmix.study.workspace import Workspace
from synthmix.training.device import Diverged
from synthmix.training.spec import RunSpec
from synthmix.training.trainer import state_at, states

Task = RunTask | TrunkTask
BUSY_SECONDS = 2.0
SPEED_SECONDS = 120.0  # over which tokens/s are counted


def run_tasks(
    stages: list[list[Task]],
    store: Store,
    speeds: Speeds,
    engine: Engine[Any, Any],
    progress: Progress,
    before: float = 0.0,
) -> None:
    """Execute what is left of ``stages``, one stage after the other; runs in another process's hands are waited for.
    ``before``: worker seconds of the study that were done earlier and are no task of these stages.

    Raises:
        SynthmixError: the only run that failed, or a Failure that counts them; the others are finished first.
    """
    tasks = [task for stage in stages for task in stage]
    bar = Bar(tasks, store, speeds, progress, before)
    failed: list[tuple[Task, SynthmixError]] = []
    for stage in stages:
        left = [task for task in stage if task.run in bar.open]
        while left:
            busy = []
            for task, outcome in engine.each(execute, left, tick=bar.draw):
                if isinstance(outcome, Diverged) and isinstance(task, TrunkTask):
                    progress.say(f"{outcome}: its runs are trained one by one")
                elif isinstance(outcome, SynthmixError):
                    failed.append((task, outcome))
                    progress.say(f"failed: {outcome}")
                elif outcome == "busy":
                    busy.append(task)
                else:
                    bar.finished(task)
            left = busy
            if busy:  # another process trains these: look again until it has them done, or has died
                time.sleep(BUSY_SECONDS)
    if len(failed) == 1:
        raise failed[0][1]
    if failed:
        first = failed[0][1]
        raise Failure(
            f"{len(failed)} of {len(tasks)} runs failed, the first: {first}",
            remedy="mend the cause and run the same command again: finished runs stay",
        )


class Bar:
    """The study's bar, in worker seconds: finished runs, and those in work by their progress files; beside it tokens/s
    of the last minutes and the latest training loss."""

    def __init__(
        self, tasks: list[Task], store: Store, speeds: Speeds, progress: Progress, before: float = 0.0
    ) -> None:
        self.store, self.speeds, self.progress = store, speeds, progress
        self.runs = {task.run for task in tasks if isinstance(task, RunTask)}
        self.open = {task.run: task for task in tasks if not task.is_done(store)}
        self.done = before + sum(self._seconds(task) for task in tasks if task.run not in self.open)
        self.tokens, self.seen = 0, deque[tuple[float, float]]()
        self.draw()

    def finished(self, task: Task) -> None:
        """Count a run as done."""
        if self.open.pop(task.run, None):
            self.done += self._seconds(task)
            self.tokens += task.tokens
        self.draw()

    def draw(self) -> None:
        """Tell the progress how far all runs are."""
        working, tokens, loss = 0.0, float(self.tokens), ""
        for run, task in self.open.items():
            if (told := self.store.progress(run)) is not None:
                own = max(0, told["tokens"] - task.began)
                working += own / task.tokens * self._seconds(task)
                tokens += own
                loss = f", training loss {told['loss']:.2f} nats" if "loss" in told else loss
        finished = len(self.runs - self.open.keys())
        note = f"run {finished} of {len(self.runs)}{self._speed(tokens)}{loss}"
        self.progress.update("study", self.done + working, note=note)

    def _speed(self, tokens: float) -> str:
        """Tokens/s of all workers together over the last minutes."""
        now = time.monotonic()
        self.seen.append((now, tokens))
        while len(self.seen) > 2 and now - self.seen[0][0] > SPEED_SECONDS:
            self.seen.popleft()
        since, before = self.seen[0]
        return (
            f", {format_count((tokens - before) / (now - since))} tokens/s" if tokens > before and now > since else ""
        )

    def _seconds(self, task: Task) -> float:
        return self.speeds.seconds(task.spec.shape, task.tokens)


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
        keep_checkpoint=config.keep_checkpoints or spec.stage == "generator",
        shares_trunk=spec_family(spec) in trunks,
        mark_diverged=spec.stage == "ladder",
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
        SynthmixError: see :func:`synthmix.study.scheduler.run_tasks`.
    """
    trunks = find_trunks(cells(config))
    tasks = [task_for(config, space, prepared, spec, speeds.precision, trunks) for spec in specs]
    # The longest first, so that no worker is left with a long one at the end; generators before all.
    tasks.sort(key=lambda task: (task.spec.stage != "generator", -task.spec.flops))
    first = [
        TrunkTask(
            longest.spec,
            stops,
            longest.runs,
            longest.corpora,
            longest.tokenizer,
            longest.precision,
            log=longest.log,
            domains=longest.domains,
            evaluate_tokens=longest.evaluate_tokens,
        )
        for longest, stops in _needed_trunks(tasks, space)
    ]
    run_tasks(
        [[*first, *(t for t in tasks if not t.shares_trunk)], [t for t in tasks if t.shares_trunk]],
        space.runs,
        speeds,
        engine,
        progress,
        before=_done_trunks(tasks, first, space, speeds),
    )
    _drop_states(tasks, space)
    if config.training.on_divergence == "repeat":
        _repeat(tasks, space, speeds, engine, progress)


def _repeat(
    tasks: list[RunTask], space: Workspace, speeds: Speeds, engine: Engine[Any, Any], progress: Progress
) -> None:
    """Runs of the ladder that diverged, once more at half the rate, and those that diverge again at a quarter."""
    pairs = [(task, task) for task in tasks if task.spec.stage == "ladder"]
    for factor in RATE_FACTORS:
        pairs = [
            (first, replace(first, spec=at_rate(first.spec, factor), shares_trunk=False))
            for first, last in pairs
            if (record := space.runs.record(last.spec.id)) is not None and record.diverged is not None
        ]
        if not pairs:
            return
        for first, again in pairs:
            progress.say(f"{first.label} diverged: once more at a learning rate of {again.spec.peak:.3g}")
        run_tasks([[again for _, again in pairs]], space.runs, speeds, engine, progress)


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


def _done_trunks(tasks: list[RunTask], first: list[TrunkTask], space: Workspace, speeds: Speeds) -> float:
    """Worker seconds of the trunks that are trained and whose runs are all done."""
    needed = {task.spec.trunk for task in first}
    specs = {task.spec.trunk: task.spec for task in tasks if task.shares_trunk and task.spec.trunk not in needed}
    records = trunk_records(space.runs, specs.values())
    return sum(speeds.seconds(specs[record.id].shape, record.tokens) for record in records)


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
