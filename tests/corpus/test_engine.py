"""Builds whose units are read by an engine's workers: equal bytes, and gone on with after an interruption."""

import json
import random
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from synthmix.corpus import Source, Tokenizer, build_corpus, ingest
from synthmix.errors import BadInput, Failure

SHARE = Fraction(1, 10)


class Workers:
    """Does the tasks here, in an order of its own; ``most``: of one call, before its node is lost."""

    def __init__(self, seed: int = 0, most: int = 10**6) -> None:
        self.seed, self.most, self.did = seed, most, list[str]()

    def check_folder(self, folder: Path, *, reads: Sequence[str] = ()) -> None:
        assert folder.is_dir()
        assert all(Path(path).exists() for path in reads)

    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = lambda: None
    ) -> Iterator[tuple[Any, Any]]:
        for number, item in enumerate(random.Random(self.seed).sample(list(items), len(items))):
            if number == self.most:
                yield item, Failure("its worker or node was lost 3 times", where=item.label)
            if task is ingest.ingest_unit:
                self.did.append(Path(item.label).name)
            try:
                yield item, task(item)
            except BadInput as error:
                yield item, error


@pytest.fixture
def files(tmp_path: Path, texts: list[str], monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Six files with some texts in common, each a unit, cut into chunks of a few documents."""
    monkeypatch.setattr(ingest, "UNIT_BYTES", 1)
    monkeypatch.setattr("synthmix.corpus.chunks.CHUNK_TOKENS", 4000)
    monkeypatch.setattr("synthmix.corpus.pack._RANGE_TOKENS", 3000)
    made = []
    for number in range(6):
        own = [*texts[number * 40 : number * 40 + 55], "", f"{texts[number]} and a little more"]
        lines = [json.dumps({"text": text, "d": f"domain {i % 3}"}) for i, text in enumerate(own)]
        made.append(tmp_path / f"in{number}.jsonl")
        made[-1].write_text("\n".join(lines))
    return made


def build(files: list[Path], to: Path, tokenizer: Tokenizer, engine: Any = None, **options: Any) -> dict[str, bytes]:
    source = Source(files=[str(path) for path in files], domain_field="d")
    build_corpus(source, to, name="c", tokenizer=tokenizer, heldout=SHARE, engine=engine, shard_tokens=2000, **options)
    return {str(path.relative_to(to)): path.read_bytes() for path in sorted(to.rglob("*")) if path.is_file()}


def test_the_same_bytes_whatever_the_workers(files: list[Path], tmp_path: Path, tokenizer: Tokenizer) -> None:
    here = build(files, tmp_path / "here", tokenizer)
    assert len(here) > 10
    for seed in range(3):
        engine = Workers(seed)
        assert build(files, tmp_path / f"there{seed}", tokenizer, engine) == here
        assert sorted(engine.did) == [path.name for path in files]
    assert not list(tmp_path.glob(".*")), "nothing of the building is left"
    meta = json.loads(here["corpus.json"])
    assert meta["removed"]["exact_duplicates"] == 5 * 15
    assert meta["removed"]["empty"] == 6


def test_units_and_chunks_change_no_byte(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = build(files, tmp_path / "many", tokenizer)
    monkeypatch.setattr(ingest, "UNIT_BYTES", 10**9)
    monkeypatch.setattr("synthmix.corpus.chunks.CHUNK_TOKENS", 10**9)
    monkeypatch.setattr("synthmix.corpus.pack._RANGE_TOKENS", 10**9)
    assert build(files, tmp_path / "one", tokenizer) == many


def test_an_interrupted_build_goes_on_with_what_is_left(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer
) -> None:
    here = build(files, tmp_path / "here", tokenizer)
    first, second = Workers(1, most=4), Workers(2)
    with pytest.raises(Failure, match="its worker or node was lost"):
        build(files, tmp_path / "there", tokenizer, first)
    assert not (tmp_path / "there").exists(), "nothing half-built is taken for whole"
    left = sorted((tmp_path / ".there.chunks").glob("*.json"))
    damaged = left[0]
    damaged.write_text(damaged.read_text()[:-20])
    changed = next(path for path in files if path.name == first.did[2])
    changed.write_text(changed.read_text())  # the same text at another time: read again, as another text would be
    assert build(files, tmp_path / "there", tokenizer, second) == here
    assert len(first.did) == 4
    assert 2 <= len(second.did) <= 4
    assert changed.name in second.did
    assert not (tmp_path / ".there.chunks").exists()


class Breaking(Workers):
    """Loses the node of the task with this label."""

    def __init__(self, label: str) -> None:
        super().__init__()
        self.label = label

    def each(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = lambda: None
    ) -> Iterator[tuple[Any, Any]]:
        for item, result in super().each(task, items):
            if task is not ingest.ingest_unit and item.label == self.label:
                result = Failure("its worker or node was lost 3 times", where=item.label)
            yield item, result


@pytest.mark.parametrize("label", ["band 3", "train shard 1"])
def test_a_build_that_ends_in_a_later_stage_reads_nothing_again(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, label: str
) -> None:
    with pytest.raises(Failure, match=f"{label}: its worker"):
        build(files, tmp_path / "there", tokenizer, Breaking(label), deduplicate=True)
    assert not (tmp_path / "there").exists(), "nothing half-built is taken for whole"
    second = Workers()
    found = build(files, tmp_path / "there", tokenizer, second, deduplicate=True)
    assert second.did == []
    assert found == build(files, tmp_path / "here", tokenizer, deduplicate=True)


def test_what_a_worker_cannot_read_is_one_line(files: list[Path], tmp_path: Path, tokenizer: Tokenizer) -> None:
    files[3].write_text('{"text": "good", "d": "x"}\nbad\n')
    with pytest.raises(BadInput, match=r"in3\.jsonl:2: not JSON"):
        build(files, tmp_path / "there", tokenizer, Workers())
    assert not (tmp_path / "there").exists()


def test_a_file_that_changes_while_it_is_read_is_refused(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ingest.read_documents

    def growing(source: Source, **options: Any) -> Any:
        yield from read(source, **options)
        if source.files == [str(files[2])]:
            with files[2].open("a") as file:
                file.write('\n{"text": "more", "d": "x"}')

    monkeypatch.setattr(ingest, "read_documents", growing)
    with pytest.raises(BadInput, match=r"in2\.jsonl: changed while it was read; run it again once the file is whole"):
        build(files, tmp_path / "there", tokenizer)
    assert not (tmp_path / "there").exists()


class Said:
    """A progress that keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def start(self, *_: Any) -> None: ...
    def update(self, *_: Any, **__: Any) -> None: ...
    def finish(self, *_: Any, **__: Any) -> None: ...
    def say(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are read."""
    names: list[str] = []
    real = ingest.read_documents

    def noted(source: Source, **options: Any) -> Any:
        names.extend(Path(path).name for path in source.files or [])
        return real(source, **options)

    monkeypatch.setattr(ingest, "read_documents", noted)
    return names


def shards(found: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in found.items() if name.endswith(".npy") or name == "documents.parquet"}


def test_files_that_are_added_are_all_that_is_read(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, read: list[str]
) -> None:
    fresh = build(files, tmp_path / "fresh", tokenizer)
    build(files[2:5], tmp_path / "c", tokenizer)
    read.clear()
    said = Said()
    added = build(files, tmp_path / "c", tokenizer, update=True, progress=said)
    assert read == ["in0.jsonl", "in1.jsonl", "in5.jsonl"], "two of them before those that were there"
    assert shards(added) == shards(fresh)
    one, two = (json.loads(each["corpus.json"]) for each in (added, fresh))
    assert (one["id"], one["removed"], one["train"]) == (two["id"], two["removed"], two["train"])
    assert "3 files as before; 3 new (" in said.lines[0]
    read.clear()
    assert shards(build(files, tmp_path / "c", tokenizer, update=True)) == shards(fresh)
    assert read == []


def test_files_that_changed_or_are_gone_bring_back_what_repeated_them(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, read: list[str], texts: list[str]
) -> None:
    build(files, tmp_path / "c", tokenizer)
    files[0].unlink()
    files[3].write_text(json.dumps({"text": texts[250] + " changed", "d": "domain 1"}))
    files[4].rename(files[4].with_name("moved.jsonl"))
    now = [*files[1:4], tmp_path / "moved.jsonl", files[5]]
    fresh = build(now, tmp_path / "fresh", tokenizer)
    read.clear()
    said = Said()
    assert shards(build(now, tmp_path / "c", tokenizer, update=True, progress=said)) == shards(fresh)
    assert "in3.jsonl" in read
    assert "in1.jsonl" in read, "it repeats texts of in0.jsonl"
    assert "1 changed" in said.lines[0]
    assert "gone" in said.lines[0]


def test_what_cannot_be_taken_over_is_read_again_with_the_reason(
    files: list[Path], tmp_path: Path, tokenizer: Tokenizer, read: list[str]
) -> None:
    build(files, tmp_path / "c", tokenizer)
    read.clear()
    said, source = Said(), Source(files=[str(path) for path in files], domain_field="d")
    build_corpus(
        source, tmp_path / "c", name="c", tokenizer=tokenizer, heldout=Fraction(1, 5), update=True, progress=said
    )
    assert len(read) == 6
    assert "all of it is read again: heldout is 1/5, and was 1/10" in said.lines[0]
