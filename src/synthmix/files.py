"""Writing that is all or nothing, and reading that names the damaged file."""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from synthmix.errors import BadInput, Failure, SynthmixError


@contextmanager
def disk_errors(path: str | Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing below ``path`` into one clear line.

    Raises:
        BadInput: the folder cannot be written to, or a file stands where a folder is needed.
        Failure: the disk is full, or the write failed for another reason.
    """
    try:
        yield
    except OSError as error:
        raise _explained(error, path) from error


def _explained(error: OSError, path: str | Path) -> SynthmixError:
    where = error.filename or path
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure("the disk is full", where=where, remedy="free some space and run the same command again")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return BadInput("no permission to write here", where=where, remedy="choose another folder")
    if error.errno in (errno.ENOTDIR, errno.EEXIST, errno.EISDIR):
        return BadInput("a file stands where a folder is needed, or the reverse", where=where, remedy="move it away")
    if error.errno == errno.ELOOP:
        return BadInput("its links go round in a circle", where=where, remedy="name another folder")
    return Failure(f"could not be written ({error.strerror or error})", where=where)


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` so that a reader sees the old file or the whole new one, also after a power cut."""
    path = followed(path)
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Atomic :func:`write_bytes` of UTF-8 text."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any, *, digest: bool = False) -> None:
    """Atomic write of strict JSON (no NaN, no infinity), with a newline at the end.

    ``digest``: an object is given a last key of this name, the digest of the others, which :func:`read_json` compares.
    """
    text = json.dumps(value, indent=1, allow_nan=False)
    if digest:
        text = json.dumps({**value, "digest": _digest(json.loads(text))}, indent=1, allow_nan=False)
    write_text(path, text + "\n")


def read_json(path: Path, *, remedy: str = "delete it and run the same command again") -> Any:
    """Read JSON; an object that holds its own digest is compared with it and given back without.

    ``remedy``: what to do about a damaged file.

    Raises:
        BadInput: the file is missing, is not JSON, or its content is not that of its digest.
    """
    return read_digested(path, remedy=remedy)[0]


def read_digested(path: Path, *, remedy: str = "delete it and run the same command again") -> tuple[Any, bool]:
    """What :func:`read_json` gives, and whether a digest vouches for it (earlier versions wrote none)."""
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise BadInput("no such file", where=path) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"is damaged ({error})", where=path, remedy=remedy) from None
    kept = value.get("digest") if isinstance(value, dict) else None
    if not (isinstance(kept, str) and re.fullmatch(r"blake2b:[0-9a-f]{32}", kept)):
        return value, False
    del value["digest"]
    if kept != _digest(value):
        raise BadInput("is damaged or was edited (its content is not that of its digest)", where=path, remedy=remedy)
    return value, True


def _digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))  # NaN too: a damaged file may hold it
    return "blake2b:" + hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


def placed(name: str | Path, base: str | Path | None = None) -> str:
    """A path as it was written, made one that can be opened: the one rule for every place that takes a path.

    ``~`` and ``~user`` are home folders, a relative path counts from ``base`` (None: the current folder), a URL and an
    absolute path stay as they are. Links are followed where the path is used.
    """
    text = str(name)
    if "://" in text:
        return text
    home = os.path.expanduser(text)
    return home if base is None else os.path.join(base, home)


def followed(path: Path) -> Path:
    """``path`` with ``~`` and links followed: what a link points to is replaced, and not the link.

    Raises:
        BadInput: the links lead back to themselves.
    """
    real = Path(os.path.realpath(placed(path)))
    if real.is_symlink():
        raise BadInput("its links go round in a circle", where=path, remedy="name another folder")
    return real


def url_of(path: str | Path) -> str | None:
    """The URL that ``path`` is, also where a :class:`Path` has taken a slash from it; None: a path of this machine."""
    found = re.fullmatch(r"([a-z][a-z0-9+.-]+):/(/?)([^/].*)", str(path), re.DOTALL)
    if found is None or not (found[2] or isinstance(path, Path)):
        return None
    return f"{found[1]}://{found[3]}"


@contextmanager
def new_folder(path: Path, *, marker: str) -> Iterator[Path]:
    """Yield an empty staging folder that becomes ``path`` when the block ends well, and vanishes otherwise.

    An older ``path`` is replaced if it is empty or holds the file ``marker``, that is, if it is of the same kind.
    What a killed process left of its staging is swept away.

    Raises:
        BadInput: ``path`` holds something else, which is left alone.
    """
    path = followed(path)
    with disk_errors(path):
        if path.is_dir() and any(path.iterdir()) and not (path / marker).exists():
            raise BadInput(f"holds other files (and no {marker})", where=path, remedy="name a new or an empty folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in path.parent.glob(f".{path.name}.*.staging"):
            if not _alive(int(left.name.split(".")[-2])):
                shutil.rmtree(left, ignore_errors=True)
        staging = path.with_name(f".{path.name}.{os.getpid()}.staging")
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir()
        try:
            yield staging
            if path.exists():
                shutil.rmtree(path)
            os.replace(staging, path)
        finally:
            shutil.rmtree(staging, ignore_errors=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def cache_folder() -> Path:
    """What is kept for this user on this machine: ``SYNTHMIX_CACHE``, else ``synthmix`` in ``XDG_CACHE_HOME`` or
    ``~/.cache``."""
    if own := os.environ.get("SYNTHMIX_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "synthmix"


def content_hash(value: Any) -> str:
    """Hex digest (16 digits) of a JSON-like value; equal values give equal digests on any machine."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.blake2b(canonical.encode(), digest_size=8).hexdigest()


def file_hash(path: Path) -> str:
    """Hex digest (32 digits) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
