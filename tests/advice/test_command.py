"""``synthmix advise`` as a user runs it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.page_outline import check_page

from synthmix.cli import main
from synthmix.results import Results

Make = Callable[..., Results]
QUESTION = ("--params", "3M", "--tokens", "30M", "--natural", "10M")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """``run("--params", ...)``: exit code, stdout, stderr."""

    def command(*arguments: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as caught:
            main(["advise", *map(str, arguments)])
        out, err = capsys.readouterr()
        assert isinstance(caught.value.code, int)
        return caught.value.code, out, err

    return command


Run = Callable[..., tuple[int, str, str]]


def offline(page: str) -> None:
    assert "<script src" not in page
    assert "<link" not in page
    assert 'http-equiv="Content-Security-Policy"' in page


@pytest.mark.usefixtures("one_law")
def test_text_json_and_page_of_a_study(run: Run, make: Make, saved: Callable[..., Path], tmp_path: Path) -> None:
    folder = saved(make({"hq": (-0.4, 0.6), "a <b>x</b>": (0.3, 0.2)}))
    page = tmp_path / "advice.html"
    asked = (*QUESTION, "--synthetic", "hq=8M,price=2", "--synthetic", "a <b>x</b>,price=1", "--study", folder)
    code, out, err = run(*asked, "--html", page, "--quiet")
    assert (code, err) == (0, "")
    for part in (
        "Recipes\n", "(recommended)", "As good as the best within the noise", "What would change the answer",
        "The runs that would narrow the answer most", "Confidence: ", "Recommended: ", f"page: {page}",
    ):  # fmt: skip
        assert part in out
    html = page.read_text()
    offline(html)
    check_page("advice", html)
    assert "<b>x</b>" not in html
    assert "not read yet: --scores" in " ".join(out.split()), "nothing is kept, so nothing is opened"
    assert "not known: no run mixes two of hq and a <b>x</b>" in " ".join(out.split())
    assert 'id="scores"' in html
    code, out, err = run(*asked, "--json", "--no-scores")
    assert (code, err) == (0, "")
    value = json.loads(out)
    assert value["basis"] == "study"
    assert value["scores"] is None
    assert value["scores_note"].startswith("not read (--no-scores")
    assert all(0 < each["weight"] < 1 for each in value["together"])
    decision = value["decision"]
    assert decision["options"][decision["recommended"]]["kind"] == "hq"
    assert value["question"]["natural"] == 10_000_000
    assert len(decision["next_runs"]) == 3
    assert {curve["kind"] for curve in decision["curves"]} == {"hq", "a <b>x</b>"}


def test_text_json_and_page_without_a_study(
    run: Run, tmp_path: Path, machine: Callable[[float], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthmix.advice.pilot_study.open_engine", lambda: machine(1e9))
    page, study = tmp_path / "advice.html", tmp_path / "start.yaml"
    asked = ("--params", "1B", "--tokens", "100B", "--natural", "60B", "--synthetic", "hq=30B,price=0.5", "--quiet")
    code, out, err = run(*asked, "--html", page, "--write-study", study)
    assert (code, err) == (0, "")
    for part in ("As a prior only", "Kang et al., arXiv 2510.01631", "Which effects", "synthmix study run FILE"):
        assert part in out
    offline(page.read_text())
    check_page("advice-priors", page.read_text())
    assert "advice" in study.read_text()
    code, out, _ = run(*asked, "--json")
    value = json.loads(out)
    assert value["pilot_study"]["text"].startswith("# What share of hq")
    assert [prior["kind"] for prior in value["priors"]] == ["hq"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--study", "nowhere"), "nowhere: no such study; name its file or its folder"),
        (("--study", "begun/runs/1/record.txt"), "record.txt: is no study; name its file or its folder"),
        (("--study", "empty"), "empty: has no results yet; run it with synthmix study run FILE"),
        (("--study", "begun"), "begun: has no results yet; write them with synthmix study report FILE"),
        (("--study", "damaged"), "results.json: is damaged"),
        (("--study", "other"), "results.json: study: is not a study's results (Field required)"),
        (("--study", "made", "--synthetic", "hq"), "--synthetic hq: has no price"),
        (("--study", "made", "--synthetic", "hq,price=-2"), "--synthetic hq: price: '-2' is negative"),
        (("--study", "made", "--synthetic", "qa,price=1"), "made: --synthetic: the study has no runs of 'qa'"),
        (("--study", "made", "--tokens", "0"), "--tokens: '0' is not a positive whole number"),
        (("--study", "made", "--tokens", "-5"), "--tokens: '-5' is not a count"),
        (("--study", "made", "--budget-money", "some"), "--budget-money: 'some' is not a number"),
        (("--study", "made", "--next-flops", "0"), "--next-flops: is not above 0"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: tuple[str, ...], said: str, run: Run, make: Make, saved: Callable[..., Path], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    saved(make())
    for name, text in (("damaged", "{"), ("other", "{}")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(text)
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun" / "runs" / "1").mkdir(parents=True)
    (tmp_path / "begun" / "runs" / "1" / "record.json").write_text("{}")
    (tmp_path / "begun" / "runs" / "1" / "record.txt").write_text("")
    given = dict(zip(("--params", "--tokens", "--synthetic"), ("3M", "30M", "hq,price=1"), strict=True))
    given |= dict(zip(arguments[::2], arguments[1::2], strict=True))
    code, out, err = run(*(word for pair in given.items() for word in pair), "--html", "page.html", "--quiet")
    assert (code, out) == (2, "")
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "page.html").exists()
