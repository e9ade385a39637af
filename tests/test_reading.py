"""The one opener: every format to the end of its frames, any line ends, limits that hold and can be set."""

import bz2
import gzip
import json
import lzma
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix import reading
from synthmix.errors import BadInput
from synthmix.reading import open_bytes, parse_json, parse_yaml, read_lines, read_text_chunks

pytestmark = pytest.mark.smoke


def lz4(data: bytes) -> bytes:
    return pytest.importorskip("lz4.frame", reason="needs the extra `lz4`").compress(data, content_checksum=True)


PACK: dict[str, Callable[[bytes], bytes]] = {
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".lzma": lambda data: lzma.compress(data, lzma.FORMAT_ALONE),
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
    ".zstd": zstandard.ZstdCompressor().compress,
    ".lz4": lz4,
}
TEXT = "".join(f"line {i} of {i * i % 97}\n" for i in range(3000)).encode()


def read(path: Path) -> bytes:
    with open_bytes(path) as file:
        return file.read()


@pytest.mark.parametrize("suffix", PACK)
class TestFrames:
    def test_frames_that_follow_each_other_are_one_file(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"A.JSONL{suffix.upper()}"
        path.write_bytes(PACK[suffix](TEXT) + PACK[suffix](b"") + PACK[suffix](b"more"))
        assert read(path) == TEXT + b"more"

    def test_cut_anywhere_is_damaged(self, tmp_path: Path, suffix: str) -> None:
        whole = PACK[suffix](b"first") + PACK[suffix](TEXT)
        first = len(PACK[suffix](b"first"))
        path = tmp_path / f"a{suffix}"
        for cut in sorted({0, 1, first - 1, first + 1, first + 5, len(whole) // 2, len(whole) - 5, len(whole) - 1}):
            path.write_bytes(whole[:cut])
            with pytest.raises(BadInput, match=r"is damaged \((cut short|it is empty)"):
                read(path)
        path.write_bytes(whole[:first])  # the one cut that leaves a whole file
        assert read(path) == b"first"

    def test_what_follows_the_last_frame_is_no_padding(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a{suffix}"
        for behind in (b"trailing bytes", b"\n", b"\xff" * 9):
            path.write_bytes(PACK[suffix](TEXT) + behind)
            with pytest.raises(BadInput, match="is damaged"):
                read(path)

    def test_a_flipped_bit_is_damaged_or_changes_nothing(self, tmp_path: Path, suffix: str) -> None:
        if suffix in (".lzma", ".zstd"):
            pytest.skip("the format has no checksum")
        raw, path = PACK[suffix](TEXT), tmp_path / f"a{suffix}"
        for at in range(0, len(raw), max(1, len(raw) // 40)):
            path.write_bytes(raw[:at] + bytes([raw[at] ^ 4]) + raw[at + 1 :])
            try:
                assert read(path) == TEXT
            except BadInput as error:
                assert "is damaged" in str(error)  # noqa: PT017 - either outcome is right

    def test_expansion_is_bounded_and_the_bound_can_be_set(
        self, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "FLOOR", 100_000)
        path = tmp_path / f"a{suffix}"
        path.write_bytes(PACK[suffix](b"0123456789" * 200_000))
        ratio = 2_000_000 / path.stat().st_size
        monkeypatch.setenv("SYNTHMIX_EXPANSION", str(int(ratio / 2)))
        with pytest.raises(BadInput, match=r"expands more than \d+ times; raise SYNTHMIX_EXPANSION"):
            read(path)
        monkeypatch.setenv("SYNTHMIX_EXPANSION", "100k")
        assert len(read(path)) == 2_000_000


@pytest.mark.parametrize("suffix", [".gz", ".xz"])
def test_zeros_may_follow_where_the_format_says_so(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(PACK[suffix](TEXT) + bytes(512) + PACK[suffix](b"more") + bytes(40_000))
    assert read(tmp_path / f"a{suffix}") == TEXT + b"more"


def test_skippable_frames_of_zstd_hold_nothing(tmp_path: Path) -> None:
    skip = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"
    (tmp_path / "a.zst").write_bytes(skip + PACK[".zst"](TEXT) + skip)
    assert read(tmp_path / "a.zst") == TEXT
    (tmp_path / "a.zst").write_bytes(skip + PACK[".zst"](TEXT) + skip[:-1])
    with pytest.raises(BadInput, match="cut short"):
        read(tmp_path / "a.zst")


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
@pytest.mark.parametrize("suffix", [".zst", ".gz", ".xz"])
def test_one_endless_line_takes_no_memory(tmp_path: Path, suffix: str) -> None:
    """A file of some kilobytes that unpacks to a gigabyte without a line end is refused at the limit."""
    packer = {
        ".zst": zstandard.ZstdCompressor().compressobj(),
        ".gz": zlib.compressobj(1, wbits=31),
        ".xz": lzma.LZMACompressor(preset=0),
    }[suffix]
    with (tmp_path / f"a.jsonl{suffix}").open("wb") as file:
        for _ in range(100):
            file.write(packer.compress(bytes(1_000_000)))
        file.write(packer.flush())
    code = (
        "import resource, sys; from synthmix.reading import read_lines; from synthmix.errors import BadInput\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: list(read_lines(sys.argv[1]))\n"
        "except BadInput as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / f"a.jsonl{suffix}")], capture_output=True, text=True
    )
    said, grown = ran.stdout.splitlines()
    assert "raise SYNTHMIX_LONGEST" in said or "raise SYNTHMIX_EXPANSION" in said
    assert int(grown) < 200_000  # kilobytes


class TestLines:
    @given(
        lines=st.lists(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=9)),
        end=st.sampled_from(["\n", "\r\n", "\r"]),
        chunk=st.integers(1, 7),
        mark=st.booleans(),
    )
    @settings(max_examples=60, deadline=None)
    def test_any_line_ends_any_chunks(self, tmp_path_factory, lines, end, chunk, mark) -> None:
        path = tmp_path_factory.mktemp("lines") / "a.txt"
        path.write_bytes((b"\xef\xbb\xbf" if mark else b"") + end.join(lines).encode())
        expected = [(n, line) for n, line in enumerate(lines, start=1) if line.lstrip("\ufeff").strip()]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reading, "CHUNK", chunk)
            found = list(read_lines(path))
            text = "".join(read_text_chunks(path))
        if not any(line.startswith("\ufeff") for line in lines):
            assert found == [(n, line.strip()) for n, line in expected]
            assert text == "\n".join(lines)

    def test_a_line_may_be_as_long_as_the_limit(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "a").write_bytes(b"x" * 999 + b"\n" + b"y" * 1000 + b"\n")
        monkeypatch.setenv("SYNTHMIX_LONGEST", "1001")
        assert [len(line) for _, line in read_lines(tmp_path / "a")] == [999, 1000]
        monkeypatch.setenv("SYNTHMIX_LONGEST", "1k")
        with pytest.raises(BadInput, match=r"a:2: is longer than 1000 bytes; .*raise SYNTHMIX_LONGEST"):
            list(read_lines(tmp_path / "a"))
        monkeypatch.setenv("SYNTHMIX_LONGEST", "plenty")
        with pytest.raises(BadInput, match="SYNTHMIX_LONGEST: 'plenty' is not a count"):
            list(read_lines(tmp_path / "a"))


class TestNesting:
    @pytest.mark.parametrize("depth", [101, 2_000, 100_000])
    def test_json_has_a_depth(self, depth: int) -> None:
        for opened, closed in (("[", "]"), ('{"a":', "}")):
            with pytest.raises(BadInput, match=r"x: not JSON \(nested more than 100 deep\); raise SYNTHMIX_DEPTH"):
                parse_json(opened * depth + "1" + closed * depth, where="x")

    def test_json_within_the_depth_is_read(self) -> None:
        assert parse_json("[" * 100 + "]" * 100, where="x")
        assert parse_json(json.dumps({"text": "[" * 500}), where="x") == {"text": "[" * 500}

    @pytest.mark.parametrize("depth", [101, 100_000])
    def test_yaml_has_a_depth(self, depth: int) -> None:
        for text in ("[" * depth + "]" * depth, "{a: " * depth + "}" * depth, "- " * depth + "a"):
            with pytest.raises(BadInput, match=r"is nested more than 100 deep; raise SYNTHMIX_DEPTH"):
                parse_yaml(text, where="x")

    def test_aliases_are_counted_written_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        text = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
            f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(8)
        )
        with pytest.raises(BadInput, match=r"aliases stand for \d+ values, 200000 are the most; raise SYNTHMIX_NODES"):
            parse_yaml(text, where="x")
        few = "a: &a [1, 2]\nb: [*a, *a]\n"
        assert parse_yaml(few, where="x") == {"a": [1, 2], "b": [[1, 2], [1, 2]]}
        monkeypatch.setenv("SYNTHMIX_NODES", "10")
        with pytest.raises(BadInput, match="stand for 13 values, 10 are the most"):
            parse_yaml(few, where="x")
        with pytest.raises(BadInput, match="an alias stands within what it names"):
            parse_yaml("a: &a [*a]", where="x")

    @pytest.mark.parametrize(
        "value",
        ["2026-13-45", "!!int x", "!!int ''", "!!float x", "!!bool x", "!!timestamp x", "9" * 5000, "!!binary x"],
    )
    def test_a_value_that_cannot_be_is_one_line(self, value: str) -> None:
        with pytest.raises(BadInput, match="is not YAML: "):
            parse_yaml(f"a: {value}", where="x")


def test_a_name_that_fsspec_would_take_apart_is_a_name(tmp_path: Path) -> None:
    for name in ("a::b.txt", "zip:b.txt", "a#b?c.txt"):
        (tmp_path / name).write_bytes(b"here")
        assert read(tmp_path / name) == b"here"
