"""Looking at a study's folder from outside."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synthmix.files import read_json

Check = Callable[[], bool]
DEADLINE = 240.0  # seconds; for a stuck test only: nothing is measured against it


def records(folder: Path) -> dict[str, dict[str, Any]]:
    """Every record of a study's folder by id, without what differs from time to time."""
    found = {path.parent.name: read_json(path) for path in folder.glob("runs/*/record.json")}
    return {run: {k: v for k, v in record.items() if k != "seconds"} for run, record in found.items()}


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """Inode and time of each record and checkpoint: they change when it is written again."""
    paths = [*folder.glob("runs/*/record.json"), *folder.glob("runs/*/checkpoint/model.safetensors")]
    return {str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns) for path in paths}


class Command:
    """``python -m synthmix ...`` in a process of its own."""

    def __init__(self, *arguments: str | Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "synthmix", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def until(self, reached: Check) -> bool:
        """Wait for ``reached()``; False when the process ended before."""
        end = time.monotonic() + DEADLINE
        while not reached():
            assert time.monotonic() < end, "nothing happened"
            try:
                self.process.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
            return reached()
        return True

    def kill(self) -> None:
        """``kill -9``, and wait until its workers, who hold the same pipes, have ended too."""
        self.process.kill()
        self.process.communicate(timeout=DEADLINE)

    def end(self) -> tuple[int, str, str]:
        """Exit code, stdout, stderr."""
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out, err


@pytest.fixture
def command() -> Iterator[Callable[..., Command]]:
    """Start a command; what still runs at the end of the test is killed."""
    started: list[Command] = []

    def start(*arguments: str | Path) -> Command:
        started.append(Command(*arguments))
        return started[-1]

    yield start
    for each in started:
        if each.process.poll() is None:
            each.kill()
