import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix import files
from synthmix.errors import BadInput, Failure
from synthmix.files import content_hash, file_hash, new_folder, read_json, write_bytes, write_json, write_text


def refuse(monkeypatch: pytest.MonkeyPatch, name: str, number: int) -> None:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(files.os, name, refused)


@pytest.mark.parametrize("name", ["fsync", "replace"])
def test_a_full_disk_in_the_middle_leaves_the_old_file_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / "record.json"
    write_text(path, "old")
    refuse(monkeypatch, name, errno.ENOSPC)
    with pytest.raises(
        Failure, match=r"record\.json: the disk is full; free some space and run the same command again"
    ):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["record.json"]


@pytest.mark.parametrize(
    ("number", "kind", "words"),
    [
        (errno.ENOSPC, Failure, "the disk is full"),
        (errno.EDQUOT, Failure, "the disk is full"),
        (errno.EACCES, BadInput, "no permission to write here"),
        (errno.EROFS, BadInput, "no permission to write here"),
        (errno.ENOTDIR, BadInput, "a file stands where a folder is needed"),
        (errno.EIO, Failure, "could not be written"),
    ],
)
def test_what_the_system_refuses_is_said_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception], words: str
) -> None:
    refuse(monkeypatch, "replace", number)
    with pytest.raises(kind, match=words) as caught:
        write_bytes(tmp_path / "file", b"x")
    assert str(tmp_path) in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_way_of_a_folder_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="a file stands where a folder is needed"):
        write_text(tmp_path / "file" / "below" / "deep.json", "x")


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "record.json"
    write_text(path, "old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_text(path, "new")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["record.json"]


def test_json_is_strict_and_reads_back(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.json"
    write_json(path, {"a": [1, 2.5, None, "é"]})
    assert read_json(path) == {"a": [1, 2.5, None, "é"]}
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(path, {"a": float("nan")})
    assert read_json(path)["a"][0] == 1


@pytest.mark.parametrize("damage", [b"{", b"", b'{"a": 1} trailing', b"\xff\xfe\x00"])
def test_damaged_json_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(damage)
    with pytest.raises(BadInput, match=r"a\.json: is damaged \(.*delete it and run the same command again"):
        read_json(path)
    with pytest.raises(BadInput, match="no such file"):
        read_json(tmp_path / "none.json")


def test_a_new_folder_appears_whole_and_replaces_its_like(tmp_path: Path) -> None:
    path = tmp_path / "corpus"
    for text in ("one", "two"):
        with new_folder(path, marker="meta") as staging:
            (staging / "meta").write_text(text)
            assert not path.exists() or (path / "meta").read_text() == "one"
    assert (path / "meta").read_text() == "two"
    assert os.listdir(tmp_path) == ["corpus"]


def test_an_error_in_the_middle_leaves_nothing_behind_and_the_old_folder_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "corpus"

    def half() -> None:
        with new_folder(path, marker="meta") as staging:
            (staging / "half").write_text("x")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        half()
    assert list(tmp_path.iterdir()) == []
    with new_folder(path, marker="meta") as staging:
        (staging / "meta").write_text("whole")
    with pytest.raises(RuntimeError):
        half()
    assert os.listdir(tmp_path) == ["corpus"]
    assert (path / "meta").read_text() == "whole"


def test_a_folder_of_other_things_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("x")
    monkeypatch.chdir(tmp_path / "letters")
    for path in (tmp_path / "letters", Path(), Path(".."), Path("/")):
        with pytest.raises(BadInput, match=r"holds other files \(and no meta\)"), new_folder(path, marker="meta"):
            pytest.fail("it was opened")
    assert (tmp_path / "letters" / "dear.txt").read_text() == "x"
    (tmp_path / "empty").mkdir()
    with new_folder(tmp_path / "empty", marker="meta") as staging:
        (staging / "meta").write_text("an empty one may be taken")
    assert (tmp_path / "empty" / "meta").exists()


def test_what_a_dead_process_left_is_swept_and_a_living_one_s_is_not(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / f".corpus.{dead.pid}.staging").mkdir()
    (tmp_path / f".corpus.{dead.pid}.staging" / "half").write_text("x")
    (tmp_path / f".corpus.{os.getppid()}.staging").mkdir()
    with new_folder(tmp_path / "corpus", marker="meta") as staging:
        (staging / "meta").write_text("x")
    assert sorted(os.listdir(tmp_path)) == sorted([f".corpus.{os.getppid()}.staging", "corpus"])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=5), JSON, max_size=5))
def test_equal_values_hash_the_same_whatever_their_order(value: dict[str, Any]) -> None:
    assert content_hash(value) == content_hash(dict(reversed(value.items())))


def test_hashes_are_those_of_every_machine_and_tell_values_apart(tmp_path: Path) -> None:
    assert content_hash({"a": 1}) == "1f8c00645b7df6ce"  # blake2b-64 of {"a":1}
    values: list[Any] = [{"a": 1}, {"a": 2}, {"b": 1}, {"a": "1"}, [1], {"a": [1]}, {}, []]
    assert len({content_hash(value) for value in values}) == len(values)
    with pytest.raises(ValueError, match="JSON compliant"):
        content_hash(float("inf"))
    (tmp_path / "x").write_bytes(b"abc")
    assert file_hash(tmp_path / "x") == "cf4ab791c62b8d2b2109c90275287816"  # blake2b-128 of "abc"
