"""Tokens of litdata, `datasets` saved to disk and MDS: mapped where they lie in one piece, copied else."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthmix.corpus import Corpus, Source, Tokenizer, build_corpus, mapped
from synthmix.errors import BadInput

from .test_engine import Said


def with_ends(texts: list[str], tokenizer: Tokenizer) -> list[np.ndarray]:
    return [np.append(one, tokenizer.eos_id) for one in tokenizer.encode_batch(texts)]


def litdata(folder: Path, items: list[np.ndarray], dtype: str = "u2") -> Path:
    """A chunk and its index, as litdata writes them: BinaryWriter of 0.2.76 gives chunks of the same bytes."""
    body = [one.astype(f"<{dtype}").tobytes() for one in items]
    offsets = 4 * (len(items) + 2) + np.cumsum([0, *map(len, body)])
    data = np.array([len(items), *offsets], dtype="<u4").tobytes() + b"".join(body)
    path = folder / "chunk-0-0.bin"
    path.write_bytes(data)
    chunk = {"chunk_bytes": len(data), "chunk_size": len(items), "dim": sum(map(len, items)), "filename": path.name}
    code = {"u2": 20, "i4": 16, "i8": 18}[dtype]
    config = {"compression": None, "encryption": None, "data_format": [f"no_header_tensor:{code}"]}
    path.with_name("index.json").write_text(json.dumps({"chunks": [chunk], "config": config}))
    return path


def mds(folder: Path, items: list[np.ndarray], form: str = "ndarray:uint16") -> Path:
    """A shard and its index, as MDSWriter of mosaicml-streaming writes them, with a column of text beside the ids."""
    static = form.count(":") == 2
    width = items[0].itemsize
    sizes = [None, len(items[0]) * width if static else None]
    config = {"column_encodings": ["str", form], "column_names": ["id", "tokens"], "column_sizes": sizes}
    head = json.dumps({"version": 2, "format": "mds", "compression": None, **config}, sort_keys=True).encode()
    samples = []
    for number, one in enumerate(items):
        before = b""
        if form == "ndarray":
            before += bytes([{"uint16": 16, "int32": 33}[one.dtype.name]])
        if form != "bytes" and not static:
            few = len(one) < 256
            before += bytes([1 << 2 | (not few)]) + np.array([len(one)], "u1" if few else "<u2").tobytes()
        columns = [f"row {number}".encode(), before + one.tobytes()]
        told = [len(column) for column, size in zip(columns, sizes, strict=True) if size is None]
        samples.append(np.array(told, "<u4").tobytes() + b"".join(columns))
    offsets = 4 * (len(items) + 2) + len(head) + np.cumsum([0, *map(len, samples)])
    data = np.array([len(items), *offsets], dtype="<u4").tobytes() + head + b"".join(samples)
    path = folder / "shard.00000.mds"
    path.write_bytes(data)
    raw = {"basename": path.name, "bytes": len(data), "hashes": {}}
    path.with_name("index.json").write_text(json.dumps({"shards": [{"samples": len(items), "raw_data": raw}]}))
    return path


def arrow(folder: Path, items: list[np.ndarray], dtype: str = "int32") -> Path:
    """What `datasets` saves: shards of a stream of record batches."""
    datasets = pytest.importorskip("datasets")
    features = datasets.Features({"n": datasets.Value("int64"), "input_ids": datasets.Sequence(datasets.Value(dtype))})
    rows = {"n": list(range(len(items))), "input_ids": [one.tolist() for one in items]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(folder / "saved", num_shards=1)
    [path] = (folder / "saved").glob("*.arrow")
    return path


WRITERS: dict[str, Any] = {"litdata": litdata, "arrow": arrow}


@pytest.mark.parametrize("form", WRITERS)
def test_they_are_mapped_where_they_lie_in_one_piece(
    form: str, tmp_path: Path, texts: list[str], tokenizer: Tokenizer
) -> None:
    path, said = WRITERS[form](tmp_path, with_ends(texts, tokenizer)), Said()
    corpus = build_corpus(
        Source(files=[str(path)]), tmp_path / "c", name="c", tokenizer=tokenizer, progress=said
    )  # fmt: skip
    assert list(corpus.texts()) == texts, "in their own order"
    assert repr(texts[0][:60])[1:-1] in said.lines[0]
    assert list((tmp_path / "c").rglob("*.npy")) == [], "nothing is copied"
    assert corpus.train_counts.documents == len(texts)
    assert corpus.train_counts.bytes == sum(len(text.encode()) for text in texts)
    Corpus.open(tmp_path / "c").verify()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match="checksum differs"):
        Corpus.open(tmp_path / "c").train.verify()


def test_of_many_record_batches_each_is_mapped(tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    items = with_ends(texts, tokenizer)
    schema = pa.schema([("n", pa.int64()), ("ids", pa.list_(pa.int32()))])
    for kind in (pa.ipc.new_stream, pa.ipc.new_file):
        with pa.OSFile(str(tmp_path / "a.arrow"), "wb") as file, kind(file, schema) as writer:
            for at in range(0, len(items), 7):
                part = [one.tolist() for one in items[at : at + 7]]
                writer.write_batch(pa.record_batch({"n": list(range(len(part))), "ids": part}, schema=schema))
        source = Source(files=[str(tmp_path / "a.arrow")], text="ids")
        corpus = build_corpus(source, tmp_path / kind.__name__, name="c", tokenizer=tokenizer)
        assert list(corpus.texts()) == texts
        assert len(corpus.train.shards) == -(-len(items) // 7)
        keys = pq.read_table(tmp_path / kind.__name__ / "documents.parquet").column("key").to_pylist()
        assert keys == [f"{tmp_path}/a.arrow#{number}" for number in range(1, len(items) + 1)]


@pytest.mark.parametrize("form", ["ndarray", "ndarray:uint16", "bytes", "ndarray:int32:64"])
def test_mds_is_copied(form: str, tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    items = [one.astype("<i8" if form == "bytes" else "<u2") for one in with_ends(texts, tokenizer)]
    if form.endswith("64"):  # put together and cut to one length: documents end where their tokens say
        flat = np.concatenate(items)
        items = list(flat[: len(flat) // 64 * 64].astype("<i4").reshape(-1, 64))
    path = mds(tmp_path, items, form)
    corpus = build_corpus(Source(files=[str(path)]), tmp_path / "c", name="c", tokenizer=tokenizer)
    found = sorted(corpus.texts())
    if form.endswith("64"):
        assert set(found) >= set(texts[:-9])
    else:
        assert found == sorted(texts)


def test_wide_ids_and_documents_put_together(tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    items, said = with_ends(texts, tokenizer), Said()
    joined = [np.concatenate(items[at : at + 5]) for at in range(0, len(items), 5)]
    source = Source(files=[str(litdata(tmp_path, joined, "i8"))])
    corpus = build_corpus(source, tmp_path / "c", name="c", tokenizer=tokenizer, progress=said)
    assert sorted(corpus.texts()) == sorted(texts)
    assert any("tokens are copied: their ids are not of one width of 2 or 4 bytes" in line for line in said.lines)
    (tmp_path / "w").mkdir()
    wide = Source(files=[str(arrow(tmp_path / "w", items, "int64"))])
    assert sorted(build_corpus(wide, tmp_path / "d", name="d", tokenizer=tokenizer).texts()) == sorted(texts)


def test_a_mapped_file_that_changes_is_told(
    tmp_path: Path, texts: list[str], tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, hashed = litdata(tmp_path, with_ends(texts, tokenizer)), mapped.file_hash

    def changing(one: Path) -> str:
        found = hashed(one)
        data = path.read_bytes()
        path.write_bytes(data + data[-2:])
        return found

    monkeypatch.setattr(mapped, "file_hash", changing)
    with pytest.raises(BadInput, match=r"chunk-0-0\.bin: changed while it was read"):
        build_corpus(Source(files=[str(path)]), tmp_path / "c", name="c", tokenizer=tokenizer)
    assert not (tmp_path / "c").exists()


def changed_index(path: Path, change: Any) -> None:
    index = path.with_name("index.json")
    about = json.loads(index.read_text())
    change(about)
    index.write_text(json.dumps(about))


def test_what_is_wrong_with_them(tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    items = with_ends(texts[:20], tokenizer)

    def refused(path: Path, said: str, **more: Any) -> None:
        with pytest.raises(BadInput, match=said):
            build_corpus(Source(files=[str(path)], **more), tmp_path / "c", name="c", tokenizer=tokenizer)
        assert not (tmp_path / "c").exists()

    path = litdata(tmp_path, items)
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    refused(path, rf"chunk-0-0.bin: does not match its index \(20 items and {len(data) - 10} bytes, 20 items in index")
    path.write_bytes(data[:3])
    refused(path, "chunk-0-0.bin")
    path.write_bytes(data)
    for key, value, told in (
        ("compression", "zstd", "index.json: compression: its chunks have compression"),
        ("data_format", ["jpeg"], r"index.json: data_format: holds \['jpeg'\]; one tensor of ids"),
    ):
        changed_index(path, lambda about, key=key, value=value: about["config"].update({key: value}))
        refused(path, told)
        litdata(tmp_path, items)
    changed_index(path, lambda about: about["chunks"][0].update(chunk_size=21))
    refused(path, "20 items and .* 21 items in index.json")
    changed_index(path, lambda about: about["chunks"].clear())
    refused(path, "chunk-0-0.bin: chunk-0-0.idx: has no index beside it")
    refused(litdata(tmp_path, [np.array([399, 400])]), "tokenizer: holds the id 400, and the tokenizer has 400")

    path = mds(tmp_path, [one.astype("<u2") for one in items])
    data = path.read_bytes()
    refused(path, "shard.00000.mds: ids: no such column; it has id, tokens", text="ids")
    refused(path, "shard.00000.mds: id: is str, not ids", text="id")
    path.write_bytes(data[:-2])
    refused(path, r"shard.00000.mds: does not match its head")
    path.write_bytes(data)
    changed_index(path, lambda about: about["shards"][0].update(samples=7))
    refused(path, r"shard.00000.mds: does not match its index \(20 samples and .*, 7 and")
    refused(mds(tmp_path, [np.array([1, 999], dtype="<u2")]), "holds the id 999, and the tokenizer has 400")

    path = arrow(tmp_path, items)
    refused(path, "arrow: ids: no such column; it has n, input_ids", text="ids")
    refused(path, "arrow: n: is int64, not lists of ids", text="n")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "arrow: not an Arrow file")
