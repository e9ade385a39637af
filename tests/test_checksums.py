"""Checksums of what is reused: any changed byte is found, and what was found right is not read again."""

import os
import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from synthmix import checksums
from synthmix.checksums import (
    SEAL,
    check,
    check_file,
    check_folder,
    check_seal,
    sealed,
    write_checked,
    write_folder,
)
from synthmix.errors import BadInput
from synthmix.files import file_hash, read_digested, read_json, write_json

pytestmark = pytest.mark.smoke


@pytest.fixture(autouse=True)
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """A machine that knows of no file yet; the files that are read whole."""
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    read: list[Path] = []

    def counted(path: Path) -> str:
        read.append(path)
        return file_hash(path)

    monkeypatch.setattr(checksums, "file_hash", counted)
    checksums._known.cache_clear()
    yield read
    checksums._known.cache_clear()


def aged(path: Path, seconds: float = 60.0) -> Path:
    """As if written a while ago (the time of its last change of state cannot be set: that is stubbed)."""
    then = time.time_ns() - int(seconds * 1e9)
    os.utime(path, ns=(then, then))
    return path


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checksums, "_age_ns", lambda path: 60 * 10**9)


def test_a_file_is_read_once_a_machine_and_change(tmp_path: Path, fresh: list[Path], settled: None) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"0123456789" * 100)
    right = file_hash(path)
    for _ in range(3):
        check_file(path, right)
    assert fresh == [path]
    checksums._known.cache_clear()  # another process
    check_file(path, right)
    assert fresh == [path]
    before = path.stat()
    path.write_bytes(b"0123456788" + b"0123456789" * 99)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))  # the same size and time of writing
    with pytest.raises(BadInput, match=r"a\.bin: is damaged \(its checksum differs\); delete it"):
        check_file(path, right)
    assert fresh == [path, path]


def test_what_was_just_written_is_not_yet_taken_for_settled(tmp_path: Path, fresh: list[Path]) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    for _ in range(2):
        check_file(path, file_hash(path))
    assert fresh == [path, path]


def test_a_damaged_or_unwritable_memory_costs_only_time(
    tmp_path: Path, fresh: list[Path], settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"x")
    check_file(path, file_hash(path))
    (tmp_path / "cache" / "checksums.txt").write_bytes(b"\xff\xfe not ours")
    checksums._known.cache_clear()
    check_file(path, file_hash(path))
    assert fresh == [path, path]
    monkeypatch.setenv("SYNTHMIX_CACHE", str(path / "no folder"))
    checksums._known.cache_clear()
    check_file(path, file_hash(path))
    assert fresh == [path, path, path]


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"a\.bin: no such file"):
        check_file(tmp_path / "a.bin", "0" * 32)


def test_checksums_are_those_of_b2sum(tmp_path: Path) -> None:
    write_checked(tmp_path / "a.txt", "text\n")
    subprocess.run(
        ["b2sum", "-l", "128", "--check", "--strict", "a.txt.b2"], cwd=tmp_path, check=True, capture_output=True
    )


def test_every_changed_byte_of_a_file_or_of_its_checksum_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_checked(path, "twenty words of text\n")
    assert check(path)
    for each in (path, tmp_path / "a.txt.b2"):
        whole = each.read_bytes()
        for at in range(len(whole)):
            each.write_bytes(flipped(whole, at))
            with pytest.raises(BadInput, match=r"a\.txt|delete it"):
                check(path)
        each.write_bytes(whole)
    (tmp_path / "a.txt.b2").unlink()
    assert not check(path), "an earlier version wrote none: it opens, and that is known"


def test_a_folder_is_held_to_its_list(tmp_path: Path) -> None:
    assert not check_folder(tmp_path)
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    write_folder(tmp_path)
    assert check_folder(tmp_path)
    (tmp_path / "b").write_text("3")
    assert check_folder(tmp_path, ["a"])
    with pytest.raises(BadInput, match="b: is damaged"):
        check_folder(tmp_path)
    (tmp_path / "b").unlink()
    with pytest.raises(BadInput, match="b: no such file"):
        check_folder(tmp_path)


def flipped(data: bytes, at: int, bit: int = 0) -> bytes:
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def test_a_seal_finds_every_changed_byte_but_those_of_its_own_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    data = sealed(save({"a": np.arange(6.0)}, metadata={"digest": SEAL}))
    path.write_bytes(data)
    assert check_seal(path)
    mark = data.index(b"seal:blake2b:")
    silent = []
    for at in range(len(data)):
        path.write_bytes(flipped(data, at, bit=random.Random(at).randrange(8)))
        try:
            if not check_seal(path):
                silent.append(at)
        except BadInput:
            continue
    assert set(silent) <= set(range(mark, mark + 13)), "without its mark a file counts as one of an earlier version"
    path.write_bytes(b"")
    with pytest.raises(BadInput, match="is empty"):
        check_seal(path)
    with pytest.raises(ValueError, match="not there once"):
        sealed(b"none")


def test_an_object_is_held_to_its_own_digest(tmp_path: Path) -> None:
    path, value = tmp_path / "a.json", {"loss": 3.25, "shares": [1, {"b": None, "a": "\u2028é"}], "n": {1: 2}}
    write_json(path, value, digest=True)
    assert read_digested(path) == ({"loss": 3.25, "shares": [1, {"b": None, "a": "\u2028é"}], "n": {"1": 2}}, True)
    text = path.read_text()
    path.write_text(text.replace("3.25", "3.26"))
    with pytest.raises(BadInput, match=r"a\.json: is damaged or was edited \(its content is not that of its digest\)"):
        read_json(path)
    path.write_text(text.replace("3.25", "3.250"))
    assert read_json(path)["loss"] == 3.25, "the same content"
    write_json(path, {"loss": 3.25})
    assert read_digested(path) == ({"loss": 3.25}, False), "of an earlier version"
