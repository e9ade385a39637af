"""Corpora in buckets: written, read, added to; what may not be read or written is one line."""

import json
import shutil
import uuid
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from synthmix.corpus import Corpus, Source, Tokenizer, bucket, build_corpus, open_or_build
from synthmix.corpus.meta import is_corpus
from synthmix.errors import BadInput
from synthmix.files import url_of

from ..in_process import Shuffled

Files = dict[str, bytes]


class Locked(MemoryFileSystem):
    """A bucket that may be listed and read, and not written to; ``SECRET`` may not be read either."""

    protocol = ("locked",)
    store: Files = {}  # noqa: RUF012 - as its base has it
    pseudo_dirs = [""]  # noqa: RUF012

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(path.replace(f"{cls.protocol[0]}://", "memory://"))

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        raise PermissionError(path)

    def _open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if "secret" in path or mode != "rb":
            raise PermissionError(path)
        return super()._open(path, mode, **options)


class Unreachable(Locked):
    """A bucket whose library has no credentials, and errors of its own."""

    protocol = ("unreachable",)

    def pipe_file(self, path: str, value: bytes, **options: Any) -> None:
        self.info(path)

    def info(self, path: str, **options: Any) -> Any:
        raise type("NoCredentialsError", (Exception,), {"__module__": "botocore.exceptions"})("no credentials")


@pytest.fixture(autouse=True)
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    for each in (Locked, Unreachable):
        fsspec.register_implementation(each.protocol[0], each, clobber=True)
    yield
    MemoryFileSystem.store.clear()
    MemoryFileSystem.pseudo_dirs[:] = [""]


@pytest.fixture
def url() -> str:
    return f"memory://bucket/{uuid.uuid4().hex}"


@pytest.fixture
def put(url: str, texts: list[str]) -> Callable[[str, int, int], str]:
    """Puts texts into the bucket as a file."""

    def made(name: str, first: int, last: int) -> str:
        data = "".join(json.dumps({"text": text}) + "\n" for text in texts[first:last])
        with fsspec.open(f"{url}/{name}", "wb") as file:
            file.write(data.encode())
        return f"{url}/{name}"

    return made


def bytes_of(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def in_bucket(url: str) -> Files:
    fs, path = fsspec.core.url_to_fs(url)
    return {name.removeprefix(path).lstrip("/"): fs.cat_file(name) for name in sorted(fs.find(path))}


@pytest.mark.parametrize("engine", [None, Shuffled()])
def test_what_is_written_is_what_is_read(
    engine: Any, url: str, put: Callable[..., str], tokenizer: Tokenizer, tmp_path: Path
) -> None:
    for number in range(3):
        put(f"web/{number}.jsonl", 30 * number, 30 * number + 30)
    source = Source(files=[f"{url}/web/*.jsonl"])
    options: dict[str, Any] = {"name": "c", "tokenizer": tokenizer, "heldout": Fraction(1, 10)}
    here = build_corpus(source, tmp_path / "here", **options)
    there = build_corpus(source, f"{url}/corpora/c", engine=engine, **options)
    assert in_bucket(f"{url}/corpora/c") == bytes_of(here.folder)
    assert there.id == here.id
    assert is_corpus(f"{url}/corpora/c")
    assert not is_corpus(f"{url}/web")
    assert not list((tmp_path / "cache" / "building").iterdir())
    shutil.rmtree(tmp_path / "cache")  # as on another machine
    assert bytes_of(Corpus.open(f"{url}/corpora/c").folder) == bytes_of(here.folder)
    assert open_or_build(f"{url}/corpora/c", tmp_path, tokenizer=tokenizer).id == here.id
    Corpus.open(Path(f"{url}/corpora/c")).verify()


def test_a_corpus_that_is_replaced_leaves_nothing_behind(
    url: str, put: Callable[..., str], tokenizer: Tokenizer
) -> None:
    for last, shard in ((60, 1000), (10, 10**6)):
        source = Source(files=[put("a.jsonl", 0, last)])
        build_corpus(source, f"{url}/c", name="c", tokenizer=tokenizer, shard_tokens=shard)
        found = Corpus.open(f"{url}/c")
        assert found.train_counts.documents == last
        assert set(in_bucket(f"{url}/c")) == set(bytes_of(found.folder))


def test_files_that_are_added_in_a_bucket_are_all_that_is_read(
    url: str, put: Callable[..., str], tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from synthmix.corpus import ingest

    put("web/a.jsonl", 0, 30)
    source, read, real = Source(files=[f"{url}/web/*.jsonl"]), list[str](), ingest.read_documents
    build_corpus(source, f"{url}/c", name="c", tokenizer=tokenizer)
    put("web/b.jsonl", 30, 40)

    def noted(source: Source, **options: Any) -> Any:
        read.extend(source.files or [])
        return real(source, **options)

    monkeypatch.setattr(ingest, "read_documents", noted)
    found = build_corpus(source, f"{url}/c", name="c", tokenizer=tokenizer, update=True)
    assert [name.rsplit("/", 1)[1] for name in read] == ["b.jsonl"]
    assert found.train_counts.documents == 40


def test_an_upload_that_breaks_off_is_no_corpus(
    url: str, put: Callable[..., str], tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = Source(files=[put("a.jsonl", 0, 40)])
    build_corpus(source, f"{url}/c", name="c", tokenizer=tokenizer)
    real = MemoryFileSystem.put_file

    def breaks(self: Any, local: str, name: str, **options: Any) -> None:
        if name.endswith("tokenizer.json"):
            raise OSError("the network is gone")
        real(self, local, name, **options)

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "put_file", breaks)
        with pytest.raises(BadInput, match="the network is gone"):
            build_corpus(source, f"{url}/c", name="c", tokenizer=tokenizer, shard_tokens=500)
    assert not is_corpus(f"{url}/c"), "neither the old one nor the new one"
    with pytest.raises(BadInput, match=r"c: holds other files \(and no corpus.json\)"):
        build_corpus(source, f"{url}/c", name="c", tokenizer=tokenizer)


@pytest.mark.parametrize(
    ("to", "message"),
    [
        ("locked://bucket/c", r"locked://bucket/c: cannot be written to \(no permission\); check the bucket's name"),
        ("unreachable://b/c", r"unreachable://b/c: cannot be reached \(no credentials\); check the bucket's name"),
        ("nosuch://bucket/c", r"nosuch://bucket/c: cannot be reached \(Protocol not known: nosuch\); for s3:// and gs"),
    ],
)
def test_what_may_not_be_written_is_told_before_anything_is_read(
    to: str, message: str, tokenizer: Tokenizer, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=message):
        build_corpus(Source(files=["memory://no/such/file.jsonl"]), to, name="c", tokenizer=tokenizer)
    assert not (tmp_path / "cache" / "building").exists()


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("locked://bucket/secret.jsonl", r"secret.jsonl: cannot be read \(no permission\); check the credentials"),
        ("unreachable://bucket/a.jsonl", r"a.jsonl: cannot be reached \(no credentials\); check the bucket's name"),
        ("memory://bucket/none.jsonl", r"none.jsonl: files: no such file"),
    ],
)
def test_what_may_not_be_read(file: str, message: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    Locked.store["/bucket/secret.jsonl"] = MemoryFileSystem().open("memory://x", "wb")
    with pytest.raises(BadInput, match=message):
        build_corpus(Source(files=[file]), tmp_path / "c", name="c", tokenizer=tokenizer)
    assert not (tmp_path / "c").exists()


def test_no_corpus_in_a_bucket(url: str) -> None:
    with pytest.raises(BadInput, match=rf"{url}/none: no corpus here \(no corpus.json\); build it with"):
        Corpus.open(f"{url}/none")


def test_a_path_that_was_a_url() -> None:
    assert url_of("s3://team/c") == url_of(Path("s3://team/c")) == "s3://team/c"
    assert url_of("C:/text") is None
    assert [url_of(name) for name in ("s3:/x", "/a/b", "a://", Path("a/s3:/b"))] == [None] * 4


def test_the_copy_is_made_once(url: str, put: Callable[..., str], tokenizer: Tokenizer) -> None:
    build_corpus(Source(files=[put("a.jsonl", 0, 20)]), f"{url}/c", name="c", tokenizer=tokenizer)
    first = bucket.local_copy(f"{url}/c")
    stamp = (first / "corpus.json").stat().st_mtime_ns
    assert bucket.local_copy(f"{url}/c/") == first
    assert (first / "corpus.json").stat().st_mtime_ns == stamp


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket of a server that speaks S3, on this machine."""
    s3fs = pytest.importorskip("s3fs", reason="the extra `cloud` is not installed")
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    server = moto.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "b",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()
    s3fs.S3FileSystem().mkdir("team")
    yield "s3://team"
    server.stop()
    s3fs.S3FileSystem.clear_instance_cache()


def test_s3(s3: str, texts: list[str], tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2):
        with fsspec.open(f"{s3}/web/{number}.jsonl", "wb") as file:
            file.write("".join(json.dumps({"text": one}) + "\n" for one in texts[30 * number :][:30]).encode())
    source, options = Source(files=[f"{s3}/web/*.jsonl"]), {"name": "c", "tokenizer": tokenizer}
    here = build_corpus(source, tmp_path / "here", **options)  # type: ignore[arg-type]
    monkeypatch.setattr("synthmix.corpus.parts.PART_BYTES", 5000)
    build_corpus(source, f"{s3}/corpora/c", engine=Shuffled(), **options)  # type: ignore[arg-type]
    assert in_bucket(f"{s3}/corpora/c") == bytes_of(here.folder)
    shutil.rmtree(tmp_path / "cache")
    assert bytes_of(Corpus.open(f"{s3}/corpora/c").folder) == bytes_of(here.folder)
    with fsspec.open(f"{s3}/web/1.jsonl", "wb") as file:
        file.write(json.dumps({"text": "another one"}).encode())
    assert build_corpus(source, f"{s3}/corpora/c", update=True, **options).train_counts.documents == 31  # type: ignore[arg-type]
    for to, message in (
        ("s3://nobody/c", r"s3://nobody/c: cannot be written to \(no such bucket\); check the bucket's name"),
        ("s3://team/web", r"s3://team/web: holds other files \(and no corpus.json\)"),
    ):
        with pytest.raises(BadInput, match=message):
            build_corpus(source, to, **options)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match=r"s3://nobody/a.jsonl: "):
        build_corpus(Source(files=["s3://nobody/a.jsonl"]), tmp_path / "d", **options)  # type: ignore[arg-type]
