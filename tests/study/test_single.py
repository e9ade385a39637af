"""``synthmix.train`` and ``synthmix.evaluate``: one run by itself, in Python."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import Corpus, Source
from synthmix.errors import BadInput
from synthmix.store import RunRecord, Store
from synthmix.study.single import evaluate, train

SMALL: dict[str, Any] = {"params": "25k", "tokens": 2560, "context": 16, "batch": 256, "vocab": 300}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("single")


@pytest.fixture(scope="module")
def record(folder: Path, data: Path) -> RunRecord:
    return train(
        {"web": (data / "web.jsonl", "50%"), "hq": (str(data / "hq.jsonl"), 0.5)},
        on={"other": data / "other.jsonl"}, to=folder / "runs", cache=folder / "cache", **SMALL,
    )  # fmt: skip


def test_a_run_is_a_record_with_its_model_beside_it(record: RunRecord, folder: Path) -> None:
    assert record.spec.shares == {"web": Fraction(1, 2), "hq": Fraction(1, 2)}
    assert (record.spec.recipe, record.spec.stage, record.tokens) == ("web + hq", "ladder", 2560)
    assert set(record.losses) == {"other"}
    assert Store(folder / "runs").record(record.id) == record
    assert (folder / "runs" / record.id / "checkpoint" / "config.json").exists()


def test_a_model_is_evaluated_by_its_record_its_folder_or_its_checkpoint(
    record: RunRecord, folder: Path, data: Path
) -> None:
    runs, cache = folder / "runs", folder / "cache"
    by_record = evaluate(record, {"other": data / "other.jsonl"}, runs=runs, cache=cache)
    assert by_record["other"].nats == pytest.approx(record.losses["other"].nats, rel=0.01)  # bf16 or float32
    at = runs / record.id
    assert evaluate(at, {"other": str(data / "other.jsonl")}, context=16, cache=cache) == by_record
    assert evaluate(at / "checkpoint", data / "other.jsonl", context=16, cache=cache) == by_record
    few = evaluate(record, data / "other.jsonl", runs=runs, max_tokens="0.32k", cache=cache)
    assert few["other"].tokens == 320


def test_text_may_be_in_memory_and_a_corpus_may_be_built(
    record: RunRecord, folder: Path, data: Path, make_stories: Callable[..., list[str]]
) -> None:
    stories = [json.loads(line)["text"] for line in (data / "web.jsonl").read_text().splitlines()]
    kept: dict[str, Any] = SMALL | {"to": folder / "more", "cache": folder / "cache"}
    of_strings = train(stories, **kept)
    assert (of_strings.spec.recipe, set(of_strings.losses)) == ("text", {"text"}), "some of it is held out"
    of_records = train([{"text": text} for text in stories], **kept)
    assert of_records.id == of_strings.id
    corpora = [Corpus.open(path.parent) for path in sorted((folder / "cache").glob("text-*/corpus.json"))]
    (built,) = (corpus for corpus in corpora if corpus.id == of_strings.spec.corpora["text"])
    of_corpus = train({"text": (built, 1)}, **kept)
    assert of_corpus.id == of_strings.id
    assert evaluate(of_corpus, {"web": built}, runs=folder / "more")["web"].nats == pytest.approx(
        of_corpus.losses["text"].nats, rel=0.01
    )
    of_source = train(Source(files=[str(data / "web.jsonl")], limit="200 documents"), **kept)
    assert of_source.spec.recipe == "web"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"params": "many"}, "params: 'many' is not a count"),
        ({"params": 5}, "params: 5 parameters are too few; the minimum is 25k"),
        ({"tokens": "2k"}, "tokens: 2k tokens are 8 steps of 256; ask for 2.56k"),
        ({"batch": 100}, "batch: 100 tokens are not a whole number of sequences of 16; write 96"),
        ({"shcedule": "wsd"}, "shcedule: unknown key"),
        ({"vocab": "lots"}, "vocab: 'lots' is not a count"),
        ({"parallel": "ddp"}, "--parallel: needs processes that a launcher started"),
        ({"mixture": {"web": ("web.jsonl", "50%"), "hq": ("hq.jsonl", "40%")}}, "make 90%, not 100%"),
        ({"mixture": {"a/web.jsonl": "50%", "b/web.jsonl": "50%"}}, "web: is given twice; give names"),
        ({"mixture": {"web.jsonl": "half"}}, "web.jsonl: 'half' is not a share"),
        ({"mixture": [1, 2]}, "mixture: item 0 is no text; give strings"),
    ],
)
def test_what_cannot_be_trained_names_its_argument(
    tmp_path: Path, data: Path, change: dict[str, Any], told: str
) -> None:
    given = {"mixture": data / "web.jsonl", "to": tmp_path / "runs", "cache": tmp_path / "cache"} | SMALL | change
    with pytest.raises(BadInput) as caught:
        train(**given)
    assert told in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_record_without_its_model_says_where_it_was_looked_for(record: RunRecord, tmp_path: Path, data: Path) -> None:
    with pytest.raises(BadInput, match=f"{record.id}/checkpoint: runs: no checkpoint of this run there"):
        evaluate(record, data / "other.jsonl", runs=tmp_path)


def test_thirds_as_python_computes_them_are_thirds(folder: Path, data: Path) -> None:
    paths = {str(data / "web.jsonl"): 2 / 3, str(data / "hq.jsonl"): 1 / 3}
    made = train(paths, to=folder / "thirds", cache=folder / "cache", **SMALL)
    assert made.spec.shares == {"web": Fraction(2, 3), "hq": Fraction(1, 3)}
