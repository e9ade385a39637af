import errno
import json
import random
from fractions import Fraction

import numpy as np
import pytest

from synthmix.corpus import (
    Corpus,
    Document,
    Source,
    build_corpus,
    duplicates,
    load_tokenizer,
    open_or_build,
    read_documents,
    train_texts,
)
from synthmix.corpus import train_tokenizer as train
from synthmix.corpus.load import identity
from synthmix.corpus.sources import text_hash
from synthmix.errors import BadInput, Failure
from synthmix.files import read_json

pytestmark = pytest.mark.smoke

SHARE = Fraction(1, 10)


def documents(texts, domain="web"):
    return [Document(text, domain, f"d{number}") for number, text in enumerate(texts)]


@pytest.fixture
def corpus(tmp_path, texts, tokenizer) -> Corpus:
    mixed = [*documents(texts[:200], "web/news"), *documents(texts[200:], "wiki")]
    return build_corpus(mixed, tmp_path / "c", name="c", tokenizer=tokenizer, heldout=SHARE, shard_tokens=1000)


def test_every_document_is_there_once_on_one_side(corpus: Corpus, texts):
    train_side, held = list(corpus.texts("train")), list(corpus.texts("heldout"))
    assert sorted(train_side + held) == sorted(texts)
    assert not set(train_side) & set(held)
    assert 15 <= len(held) <= 45  # 30 expected of 300; 15 is 2.9 standard deviations away
    assert corpus.heldout_domains == ["web/news", "wiki"]
    assert set(corpus.texts("heldout", "wiki")) <= set(texts[200:])


def test_counts_add_up(corpus: Corpus, texts, tokenizer):
    tokens = {text: len(ids) + 1 for text, ids in zip(texts, tokenizer.encode_batch(texts), strict=True)}
    for domain in corpus.heldout_domains:
        held = list(corpus.texts("heldout", domain))
        counts = corpus.heldout_counts(domain)
        assert counts.documents == len(held)
        assert counts.tokens == sum(tokens[text] for text in held) == len(corpus.heldout(domain))
        assert counts.bytes == sum(len(text.encode()) for text in held)
        stream = corpus.heldout(domain).read(0, counts.tokens)
        assert np.count_nonzero(stream == tokenizer.eos_id) == counts.documents
        assert stream[-1] == tokenizer.eos_id
    assert corpus.train_counts.tokens == len(corpus.train) == sum(tokens[t] for t in corpus.texts("train"))
    assert len(corpus.meta.streams["train"]) == -(-len(corpus.train) // 1000)


def test_keys_lead_back(corpus: Corpus, texts):
    for document in corpus.documents("train", "wiki", limit=5):
        assert texts[200 + int(document.key[1:])] == document.text


def test_the_id_is_the_content(tmp_path, texts, tokenizer, corpus: Corpus):
    mixed = [*documents(texts[:200], "web/news"), *documents(texts[200:], "wiki")]
    random.Random(5).shuffle(mixed)
    again = build_corpus(mixed, tmp_path / "d", name="other", tokenizer=tokenizer, heldout=SHARE, shard_tokens=1000)
    assert again.id == corpus.id
    assert again.train.read(0, 2500).tolist() == corpus.train.read(0, 2500).tolist()
    fewer = build_corpus(mixed[1:], tmp_path / "e", name="c", tokenizer=tokenizer, heldout=SHARE, shard_tokens=1000)
    assert fewer.id != corpus.id


def test_a_prefix_holds_the_domains_in_proportion(corpus: Corpus):
    first = list(corpus.documents("train", limit=90))
    web = sum(document.domain == "web/news" for document in first)
    assert 44 <= web <= 76  # 60 expected, standard deviation 4: the order is by hash, not by file


def test_the_split_is_the_same_in_every_corpus(tmp_path, texts, tokenizer, corpus: Corpus):
    half = build_corpus(documents(texts[::2]), tmp_path / "half", name="half", tokenizer=tokenizer, heldout=SHARE)
    assert set(half.texts("heldout")) == set(corpus.texts("heldout")) & set(texts[::2])


def test_what_is_removed_is_counted(tmp_path, texts, tokenizer):
    held = set(
        build_corpus(documents(texts), tmp_path / "a", name="a", tokenizer=tokenizer, heldout=SHARE).texts("heldout")
    )
    near = [text + f" x{n}" for text in sorted(held) for n in range(3)]
    corpus = build_corpus(
        documents([*texts, "", "  \n", *texts[:4], *near]), tmp_path / "b", name="b", tokenizer=tokenizer, heldout=SHARE
    )
    near_held = [text for text in corpus.texts("heldout") if text not in held]
    assert corpus.meta.removed == {
        "empty": 2,
        "exact_duplicates": 4,
        "near_duplicates_of_heldout": len(near) - len(near_held),
        "heldout_trained_on_elsewhere": 0,
    }
    assert corpus.train_counts.documents == len(texts) - len(held)


def test_nothing_held_out_elsewhere_is_trained_on(tmp_path, texts, tokenizer, make_text, corpus: Corpus):
    held = list(corpus.texts("heldout"))
    rewritten = [text + " and a little more" for text in held[:5]]
    fresh = [make_text(seed) for seed in range(1000, 1050)]
    other = build_corpus(
        documents(rewritten + fresh), tmp_path / "s", name="s", tokenizer=tokenizer, against=[corpus], kind="synthetic"
    )
    assert other.meta.removed["near_duplicates_of_heldout"] == 5
    assert sorted(other.texts()) == sorted(fresh)
    assert other.meta.against == [corpus.id]


def test_nothing_trained_on_elsewhere_is_held_out(tmp_path, tokenizer, make_text, corpus: Corpus):
    trained = [text + " and a little more" for text in corpus.texts("train", limit=6)]
    fresh = [make_text(seed) for seed in range(2000, 2010)]
    test = build_corpus(
        documents(trained + fresh), tmp_path / "t", name="t", tokenizer=tokenizer, against=[corpus], heldout=1
    )
    assert test.meta.removed["heldout_trained_on_elsewhere"] == 6
    assert sorted(test.texts("heldout")) == sorted(fresh)
    assert len(test.train) == 0


def test_a_failed_build_leaves_nothing(tmp_path, tokenizer):
    (tmp_path / "in.jsonl").write_text('{"text": "good"}\nbad\n')
    with pytest.raises(BadInput, match=r"in\.jsonl:2: not JSON"):
        build_corpus(Source(files=[str(tmp_path / "in.jsonl")]), tmp_path / "out", name="n", tokenizer=tokenizer)
    assert [path.name for path in tmp_path.iterdir()] == ["in.jsonl"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path, texts, tokenizer, monkeypatch):
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("synthmix.corpus.shards.np.save", full)
    with pytest.raises(Failure, match="the disk is full; free some space"):
        build_corpus(documents(texts), tmp_path / "out", name="n", tokenizer=tokenizer)
    assert list(tmp_path.iterdir()) == []


def test_bad_builds(tmp_path, texts, tokenizer, corpus: Corpus):
    with pytest.raises(BadInput, match="holds only empty documents"):
        build_corpus(documents(["", " "]), tmp_path / "x", name="x", tokenizer=tokenizer)
    with pytest.raises(BadInput, match="x: heldout: holding out 1/10000 of 3 documents holds out none"):
        build_corpus(documents(texts[:3]), tmp_path / "x", name="x", tokenizer=tokenizer, heldout=Fraction(1, 10_000))
    with pytest.raises(BadInput, match="x: no document is left to train on"):
        build_corpus(
            documents(texts[:3]), tmp_path / "x", name="x", tokenizer=tokenizer, heldout=Fraction(9999, 10_000)
        )
    with pytest.raises(BadInput, match="built with another tokenizer"):
        build_corpus(documents(texts), tmp_path / "x", name="x", tokenizer=train(texts, 300), against=[corpus])
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="a file stands where a folder is needed"):
        build_corpus(documents(texts), tmp_path / "file" / "x", name="x", tokenizer=tokenizer)


def test_damaged_corpora_are_named(corpus: Corpus, texts):
    shard = corpus.folder / corpus.meta.streams["train"][0].path
    whole = shard.read_bytes()
    shard.write_bytes(whole[:100])
    with pytest.raises(BadInput, match=r"train/00000.npy: damaged shard \(100 bytes"):
        Corpus.open(corpus.folder)
    shard.write_bytes(whole[:-2] + b"\x01\x01")
    with pytest.raises(BadInput, match="checksum differs"):
        Corpus.open(corpus.folder).verify()
    shard.write_bytes(whole)
    Corpus.open(corpus.folder).verify()
    train(texts, 300).save(corpus.folder / "tokenizer.json")
    with pytest.raises(BadInput, match="the tokenizer does not match the shards"):
        corpus.tokenizer()
    record = corpus.folder / "corpus.json"
    good = read_json(record)
    for bad, said in (
        ("{", "corpus.json: is damaged"),
        (json.dumps({**good, "format": 99}), "has format 99"),
        (json.dumps({**good, "dtype": 3}), "corpus.json: dtype: is damaged"),
    ):
        record.write_text(bad)
        with pytest.raises(BadInput, match=said):
            Corpus.open(corpus.folder)
    record.unlink()
    with pytest.raises(BadInput, match="no corpus here"):
        Corpus.open(corpus.folder)


def test_unknown_domain(corpus: Corpus):
    with pytest.raises(BadInput, match="nothing held out of domain 'x'; there is web/news, wiki"):
        corpus.heldout("x")


def test_a_limit_in_tokens(tmp_path, texts, tokenizer):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    source = Source(files=[str(tmp_path / "a.jsonl")], limit="2k tokens", limit_by="first")
    corpus = build_corpus(source, tmp_path / "c", name="c", tokenizer=tokenizer)
    lengths = [len(ids) + 1 for ids in tokenizer.encode_batch(texts)]
    enough = next(n for n in range(len(texts)) if sum(lengths[:n]) >= 2000)
    assert set(corpus.texts()) == set(texts[:enough])
    assert 2000 <= corpus.train_counts.tokens < 2000 + max(lengths)
    assert corpus.meta.sources == [{"files": [str(tmp_path / "a.jsonl")], "limit": "2000 tokens", "limit_by": "first"}]


def test_a_limit_is_a_uniform_sample_and_part_of_a_larger_one(tmp_path, texts, tokenizer):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in [*texts, *texts[:50], ""]))
    (tmp_path / "b.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[:100]))
    files = [str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")]
    ordered = sorted(texts, key=text_hash)
    lengths = [len(ids) + 1 for ids in tokenizer.encode_batch(ordered)]
    before: list[str] = []
    for tokens in (2000, 20_000, 10**9):
        source = Source(files=files, limit=f"{tokens} tokens")
        corpus = build_corpus(source, tmp_path / f"c{tokens}", name="c", tokenizer=tokenizer)
        enough = next((n for n in range(len(texts)) if sum(lengths[:n]) >= tokens), len(texts))
        found = list(corpus.texts())
        assert found == ordered[:enough]
        assert found[: len(before)] == before
        before = found
    of_documents = Source(files=files, limit="70 documents")
    corpus = build_corpus(of_documents, tmp_path / "d", name="d", tokenizer=tokenizer)
    assert list(corpus.texts()) == ordered[:70]
    read = [document.text for document in read_documents(of_documents, domain="d")]
    assert read == [text for text in texts if text in set(ordered[:70])], "in reading order, each once"
    whole = [document.text for document in read_documents(Source(files=files, limit="1k documents"), domain="d")]
    assert whole == texts


def test_train_texts_are_the_training_side(tmp_path, texts, tokenizer, corpus: Corpus):
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    source = Source(files=[str(tmp_path / "a.jsonl")])
    side = list(train_texts(source, heldout=SHARE))
    assert sorted(side) == sorted(corpus.texts("train"))
    some = list(train_texts(source, heldout=SHARE, limit_bytes=2000))
    assert some == side[: len(some)]
    assert 2000 <= sum(map(len, some)) < 2000 + len(some[-1])


def test_open_or_build_builds_once_and_again_when_the_text_changes(tmp_path, texts, tokenizer):
    path, cache = tmp_path / "my.text.jsonl", tmp_path / "cache"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    assert open_or_build(path, cache, tokenizer=tokenizer, heldout=SHARE, build=False) is None
    assert not cache.exists()
    first = open_or_build(path, cache, tokenizer=tokenizer, heldout=SHARE)
    looked = open_or_build(path, cache, tokenizer=tokenizer, heldout=SHARE, build=False)
    assert looked is not None
    assert looked.id == first.id
    assert first.name == "my"
    stamp = (first.folder / "corpus.json").stat().st_mtime_ns
    again = open_or_build(str(path), cache, tokenizer=tokenizer, heldout=SHARE)
    assert again.folder == first.folder
    assert (again.folder / "corpus.json").stat().st_mtime_ns == stamp
    assert open_or_build(path, cache, tokenizer=tokenizer).folder != first.folder  # another held-out share
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts[1:]))
    assert open_or_build(path, cache, tokenizer=tokenizer, heldout=SHARE).id != first.id
    assert open_or_build(first.folder, cache, tokenizer=tokenizer).id == first.id
    with pytest.raises(BadInput, match="built with another tokenizer"):
        open_or_build(first.folder, cache, tokenizer=train(texts, 300))


def test_a_changed_dataset_folder_is_another_source(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.jsonl").write_text('{"text": "one"}')
    source = Source(dataset=str(tmp_path / "data"))
    before = identity(source)
    assert identity(source) == before
    (tmp_path / "data" / "a.jsonl").write_text('{"text": "two"}')
    assert identity(source) != before
    assert identity(Source(dataset="org/name")) != identity(Source(dataset="org/name", split="test"))


def test_a_corpus_carries_its_tokenizer(corpus: Corpus, tokenizer):
    assert load_tokenizer(corpus.folder).hash == tokenizer.hash == corpus.meta.tokenizer_hash


def test_what_is_held_out_elsewhere_is_indexed_once_for_many_corpora(
    corpus: Corpus, tmp_path, texts, tokenizer, monkeypatch
):
    """Also those that hold nothing out are no part of it: else three hundred corpora would read each other."""
    duplicates._heldout_index.cache_clear()
    read: list[str] = []
    whole = Corpus.compared_documents

    def counted(one: Corpus, split: str = "train", **more):
        read.append(f"{one.meta.name} {split}")
        return whole(one, split, **more)

    monkeypatch.setattr(Corpus, "compared_documents", counted)
    made = [corpus]
    for number in range(4):
        fresh = [f"{number} new {text}" for text in texts[: 20 + number]]
        held = next(iter(corpus.texts("heldout")))
        one = build_corpus(
            documents([held, *fresh]), tmp_path / f"{number}", name=f"n{number}", tokenizer=tokenizer, against=made
        )
        assert one.meta.removed["near_duplicates_of_heldout"] >= 1
        made.append(one)
    assert read == ["c heldout"]
