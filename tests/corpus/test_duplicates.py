"""Near-duplicates within the training part: those that a comparison of every pair finds, whatever the tasks."""

import itertools
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.corpus import Corpus, Document, Tokenizer, build_corpus, duplicates, pack
from synthmix.corpus.near_duplicates import THRESHOLD, jaccard, shingles
from synthmix.corpus.sources import text_hash

from ..in_process import Shuffled


def changed(text: str, words: int, seed: int) -> str:
    """``text`` with a few words in a row replaced: near it, the nearer the fewer."""
    parts, rng = text.split(), random.Random(seed)
    at = rng.randrange(len(parts) - words)
    parts[at : at + words] = [f"new{rng.randrange(10**6)}" for _ in range(words)]
    return " ".join(parts)


@pytest.fixture(scope="module")
def documents(texts: list[str]) -> list[Document]:
    """Texts alone, families of copies with few and with many changed words, and a chain of small steps."""
    texts = [" ".join(texts[at : at + 4]) for at in range(0, 240, 4)] + texts
    found = list(texts[:100])
    for number, text in enumerate(texts[:40]):
        found += [changed(text, 1 + number % 8, seed) for seed in range(number % 4)]
    link = texts[50]
    for seed in range(8):
        link = changed(link, 2, seed)
        found.append(link)
    return [Document(text, "d") for text in found]


def kept_by_hand(documents: list[Document], tokenizer: Tokenizer) -> set[str]:
    """Texts that no other one of a smaller hash nearly duplicates."""
    ordered = sorted({one.text for one in documents}, key=text_hash)
    hashes, ends = shingles(tokenizer.encode_batch(ordered))
    sets = [hashes[a:b] for a, b in itertools.pairwise([0, *ends.tolist()])]
    gone = {
        later
        for earlier, later in itertools.combinations(range(len(sets)), 2)
        if jaccard(sets[earlier], sets[later]) >= THRESHOLD
    }
    return {text for number, text in enumerate(ordered) if number not in gone}


def build(documents: list[Document], to: Path, tokenizer: Tokenizer, **options: Any) -> Corpus:
    return build_corpus(documents, to, name="c", tokenizer=tokenizer, deduplicate=True, **options)


def bytes_of(corpus: Corpus) -> dict[str, bytes]:
    paths = [path for path in sorted(corpus.folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(corpus.folder)): path.read_bytes() for path in paths}


def test_what_every_pair_compared_would_remove(documents: list[Document], tokenizer: Tokenizer, tmp_path: Path) -> None:
    corpus = build(documents, tmp_path / "c", tokenizer)
    expected = kept_by_hand(documents, tokenizer)
    assert set(corpus.texts()) == expected
    assert corpus.meta.removed["near_duplicates"] == len(documents) - len(expected) > 40


def test_the_same_bytes_whatever_the_tasks(
    documents: list[Document], tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options: dict[str, Any] = {"heldout": Fraction(1, 10), "shard_tokens": 5000}
    here = bytes_of(build(documents, tmp_path / "here", tokenizer, **options))
    monkeypatch.setattr("synthmix.corpus.chunks.CHUNK_TOKENS", 8000)
    monkeypatch.setattr(duplicates, "JOINED", 90)
    monkeypatch.setattr(duplicates, "PIECE_TOKENS", 5000)
    monkeypatch.setattr(pack, "_RANGE_TOKENS", 4000)
    for fan_in, engine in ((128, Shuffled()), (3, None)):
        monkeypatch.setattr(pack, "_FAN_IN", fan_in)
        there = bytes_of(
            build(documents, tmp_path / f"there{fan_in}{engine is None}", tokenizer, engine=engine, **options)
        )
        assert there == here


def test_other_corpora_are_compared_with_alike(documents: list[Document], tokenizer: Tokenizer, tmp_path: Path) -> None:
    """All rules across corpora: by threads of this process, and by workers."""
    first = build(documents, tmp_path / "first", tokenizer, heldout=Fraction(1, 5))
    near = [Document(changed(one.text, 1, 7), "e") for one in documents]
    options: dict[str, Any] = {"heldout": Fraction(1, 5), "against": [first]}
    here = build(near, tmp_path / "here", tokenizer, **options)
    there = build(near, tmp_path / "there", tokenizer, engine=Shuffled(), **options)
    assert bytes_of(here) == bytes_of(there)
    assert min(here.meta.removed[rule] for rule in ("near_duplicates_of_heldout", "heldout_trained_on_elsewhere")) > 5


def test_what_a_lossy_tokenizer_cannot_spell_is_compared_by_words(texts: list[str], tmp_path: Path) -> None:
    from tokenizers import Tokenizer as Inner
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    inner = Inner(WordLevel({"<unk>": 0, "<|endoftext|>": 1, "corpus1": 2}, unk_token="<unk>"))
    inner.pre_tokenizer = Whitespace()
    inner.save(str(tmp_path / "tokenizer.json"))
    from synthmix.corpus import load_tokenizer

    tokenizer = load_tokenizer(f"{tmp_path / 'tokenizer.json'},end=<|endoftext|>,lossy=100%")
    whole = " ".join(texts[30:34])
    documents = [Document(text, "d") for text in [*texts[:29], whole, changed(whole, 1, 1)]]
    corpus = build(documents, tmp_path / "c", tokenizer, engine=Shuffled())
    assert corpus.train_counts.documents == 30
    assert corpus.meta.removed["near_duplicates"] == 1
    assert bytes_of(build(documents, tmp_path / "d", tokenizer)) == bytes_of(corpus)


def test_an_update_reads_all_of_it_again(texts: list[str], tokenizer: Tokenizer, tmp_path: Path) -> None:
    import json

    from synthmix.corpus import Source

    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*texts[:20], changed(texts[0], 1, 1)]))
    source, said = Source(files=[str(file)]), list[str]()

    class Said:
        def start(self, *_: Any) -> None: ...
        def update(self, *_: Any, **__: Any) -> None: ...
        def finish(self, *_: Any, **__: Any) -> None: ...
        def say(self, line: str) -> None:
            said.append(line)

    for _ in range(2):
        build_corpus(
            source, tmp_path / "c", name="c", tokenizer=tokenizer, deduplicate=True, update=True, progress=Said()
        )
    assert "all of it is read again: what was removed as a near-duplicate" in said[-1]


def test_no_signature_file_of_a_piece_without_training_text(tokenizer: Tokenizer, tmp_path: Path) -> None:
    documents = [Document(f"text number {number} of few words", "d") for number in range(30)]
    corpus = build(documents, tmp_path / "c", tokenizer, heldout=1)
    assert corpus.train_counts.documents == 0
    assert corpus.meta.removed["near_duplicates"] == 0
    assert np.all([count.documents for count in corpus.meta.heldout_counts.values()])
