"""Checksums of files that are reused: written beside them, compared once a machine and change.

A list of checksums has the form that ``b2sum -l 128 --check`` reads. Reading a file for its checksum costs about a
second a gigabyte, so what was found right is remembered in the cache folder by device, inode, size and times of the
file: any write to it, or another file in its place, is another entry.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from synthmix.errors import BadInput
from synthmix.files import cache_folder, file_hash, write_text

FOLDER = "checksums.b2"
_SUFFIX = ".b2"
_LINE = re.compile(r"([0-9a-f]{32})  ([^\n/]+)")
_SETTLED_NS = 2 * 10**9  # a file written less long ago may change again within one tick of the clock
_MOST_BYTES = 4_000_000
DAMAGED = "is damaged (its checksum differs)"
REMEDY = "delete it and run the same command again"


def check_file(path: Path, expected: str, *, problem: str = DAMAGED, remedy: str = REMEDY) -> None:
    """Compare a file with its checksum (:func:`synthmix.files.file_hash`); read only where it is not known to be right.

    Raises:
        BadInput: it is missing, or differs.
    """
    try:
        state = _state(path, expected)
        if state in _known():
            return
        right = file_hash(path) == expected
        if not right:
            raise BadInput(problem, where=path, remedy=remedy)
        # Unchanged while it was read, and not so fresh that a later change could have the same times.
        if state == _state(path, expected) and _age_ns(path) > _SETTLED_NS:
            _remember(state)
    except FileNotFoundError:
        raise BadInput("no such file", where=path, remedy=remedy) from None


def write_checked(path: Path, text: str) -> None:
    """Write ``text`` and, before it, its checksum: a file without one is of an earlier version, never a torn write."""
    digest = hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
    write_text(_beside(path), f"{digest}  {path.name}\n")
    write_text(path, text)


def check(path: Path, *, remedy: str = REMEDY) -> bool:
    """Compare a file with the checksum that :func:`write_checked` put beside it; whether there is one.

    Raises:
        BadInput: it is damaged, or its checksum is.
    """
    beside = _beside(path)
    if not beside.exists():
        return False
    for name, expected in _read(beside, remedy).items():
        check_file(path.with_name(name), expected, remedy=remedy)
    return True


def write_folder(folder: Path) -> None:
    """Write the checksums of all files of a folder, not those of its folders, into it."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name != FOLDER)
    write_text(folder / FOLDER, "".join(f"{file_hash(path)}  {path.name}\n" for path in files))


def has_checksums(folder: Path) -> bool:
    """Whether a folder has the list that :func:`write_folder` writes."""
    return (folder / FOLDER).exists()


def check_folder(folder: Path, names: Iterable[str] | None = None, *, remedy: str = REMEDY) -> bool:
    """Compare a folder's files (only ``names``) with the checksums in it; whether there are any.

    Raises:
        BadInput: a file is missing or damaged, or the list of checksums is.
    """
    listed = folder / FOLDER
    if not listed.exists():
        return False
    wanted = None if names is None else set(names)
    for name, expected in _read(listed, remedy).items():
        if wanted is None or name in wanted:
            check_file(folder / name, expected, remedy=remedy)
    return True


def _beside(path: Path) -> Path:
    return path.with_name(path.name + _SUFFIX)


def _read(path: Path, remedy: str) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError:
        lines = []
    found = [_LINE.fullmatch(line) for line in lines[:-1]]
    if not found or lines[-1] or not all(found):
        raise BadInput("is damaged (not a list of checksums)", where=path, remedy=remedy)
    return {match[2]: match[1] for match in found if match}


# Binary files that hold their own digest

SEAL = "seal:blake2b:" + 32 * "0"
_SEALED = re.compile(rb"seal:blake2b:(.{32})", re.DOTALL)


def sealed(data: bytes) -> bytes:
    """``data``, in which :data:`SEAL` stands once (in a header's metadata), with the digest of all of it there.

    Raises:
        ValueError: it does not stand there once.
    """
    blank = SEAL.encode()
    if data.count(blank) != 1:
        raise ValueError("the place of the seal is not there once")
    return data.replace(blank, b"seal:blake2b:" + hashlib.blake2b(data, digest_size=16).hexdigest().encode())


def check_seal(path: Path, *, remedy: str = REMEDY) -> bool:
    """Compare a file with the digest that :func:`sealed` put into it; whether it holds one.

    Raises:
        BadInput: it is missing, empty or damaged.
    """
    import mmap

    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as held:
            found = _SEALED.search(held)
            if found is None:
                return False
            kept, (start, end) = bytes(found[1]), found.span(1)
            del found  # it holds the map
            digest = hashlib.blake2b(digest_size=16)
            with memoryview(held) as view:
                for part in (view[:start], b"0" * 32, view[end:]):
                    digest.update(part)
                    if isinstance(part, memoryview):
                        part.release()
    except FileNotFoundError:
        raise BadInput("no such file", where=path, remedy=remedy) from None
    except ValueError:  # nothing to map
        raise BadInput("is damaged (it is empty)", where=path, remedy=remedy) from None
    if digest.hexdigest().encode() != kept:
        raise BadInput("is damaged (its content is not that of its digest)", where=path, remedy=remedy)
    return True


# What is known to be right


def _state(path: Path, expected: str) -> str:
    at = path.stat()
    return f"{at.st_dev} {at.st_ino} {at.st_size} {at.st_mtime_ns} {at.st_ctime_ns} {expected}"


def _age_ns(path: Path) -> int:
    at = path.stat()
    return time.time_ns() - max(at.st_mtime_ns, at.st_ctime_ns)


def _list() -> Path:
    return cache_folder() / "checksums.txt"


@cache
def _known() -> set[str]:
    try:
        return set(_list().read_text(encoding="ascii").splitlines())
    except (OSError, UnicodeDecodeError):  # none yet, or damaged: everything is read once more
        return set()


def _remember(state: str) -> None:
    """One line at the end, which the operating system writes whole; a list that has grown large begins anew."""
    _known().add(state)
    path = _list()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.exists() and path.stat().st_size > _MOST_BYTES
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fresh else 0), 0o600)
        try:
            os.write(file, f"{state}\n".encode("ascii"))
        finally:
            os.close(file)
    except OSError:  # a cache that cannot be written to costs time, nothing else
        return
