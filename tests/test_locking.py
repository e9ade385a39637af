"""Locks where they hold, where they do not, and where they hold on one machine alone."""

import errno
import fcntl
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import Timeout

from synthmix import locking
from synthmix.errors import BadInput, Failure
from synthmix.locking import check_locks, held_here_alone, lock
from synthmix.store import Store

pytestmark = pytest.mark.smoke


@pytest.fixture(autouse=True)
def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "_seen", set())


def refuse(code: int) -> Any:
    def flock(handle: int, how: int) -> None:
        raise OSError(code, "No locks available")

    return flock


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_is_refused_not_taken_for_a_busy_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: int
) -> None:
    monkeypatch.setattr(fcntl, "flock", refuse(code))
    with pytest.raises(Failure, match=r"has no locks \(No locks available\).*; mount it with locks \(NFS"):
        lock(tmp_path / "a.lock")
    with pytest.raises(Failure, match="has no locks"), Store(tmp_path / "runs").claim("run"):
        pass
    assert not list(tmp_path.glob(".lock-*"))


def test_another_process_waits_or_is_told(tmp_path: Path) -> None:
    hold = (
        "import sys; from pathlib import Path; from synthmix.locking import lock\n"
        "with lock(Path(sys.argv[1])):\n    print('held', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "new" / "a.lock"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(Timeout), lock(path, timeout=0):
            pass
        other.communicate("")
    with lock(path, timeout=0):
        pass


def test_a_look_is_taken_once_a_file_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    check_locks(tmp_path)
    monkeypatch.setattr(fcntl, "flock", refuse(errno.ENOLCK))
    check_locks(tmp_path / "other")


def test_a_folder_that_is_a_file_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match="taken"):
        lock(tmp_path / "taken" / "a.lock")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("server:/x {} nfs4 rw,vers=4.2,local_lock=none 0 0", None),
        ("server:/x {} nfs rw,vers=3,local_lock=all 0 0", "is mounted with local_lock=all"),
        ("server:/x {} nfs rw,nolock,local_lock=flock 0 0", "is mounted with local_lock=flock, nolock"),
        ("mds:/x {} lustre rw,flock 0 0", None),
        ("mds:/x {} lustre rw,localflock 0 0", "is mounted with localflock"),
        ("host: {} fuse.sshfs rw 0 0", "fuse.sshfs at"),
        ("/dev/sda1 {} ext4 rw 0 0", None),
    ],
)
def test_mount_options_say_whether_other_machines_see_a_lock(tmp_path: Path, line: str, why: str | None) -> None:
    study = tmp_path / "a b"
    study.mkdir()
    mounts = tmp_path / "mounts"
    point = str(study.resolve()).replace(" ", "\\040")
    mounts.write_text(f"/dev/root / ext4 rw 0 0\n{line.format(point)}\nbroken\n")
    found = held_here_alone(study / "runs", mounts)
    assert (found is None) if why is None else (found is not None and why in found)
    assert held_here_alone(tmp_path, mounts) is None
    assert held_here_alone(study, tmp_path / "absent") is None
