"""What the terminal shows: progress on stderr, results on stdout (one JSON object under ``--json``)."""

import json
import shutil
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmix.table import Table


class TerminalProgress:
    """Rich bars with time left on stderr; plain lines where stderr is no terminal. A context manager."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.console = Console(stderr=True)
        self.bars = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[count]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(compact=True, elapsed_when_finished=False),
            TextColumn("{task.fields[note]}", style="dim"),
            console=self.console,
            disable=not self.console.is_terminal,
            speed_estimate_period=120,
        )
        self.tasks: dict[str, Any] = {}
        self.units: dict[str, str] = {}

    def __enter__(self) -> "TerminalProgress":
        self.bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.bars.stop()

    def start(self, task: str, total: float | None, unit: str) -> None:
        """Begin a task; begun again, it starts from zero."""
        if not self.console.is_terminal:
            self.console.print(f"{task} ...", highlight=False, markup=False)
        if task in self.tasks:
            self.bars.remove_task(self.tasks[task])
        self.units[task] = unit
        self.tasks[task] = self.bars.add_task(task, total=total, note="", count="")

    def update(self, task: str, done: float, note: str = "") -> None:
        """Move a task's bar to ``done`` units."""
        from synthmix.quantities import format_count, format_seconds

        if task in self.tasks:
            total, unit = self.bars.tasks[self.bars.task_ids.index(self.tasks[task])].total, self.units[task]
            if unit == "seconds":
                count = f"{done / total:.0%}" if total else format_seconds(done)
            else:
                count = f"{format_count(done)}{f' of {format_count(total)}' if total else ''} {unit}" if done else ""
            self.bars.update(self.tasks[task], completed=done, note=note, count=count)

    def finish(self, task: str, note: str = "") -> None:
        """End a task: its bar becomes a line that stays."""
        if task in self.tasks:
            index = self.bars.task_ids.index(self.tasks[task])
            took = self.bars.tasks[index].elapsed or 0.0
            self.bars.remove_task(self.tasks.pop(task))
            from rich.markup import escape

            said = escape(f"{task}: {note}" if note else task)
            self.say(f"[green]done[/green] {said} [dim]({took:.1f} s)[/dim]")

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self.console.print(line, highlight=False, soft_wrap=True)


def show(value: Any, *blocks: "str | Table", as_json: bool) -> None:
    """The command's result on stdout: ``value`` as one JSON object, or the blocks with a blank line between them.

    Names in them are shown, not obeyed: control characters are written out.
    """
    if as_json:
        text = json.dumps(value, indent=1, allow_nan=False)
    else:
        from synthmix.quantities import plain

        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        text = "\n\n".join(
            plain(block) if isinstance(block, str) else block.text(width, colour=width is not None)
            for block in blocks
            if (isinstance(block, str) and block) or not isinstance(block, str)
        )
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
