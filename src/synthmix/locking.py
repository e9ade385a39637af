"""Locks of the operating system on files, and file systems on which they do not hold.

A lock goes with its process, also after ``kill -9``. On a file system without locks filelock would wait for ever, or
take every run for somebody else's: one look at the first lock of each file system tells.
"""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from synthmix.errors import Failure
from synthmix.files import disk_errors

if TYPE_CHECKING:
    from filelock import BaseFileLock

MOUNTS = Path("/proc/self/mounts")
_REMEDY = (
    "mount it with locks (NFS: version 4, or lockd; Lustre: -o flock), or keep this folder on a disk of this machine"
)
_LOCAL = {"nolock", "local_lock=flock", "local_lock=all"}
_BUCKETS = {"fuse.sshfs", "fuse.s3fs", "fuse.goofys", "fuse.gcsfuse", "fuse.rclone", "fuse.mountpoint-s3"}
_seen: set[int] = set()  # file systems on which a lock was taken


def lock(path: Path, timeout: float = -1) -> "BaseFileLock":
    """A lock on ``path``, to be held in a ``with``; its folder is made. ``timeout``: seconds; -1: wait.

    Raises:
        BadInput: the folder cannot be written to.
        Failure: the file system has no locks.
    """
    from filelock import FileLock

    check_locks(path.parent)
    return FileLock(path, timeout=timeout)


def check_locks(folder: Path) -> None:
    """See that a lock can be taken in ``folder``, once a process and file system.

    Raises:
        BadInput: the folder cannot be written to.
        Failure: the file system has no locks.
    """
    try:
        import fcntl
    except ImportError:  # Windows locks otherwise, on every file system
        return
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        device = folder.stat().st_dev
        if device in _seen:
            return
        handle, name = tempfile.mkstemp(prefix=".lock-", dir=folder)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        what = f"this file system has no locks ({error.strerror or error}), and two processes could do the same run"
        raise Failure(what, where=folder, remedy=_REMEDY) from error
    finally:
        os.close(handle)
        with suppress(OSError):
            os.unlink(name)
    _seen.add(device)


def held_here_alone(folder: Path, mounts: Path = MOUNTS) -> str | None:
    """Why locks in ``folder`` are not seen by other machines, by how its file system is mounted; None: nothing says
    so. ``mounts``: the system's table of what is mounted."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    place, found = folder.resolve(), ("", "", "")
    for line in lines:
        parts = line.split()
        if len(parts) < 4:
            continue
        point = parts[1].replace("\\040", " ")
        if place.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, parts[2], parts[3])
    point, kind, options = found
    given = set(options.split(","))
    if kind in ("nfs", "nfs4") and given & _LOCAL:
        return f"NFS at {point} is mounted with {', '.join(sorted(given & _LOCAL))}"
    if kind == "lustre" and "localflock" in given:
        return f"Lustre at {point} is mounted with localflock"
    return f"{kind} at {point} keeps locks to itself" if kind in _BUCKETS else None
