"""The machine from made-up files: limits of processor time, the processor's own words, folders, busy processes."""

import os
from pathlib import Path

import pytest

from synthmix.doctor.machine import Busy, Look, busy_between, cpuinfo, folder, look, look_at_machine, quota


def test_the_least_quota_of_version_two(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("0::/pod/task\n")
    (tmp_path / "fs" / "pod" / "task").mkdir(parents=True)
    (tmp_path / "fs" / "pod" / "cpu.max").write_text("150000 100000\n")
    (tmp_path / "fs" / "pod" / "task" / "cpu.max").write_text("max 100000\n")
    assert quota(tmp_path / "fs", tmp_path / "cgroup") == 1.5
    (tmp_path / "fs" / "pod" / "cpu.max").write_text("max 100000\n")
    assert quota(tmp_path / "fs", tmp_path / "cgroup") is None


def test_the_quota_of_version_one(tmp_path: Path) -> None:
    (tmp_path / "cgroup").write_text("4:memory:/a\n3:cpu,cpuacct:/a\n0::/\n")
    (tmp_path / "fs" / "cpu" / "a").mkdir(parents=True)
    (tmp_path / "fs" / "cpu" / "a" / "cpu.cfs_quota_us").write_text("50000\n")
    (tmp_path / "fs" / "cpu" / "a" / "cpu.cfs_period_us").write_text("100000\n")
    assert quota(tmp_path / "fs", tmp_path / "cgroup") == 0.5
    (tmp_path / "fs" / "cpu" / "a" / "cpu.cfs_quota_us").write_text("-1\n")
    assert quota(tmp_path / "fs", tmp_path / "cgroup") is None
    assert quota(tmp_path / "fs", tmp_path / "none") is None


def test_the_processors_words(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor : 0\nmodel name\t: A: B\nflags : avx2 amx_bf16\n\nprocessor : 1\n")
    assert cpuinfo(tmp_path / "cpuinfo")["model name"] == "A: B"
    assert cpuinfo(tmp_path / "none") == {}


def test_a_folder_is_tried_and_left_as_it_was(tmp_path: Path) -> None:
    new = folder("cache", tmp_path / "a" / "b")
    assert new.fault is None
    assert new.free > 0
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    assert "is a file" in (folder("cache", tmp_path / "file" / "below").fault or "")


def test_a_folder_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    assert folder("cache", tmp_path).fault == "Permission denied"


def process(proc: Path, pid: int, name: str, ticks: int, command: str | None = None) -> None:
    (proc / str(pid)).mkdir(exist_ok=True)
    rest = ["S", *["0"] * 10, str(ticks), "0", *["0"] * 5]
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) {' '.join(rest)}")
    if command is not None:
        (proc / str(pid) / "cmdline").write_text(command)


def test_processes_are_told_by_the_time_they_took(tmp_path: Path) -> None:
    tick = os.sysconf("SC_CLK_TCK")
    process(tmp_path, 11, "python", 0, "/usr/bin/python3\0train.py\0--all\0")
    process(tmp_path, 12, "a (b) c", 0)
    process(tmp_path, os.getpid(), "me", 0)
    one = look(tmp_path)
    process(tmp_path, 11, "python", 3 * tick, "/usr/bin/python3\0train.py\0--all\0")
    process(tmp_path, 12, "a (b) c", tick)
    process(tmp_path, 13, "new", 9 * tick)
    process(tmp_path, os.getpid(), "me", 5 * tick)
    other = look(tmp_path)
    found = busy_between(Look(0.0, one.seconds, one.names), Look(2.0, other.seconds, other.names))
    assert found == [Busy(11, "python3 train.py --all", 1.5), Busy(12, "a (b) c", 0.5)]


def test_this_machine_can_be_looked_at(tmp_path: Path) -> None:
    found = look_at_machine({"cache": tmp_path})
    assert 1 <= found.usable <= max(found.cores, found.usable)
    assert 0 < found.memory_free <= found.memory
    assert found.folders[0].fault is None
