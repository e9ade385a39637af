from pathlib import Path

import pytest
from pydantic import ValidationError

from synthmix.corpus import Limit, Source


def test_a_string_is_a_list_of_one_file():
    assert Source.model_validate({"files": "web/*.jsonl.gz"}).files == ["web/*.jsonl.gz"]


@pytest.mark.parametrize(
    ("written", "limit"), [("10k documents", Limit(10_000, "documents")), ("1.5M tokens", Limit(1_500_000, "tokens"))]
)
def test_limit_is_read_and_written(written, limit):
    source = Source.model_validate({"files": "a.txt", "limit": written})
    assert source.limit == limit
    assert Source.model_validate(source.model_dump(mode="json")) == source


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"files": "a", "glob": 1}, "Extra inputs are not permitted"),
        ({}, "exactly one of files, dataset, sample"),
        ({"files": "a", "sample": "all"}, "found files and sample"),
        ({"files": []}, "the list is empty"),
        ({"files": "a", "limit": "5M"}, "write '10k documents' or '5M tokens'"),
        ({"files": "a", "limit": "-5 tokens"}, "not a count"),
        ({"files": "a", "domain": "x", "domain_field": "y"}, "exclude each other"),
        ({"dataset": "a", "separator": "x"}, "needs files"),
        ({"files": "a", "separator": ""}, "must not be empty"),
    ],
)
def test_a_wrong_source_says_what_is_wrong(given, said):
    with pytest.raises(ValidationError, match=said):
        Source.model_validate(given)


def test_relative_paths_start_at_the_base_and_urls_do_not(tmp_path: Path):
    (tmp_path / "saved").mkdir()
    source = Source(files=["a/*.txt", "/b.txt", "s3://c/d.txt"]).resolved(tmp_path)
    assert source.files == [str(tmp_path / "a/*.txt"), "/b.txt", "s3://c/d.txt"]
    assert Source(dataset="saved").resolved(tmp_path).dataset == str(tmp_path / "saved")
    assert Source(dataset="org/name").resolved(tmp_path).dataset == "org/name"


def test_a_subclass_may_add_an_origin():
    class Entry(Source):
        ORIGINS = (*Source.ORIGINS, "generate")
        generate: str | None = None

    assert Entry(generate="hq").generate == "hq"
    with pytest.raises(ValidationError, match="sample, generate"):
        Entry()
