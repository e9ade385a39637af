"""What the terminal shows: progress on stderr, results on stdout (one JSON object under ``--json``)."""

import json
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from synthmix.console import plain

if TYPE_CHECKING:
    from rich.text import Text

    from synthmix.table import Table


LOG_SECONDS = 60.0


@dataclass
class _Logged:
    """A task in a log: when it began, at which count, and when its last line was written."""

    begun: float
    written: float
    first: float | None = None


class TerminalProgress:
    """Rich bars with time left on stderr; where stderr is no terminal, a line a task every ``log_seconds`` with its
    share, time taken and time left. A context manager."""

    def __init__(self, log_seconds: float = LOG_SECONDS) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.console = Console(stderr=True)
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[count]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=False),
            TextColumn("{task.fields[note]}", style="dim", markup=False),
            console=self.console,
            disable=not self.console.is_terminal,
            speed_estimate_period=120,
        )
        self.tasks: dict[str, Any] = {}
        self.units: dict[str, str] = {}
        self.log_seconds, self.logged = log_seconds, dict[str, _Logged]()

    def __enter__(self) -> "TerminalProgress":
        self.bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.bars.stop()

    def start(self, task: str, total: float | None, unit: str) -> None:
        """Begin a task; begun again, it starts from zero."""
        if not self.console.is_terminal:
            now = time.monotonic()
            self.logged[task] = _Logged(now, now)
            self.say(f"{task} ...")
        if task in self.tasks:
            self.bars.remove_task(self.tasks[task])
        self.units[task] = unit
        self.tasks[task] = self.bars.add_task(plain(task, one_line=True), total=total, note="", count="")

    def update(self, task: str, done: float, note: str = "") -> None:
        """Move a task's bar to ``done`` units."""
        from synthmix.quantities import format_count, format_seconds

        if task in self.tasks:
            total, unit = self.bars.tasks[self.bars.task_ids.index(self.tasks[task])].total, self.units[task]
            if unit == "seconds":
                count = f"{done / total:.0%}" if total else format_seconds(done)
            else:
                count = f"{format_count(done)}{f' of {format_count(total)}' if total else ''} {unit}" if done else ""
            self.bars.update(self.tasks[task], completed=done, note=plain(note, one_line=True), count=plain(count))
            self._log(task, done, total, count, note)

    def _log(self, task: str, done: float, total: float | None, count: str, note: str) -> None:
        """A line about a task that has been silent for a while, where there are no bars."""
        from synthmix.quantities import format_seconds

        logged, now = self.logged.get(task), time.monotonic()
        if logged is None:
            return
        if logged.first is None:
            logged.first = done  # what an earlier call had done says nothing of the speed
        if now - logged.written < self.log_seconds:
            return
        logged.written, took, gained = now, now - logged.begun, done - logged.first
        left = f", about {format_seconds((total - done) * took / gained)} left" if total and gained > 0 else ""
        said = ", ".join(plain(part, one_line=True) for part in (count, note) if part)
        self.say(f"{time.strftime('%H:%M:%S')} {task}: {said}{', ' if said else ''}{format_seconds(took)} so far{left}")

    def finish(self, task: str, note: str = "") -> None:
        """End a task: its bar becomes a line that stays."""
        if task in self.tasks:
            index = self.bars.task_ids.index(self.tasks[task])
            took = self.bars.tasks[index].elapsed or 0.0
            self.bars.remove_task(self.tasks.pop(task))
            from rich.text import Text

            said = plain(f" {task}: {note} " if note else f" {task} ", one_line=True)
            self._print(Text.assemble(("done", "green"), said, (f"({took:.1f} s)", "dim")))

    def say(self, line: str) -> None:
        """Print a line above the bars; names and error texts in it are shown, not obeyed."""
        from rich.text import Text

        self._print(Text(plain(line)))

    def _print(self, text: "Text") -> None:
        self.console.print(text, highlight=False, soft_wrap=True)


def show(value: Mapping[str, Any], *blocks: "str | Table", as_json: bool) -> None:
    """The command's result on stdout: ``value`` as one JSON object, or the blocks with a blank line between them.

    Names in them are shown, not obeyed: control characters are written out.
    """
    if as_json:
        text = json.dumps(value, indent=1, allow_nan=False)
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = "\n\n".join(
            plain(block) if isinstance(block, str) else block.text(width, colour=width is not None)
            for block in blocks
            if (isinstance(block, str) and block) or not isinstance(block, str)
        )
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def clear() -> None:
    """An empty screen, where stdout is one."""
    if sys.stdout.isatty():
        sys.stdout.write("\x1b[2J\x1b[H")
