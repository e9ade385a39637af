"""Running many tasks: progress from their files, runs that another process has, failures at the end."""

import json
import time
from typing import Any

from synthmix.engine import Engine
from synthmix.errors import Failure, SynthmixError
from synthmix.progress import Progress
from synthmix.store import Store
from synthmix.study.execute import execute
from synthmix.study.speed import Speeds
from synthmix.study.tasks import RunTask, TrunkTask

Task = RunTask | TrunkTask

BUSY_SECONDS = 2.0


def run_tasks(
    stages: list[list[Task]], store: Store, speeds: Speeds, engine: Engine[Any, Any], progress: Progress
) -> None:
    """Execute what is left of ``stages``, one stage after the other; runs in another process's hands are waited for.

    Raises:
        SynthmixError: the only run that failed, or a Failure that counts them; the others are finished first.
    """
    tasks = [task for stage in stages for task in stage]
    bar = Bar(tasks, store, speeds, progress)
    failed: list[tuple[Task, SynthmixError]] = []
    for stage in stages:
        left = [task for task in stage if task.run in bar.open]
        while left:
            busy = []
            for task, outcome in engine.each(execute, left, tick=bar.draw):
                if isinstance(outcome, SynthmixError):
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
    """The study's bar, in worker seconds: finished runs, and those in work by their progress files."""

    def __init__(self, tasks: list[Task], store: Store, speeds: Speeds, progress: Progress) -> None:
        self.store, self.speeds, self.progress = store, speeds, progress
        self.runs = {task.run for task in tasks if isinstance(task, RunTask)}
        self.open = {task.run: task for task in tasks if not task.is_done(store)}
        self.done = sum(self._seconds(task) for task in tasks if task.run not in self.open)
        self.draw()

    def finished(self, task: Task) -> None:
        """Count a run as done."""
        if self.open.pop(task.run, None):
            self.done += self._seconds(task)
        self.draw()

    def draw(self) -> None:
        """Tell the progress how far all runs are."""
        working = 0.0
        for run, task in self.open.items():
            path = self.store.run_folder(run) / "progress.json"
            if path.exists():
                try:
                    share = (json.loads(path.read_text())["tokens"] - task.began) / task.tokens
                except (FileNotFoundError, ValueError):  # finished, or replaced, this very moment
                    continue
                working += max(0.0, share) * self._seconds(task)
        finished = len(self.runs - self.open.keys())
        self.progress.update("study", self.done + working, note=f"run {finished} of {len(self.runs)}")

    def _seconds(self, task: Task) -> float:
        return self.speeds.seconds(task.spec.shape, task.tokens)
