"""Files of one JSON object a line that are only ever appended to, and survive a kill at any byte."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from synthmix.files import disk_errors


class Lines:
    """An append-only file. Every line goes to the operating system at once, so that it outlives this process;
    :meth:`sync` has it outlive a power cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            cut_torn_line(path)
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        self.size = os.fstat(self._file).st_size
        self._synced = self.size

    def append(self, record: Mapping[str, Any]) -> int:
        """Write a record; the byte at which it starts.

        Raises:
            Failure: the disk is full.
        """
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with disk_errors(self.path):
            written = 0
            while written < len(line):
                written += os.write(self._file, line[written:])
        start, self.size = self.size, self.size + len(line)
        return start

    def sync(self) -> None:
        """Wait until all that was written is on the disk."""
        if self._synced < self.size:
            size = self.size
            with disk_errors(self.path):
                os.fsync(self._file)
            self._synced = size

    def close(self) -> None:
        """Sync and close."""
        self.sync()
        os.close(self._file)


def cut_torn_line(path: Path) -> None:
    """Remove what a killed process left behind the last line end."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        keep = end
        while keep:
            start = max(0, keep - 65536)
            file.seek(start)
            found = file.read(keep - start).rfind(b"\n")
            if found >= 0:
                keep = start + found + 1
                break
            keep = start
        if keep < end:
            file.truncate(keep)


def starts(path: Path) -> Iterator[tuple[int, bytes]]:
    """(byte, line) of every whole line."""
    at = 0
    if path.exists():
        with path.open("rb") as file:
            for line in file:
                if line.endswith(b"\n"):
                    yield at, line
                at += len(line)


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file; lines that a power cut damaged are passed over."""
    for _, line in starts(path):
        record = record_of(line)
        if record is not None:
            yield record


def record_of(line: bytes) -> dict[str, Any] | None:
    """The object of one line; None when it is damaged."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None
