"""Files of ratings: what a rater downloaded, and everything that is not."""

import json
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import BadInput
from synthmix.human_eval.ratings import load_ratings
from synthmix.human_eval.sheet import Sheet

from .conftest import rate


def good(name: str, item: Any) -> dict[str, Any]:
    sides = {place: {"quality": 3, "problems": []} for place in ("left", "right")}
    return {**sides, "better": "same", "person": "unsure", "comment": "", "seconds": 1.5}


def test_files_globs_and_folders(sheet: tuple[Sheet, Path], tmp_path: Path) -> None:
    for rater in ("bo", "ann"):
        rate(sheet[0], tmp_path, rater, good)
    names = [one.rater for one in load_ratings(sheet[0], [tmp_path / "bo.json", tmp_path / "ann.json"])]
    assert names == ["ann", "bo"]
    assert names == [one.rater for one in load_ratings(sheet[0], [tmp_path])]
    assert names == [one.rater for one in load_ratings(sheet[0], [str(tmp_path / "*.json")])]


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("rates sheet 0123abcd", {"sheet": "0123abcd"}),
    ("rates sheet None", {"sheet": None}),
    ("is no file of ratings", {"format": "synthmix ratings 9"}),
    ("is damaged", {"rater": ""}),
    ("is damaged", {"extra": 1}),
    ("no such item", {"answers": {"99": {}}}),
    ("is damaged", {"answers": {"1": {"left": {"quality": 6}}}}),
    ("is damaged", {"answers": {"1": {"left": {"quality": "good"}}}}),
    ("is damaged", {"answers": {"1": {"better": "hq"}}}),
    ("is damaged", {"answers": {"1": {"seconds": -1}}}),
    ("none of the problems", {"answers": {"1": {"left": {"problems": ["boring"]}}}}),
    ("no answer to who wrote which", {"answers": {"1": {"person": "model"}}}),
    ("nobody answered", {"answers": {}}),
]


@pytest.mark.parametrize(("problem", "change"), CHANGES)
def test_what_is_no_rating_of_this_sheet_is_told(
    sheet: tuple[Sheet, Path], tmp_path: Path, problem: str, change: dict[str, Any]
) -> None:
    path = rate(sheet[0], tmp_path, "ann", good)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(BadInput, match=problem) as caught:
        load_ratings(sheet[0], [path])
    assert "ann.json" in str(caught.value)


def test_no_file_a_broken_one_and_one_rater_twice(sheet: tuple[Sheet, Path], tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no file of ratings"):
        load_ratings(sheet[0], [])
    with pytest.raises(BadInput, match="no such file"):
        load_ratings(sheet[0], [tmp_path / "none-*.json"])
    path = rate(sheet[0], tmp_path, "ann", good)
    (tmp_path / "again.json").write_bytes(path.read_bytes())
    with pytest.raises(BadInput, match=r"'ann' is in .*again.json already"):
        load_ratings(sheet[0], [tmp_path])
    path.write_text(path.read_text()[:100])
    with pytest.raises(BadInput, match="is damaged"):
        load_ratings(sheet[0], [path])


def test_a_single_text_takes_no_second_side(sheet: tuple[Sheet, Path], tmp_path: Path) -> None:
    items = {name: item.model_copy(update={"kind": "single", "right": None}) for name, item in sheet[0].items.items()}
    single = sheet[0].model_copy(update={"items": items})
    for answer, problem in ((good("1", None), "two texts rated"), ({"person": "left"}, "who wrote the one text")):
        path = rate(single, tmp_path, "ann", lambda name, item, said=answer: said)
        with pytest.raises(BadInput, match=problem):
            load_ratings(single, [path])
