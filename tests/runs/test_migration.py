"""A study that an earlier version wrote still opens: data/results-0.1.0.json was written by 0.1.0."""

import json
import shutil
from pathlib import Path

import pytest

from synthmix.advice.advise import advise
from synthmix.errors import BadInput
from synthmix.report import headline
from synthmix.runs import read_runs
from synthmix.runs.load import read_results

WRITTEN = Path(__file__).parent / "data" / "results-0.1.0.json"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(WRITTEN, tmp_path / "results.json")
    return tmp_path


def test_its_runs_recipes_and_fits_are_there_and_its_answer_is_left_to_be_written_again(folder: Path) -> None:
    raw = json.loads(WRITTEN.read_text())
    assert raw["answer"]["recipes"], "it had an answer"
    results = read_results(folder / "results.json")
    assert len(results.runs) == len(raw["runs"])
    assert results.decision is None
    assert "synthmix study report" in headline(results)
    assert [fit.parameters["E0"].mid for fit in results.fits if fit.law == "joint_quadratic"] == [
        fit["parameters"]["E0"]["value"] for fit in raw["fits"] if fit["law"] == "joint_quadratic"
    ]
    assert len(results.share_curves) == sum(not curve["is_question"] for curve in raw["share_curves"])
    assert read_runs(folder).column("loss").tolist() == [run["loss"] for run in raw["runs"]]


def test_it_is_advised_on_with_laws_fitted_anew(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmix.decisions.fits.CANDIDATES", ("joint_quadratic",))
    found = advise("3M", "30M", study=folder, scores=False)
    assert found.decision is not None
    assert found.decision.verdicts[0].state == "helps"
    row = next(r for r in json.loads(WRITTEN.read_text())["answer"]["recipes"] if r["share"] == 1 / 3)
    option = next(o for o in found.decision.options if abs(o.share - 1 / 3) < 0.01)
    assert option.difference.mid == pytest.approx(row["difference"]["value"], abs=0.002)


def test_what_is_no_study_of_any_version_names_the_remedy(folder: Path) -> None:
    (folder / "results.json").write_text('{"study": "x", "answer": null, "surprise": 1}')
    with pytest.raises(BadInput, match=r"results\.json: .* is not a study's results .*synthmix study report FILE"):
        read_results(folder / "results.json")


def test_a_file_of_another_version_says_which(tmp_path: Path) -> None:
    newer = json.loads(WRITTEN.read_text()) | {"version": "99.0", "of_tomorrow": {}}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(newer))
    with pytest.raises(BadInput, match=r"written by synthmix 99\.0 and read by .*synthmix study report"):
        read_results(path)
