"""What stands on a sheet: pairs by their keys, each source once, sides by lot, nothing that tells who wrote what."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import build_corpus, read_documents, train_tokenizer
from synthmix.corpus.sources import Source
from synthmix.errors import BadInput
from synthmix.human_eval.make import compose, make_sheet, measures
from synthmix.human_eval.sheet import Drawn, Reading, Sheet, drawn, key_path, load_sheet


def shown(page: Path) -> dict[str, list[str]]:
    text = page.read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(re.search(r'id="sheet">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    return data["items"]  # type: ignore[no-any-return]


def test_each_text_stands_beside_its_own_source(sheet: tuple[Sheet, Path], corpora: Path) -> None:
    key, page = sheet
    texts = {json.loads(line)["id"]: json.loads(line)["text"] for name in ("web", "hq", "qa")
             for line in (corpora / f"{name}.jsonl").read_text().splitlines()}  # fmt: skip
    web = {
        json.loads(line)["id"]: json.loads(line)["text"] for line in (corpora / "web.jsonl").read_text().splitlines()
    }
    assert key.kind == "pair"
    assert key.corpora == ["hq", "qa"]
    assert len(key.items) == 24
    for name, item in key.items.items():
        mine = next(side for _, side in item.sides() if side.synthetic)
        theirs = next(side for _, side in item.sides() if not side.synthetic)
        assert mine.document.removeprefix("hq/").removesuffix("/0") == theirs.document
        on_page = dict(zip(("left", "right"), shown(page)[name], strict=True))
        assert on_page[item.synthetic_place or ""] in (texts[mine.document], texts.get(mine.document))
        assert web[theirs.document] in on_page.values()
        assert mine.measures["length_ratio"] == pytest.approx(mine.measures["words"] / theirs.measures["words"])
        assert "copied" not in theirs.measures


def test_a_source_stands_on_a_sheet_once_and_sides_are_even(sheet: tuple[Sheet, Path]) -> None:
    key, _ = sheet
    sources = [side.document for item in key.items.values() for _, side in item.sides() if not side.synthetic]
    assert len(set(sources)) == len(sources) == 24
    assert sum(item.synthetic_place == "left" for item in key.items.values()) == 12
    counts = [
        sum(side.corpus == name for item in key.items.values() for _, side in item.sides()) for name in ("hq", "qa")
    ]
    assert counts == [12, 12]


def test_the_same_seed_gives_the_same_files_and_the_order_of_the_file_does_not_matter(
    corpora: Path, tmp_path: Path
) -> None:
    def made(folder: str, seed: int, hq: Path) -> tuple[bytes, bytes]:
        page = tmp_path / folder / "sheet.html"
        make_sheet({"hq": hq}, page, source=corpora / "web.jsonl", count=8, seed=seed)
        return page.read_bytes(), key_path(page).read_bytes()

    lines = (corpora / "hq.jsonl").read_text().splitlines()
    random.Random(1).shuffle(lines)
    (tmp_path / "hq.jsonl").write_text("\n".join(lines))
    first = made("a", 0, corpora / "hq.jsonl")
    assert made("b", 0, tmp_path / "hq.jsonl") == first
    assert made("c", 1, corpora / "hq.jsonl")[0] != first[0]


def test_the_page_tells_nothing_of_who_wrote_what(sheet: tuple[Sheet, Path]) -> None:
    key, page = sheet
    text = page.read_text(encoding="utf-8")
    outside = text.split('id="sheet">')[0] + text.rsplit("</script>", 2)[1]
    for word in (
        "corpus",
        "synthetic",
        "hq",
        "qa/",
        *(side.document for item in key.items.values() for _, side in item.sides()),
    ):
        assert not re.search(rf"\b{re.escape(word)}\b", outside), word
    assert set(json.loads(re.search(r'id="sheet">(.*?)</script>', text, re.DOTALL)[1])) == {  # type: ignore[index]
        "sheet", "items", "questions", "problems",
    }  # fmt: skip


def test_one_file_of_all_by_a_field(corpora: Path, tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    key = make_sheet(corpora / "all.jsonl", page, by="by", pair="pair_id", where={"op": ["rewrite"]}, count=10)
    assert key.kind == "pair"
    assert key.corpora == ["hq", "qa"]
    assert not any("Another kind." in texts for texts in shown(page).values())


def test_a_finished_job_has_its_sources_with_it(corpora: Path, tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    key = make_sheet(corpora / "generated", page, count=6)
    assert (key.kind, key.corpora, len(key.items)) == ("pair", ["generated"], 6)
    for one, other in shown(page).values():
        assert {one.split()[0], other.split()[0]} == {"Better", "Source"}
        assert one.split()[1] == other.split()[1]


def test_a_built_corpus_knows_its_documents_keys(corpora: Path, tmp_path: Path) -> None:
    web = list(read_documents(Source(files=[str(corpora / "web.jsonl")]), domain="web"))
    tokenizer = train_tokenizer((document.text for document in web), 300)
    for name in ("web", "hq"):
        documents = read_documents(Source(files=[str(corpora / f"{name}.jsonl")]), domain=name)
        build_corpus(documents, tmp_path / name, name=name, tokenizer=tokenizer)
    key = make_sheet({"hq": tmp_path / "hq"}, tmp_path / "sheet.html", source=tmp_path / "web", count=5)
    assert key.kind == "pair"
    assert {side.document.split("/")[-2 if side.synthetic else 0] for _, side in key.items["1"].sides()} == {
        next(side.document for _, side in key.items["1"].sides() if not side.synthetic)
    }


@pytest.mark.parametrize(
    ("how", "kind", "people"),
    [({}, "single", 0), ({"source": "web.jsonl"}, "apart", 10), ({"source": "web.jsonl", "single": True}, "single", 5)],
)
def test_without_pairs_texts_stand_apart_or_alone(
    corpora: Path, tmp_path: Path, how: dict[str, Any], kind: str, people: int
) -> None:
    given = {**how, "source": corpora / how["source"]} if "source" in how else how
    key = make_sheet({"other": corpora / "other.jsonl"}, tmp_path / "sheet.html", count=10, **given)
    assert key.kind == kind
    assert sum(not side.synthetic for item in key.items.values() for _, side in item.sides()) == people
    assert len(key.items) == 10
    assert all((item.right is None) == (kind == "single") for item in key.items.values())
    page = (tmp_path / "sheet.html").read_text()
    assert ("Leaves out what matters" in page) is False
    assert ("Which is the better text?" in page) == (kind == "apart")


def test_pairs_can_be_read_one_at_a_time(corpora: Path, tmp_path: Path) -> None:
    key = make_sheet(corpora / "generated", tmp_path / "sheet.html", single=True, count=10)
    sides = [item.left for item in key.items.values()]
    assert sum(side.synthetic for side in sides) == 5
    texts = [text.split()[1] for each in shown(tmp_path / "sheet.html").values() for text in each]
    assert len(set(texts)) == 10, "no source beside a text of its own"


def test_long_texts_are_cut_at_a_word_and_typography_can_be_folded(tmp_path: Path) -> None:
    one = Drawn("hq", "a", "  “One”  two\nthree four. ", "s", "One two three", False)
    cut = compose([one], [], "pair", seed=0, words=3)
    assert sorted(cut.texts["1"]) == sorted(["“One”  two\nthree […]", "One two three"])
    mine = next(side for _, side in cut.sheet.items["1"].sides() if side.synthetic)
    assert (mine.cut, mine.words) == (True, 3)
    folded = compose([one], [], "pair", seed=0, fold=["whitespace", "punctuation"])
    assert '"One" two three four.' in folded.texts["1"]


def test_measures_are_of_what_is_shown() -> None:
    found = measures("The ladder has 12 rungs. " * 30, "A ladder of 12 rungs, says Anna.")
    assert found["numbers_kept"] == 1
    assert found["distinct_1"] == pytest.approx(5 / 100)
    assert "distinct_1" not in measures("Ninety words are too few.", "")
    assert "copied" not in measures("Anything at all.", "")


def test_a_sample_is_uniform_whatever_the_order(corpora: Path) -> None:
    found = [one.key for one in drawn("web", str(corpora / "web.jsonl"), 1, 7, Reading())]
    assert len(found) == 8
    assert found == [one.key for one in drawn("web", str(corpora / "web.jsonl"), 1, 7, Reading())]
    assert found != [one.key for one in drawn("web", str(corpora / "web.jsonl"), 1, 8, Reading())]


@pytest.mark.parametrize(
    ("problem", "arguments"),
    [
        ("no such file", {"corpora": "nowhere.jsonl"}),
        ("no .html file", {"corpora": "hq.jsonl", "to": "sheet.txt"}),
        ("holds no text", {"corpora": "blank.jsonl"}),
        ("none may be called 'source'", {"corpora": {"source": "hq.jsonl"}}),
        ("there are none", {"corpora": {}}),
        ("make no sheet", {"corpora": "hq.jsonl", "count": 0}),
        ("no such field", {"corpora": "hq.jsonl", "text": "body"}),
        ("no record has", {"corpora": "hq.jsonl", "where": {"op": ["x"]}}),
        ("a record has no 'model'", {"corpora": "hq.jsonl", "by": "model"}),
        ("by is human in all", {"corpora": "people.jsonl", "by": "by"}),
        ("2 corpora are given", {"corpora": {"a": "hq.jsonl", "b": "qa.jsonl"}, "by": "by"}),
        ("no record has", {"corpora": "all.jsonl", "by": "by", "human": "person"}),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(
    corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: str, arguments: dict[str, Any]
) -> None:
    for path in corpora.glob("*.jsonl"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "blank.jsonl").write_text('{"text": " "}\n')
    (tmp_path / "people.jsonl").write_text('{"text": "one", "by": "human"}\n')
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    with pytest.raises(BadInput, match=problem):
        make_sheet(**{"to": "sheet.html", **arguments})
    assert set(tmp_path.iterdir()) == before, "nothing half-written"


def test_a_key_is_found_beside_its_page_and_held_to_it(sheet: tuple[Sheet, Path], tmp_path: Path) -> None:
    key, page = sheet
    assert load_sheet(page) == load_sheet(key_path(page)) == key
    copy = tmp_path / "copy.html"
    copy.write_bytes(page.read_bytes())
    with pytest.raises(BadInput, match="key is not beside it"):
        load_sheet(copy)
    key_path(copy).write_text(key.model_copy(update={"id": "0123"}).model_dump_json())
    with pytest.raises(BadInput, match="is the key of sheet 0123"):
        load_sheet(copy)
    key_path(copy).write_text('{"format": "synthmix sheet 1", "id": "x"}')
    with pytest.raises(BadInput, match="is damaged"):
        load_sheet(copy)
    for name, text, problem in (
        ("report.html", "<html></html>", "is no human evaluation sheet"),
        ("a.json", "[]", "is no key"),
        ("b.json", "{", "is damaged"),
        ("c.json", key.model_copy(update={"items": {}}).model_dump_json(), "has no items"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(BadInput, match=problem):
            load_sheet(tmp_path / name)
    with pytest.raises(BadInput, match="no such file"):
        load_sheet(tmp_path / "none.html")


def test_a_key_is_not_written_over(corpora: Path, tmp_path: Path) -> None:
    page = tmp_path / "sheet.html"
    key = make_sheet(corpora / "generated", page, count=5)
    assert make_sheet(corpora / "generated", page, count=5) == key
    with pytest.raises(BadInput, match="is the key of another sheet, whose ratings need it"):
        make_sheet(corpora / "generated", page, count=6)
    assert load_sheet(page) == key
