"""``synthmix look`` as a user runs it: a sheet, its raters, their agreement."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.human_eval.ratings import FORMAT

from .conftest import Ran

Run = Callable[..., Ran]


@pytest.fixture
def texts(here: Path, make_stories: Callable[..., list[str]]) -> Path:
    """``web.jsonl`` and ``hq.jsonl`` with common ids, in the working directory."""
    for name, dialect in (("web", 0), ("hq", 2)):
        records = [{"id": f"d{i}", "text": text} for i, text in enumerate(make_stories(12, dialect=dialect))]
        (here / f"{name}.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return here


def ratings(key: dict[str, Any], rater: str, quality: int) -> str:
    sides = {place: {"quality": quality, "problems": []} for place in ("left", "right")}
    answers = {name: {**sides, "better": "left", "person": "right"} for name in key["items"]}
    return json.dumps({"format": FORMAT, "sheet": key["id"], "rater": rater, "answers": answers})


def test_from_a_sheet_to_the_agreement(run: Run, texts: Path) -> None:
    value = run("look", "hq.jsonl", "--source", "web.jsonl", "--count", "8", "--json", "--quiet").value
    assert (value["kind"], value["items"], value["corpora"]) == ("pair", 8, ["hq"])
    assert (value["page"], value["key"]) == ("sheet.html", "sheet.key.json")
    key = json.loads((texts / "sheet.key.json").read_text())
    assert key["id"] == value["sheet"]
    for rater, quality in (("ann", 3), ("bo", 4)):
        (texts / f"ratings-{rater}.json").write_text(ratings(key, rater, quality))
    ran = run("look", "sheet.html", "--ratings", "ratings-*.json", "--html", "agreement.html")
    assert (ran.code, ran.err) == (0, "")
    assert "Judged the better text beside its source: hq in 50% (" in ran.out
    assert "raters lean to one side" in ran.out
    assert (texts / "agreement.html").exists()
    found = run("look", "sheet.html", "--ratings", "ratings-ann.json", "--ratings", "ratings-bo.json", "--json").value
    assert found["questions"][0]["equal"] == 0
    assert [rater["name"] for rater in found["raters"]] == ["ann", "bo"]


def test_fewer_texts_than_were_asked_for_are_told(run: Run, texts: Path) -> None:
    out = run("look", "good=hq.jsonl", "--source", "web.jsonl", "--to", "a/b.html", "--words", "0", "--quiet").out
    assert "a/b.html: 12 items of good, each text beside its source" in out
    assert "40 items were asked for" in out


@pytest.mark.parametrize(
    ("problem", "arguments"),
    [
        ("no such file", ("none.jsonl",)),
        ("is a sheet; give its ratings", ("sheet.html",)),
        ("is for ratings", ("hq.jsonl", "--html", "x.html")),
        ("2 sheets are named", ("a.html", "b.html", "--ratings", "r.json")),
        ("is no human evaluation sheet", ("report.html", "--ratings", "r.json")),
        ("no such file", ("none.html", "--ratings", "r.json")),
        ("cannot be folded", ("hq.jsonl", "--fold", "case")),
        ("is not FIELD=VALUE", ("hq.jsonl", "--where", "op")),
        ("is given twice", ("hq.jsonl", "hq=web.jsonl")),
        ("none may be called 'source'", ("source=hq.jsonl",)),
        ("is no .html file", ("hq.jsonl", "--to", "sheet.pdf")),
        ("none.jsonl: files: no such file", ("hq.jsonl", "--source", "none.jsonl")),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    run: Run, texts: Path, problem: str, arguments: tuple[str, ...]
) -> None:
    (texts / "report.html").write_text("<html></html>")
    before = sorted(texts.rglob("*"))
    ran = run("look", *arguments, "--quiet")
    assert (ran.code, ran.out) == (2, "")
    assert len(ran.err.splitlines()) == 1
    assert problem in ran.err
    assert sorted(texts.rglob("*")) == before


def test_ratings_of_another_sheet(run: Run, texts: Path) -> None:
    for seed in ("0", "1"):
        assert run("look", "hq.jsonl", "--source", "web.jsonl", "--to", f"{seed}.html", "--seed", seed).code == 0
    key = json.loads((texts / "1.key.json").read_text())
    (texts / "r.json").write_text(ratings(key, "ann", 3))
    ran = run("look", "0.html", "--ratings", "r.json", "--quiet")
    assert ran.code == 2
    assert f"r.json: sheet: rates sheet {key['id']}, and this is sheet" in ran.err
