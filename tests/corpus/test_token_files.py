"""Tokens of other trainers as corpora: mapped where they can be, split and compared like text where they must be."""

import csv
import gzip
import json
import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthmix.corpus import Corpus, Source, Tokenizer, build_corpus, train_tokenizer
from synthmix.corpus.token_files import Spelling, documents, open_tokens
from synthmix.errors import BadInput

from .test_engine import Said

FORMATS = ["megatron", "olmo", "olmo with a table", "npy", "datatrove"]


def write(form: str, folder: Path, texts: list[str], tokenizer: Tokenizer, *, end: bool = True) -> Path:
    """The texts as a trainer's own tool writes them."""
    ids = [np.append(one, tokenizer.eos_id) if end else one for one in tokenizer.encode_batch(texts)]
    flat, ends = np.concatenate(ids).astype("<u2"), np.cumsum([len(one) for one in ids])
    if form == "megatron":
        path = folder / "tokens.bin"
        lengths = np.array([len(one) for one in ids])
        path.with_suffix(".idx").write_bytes(
            b"MMIDIDX\x00\x00"
            + struct.pack("<QBQQ", 1, 8, len(ids), len(ids) + 1)
            + lengths.astype("<i4").tobytes()
            + ((ends - lengths) * 2).astype("<i8").tobytes()
            + np.arange(len(ids) + 1, dtype="<i8").tobytes()
        )
    elif form == "datatrove":
        path = folder / "tokens.ds"
        path.with_name("tokens.ds.index").write_bytes(ends.astype("<u8").tobytes())
        path.with_name("tokens.ds.metadata").write_text(f"gpt2|2\n{len(flat)}\n1K")
    else:
        path = folder / "tokens.npy"
        if form == "npy":
            np.save(path, flat)
            return path
        if form == "olmo with a table":
            with gzip.open(path.with_suffix(".csv.gz"), "wt", newline="") as file:
                rows = zip(np.concatenate([[0], ends[:-1]]).tolist(), ends.tolist(), strict=True)
                csv.writer(file).writerows([start, stop, "id", "src", 0] for start, stop in rows)
    path.write_bytes(flat.tobytes())
    return path


@pytest.mark.parametrize("form", FORMATS)
def test_tokens_are_mapped_where_they_lie(form: str, tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    path, said = write(form, tmp_path, texts, tokenizer), Said()
    source = Source(files=[str(path)])
    corpus = build_corpus(source, tmp_path / "c", name="c", tokenizer=tokenizer, progress=said)
    assert list(corpus.texts()) == texts, "in their own order"
    assert repr(texts[0][:60])[1:-1] in said.lines[0]
    assert sorted(one.name for one in (tmp_path / "c").rglob("*.npy")) == [], "nothing is copied"
    assert corpus.train_counts.bytes == sum(len(text.encode()) for text in texts)
    assert corpus.train_counts.documents == len(texts)
    assert len(corpus.train) == corpus.train_counts.tokens == sum(map(len, tokenizer.encode_batch(texts))) + len(texts)
    Corpus.open(tmp_path / "c").verify()
    data = bytearray(path.read_bytes())
    data[-4] ^= 1
    path.write_bytes(data)
    with pytest.raises(BadInput, match="checksum differs"):
        Corpus.open(tmp_path / "c").train.verify()
    path.write_bytes(data[:-2])
    with pytest.raises(BadInput, match=r"tokens\.\w+: damaged shard"):
        Corpus.open(tmp_path / "c")


@pytest.mark.parametrize("form", ["megatron", "olmo", "datatrove"])
def test_where_something_is_held_out_they_are_split_and_hashed_like_text(
    form: str, tmp_path: Path, texts: list[str], tokenizer: Tokenizer
) -> None:
    lines = [json.dumps({"text": text}) for text in texts]
    (tmp_path / "a.jsonl").write_text("\n".join([*lines, *lines[:9]]))
    of_text = build_corpus(
        Source(files=[str(tmp_path / "a.jsonl")]), tmp_path / "t", name="c", tokenizer=tokenizer, heldout=Fraction(1, 9)
    )
    path, said = write(form, tmp_path, [*texts, *texts[:9]], tokenizer), Said()
    of_tokens = build_corpus(
        Source(files=[str(path)]), tmp_path / "c", name="c", tokenizer=tokenizer, heldout=Fraction(1, 9), progress=said
    )
    assert of_tokens.id == of_text.id
    assert of_tokens.meta.removed == of_text.meta.removed
    assert any("tokens are copied: documents are held out" in line for line in said.lines)
    both = build_corpus(
        Source(files=[str(path), str(tmp_path / "a.jsonl")]), tmp_path / "b", name="c", tokenizer=tokenizer,
    )  # fmt: skip
    assert sorted(both.texts()) == sorted(texts)


def test_a_column_of_ids(tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    ids = [one.tolist() for one in tokenizer.encode_batch(texts[:30])]
    pq.write_table(pa.table({"input_ids": [*ids[:-1], [*ids[-1], tokenizer.eos_id]]}), tmp_path / "a.parquet")
    source = Source(files=[str(tmp_path / "a.parquet")], format="tokens")
    corpus = build_corpus(source, tmp_path / "c", name="c", tokenizer=tokenizer)
    assert sorted(corpus.texts()) == sorted(texts[:30])
    pq.write_table(pa.table({"input_ids": [[1, 9999]], "n": [1]}), tmp_path / "a.parquet")
    for field, said in (
        ("text", r"a.parquet: tokenizer: holds the id 9999, and the tokenizer has 400"),
        ("ids", r"a.parquet: ids: no such column; it has input_ids, n"),
        ("n", r"a.parquet: n: is int64, not lists of ids"),
    ):
        with pytest.raises(BadInput, match=said):
            build_corpus(source.model_copy(update={"text": field}), tmp_path / "d", name="d", tokenizer=tokenizer)


def test_documents_without_an_end_are_copied_and_given_one(
    tmp_path: Path, texts: list[str], tokenizer: Tokenizer
) -> None:
    path, said = write("megatron", tmp_path, texts, tokenizer, end=False), Said()
    corpus = build_corpus(Source(files=[str(path)]), tmp_path / "c", name="c", tokenizer=tokenizer, progress=said)
    assert sorted(corpus.texts()) == sorted(texts)
    assert f"copied: {len(texts)} documents without an end-of-document token" in said.lines[1]


def test_other_trainers_own_tools_wrote_it(tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    indexed = pytest.importorskip("megatron.core.datasets.indexed_dataset", reason="needs megatron-core")
    import torch

    builder = indexed.IndexedDatasetBuilder(str(tmp_path / "m.bin"), dtype=np.int32)
    for ids in tokenizer.encode_batch(texts[:20]):
        builder.add_document(torch.tensor([*ids.tolist(), tokenizer.eos_id]), [len(ids) + 1])
    builder.finalize(str(tmp_path / "m.idx"))
    corpus = build_corpus(Source(files=[str(tmp_path / "m.bin")]), tmp_path / "c", name="c", tokenizer=tokenizer)
    assert list(corpus.texts()) == texts[:20]
    assert corpus.train.dtype == np.dtype("<u4")


def test_bad_token_files_are_one_line(tmp_path: Path, texts: list[str], tokenizer: Tokenizer) -> None:
    def said(path: Path, message: str, used: Tokenizer = tokenizer) -> None:
        with pytest.raises(BadInput, match=message):
            build_corpus(Source(files=[str(path)]), tmp_path / "c", name="c", tokenizer=used)
        assert not (tmp_path / "c").exists()

    megatron = write("megatron", tmp_path, texts, tokenizer)
    whole, index = megatron.read_bytes(), megatron.with_suffix(".idx").read_bytes()
    megatron.write_bytes(whole[:-20])
    said(megatron, r"tokens\.bin: does not match its index \(\d+ bytes, \d+ in tokens\.idx\)")
    megatron.write_bytes(whole)
    megatron.with_suffix(".idx").write_bytes(index[:-20])
    said(megatron, r"tokens\.idx: is cut short \(\d+ bytes for 300 sequences\)")
    megatron.with_suffix(".idx").write_bytes(b"something else")
    said(megatron, r"tokens\.idx: is no index of Megatron-LM")
    megatron.with_suffix(".idx").unlink()
    said(megatron, r"tokens\.bin: tokens\.idx: has no index beside it")
    megatron.with_suffix(".idx").write_bytes(index)
    said(megatron, r"tokens\.bin: tokenizer: holds the id \d+, and the tokenizer has 300", train_tokenizer(texts, 300))
    datatrove = write("datatrove", tmp_path, texts, tokenizer)
    ends = np.frombuffer(datatrove.with_name("tokens.ds.index").read_bytes(), "<u8")
    datatrove.with_name("tokens.ds.index").write_bytes(ends[:-1].tobytes())
    said(datatrove, r"tokens\.ds: does not match its index \(\d+ tokens, \d+ in tokens\.ds\.index\)")
    olmo = write("olmo", tmp_path, texts, tokenizer)
    olmo.write_bytes(olmo.read_bytes()[:-1])
    said(olmo, r"tokens\.npy: is cut short \(\d+ bytes are no whole number of 2-byte ids\)")
    olmo.write_bytes(b"")
    said(olmo, r"tokens\.npy: holds no tokens")
    with pytest.raises(BadInput, match=r"tokens\.ds: holds tokens, and text is needed; build a corpus of it"):
        load_text(datatrove)


def load_text(path: Path) -> list[str]:
    from synthmix.corpus import read_documents

    return [one.text for one in read_documents(Source(files=[str(path)]), domain="d")]


def test_the_bytes_of_ids_are_those_of_the_text(tmp_path: Path, tokenizer: Tokenizer) -> None:
    texts = ["Größe → 日本 \U0001f600", "  leading\n\ttabs ", "<|endoftext|>", "plain"]
    [found] = open_tokens(write("datatrove", tmp_path, texts, tokenizer), tokenizer)
    spelling = Spelling(tokenizer)
    assert [data.decode() for _, data, _ in documents(found, tokenizer, spelling)] == texts
    assert spelling.sizes(found, tokenizer.eos_id).tolist() == [len(text.encode()) for text in texts]
