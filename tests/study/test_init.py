"""A study file from a person's own files."""

import gzip
import json
from pathlib import Path

import pytest

from synthmix.errors import BadInput
from synthmix.progress import Silent
from synthmix.study.init import init_study, look_at
from synthmix.study.ladder import cells, largest_need
from synthmix.study.load import load_study
from synthmix.study.prepare import check_given, natural_text
from synthmix.study.workspace import Workspace

from ..conftest import stories, write_jsonl

WORDS = 200


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Text of several kinds and formats; every file holds some 100k tokens."""
    there = tmp_path_factory.mktemp("own")
    texts = stories(400, words=WORDS)
    write_jsonl(there / "web.jsonl", texts)
    (there / "rephrased.v2.jsonl.gz").write_bytes(
        gzip.compress("".join(json.dumps({"id": i, "completion": t}) + "\n" for i, t in enumerate(texts)).encode())
    )
    (there / "books.txt").write_text("\n\n".join(texts))
    write_jsonl(there / "wiki_eval.jsonl", texts[:40])
    rows = [{"text": t, "source": "human" if i % 3 else f"model-{i % 2}"} for i, t in enumerate(texts)]
    (there / "paired.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_jsonl(there / "few.jsonl", texts[:10])
    return there


def test_what_a_file_is_is_told_with_its_reason(folder: Path) -> None:
    [web] = look_at(str(folder / "web.jsonl"))
    assert (web.name, web.kind, web.format, web.text, web.separator) == ("web", "natural", "jsonl", "text", None)
    size = sum(len(text) for text in stories(400, words=WORDS))
    assert web.tokens == pytest.approx(size / 3.5, rel=0.05), "the text's bytes, not the quoting's"
    [made] = look_at(str(folder / "rephrased.v2.jsonl.gz"))
    assert (made.name, made.kind, made.text) == ("rephrased.v2", "synthetic", "completion")
    assert made.reason == "guessed: its name says rephrased"
    [books] = look_at(str(folder / "books.txt"))
    assert (books.separator, books.format) == ("\n\n", "text")
    assert look_at(str(folder / "wiki_eval.jsonl"))[0].kind == "evaluation"
    assert look_at(str(folder / "web.jsonl"), kind="synthetic")[0].reason == "as you said"
    people, models = look_at(str(folder / "paired.jsonl"))
    assert (people.kind, people.where) == ("natural", ("source", ("human",)))
    assert models.kind == "synthetic"
    assert models.where is not None
    assert set(models.where[1]) == {"model-0", "model-1"}
    assert people.tokens == pytest.approx(2 * models.tokens, rel=0.05)


def test_a_file_that_is_named_twice_is_what_was_said_of_it(folder: Path, tmp_path: Path) -> None:
    web, books = str(folder / "web.jsonl"), str(folder / "books.txt")
    _, parts = init_study([web, books], tmp_path / "twice.yaml", synthetic=[books])
    assert [(part.name, part.kind) for part in parts] == [("web", "natural"), ("books", "synthetic")]


def test_the_file_is_a_study_that_its_text_can_fill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recipe has enough tokens, held-out text is left, and nothing that was found is lost."""
    monkeypatch.chdir(folder)
    path, parts = init_study(
        ["web.jsonl", "rephrased.v2.jsonl.gz", "wiki_eval.jsonl"], "two.yaml", params="1B", tokens="2B"
    )
    assert len(parts) == 3
    config = load_study(path)
    assert set(config.corpora) == {"web", "rephrased.v2"}
    assert set(config.evaluate) == {"web", "wiki_eval"}
    assert config.question is not None
    assert (config.question.params, config.question.tokens) == (10**9, 2 * 10**9)
    check_given(config)
    space = Workspace(config.root)
    space.create()
    prepared = natural_text(config, space, Silent())
    for name, need in largest_need(config).items():
        assert prepared.corpora[name].train_counts.tokens * config.training.epochs > need
    text = path.read_text()
    assert "guessed: its name says rephrased" in text
    with pytest.raises(BadInput, match=r"two\.yaml: is there already; name another file with --to"):
        init_study(["web.jsonl"], "two.yaml")


def test_many_sources_get_a_design_and_paired_files_conditions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    path, _ = init_study(
        ["web.jsonl", "books.txt", "paired.jsonl"], "sub/many.yaml", synthetic=["rephrased.v2.jsonl.gz"]
    )
    config = load_study(path)
    assert config.mix.design is not None
    assert set(config.mix.sources) == {"web", "books", "paired-natural", "paired-synthetic", "rephrased.v2"}
    assert len(cells(config)) == 9 * config.mix.design.runs
    check_given(config)
    alone, _ = init_study(["web.jsonl"], "alone.yaml")
    assert "# synthetic: NAME" in alone.read_text()
    check_given(load_study(alone))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["none.jsonl"], r"none\.jsonl: files: no such file"),
        (["rephrased.v2.jsonl.gz"], "no natural text is among the files: it is the yardstick"),
        (["web.jsonl", "few.jsonl"], "few holds some .* tokens, too few for a ladder; some .* are the least"),
        (["numbers.jsonl"], r"numbers\.jsonl: no field holds text; it has n"),
        (["empty.jsonl"], r"empty\.jsonl: holds no text"),
        (["empty.txt"], r"empty\.txt: holds no text"),
        (["bad.jsonl"], r"bad\.jsonl:1: not JSON"),
        (["bad.parquet"], r"bad\.parquet: not a Parquet file"),
        (["a.xyz"], r"a\.xyz: format: the suffix does not say how to read it"),
    ],
)
def test_bad_input_is_a_line_and_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, files: list[str], said: str
) -> None:
    monkeypatch.chdir(folder)
    for name, held in {
        "numbers.jsonl": '{"n": 3}\n',
        "empty.jsonl": "",
        "empty.txt": " \n",
        "bad.jsonl": "{\n",
    }.items():
        Path(name).write_text(held)
    Path("bad.parquet").write_bytes(b"PAR1")
    Path("a.xyz").write_bytes(b"x")
    with pytest.raises(BadInput, match=said):
        init_study(files, "new.yaml")
    assert not Path("new.yaml").exists()
