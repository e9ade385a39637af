"""Finished studies side by side."""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.page_outline import check_opens

from synthmix.cli import main
from synthmix.errors import BadInput
from synthmix.files import read_json, write_json
from synthmix.interval import Interval
from synthmix.study.comparison import _minus, compare_studies, write_comparison


@pytest.fixture
def other(finished: Path, tmp_path: Path) -> Path:
    """A copy of the finished study under another name, with another key, two runs fewer and another answer."""
    shutil.copytree(finished.parent / "tiny", tmp_path / "other", ignore=shutil.ignore_patterns("*.lock", "checkpoint"))
    raw: dict[str, Any] = yaml.safe_load(finished.read_text())
    raw |= {"study": "other", "folder": str(tmp_path / "other"), "fit": {"bootstrap": 77}}
    path = tmp_path / "other.yaml"
    path.write_text(yaml.safe_dump(raw))
    results = read_json(tmp_path / "other" / "results.json")
    results["runs"] = results["runs"][:-2]
    for measured in results["decision"]["measured"]:
        if measured["share"] > 0:
            for end in ("low", "mid", "high"):
                if measured["difference"][end] is not None:
                    measured["difference"][end] += 0.25
    write_json(tmp_path / "other" / "results.json", results)
    return path


def test_what_differs_and_what_is_the_same(finished: Path, other: Path) -> None:
    found = compare_studies([finished, other])
    assert found.names == ("tiny", "other")
    assert found.keys["fit.bootstrap"][1] == "77"
    assert not any(key.startswith(("study", "folder")) for key in found.keys)
    assert found.runs == (21, 19)
    assert found.shared == {(0, 1): 19}
    assert all(len(set(ids)) == 1 for ids in found.corpora.values()), "equal text"
    assert set(found.corpora) == {"web", "sampled"}
    measured = [one for one in found.recipes if one.at == "measured"]
    assert measured
    for one in measured:
        assert one.apart is not None
        assert one.apart.mid == pytest.approx(0.25)
    assert found.as_dict()["shared"] == [{"studies": ["tiny", "other"], "runs": 19}]
    text = "\n".join(table.text() for table in found.tables())
    assert "fit.bootstrap" in text
    assert "tiny and other" in text
    write_comparison(found, finished.parent / "compared.html")
    page = (finished.parent / "compared.html").read_text()
    assert "tiny and other compared." in page
    check_opens("compared", page)


def test_compare_takes_study_files_too(finished: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(finished), str(other), "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["studies"] == ["tiny", "other"]


def test_the_interval_of_a_difference_of_differences_adds_in_squares() -> None:
    one = Interval(low=-0.05, mid=0.0, high=0.03)
    other = Interval(low=-0.14, mid=-0.1, high=-0.06)
    apart = _minus(one, other)
    assert apart is not None
    assert (apart.low, apart.mid, apart.high) == pytest.approx((0.1 - math.hypot(0.05, 0.04), 0.1, 0.15))
    alone = _minus(one, Interval(mid=-0.1))
    assert alone is not None
    assert (alone.low, alone.mid, alone.high) == (None, pytest.approx(0.1), None)
    assert _minus(Interval(mid=None, why="no law"), one) is None


def test_bad_input_is_a_line(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="names one study; name two or more"):
        compare_studies([finished])
    with pytest.raises(BadInput, match="is named twice"):
        compare_studies([finished, finished])
    new = tmp_path / "new.yaml"
    raw = yaml.safe_load(finished.read_text()) | {"study": "new", "folder": str(tmp_path / "new")}
    new.write_text(yaml.safe_dump(raw))
    with pytest.raises(BadInput, match="has no results yet; run it with synthmix study run"):
        compare_studies([finished, new])
