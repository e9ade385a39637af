"""Large files divided for workers: the documents of the parts are those of the file, places and keys as well."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmix.corpus import Source, Tokenizer, build_corpus, parts
from synthmix.corpus.readers import read_documents
from synthmix.errors import BadInput

from ..in_process import InProcess, Shuffled

PARTS = 300


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_BYTES", PARTS)


def divided(path: Path, source: Source) -> tuple[list[Any], int]:
    """The documents of all parts, and how many parts there are."""
    found = parts.divide([(str(path), source, path.stat().st_size)], InProcess())[0]
    streams = [read_documents(source, domain="d", some=False, part=part) for part in found]
    return [(one.text, one.domain, one.key, one.place) for stream in streams for one in stream], len(found)


def whole(source: Source) -> list[Any]:
    return [(one.text, one.domain, one.key, one.place) for one in read_documents(source, domain="d", some=False)]


LINES = st.lists(
    st.tuples(st.text(max_size=9), st.sampled_from(["\n", "\r\n", "\n\n", "\r", "\n \n"])), min_size=12, max_size=30
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=LINES)
def test_lines(tmp_path: Path, lines: list[tuple[str, str]]) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"".join(json.dumps({"text": text + "x" * 60}).encode() + end.encode() for text, end in lines))
    source = Source(files=[str(path)])
    found, count = divided(path, source)
    if count:
        assert found == whole(source)
    if path.stat().st_size > 3 * PARTS and all("\r" not in end for _, end in lines):
        assert count > 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.lists(st.sampled_from(["a", "\n", "\n", "\r\n", "\n\n", "-", "é", "x" * 40]), min_size=60, max_size=120),
    separator=st.sampled_from(["\n\n", "\n", "-\n-", "--", "\n\n\n"]),
)
def test_separated_text(tmp_path: Path, text: list[str], separator: str) -> None:
    path = tmp_path / "f.txt"
    path.write_bytes("".join(text).encode())
    source = Source(files=[str(path)], separator=separator)
    found, count = divided(path, source)
    if count:
        assert found == whole(source)


def test_row_groups(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    rows = pa.table({"text": [f"text {i} " + "y" * (i % 50) for i in range(200)], "id": [str(i) for i in range(200)]})
    pq.write_table(rows, path, row_group_size=9, compression="none", use_dictionary=False)
    source = Source(files=[str(path)], where={"id": [str(i) for i in range(0, 200, 3)]}, id_field="none")
    found, count = divided(path, source)
    assert found == whole(source)
    assert 5 < count <= 23


def test_what_stays_whole(tmp_path: Path) -> None:
    line = json.dumps({"text": "z" * 80}) + "\n"
    for name, data in (("one.txt", line * 50), ("short.jsonl", line), ("returns.jsonl", line[:-1] + "\r")):
        path = tmp_path / name
        path.write_bytes((data * (50 if name[0] == "r" else 1)).encode())
        assert parts.divide([(str(path), Source(files=[str(path)]), path.stat().st_size)], InProcess()) == [[]]
    assert parts.divide([("web.jsonl.gz", Source(files=["web.jsonl.gz"]), 10**9)], InProcess()) == [[]]


@pytest.fixture
def files(tmp_path: Path, texts: list[str]) -> list[Path]:
    """A large JSON Lines file with blank lines, separated text, Parquet, and a small file; they repeat each other."""
    lines = [json.dumps({"text": text, "d": f"domain {i % 3}"}) for i, text in enumerate(texts[:150])]
    (tmp_path / "a.jsonl").write_text("\n\n".join(lines) + "\n")
    (tmp_path / "b.jsonl").write_text("\n".join(lines[140:] + lines[:3]))
    rows = pa.table({"text": texts[100:250], "d": [f"domain {i % 2}" for i in range(len(texts[100:250]))]})
    pq.write_table(rows, tmp_path / "c.parquet", row_group_size=10)
    return [tmp_path / name for name in ("a.jsonl", "b.jsonl", "c.parquet")]


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_corpus_of_parts_has_the_bytes_of_one_of_files(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(files=[str(path) for path in files], domain_field="d")
    options: dict[str, Any] = {"name": "c", "tokenizer": tokenizer, "heldout": Fraction(1, 10)}
    build_corpus(source, tmp_path / "here", **options)
    for size in (300, 3000):
        monkeypatch.setattr(parts, "PART_BYTES", size)
        build_corpus(source, tmp_path / f"there{size}", engine=Shuffled(), **options)
        assert bytes_of(tmp_path / f"there{size}") == bytes_of(tmp_path / "here")


@pytest.mark.parametrize("limit", ["60 documents", "3000 tokens", "1M tokens"])
def test_a_sample_by_workers_is_that_of_one_process(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, limit: str
) -> None:
    source = Source(files=[str(path) for path in files], limit=limit)  # type: ignore[arg-type]
    options: dict[str, Any] = {"name": "c", "tokenizer": tokenizer}
    here = build_corpus(source, tmp_path / "here", **options)
    build_corpus(source, tmp_path / "there", engine=Shuffled(), **options)
    assert bytes_of(tmp_path / "there") == bytes_of(here.folder)
    assert here.train_counts.documents == (250 if limit[0] == "1" else here.train_counts.documents)


def test_an_error_in_a_part_names_the_line(files: list[Path], tmp_path: Path, tokenizer: Tokenizer) -> None:
    lines = files[0].read_text().splitlines(keepends=True)
    lines[240] = "bad\n"
    files[0].write_text("".join(lines))
    with pytest.raises(BadInput, match=r"a\.jsonl:241: not JSON"):
        build_corpus(Source(files=[str(files[0])]), tmp_path / "c", name="c", tokenizer=tokenizer, engine=Shuffled())
