"""Sampling parts after a kill: gaps are filled, what is there is kept, the text is the same."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import Corpus
from synthmix.errors import BadInput
from synthmix.generation.sampler import part_path
from synthmix.study.load import study_from
from synthmix.study.run import run_study

from ..in_process import InProcess


@pytest.fixture
def copy(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The finished study without its sampled corpus; no report is made."""
    monkeypatch.setattr("synthmix.study.conclude.conclude", lambda *_, **__: None)
    shutil.copytree(finished.parent / "tiny", tmp_path / "copy", ignore=shutil.ignore_patterns("*.partial"))
    for folder in (tmp_path / "copy").glob("corpora/sampled-*"):
        if folder.is_dir():
            shutil.rmtree(folder)
    return tmp_path / "copy"


def sampled_id(folder: Path) -> str:
    [corpus] = [path for path in folder.glob("corpora/sampled-*") if path.is_dir()]
    return Corpus.open(corpus).id


def test_a_part_that_a_killed_worker_left_out_is_sampled_to_the_same_text(
    finished: Path, copy: Path, make_study: Callable[..., dict[str, Any]]
) -> None:
    [parts] = copy.glob("generated/*")
    assert len(list(parts.iterdir())) >= 3
    text = part_path(parts, 1).read_bytes()
    part_path(parts, 1).unlink()
    kept = part_path(parts, 2).stat()
    run_study(study_from(make_study(copy)), engine=InProcess())
    assert part_path(parts, 1).read_bytes() == text
    assert part_path(parts, 2).stat().st_ino == kept.st_ino, "what is there is not sampled again"
    assert sampled_id(copy) == sampled_id(finished.parent / "tiny")


def test_a_damaged_part_is_bad_input(copy: Path, make_study: Callable[..., dict[str, Any]]) -> None:
    [parts] = copy.glob("generated/*")
    part_path(parts, 0).write_text('{"text": "half')
    with pytest.raises(BadInput, match=r"part-00000\.jsonl: is damaged \(its checksum differs\)"):
        run_study(study_from(make_study(copy)), engine=InProcess())


def test_a_generator_that_writes_nothing_is_bad_input(copy: Path, make_study: Callable[..., dict[str, Any]]) -> None:
    [parts] = copy.glob("generated/*")
    for checksum in parts.glob("*.b2"):
        checksum.unlink()
    for path in parts.iterdir():
        path.write_text("")
    with pytest.raises(BadInput, match=r"corpora\.sampled: the generator wrote only empty documents; train it longer"):
        run_study(study_from(make_study(copy)), engine=InProcess())
