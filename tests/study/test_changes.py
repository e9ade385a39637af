"""Other held-out text, lost or damaged files: what is finished is never trained again."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.files import read_json
from synthmix.progress import Silent
from synthmix.study.load import load_study, study_from
from synthmix.study.run import run_study

from ..in_process import InProcess
from .conftest import records, stamps

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def copy(finished: Path, tmp_path: Path) -> Path:
    """The finished study's folder, to be changed."""
    shutil.copytree(finished.parent / "tiny", tmp_path / "copy", ignore=shutil.ignore_patterns("*.partial"))
    return tmp_path / "copy"


@pytest.fixture
def without_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fitting and drawing take seconds and are not what a test is about."""
    monkeypatch.setattr("synthmix.study.conclude.conclude", lambda *_, **__: None)


def test_other_held_out_text_is_scored_from_the_checkpoints_without_training(
    copy: Path, data: Path, make_study: Make, make_stories: Callable[..., list[str]], save_jsonl: Any, tmp_path: Path
) -> None:
    before = records(copy)
    models = {path: stamp for path, stamp in stamps(copy).items() if path.endswith("safetensors")}
    third = save_jsonl(tmp_path / "third.jsonl", make_stories(40, dialect=9))
    raw = make_study(copy, evaluate={"third": str(third), "other": str(data / "other.jsonl")}, question=None)
    found = run_study(study_from(raw), engine=InProcess())
    assert [domain.name for domain in found.domains] == ["third", "other"]
    assert all(set(run.losses) == {"third", "other"} for run in found.runs)
    assert {path: stamp for path, stamp in stamps(copy).items() if path.endswith("safetensors")} == models
    after = records(copy)
    assert set(after) == set(before)
    for run, record in before.items():
        if record["spec"]["recipe"].startswith("generator"):
            continue
        assert set(after[run]["losses"]) == {"web", "other", "third"}
        assert after[run]["losses"]["web"] == record["losses"]["web"]
        assert after[run]["trace"] == record["trace"]


@pytest.mark.usefixtures("without_report")
def test_a_changed_file_is_another_domain_and_its_old_loss_does_not_count(
    finished: Path,
    copy: Path,
    make_study: Make,
    make_stories: Callable[..., list[str]],
    save_jsonl: Any,
    tmp_path: Path,
) -> None:
    before = records(copy)
    changed = save_jsonl(tmp_path / "other.jsonl", make_stories(30, dialect=7))
    run_study(study_from(make_study(copy, evaluate={"web": "heldout", "other": str(changed)})), engine=InProcess())
    for run, record in records(copy).items():
        if not record["spec"]["recipe"].startswith("generator"):
            assert record["losses"]["other"] != before[run]["losses"]["other"]
            assert record["losses"]["web"] == before[run]["losses"]["web"]


@pytest.mark.usefixtures("without_report")
def test_a_checkpoint_that_was_not_kept_is_asked_for_in_one_line(copy: Path, data: Path, make_study: Make) -> None:
    run = next(run for run, record in sorted(records(copy).items()) if record["spec"]["recipe"] == "web")
    shutil.rmtree(copy / "runs" / run / "checkpoint")
    raw = make_study(copy, evaluate={"web": "heldout", "other": str(data / "hq.jsonl")})
    with pytest.raises(BadInput, match=f"{run}: has no loss on other and its checkpoint was not kept; delete"):
        run_study(study_from(raw), engine=InProcess())


@pytest.mark.usefixtures("without_report")
def test_a_lost_record_is_trained_again_to_the_same_numbers(finished: Path, copy: Path, make_study: Make) -> None:
    before = records(copy)
    lost = sorted(before)[:2]
    for run in lost:
        shutil.rmtree(copy / "runs" / run)
    kept = stamps(copy)
    run_study(study_from(make_study(copy)), engine=InProcess())
    assert records(copy) == before
    assert {path: stamps(copy)[path] for path in kept} == kept


def test_a_damaged_record_is_named_and_nothing_is_trained(copy: Path, make_study: Make) -> None:
    path = sorted(copy.glob("runs/*/record.json"))[0]
    path.write_text(path.read_text()[:200])
    with pytest.raises(BadInput, match=r"record\.json: is damaged"):
        run_study(study_from(make_study(copy)), engine=InProcess())


def test_a_damaged_shard_is_named(copy: Path, make_study: Make) -> None:
    [shard] = copy.glob("corpora/web-*/train/00000.npy")
    raw = bytearray(shard.read_bytes())
    raw[-5] ^= 1
    shard.write_bytes(raw)
    with pytest.raises(BadInput, match=r"00000\.npy: damaged shard \(its checksum differs\); delete the corpus folder"):
        run_study(study_from(make_study(copy)), engine=InProcess())


def test_the_folder_and_the_relative_paths_of_a_study_file(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert load_study(finished).root == finished.parent / "tiny"


class Heard(Silent):
    """What is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.mark.usefixtures("without_report")
@pytest.mark.parametrize("name", ["speed.json", "seconds.json"])
def test_timings_cut_short_are_dropped_and_measured_anew(copy: Path, make_study: Make, name: str) -> None:
    before = records(copy)
    path, heard = copy / name, Heard()
    path.write_text(path.read_text()[:20])
    run_study(study_from(make_study(copy)), engine=InProcess(), progress=heard)
    assert [line for line in heard.lines if line.startswith(f"{name} is damaged")], heard.lines
    assert read_json(path)
    assert records(copy) == before


def test_what_an_earlier_version_wrote_opens_and_that_is_said(copy: Path, make_study: Make) -> None:
    path = sorted(copy.glob("runs/*/record.json"))[0]
    raw = read_json(path)
    raw["format"] = 2
    del raw["diverged"]
    path.write_text(json.dumps(raw))
    for listed in copy.glob("corpora/web-*/checksums.b2"):
        listed.unlink()
    results = run_study(study_from(make_study(copy)), engine=InProcess())
    [warning] = [warning for warning in results.warnings if warning.code == "unverified"]
    assert "1 of " in warning.message
    assert "run records and the corpora web" in warning.message
    assert [corpus.name for corpus in results.corpora] == list(make_study(copy)["corpora"])
