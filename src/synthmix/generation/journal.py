"""What has been asked and answered: the memory of a job that may be killed at any moment.

``replies-<part>.jsonl`` has a line for every answered request, ``failed-<part>.jsonl`` one for each that stays
unanswered, both by the request's key. A job's parts (one for a local run, one a shard on a cluster) lie in one folder
and are read together, so that a job goes on where it stopped, on either engine.

Files of JSON lines are only ever appended to, and survive a kill at any byte. Which requests are resolved, and where,
is kept in a hash table of two flat arrays: a Python dictionary of a million keys takes over 100 MB, this 32 MB.
"""

import json
import os
import re
import time
from array import array
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO
from zlib import crc32

from synthmix.errors import BadInput
from synthmix.files import disk_errors, write_text
from synthmix.generation.prompts import Prompt, Reply
from synthmix.locking import lock

_SUM = re.compile(rb',"sum":"([0-9a-f]{8})"}\s*$')
_EMPTY = 0
_PART_BITS = 12
_PARTS = (1 << _PART_BITS) - 1
_FIELDS = ("text", "finish", "input_tokens", "output_tokens", "model", "seconds")
_MORE = ("text_tokens", "counted", "left_out")  # written where they say something


class KeyIndex:
    """Maps a request's key (16 hexadecimal digits) to a number. Open addressing, at most two thirds full."""

    def __init__(self) -> None:
        self._count = 0
        self._make(1 << 10)

    def __len__(self) -> int:
        return self._count

    def __contains__(self, key: str) -> bool:
        return self._keys[self._slot(_key_number(key))] != _EMPTY

    def get(self, key: str) -> int | None:
        """The number of ``key``."""
        slot = self._slot(_key_number(key))
        return self._values[slot] if self._keys[slot] != _EMPTY else None

    def put(self, key: str, value: int) -> bool:
        """Set the number of ``key``; whether it is new."""
        if 3 * self._count >= 2 * len(self._keys):
            self._grow()
        number = _key_number(key)
        slot = self._slot(number)
        new = self._keys[slot] == _EMPTY
        self._keys[slot], self._values[slot] = number, value
        self._count += new
        return new

    def _make(self, size: int) -> None:
        self._keys, self._values = array("Q", bytes(8 * size)), array("q", bytes(8 * size))
        self._mask = size - 1

    def _slot(self, number: int) -> int:
        keys, mask = self._keys, self._mask
        slot = number & mask
        while keys[slot] not in (_EMPTY, number):
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        keys, values = self._keys, self._values
        self._make(2 * len(keys))
        for at, number in enumerate(keys):
            if number != _EMPTY:
                slot = self._slot(number)
                self._keys[slot], self._values[slot] = number, values[at]


def _key_number(key: str) -> int:
    return int(key, 16) or 1  # zero marks an empty slot


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
        line = _summed(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode())
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


def _summed(line: bytes) -> bytes:
    """An object as a line whose last key is the CRC-32 of the object without it; earlier versions wrote none."""
    return line[:-1] + b',"sum":"%08x"}\n' % crc32(line)


def record_of(line: bytes) -> dict[str, Any] | None:
    """The object of one line; None when it is damaged: no object, or not that of the sum at its end."""
    if (found := _SUM.search(line)) is not None:
        line = line[: found.start()] + b"}"
        if crc32(line) != int(found[1], 16):
            return None
    try:
        record = json.loads(line)
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


class Journal:
    """The journal in ``folder``, appended to as ``part``. One process a part.

    Memory: 24 bytes a request (16 a slot). Time to open: that of reading the files once.

    Args:
        retry_failed: failed requests count as not asked yet.

    Attributes:
        input_tokens, output_tokens: of all answers so far. text_tokens: of them, of text. uncounted: answers whose
            server said no tokens, and that count with what was set aside.
    """

    def __init__(self, folder: Path, part: str = "local", *, retry_failed: bool = False) -> None:
        from filelock import Timeout

        self.folder = folder
        with disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = lock(folder / f".{part}.lock")
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise BadInput("another process generates here", where=folder, remedy="wait for it") from None
        self._index, self._failed = KeyIndex(), KeyIndex()
        self.input_tokens = self.output_tokens = self.text_tokens = self.uncounted = 0
        self._replies = Lines(folder / f"replies-{part}.jsonl")
        self._failures = Lines(folder / f"failed-{part}.jsonl")
        own = self._replies.path.name
        others = sorted(path.name for path in folder.glob("replies-*.jsonl") if path.name != own)
        self._names = [own, *others]
        self._open: dict[str, BinaryIO] = {}
        for number, name in enumerate(self._names):
            self._read(number, folder / name)
        for path in sorted(folder.glob("failed-*.jsonl")) if not retry_failed else ():
            for record in records(path):
                if record["key"] not in self._index:
                    self._failed.put(record["key"], 0)

    def __len__(self) -> int:
        return len(self._index)

    def failed(self, key: str) -> bool:
        """Whether a request has failed for good."""
        return key in self._failed and key not in self._index

    def place(self, key: str) -> tuple[str, int] | None:
        """File and byte of an answer."""
        at = self._index.get(key)
        return None if at is None else (self._names[at & _PARTS], at >> _PART_BITS)

    @property
    def resolved_count(self) -> int:
        """How many requests are resolved."""
        return len(self._index) + len(self._failed)

    def resolved(self, key: str) -> bool:
        """Whether a request was answered, or has failed for good."""
        return key in self._index or key in self._failed

    def add(self, reply: Reply, where: str = "") -> None:
        """Write down an answer; ``where``: the endpoint that gave it. A second answer is not kept."""
        if reply.key in self._index:
            return
        fields = {name: getattr(reply, name) for name in _FIELDS}
        fields |= {} if reply.text_tokens is None else {"text_tokens": reply.text_tokens}
        fields |= {} if reply.counted else {"counted": False}
        fields |= {"left_out": reply.left_out} if reply.left_out else {}
        at = self._replies.append({"key": reply.key, **fields, "at": int(time.time()), "by": where})
        self._index.put(reply.key, at << _PART_BITS)
        self._count(reply.input_tokens, reply.output_tokens, reply.written, counted=reply.counted)

    def fail(self, prompt: Prompt, kind: str, reason: str, attempts: int) -> None:
        """Write down that a request stays unanswered."""
        where = {"document": prompt.document, "document_hash": prompt.document_hash, "chunk": prompt.chunk}
        why = {"kind": kind, "reason": reason, "attempts": attempts, "at": int(time.time())}
        self._failures.append({"key": prompt.key, **where, "rollout": prompt.rollout, **why})
        self._failed.put(prompt.key, 0)

    def reply(self, key: str) -> Reply | None:
        """The answer to a request, if there is one."""
        found = self.record(key)
        if found is None:
            return None
        more = {name: found[name] for name in _MORE if name in found}
        if "left_out" in more:
            more["left_out"] = tuple(more["left_out"])
        return Reply(key=key, **{name: found[name] for name in _FIELDS}, **more)

    def record(self, key: str) -> dict[str, Any] | None:
        """The answer as it was written down, with ``at`` (seconds since 1970) and ``by`` (the endpoint)."""
        place = self.place(key)
        if place is None:
            return None
        name, at = place
        if name not in self._open:
            self._open[name] = (self.folder / name).open("rb")
        self._open[name].seek(at)
        return record_of(self._open[name].readline())

    def failures(self) -> Iterator[dict[str, Any]]:
        """The requests that failed and were not answered later, each once, with the last reason."""
        last: dict[str, Mapping[str, Any]] = {}
        for path in sorted(self.folder.glob("failed-*.jsonl")):
            for record in records(path):
                if record["key"] not in self._index:
                    last[record["key"]] = record
        yield from map(dict, last.values())

    def sync(self) -> None:
        """Have what was written outlive a power cut."""
        self._replies.sync()
        self._failures.sync()

    def close(self) -> None:
        """Sync, and let another process in."""
        self._replies.close()
        self._failures.close()
        for file in self._open.values():
            file.close()
        self._lock.release()

    def _count(self, input_tokens: int, output_tokens: int, text_tokens: int, *, counted: bool) -> None:
        self.input_tokens += input_tokens
        self.output_tokens += output_tokens
        self.text_tokens += text_tokens
        self.uncounted += not counted

    def _read(self, number: int, path: Path) -> None:
        for at, line in starts(path):
            record = record_of(line)  # however it is spaced: a line that another program wrote is not paid for twice
            if record is not None and "key" in record and self._index.put(record["key"], at << _PART_BITS | number):
                paid, counted = record["output_tokens"], record.get("counted", True)
                self._count(record["input_tokens"], paid, record.get("text_tokens", paid), counted=counted)


def sizes(folder: Path) -> dict[str, int]:
    """Bytes of each file of answers: what lies behind them comes later."""
    return {path.name: path.stat().st_size for path in sorted(folder.glob("replies-*.jsonl"))}


def write_failed(journal: Journal, path: Path) -> int:
    """Write the job's list of failed requests, or remove an outdated one; how many there are."""
    import json

    lines = [json.dumps(record, ensure_ascii=False) for record in journal.failures()]
    if lines:
        write_text(path, "".join(line + "\n" for line in lines))
    else:
        path.unlink(missing_ok=True)
    return len(lines)
