import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from synthmix.corpus import Document, Source, read_documents
from synthmix.errors import BadInput

pytestmark = pytest.mark.smoke

RECORDS = [
    {"id": "a", "text": "Größe", "op": "original", "domain": "news"},
    {"id": "b", "text": "zwei\nZeilen", "op": "rewrite", "domain": "wiki"},
    {"id": "c", "text": "", "op": "original", "domain": "news"},
]


def read(source: Source) -> list[Document]:
    return list(read_documents(source, domain="default"))


def write_jsonl(path: Path, records: list[dict]) -> Path:
    data = "".join(json.dumps(record) + "\n" for record in records).encode()
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdCompressor().compress(data)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.jsonl.gz", "a.jsonl.zst"])
def test_jsonl_plain_and_packed(tmp_path, name):
    path = write_jsonl(tmp_path / name, RECORDS)
    assert read(Source(files=[str(path)])) == [Document(r["text"], "default", r["id"]) for r in RECORDS]


@pytest.mark.parametrize("name", ["a.parquet", "a.parquet.gz", "a.parquet.zst"])
def test_parquet_plain_and_packed(tmp_path, name):
    pq.write_table(pa.Table.from_pylist(RECORDS), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()
    packed = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}.get(Path(name).suffix, bytes)(data)
    (tmp_path / name).write_bytes(packed)
    source = Source(files=[str(tmp_path / name)], domain_field="domain", where={"op": ["original"]})
    assert read(source) == [Document("Größe", "news", "a"), Document("", "news", "c")]


def test_a_wide_zstd_window_can_be_read(tmp_path):
    settings = zstandard.ZstdCompressionParameters(window_log=28)
    packer = zstandard.ZstdCompressor(compression_params=settings).compressobj()  # streaming keeps the wide window
    line = json.dumps({"text": "x" * 1000}).encode() + b"\n"
    (tmp_path / "wide.jsonl.zst").write_bytes(packer.compress(line) + packer.flush())
    header = zstandard.get_frame_parameters((tmp_path / "wide.jsonl.zst").read_bytes())
    assert header.window_size == 2**28
    assert [len(one.text) for one in read(Source(files=[str(tmp_path / "wide.jsonl.zst")]))] == [1000]


def test_text_is_a_document_a_file_or_divided(tmp_path):
    (tmp_path / "b.txt").write_bytes("\ufeffone\r\ntwo<|x|>three<|x|>\n".encode())
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"first"))
    whole = read(Source(files=[str(tmp_path / "*.txt*")]))
    assert [one.text for one in whole] == ["first", "one\ntwo<|x|>three<|x|>\n"]
    divided = read(Source(files=[str(tmp_path / "b.txt")], separator="<|x|>"))
    assert [one.text for one in divided] == ["one\ntwo", "three"]
    assert divided[1].key == f"{tmp_path}/b.txt#2"


def test_separator_and_line_end_across_chunks(tmp_path, monkeypatch):
    monkeypatch.setattr("synthmix.reading.CHUNK", 1)
    (tmp_path / "a.txt").write_bytes("äb\r\nc<sep>d\re".encode())
    assert [one.text for one in read(Source(files=[str(tmp_path / "a.txt")], separator="<sep>"))] == ["äb\nc", "d\ne"]


def test_globs_are_recursive_and_sorted(tmp_path):
    (tmp_path / "x").mkdir()
    for name in ("b.txt", "x/a.txt", "a.txt"):
        (tmp_path / name).write_text(name)
    assert [one.text for one in read(Source(files=[f"{tmp_path}/**/*.txt"]))] == ["a.txt", "b.txt", "x/a.txt"]


def test_a_name_with_glob_signs_is_a_name_first(tmp_path):
    (tmp_path / "a[1].txt").write_text("brackets")
    assert [one.text for one in read(Source(files=[f"{tmp_path}/a[1].txt"]))] == ["brackets"]


def test_limit_in_documents(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", RECORDS)
    assert [one.key for one in read(Source(files=[str(path)], limit="2 documents"))] == ["a", "b"]


def test_a_bucket_is_read_through_fsspec():
    import fsspec

    with fsspec.open("memory://bucket/web/a.jsonl", "wb") as file:
        file.write(b'{"text": "far"}\n')
    assert [one.text for one in read(Source(files=["memory://bucket/web/*.jsonl"]))] == ["far"]


BAD_LINES = {
    b'{"text": "a"}\nnot json\n': r"a.jsonl:2: not JSON",
    b'{"text": "a"}\n{"text": "\xff"}\n': r"a.jsonl:2: not UTF-8 at byte 10",
    b'{"text": "a"}\n["b"]\n': r"a.jsonl:2: not a JSON object",
    b'{"body": "a", "n": 1}\n': r"a.jsonl:1: text: no such field; it has body, n",
    b'{"text": 3}\n': r"a.jsonl:1: text: is int, not text",
    b'{"text": "\\ud800"}\n': r"a.jsonl:1: text: is not Unicode text",
}


@pytest.mark.parametrize(("data", "said"), BAD_LINES.items())
def test_a_bad_line_is_named(tmp_path, data, said):
    (tmp_path / "a.jsonl").write_bytes(data)
    with pytest.raises(BadInput, match=said):
        read(Source(files=[str(tmp_path / "a.jsonl")]))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("none.jsonl", "none.jsonl: files: no such file"),
        ("none*.jsonl", "files: no file matches"),
        ("", "files: is a folder"),
        ("cut.jsonl.gz", "cut.jsonl.gz: is damaged"),
        ("not.jsonl.gz", "not.jsonl.gz: is damaged"),
        ("not.jsonl.zst", "not.jsonl.zst: is damaged"),
        ("not.parquet", "not.parquet: not a Parquet file"),
        ("latin.txt", "latin.txt: not UTF-8"),
        ("what.dat", "what.dat: format: the suffix does not say"),
        ("empty.jsonl", "empty.jsonl: holds no documents"),
        ("nope://a/b.jsonl", "cannot be reached"),
    ],
)
def test_a_bad_file_is_named(tmp_path, name, said):
    (tmp_path / "cut.jsonl.gz").write_bytes(gzip.compress(b'{"text": "a"}\n' * 50)[:-12])
    for made in ("not.jsonl.gz", "not.jsonl.zst", "not.parquet"):
        (tmp_path / made).write_bytes(b"plain bytes of no known kind")
    (tmp_path / "latin.txt").write_bytes("Größe".encode("latin-1"))
    (tmp_path / "what.dat").write_bytes(b"x")
    (tmp_path / "empty.jsonl").write_bytes(b"\n\n")
    with pytest.raises(BadInput, match=said):
        read(Source(files=[name if "://" in name else str(tmp_path / name)]))


def test_where_that_matches_nothing_and_missing_columns(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", RECORDS)
    with pytest.raises(BadInput, match=r"where: no record has {'op': 'polish'}"):
        read(Source(files=[str(path)], where={"op": "polish"}))
    pq.write_table(pa.Table.from_pylist(RECORDS), tmp_path / "a.parquet")
    with pytest.raises(BadInput, match=r"a.parquet: body: no such column; it has id, text"):
        read(Source(files=[str(tmp_path / "a.parquet")], text="body"))
    with pytest.raises(BadInput, match=r"a.jsonl:1: source: names no domain"):
        read(Source(files=[str(path)], domain_field="source"))


def test_a_saved_dataset_and_a_folder_of_files(tmp_path):
    datasets = pytest.importorskip("datasets", reason="needs the extra `hub`")
    saved = datasets.Dataset.from_list(RECORDS)
    saved.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": saved}).save_to_disk(tmp_path / "many")
    for name in ("one", "many"):
        source = Source(dataset=str(tmp_path / name), domain_field="domain")
        assert [(one.key, one.domain) for one in read(source)] == [("a", "news"), ("b", "wiki"), ("c", "news")]
    with pytest.raises(BadInput, match="split: no such split; it has train"):
        read(Source(dataset=str(tmp_path / "many"), split="test"))
    (tmp_path / "plain").mkdir()
    write_jsonl(tmp_path / "plain" / "train.jsonl", RECORDS)
    assert [one.text for one in read(Source(dataset=str(tmp_path / "plain")))] == [r["text"] for r in RECORDS]


def test_without_the_extra_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(BadInput, match=r"needs the extra `hub`; run pip install"):
        read(Source(dataset="org/name"))
