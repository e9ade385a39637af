"""What is written is read back equal, in every format and packing; which records are kept; time and memory."""

import bz2
import gzip
import json
import lzma
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synthmix import reading
from synthmix.corpus import Document, Source, read_documents
from synthmix.corpus.readers import expand
from synthmix.errors import BadInput

pytestmark = pytest.mark.smoke

PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": zstandard.ZstdCompressor().compress,
}
# Any Unicode that can be written as UTF-8: line ends of every kind, NUL, marks, noncharacters, astral planes.
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.text(
    st.sampled_from('a \n\r\t\0\x0b\x0c\x1c\x85\u2028\u2029\ufeff\ufffd\ufdd0\U0010ffff日"\\{}'), max_size=12
)
SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def read(source: Source) -> list[Document]:
    return list(read_documents(source, domain="d"))


def texts(source: Source) -> list[str]:
    return [document.text for document in read(source)]


@SETTINGS
@given(
    written=st.lists(ANY, min_size=1, max_size=6),
    pack=st.sampled_from(sorted(PACK)),
    upper=st.booleans(),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    ascii_only=st.booleans(),
    mark=st.booleans(),
    last=st.booleans(),
    chunk=st.integers(1, 64),
)
def test_jsonl(
    tmp_path: Path, written: list[str], pack: str, upper: bool, end: str, ascii_only: bool, mark: bool, last: bool,
    chunk: int,
) -> None:  # fmt: skip
    lines = [json.dumps({"text": text, "id": str(i)}, ensure_ascii=ascii_only) for i, text in enumerate(written)]
    data = ("\ufeff" if mark else "") + end.join(lines) + (end if last else "")
    name = f"a.jsonl{pack}"
    path = tmp_path / (name.upper() if upper else name)
    path.write_bytes(PACK[pack](data.encode()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "CHUNK", chunk)
        assert texts(Source(files=[str(path)])) == written


@SETTINGS
@given(
    written=st.lists(ANY | st.none(), min_size=1, max_size=6),
    pack=st.sampled_from(sorted(PACK)),
    codec=st.sampled_from(["none", "snappy", "zstd", "gzip", "lz4", "brotli"]),
    dictionary=st.booleans(),
    kind=st.sampled_from([pa.string(), pa.large_string()]),
    rows=st.integers(1, 4),
)
def test_parquet(
    tmp_path: Path, written: list[str | None], pack: str, codec: str, dictionary: bool, kind: Any, rows: int
) -> None:
    table = pa.table({"text": pa.array(written, kind), "n": list(range(len(written)))})
    plain, path = tmp_path / "plain", tmp_path / f"a.PARQUET{pack.upper()}"
    pq.write_table(table, plain, compression=codec, use_dictionary=dictionary, row_group_size=rows)
    path.write_bytes(PACK[pack](plain.read_bytes()))
    assert texts(Source(files=[str(path)])) == [text or "" for text in written]


@SETTINGS
@given(
    written=st.lists(ANY, min_size=1, max_size=6),
    pack=st.sampled_from(sorted(PACK)),
    separator=st.sampled_from(["<|x|>", "\n\n", "\r\n\r\n", "\r", "aa", "日"]),
    chunk=st.integers(1, 64),
)
def test_text_divided_as_a_whole_would_be(
    tmp_path: Path, written: list[str], pack: str, separator: str, chunk: int
) -> None:
    """Pieces are those of ``str.split`` on the whole text, wherever chunks and lines end."""
    whole = separator.join(written)
    path = tmp_path / f"a.txt{pack}"
    path.write_bytes(PACK[pack](whole.encode()))
    normal = whole.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    pieces = normal.split(separator.replace("\r\n", "\n").replace("\r", "\n"))
    if not pieces[-1].strip():
        pieces.pop()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "CHUNK", chunk)
        if pieces:
            assert texts(Source(files=[str(path)], separator=separator)) == pieces
        assert texts(Source(files=[str(path)])) == [normal]


def test_time_without_the_separator_is_linear(tmp_path: Path) -> None:
    seconds = []
    for size in (2, 14):
        (tmp_path / "a.txt").write_bytes(b"words and words " * (size * 2**16))
        began = time.process_time()
        assert len(texts(Source(files=[str(tmp_path / "a.txt")], separator="<|end|>"))) == 1
        seconds.append(time.process_time() - began)
    assert seconds[1] < 25 * max(seconds[0], 0.01), "seven times as long, and 49 times where it is quadratic"


class TestWhere:
    RECORDS = (
        {"text": "int", "v": 1}, {"text": "float", "v": 1.0}, {"text": "true", "v": True}, {"text": "text", "v": "1"},
        {"text": "null", "v": None}, {"text": "missing"}, {"text": "zero", "v": 0}, {"text": "false", "v": False},
        {"text": "empty", "v": ""}, {"text": "list", "v": [1]}, {"text": "big", "v": 2**60 + 1},
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("wanted", "kept"),
        [
            (1, ["int", "float"]), (1.0, ["int", "float"]), (True, ["true"]), (False, ["false"]), ("1", ["text"]),
            (0, ["zero"]), (None, ["null"]), ("", ["empty"]), ([0, "1"], ["text", "zero"]),
            ([None, True], ["true", "null"]),
            (2**60 + 1, ["big"]), (float(2**60), []),
        ],
    )  # fmt: skip
    def test_values_keep_their_type(self, tmp_path: Path, wanted: Any, kept: list[str]) -> None:
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(record) + "\n" for record in self.RECORDS))
        source = Source(files=[str(tmp_path / "a.jsonl")], where={"v": wanted})
        if kept:
            assert texts(source) == kept
        else:
            with pytest.raises(BadInput, match="where: no record has"):
                read(source)

    def test_a_field_that_no_record_has_keeps_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
        for wanted in (None, "x", [None, 1]):
            with pytest.raises(BadInput, match="where: no record has"):
                read(Source(files=[str(tmp_path / "a.jsonl")], where={"mispelt": wanted}))

    def test_parquet_columns_keep_their_type_too(self, tmp_path: Path) -> None:
        columns = {"n": [1, 2, 3, None], "f": [1.0, 2.5, 3.0, None], "b": [True, False, None, True]}
        pq.write_table(pa.table({"text": ["a", "b", "c", "d"], **columns}), tmp_path / "a.parquet")
        for field, wanted, kept in [
            ("n", 3, ["c"]), ("n", None, ["d"]), ("n", True, []), ("f", 3, ["c"]), ("b", True, ["a", "d"]),
            ("b", 1, []),
        ]:  # fmt: skip
            source = Source(files=[str(tmp_path / "a.parquet")], where={field: wanted})
            if kept:
                assert texts(source) == kept
            else:
                with pytest.raises(BadInput, match="where: no record has"):
                    read(source)

    def test_an_empty_list_of_values_is_refused(self) -> None:
        with pytest.raises(ValueError, match="where: the list of values of v is empty"):
            Source(files=["a.jsonl"], where={"v": []})


def test_empty_documents_do_not_count_for_the_limit(tmp_path: Path) -> None:
    lines = ["", "one", " \n ", None, "two", "\u00ad\u200b", "three", "four"]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in lines))
    found = texts(
        Source(files=[str(tmp_path / "a.jsonl")], limit="3 documents", limit_by="first", normalize=["punctuation"])
    )
    assert [text for text in found if text.strip()] == ["one", "two", "three"]


def test_documents_beyond_the_limit_are_refused_in_every_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNTHMIX_LONGEST", "1000")
    long = "é" * 501  # 1002 bytes
    (tmp_path / "a.jsonl").write_text(json.dumps({"text": long}))
    pq.write_table(pa.table({"text": ["short", long]}), tmp_path / "a.parquet")
    (tmp_path / "a.txt").write_text("short<x>" + long + "<x>")
    for name, said in [
        ("a.jsonl", r"a.jsonl:1: is longer than 1000 bytes"),
        ("a.parquet", r"a.parquet:row 2: text: is longer than 1000 bytes"),
        (
            "a.txt",
            r"a.txt: separator: document 1 is longer than 1000 bytes; say with separator how it divides",
        ),
    ]:
        with pytest.raises(BadInput, match=said):
            read(Source(files=[str(tmp_path / name)]))
    monkeypatch.setenv("SYNTHMIX_LONGEST", "1002")
    assert texts(Source(files=[str(tmp_path / "a.txt")], separator="<x>")) == ["short", long]


def test_a_value_that_all_rows_share_is_held_once(tmp_path: Path) -> None:
    """Two million characters in 2,000 rows are 4 GB written out, and 60 kB of Parquet."""
    shared = pa.DictionaryArray.from_arrays(pa.array([0] * 2000, pa.int32()), ["xy" * 1_000_000])
    pq.write_table(pa.table({"text": shared}), tmp_path / "a.parquet", compression="zstd")
    before = pa.total_allocated_bytes()
    for document in islice(read_documents(Source(files=[str(tmp_path / "a.parquet")]), domain="d"), 1500):
        assert len(document.text) == 2_000_000
        assert pa.total_allocated_bytes() - before < 100_000_000


def test_parquet_pages_are_held_to_their_checksums(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(
        pa.table({"text": ["abcdefgh" * 40] * 3}), path, write_page_checksum=True, compression="none",
        use_dictionary=False, write_statistics=False,
    )  # fmt: skip
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"abcdefgh") + 11] ^= 1
    path.write_bytes(raw)
    with pytest.raises(BadInput, match=r"a.parquet: cannot be read after row 0"):
        read(Source(files=[str(path)]))
    path.write_bytes(bytes(raw) + b"more")
    with pytest.raises(BadInput, match=r"a.parquet: not a Parquet file"):
        read(Source(files=[str(path)]))


class TestPaths:
    def test_home_links_and_globs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        (tmp_path / "x").mkdir()
        (tmp_path / "x" / "a.txt").write_text("a")
        (tmp_path / "x" / "loop").symlink_to(tmp_path / "x")
        (tmp_path / "x" / "link.txt").symlink_to(tmp_path / "x" / "a.txt")
        (tmp_path / "x" / "dead.txt").symlink_to(tmp_path / "nothing")
        assert expand("~/x/a.txt") == [str(tmp_path / "x" / "a.txt")]
        assert expand("~/x/link.txt") == [str(tmp_path / "x" / "link.txt")]
        assert expand("~/x/**/*.txt") == [str(tmp_path / "x" / "a.txt")], "each file once, whatever leads to it"
        assert texts(Source(files="~/x/*.txt")) == ["a"]
        with pytest.raises(BadInput, match=r"dead.txt: files: no such file"):
            expand("~/x/dead.txt")
        assert Source(files=["~/x/a.txt", "y.txt", "/z.txt", "s3://b/c"]).resolved(Path("/base")).files == [
            str(tmp_path / "x" / "a.txt"), "/base/y.txt", "/z.txt", "s3://b/c",
        ]  # fmt: skip


def test_a_packed_file_under_another_name_is_told(tmp_path: Path) -> None:
    for suffix, pack in list(PACK.items())[1:]:
        for name in ("a.jsonl", "a.txt"):
            (tmp_path / name).write_bytes(pack(b'{"text": "packed ' + bytes(range(65, 90)) * 3 + b'"}\n'))
            with pytest.raises(BadInput, match=rf"not UTF-8 .*; it is packed: let its name end with \{suffix}"):
                read(Source(files=[str(tmp_path / name)]))


def test_two_columns_of_one_name_are_a_question(tmp_path: Path) -> None:
    table = pa.table([pa.array(["a"]), pa.array(["b"])], names=["text", "text"])
    pq.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(BadInput, match=r"a.parquet: text: 2 columns have this name; rename one"):
        read(Source(files=[str(tmp_path / "a.parquet")]))


def test_a_folder_of_files_is_held_to_its_frames_before_datasets_reads_it(tmp_path: Path) -> None:
    pytest.importorskip("datasets", reason="needs the extra `hub`")
    lines = b"".join(json.dumps({"text": f"document {i} {i * i}"}).encode() + b"\n" for i in range(4000))
    (tmp_path / "train.jsonl.zst").write_bytes(PACK[".zst"](lines)[:-100])
    with pytest.raises(BadInput, match=r"train.jsonl.zst: is damaged \(cut short"):
        read(Source(dataset=str(tmp_path)))
