"""What the table of bad input is written in: a case, the world it is met in, and ways to spoil that."""

import os
import shlex
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from synthmix import files

from .conftest import Ran

Run = Callable[..., Ran]
GONE = object()
STUDY = ("study", "run", "study.yaml", "--quiet")
SMALL = ("--vocab", "300", "--quiet")
TRAIN = ("--params", "25k", "--tokens", "2560", "--context", "16", "--batch", "256", "--threads", "1", *SMALL)


@dataclass(frozen=True)
class Case:
    """``prepare(world)`` makes the mistake; ``arguments`` are the command; ``words`` stand in the line."""

    name: str
    words: tuple[str, ...]
    arguments: tuple[str, ...] = STUDY
    prepare: Callable[["World"], Any] = lambda world: None
    code: int = 2
    may_write: tuple[str, ...] = field(default=())  # what may have been finished before the mistake was met


class World:
    """A working directory with ``web.jsonl``, ``hq.jsonl``, ``other.jsonl`` and a study of them."""

    def __init__(
        self, folder: Path, raw: dict[str, Any], save: Callable[..., Path], run: Run, finished: Any, data: Path
    ) -> None:
        self.folder, self.raw, self.save, self.run, self.finished = folder, raw, save, run, finished
        self.data = data
        self.monkeypatch: pytest.MonkeyPatch
        self.stub: Callable[[], str]

    def set(self, **changes: Any) -> None:
        """Change the study at ``a__b__c``."""
        for path, value in changes.items():
            *above, key = path.split("__")
            at = self.raw
            for name in above:
                at = at[int(name) if isinstance(at, list) else name]
            if value is GONE:
                del at[key]
            else:
                at[key] = value

    def file(self, name: str, content: str | bytes) -> None:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def build(self, name: str, source: str, vocab: str = "300", *options: str) -> Path:
        assert self.run("corpus", "build", source, "--to", name, "--vocab", vocab, "--quiet", *options).code == 0
        return self.folder / name

    def train(self) -> Path:
        ran = self.run("train", "web.jsonl", "--on", "other.jsonl", *TRAIN, "--json")
        (self.folder / "run").symlink_to(ran.value["folder"])
        return self.folder / "run"

    def copy(self) -> Path:
        """A copy of the finished study, with its file."""
        ignore = shutil.ignore_patterns("*.partial", "*.lock", ".lock")
        shutil.copytree(self.finished().parent / "tiny", self.folder / "out", ignore=ignore)
        self.raw["corpora"]["web"]["files"] = str(self.data / "web.jsonl")
        self.raw["evaluate"]["other"] = str(self.data / "other.jsonl")
        return self.folder / "out"


def change(**changes: Any) -> Callable[[World], None]:
    return lambda world: world.set(**changes)


def write(name: str, content: str | bytes) -> Callable[[World], None]:
    return lambda world: world.file(name, content)


def refuse(number: int) -> Callable[[World], None]:
    def refused(*_: Any, **__: Any) -> None:
        raise OSError(number, os.strerror(number))

    return lambda world: world.monkeypatch.setattr(files.os, "replace", refused)


def flip(path: Path, at: int = -3) -> None:
    raw = bytearray(path.read_bytes())
    raw[at] ^= 255
    path.write_bytes(raw)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def yaml(text: str | bytes) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.raw = {}
        world.file("study.yaml", text)

    return prepare


def one_recipe(**shares: Any) -> Callable[[World], None]:
    return change(mix={"natural": "web", "recipes": {"half": shares}})


def read(name: str, file: str, content: str | bytes, *words: str) -> Case:
    """The natural corpus's file is damaged: known only once it is read."""

    def prepare(world: World) -> None:
        world.file(file, content)
        world.set(corpora__web__files=file)

    return Case(name, words, prepare=prepare, may_write=("out",))


def said(line: str, *words: str, prepare: Callable[[World], Any] = lambda world: None, may_write: str = "") -> Case:
    """A command line that is wrong as it stands; it is its case's name."""
    return Case(line, words, tuple(shlex.split(line)), prepare, may_write=tuple(may_write.split()))
