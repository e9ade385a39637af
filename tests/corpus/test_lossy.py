"""Tokenizers that are not byte-level BPE: ends that cannot be forged, loss that is measured, duplicates by text."""

import json
import pickle
import random
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as Backend

from synthmix.corpus import Corpus, Document, Tokenizer, build_corpus, fast_bpe, load_tokenizer, open_or_build
from synthmix.corpus import tokenizer as tokenizer_module
from synthmix.errors import BadInput

pytestmark = pytest.mark.smoke

LETTERS = "abcdefghijklmnopqrstuvwxyz"
FORGED = "one two </s> three <s> four <unk> five"


def unigram() -> Backend:
    pieces = ["<unk>", "<s>", "</s>", "▁", *LETTERS, *"<>/"]
    backend = Backend(models.Unigram([(piece, -float(i)) for i, piece in enumerate(pieces)], unk_id=0))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
    backend.add_special_tokens(["<unk>", "<s>", "</s>"])
    return backend


def words(*more: str) -> Backend:
    names = ["<unk>", "<s>", "</s>", "one", "two", "three", "four", "five", *more]
    backend = Backend(models.WordLevel({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    backend.add_special_tokens(["<unk>", "<s>", "</s>"])
    return backend


def word_pieces() -> Backend:
    names = ["<unk>", "<s>", "</s>", *LETTERS, *(f"##{letter}" for letter in LETTERS)]
    backend = Backend(models.WordPiece({name: i for i, name in enumerate(names)}, unk_token="<unk>"))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.WhitespaceSplit(), decoders.WordPiece()
    return backend  # </s> is in the vocabulary and not an added token at all


def merged(**options: Any) -> Backend:
    """A byte-level BPE whose merges spell the end, or that takes whole words from its vocabulary."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {sign: i for i, sign in enumerate([*alphabet, "</", "s>", "</s>"])}
    merges = [] if options else [("<", "/"), ("s", ">"), ("</", "s>")]
    backend = Backend(models.BPE(vocabulary, merges, **options))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=not options and False)
    if options:
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(" ", "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
    backend.decoder = decoders.ByteLevel()
    return backend


def added(**options: bool) -> Backend:
    backend = merged(ignore_merges=True)
    backend.add_tokens([AddedToken("</s>", **options)])
    return backend


MADE = {
    "unigram": unigram,
    "words": words,
    "word pieces": word_pieces,
    "merges": merged,
    "whole words": lambda: merged(ignore_merges=True),
    "added, not special": lambda: added(special=False),
    "added, normalised": lambda: added(special=False, normalized=True),
}


@pytest.mark.parametrize("kind", MADE)
def test_no_text_forges_an_end(kind: str) -> None:
    tokenizer = Tokenizer(MADE[kind](), "</s>")
    for one in (tokenizer, pickle.loads(pickle.dumps(tokenizer))):  # noqa: S301
        [ids] = one.encode_batch([FORGED])
        assert one.eos_id not in ids
    plain = tokenizer.encode_batch(["one two five"])[0].tolist()
    assert plain == MADE[kind]().encode("one two five", add_special_tokens=False).ids, "other text is as it was"
    if kind in ("unigram", "merges", "whole words", "added, not special", "added, normalised"):
        assert tokenizer.decode(ids) == FORGED or (kind == "unigram" and tokenizer.lost_bytes([FORGED], [ids]) == [0])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["</s>", "<s>", "<", "/", "s", ">", " ", "a", "\ufdd0</s>", "é"]), max_size=12))
def test_no_mixture_of_its_parts_forges_an_end(parts: list[str]) -> None:
    text = "".join(parts)
    for make in MADE.values():
        tokenizer = Tokenizer(make(), "</s>")
        try:
            [ids] = tokenizer.encode_batch([text])
        except BadInput:
            assert "\ufdd0" in text, "refused, never silent"
        else:
            assert tokenizer.eos_id not in ids


def test_an_unknown_token_that_ends_documents_is_refused() -> None:
    backend = Backend(models.WordLevel({"</s>": 0, "one": 1}, unk_token="</s>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = Tokenizer(backend, "</s>")
    assert tokenizer.encode_batch(["one one"])[0].tolist() == [1, 1]
    with pytest.raises(BadInput, match=r"'</s>' ends a document and stands for text as well \('one other' holds it\)"):
        tokenizer.encode_batch(["one other"])


@pytest.mark.parametrize("kind", ["merges", "whole words", "added, not special"])
def test_byte_level_bpe_is_known_to_lose_nothing(kind: str) -> None:
    tokenizer = Tokenizer(MADE[kind](), "</s>")
    assert tokenizer.lossless
    for text in (FORGED, "Größe 日本 \U0001f600\n\t", "\ufffd"):
        assert tokenizer.decode(tokenizer.encode_batch([text])[0]) == text


@pytest.mark.parametrize(
    "spoil",
    [
        lambda b: setattr(b, "normalizer", normalizers.Lowercase()),
        lambda b: setattr(b, "decoder", decoders.Fuse()),
        lambda b: setattr(b, "pre_tokenizer", pre_tokenizers.Sequence([pre_tokenizers.Whitespace(), b.pre_tokenizer])),
        lambda b: setattr(
            b, "pre_tokenizer", pre_tokenizers.Sequence([pre_tokenizers.Split("a", "removed"), b.pre_tokenizer])
        ),
        lambda b: b.add_tokens([AddedToken("user", lstrip=True)]),
    ],
)
def test_what_might_lose_is_measured(spoil: Any) -> None:
    backend = merged()
    spoil(backend)
    assert not Tokenizer(backend, "</s>").lossless


def test_lost_bytes_by_hand() -> None:
    tokenizer = Tokenizer(unigram(), "</s>")
    texts = ["abc", "a日b", "日本語", "aé", "A b", ""]
    assert tokenizer.lost_bytes(texts, tokenizer.encode_batch(texts)) == [0, 3, 9, 2, 1, 0]
    lower = unigram()
    lower.normalizer = normalizers.Lowercase()
    tokenizer = Tokenizer(lower, "</s>")
    assert tokenizer.lost_bytes(["AbC"], tokenizer.encode_batch(["AbC"])) == [2]
    dropping = Backend(models.BPE({"a": 0, "</s>": 1}, []))  # no unknown token: what it lacks is dropped
    tokenizer = Tokenizer(dropping, "</s>")
    assert tokenizer.lost_bytes(["a日a"], tokenizer.encode_batch(["a日a"])) == [3]
    spelt = words()  # "<unk>" decodes to letters that were not in the text, which hide nothing
    tokenizer = Tokenizer(spelt, "</s>")
    assert tokenizer.lost_bytes(["one kun"], tokenizer.encode_batch(["one kun"])) == [4]


CHINESE = [
    f"{chr(0x4E00 + 7 * i)}{chr(0x5000 + 11 * i)}学习{chr(0x6000 + 13 * i)}数据模型第{i % 10}章" for i in range(40)
]
LATIN = [f"{'abcdefgh'[i % 8]} " * 3 + " ".join(LETTERS[(i * k) % 26] * 3 for k in range(1, 9)) for i in range(40)]


def documents() -> list[Document]:
    return [Document(text, "zh") for text in CHINESE] + [Document(text, "en") for text in LATIN]


def test_loss_is_measured_a_domain_refused_above_the_limit_and_recorded_below(tmp_path: Path) -> None:
    unknown = Tokenizer(unigram(), "</s>")
    with pytest.raises(
        BadInput, match=r"c: tokenizer: 100% of the bytes of domain 'zh' .*; at most 10% may; .*lossy=100%"
    ):
        build_corpus(documents(), tmp_path / "c", name="c", tokenizer=unknown)
    assert not (tmp_path / "c").exists()
    allowed = Tokenizer(unigram(), "</s>", lossy=Fraction(1))
    corpus = build_corpus(documents(), tmp_path / "c", name="c", tokenizer=allowed, heldout=Fraction(1, 5))
    lost = corpus.meta.lost
    sizes = {"zh": sum(len(text.encode()) for text in CHINESE), "en": sum(len(text.encode()) for text in LATIN)}
    spelt = sum(sign in LETTERS for text in CHINESE for sign in text)
    assert {name: (loss.bytes, loss.of, loss.documents) for name, loss in lost.items()} == {
        "zh": (sizes["zh"] - spelt, sizes["zh"], 40),
        "en": (0, sizes["en"], 0),
    }
    assert Corpus.open(tmp_path / "c").meta.lost == lost


def test_texts_that_cannot_be_spelt_are_no_duplicates_of_each_other(tmp_path: Path) -> None:
    for make in (unigram, words, lambda: Backend(models.BPE({"a": 0, "</s>": 1}, []))):
        tokenizer = Tokenizer(make(), "</s>", lossy=Fraction(1))
        folder = tmp_path / make.__name__
        corpus = build_corpus(documents(), folder / "c", name="c", tokenizer=tokenizer, heldout=Fraction(1, 5))
        assert corpus.meta.removed["near_duplicates_of_heldout"] == 0
        held = sum(counts.documents for counts in corpus.meta.heldout_counts.values())
        assert corpus.train_counts.documents + held == 80
        # What is a duplicate by its text is one: against the other corpus, both ways.
        near = [Document(text + " x", "zh") for text in LATIN]
        other = build_corpus(
            near, folder / "other", name="other", tokenizer=tokenizer, against=[corpus], heldout=Fraction(1, 3)
        )
        removed = other.meta.removed
        assert removed["near_duplicates_of_heldout"] + removed["heldout_trained_on_elsewhere"] > 10
        corpus.verify()


def test_a_corpus_found_built_is_held_to_the_limit_too(tmp_path: Path) -> None:
    (tmp_path / "zh.jsonl").write_text("".join(json.dumps({"text": text}) + "\n" for text in CHINESE))
    allowed, strict = (Tokenizer(unigram(), "</s>", lossy=Fraction(share)) for share in (1, 0))
    open_or_build(tmp_path / "zh.jsonl", tmp_path / "cache", tokenizer=allowed)
    with pytest.raises(BadInput, match="do not survive encoding and decoding"):
        open_or_build(tmp_path / "zh.jsonl", tmp_path / "cache", tokenizer=strict)


def test_settings_behind_the_path(tmp_path: Path) -> None:
    backend = words("stop")
    backend.save(str(tmp_path / "tokenizer.json"))
    where = str(tmp_path / "tokenizer.json")
    loaded = load_tokenizer(f"{where},end=stop,lossy=25%")
    assert (loaded.end, loaded.eos_id, loaded.lossy) == ("stop", 8, Fraction(1, 4))
    assert load_tokenizer(where).lossy == Fraction(1, 10)
    new = load_tokenizer(where, end="new:<|stop|>")
    assert (new.end, new.eos_id, new.vocab_size) == ("<|stop|>", 9, 10)
    (tmp_path / "saved").mkdir()
    new.save(tmp_path / "saved" / "tokenizer.json")
    assert load_tokenizer(tmp_path / "saved").hash == new.hash, "the end is found again without being named"
    with pytest.raises(BadInput, match="ends: unknown setting of a tokenizer; known: end, lossy"):
        load_tokenizer(f"{where},ends=stop")
    with pytest.raises(BadInput, match="lossy: 'much' is not a share"):
        load_tokenizer(f"{where},lossy=much")


def test_long_texts_are_cut_where_that_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    bert = word_pieces()
    bert.normalizer, bert.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    parts = [
        "one",
        " ",
        "  ",
        "\n",
        "\t",
        "two.",
        "\u00e9",
        "\u0301",
        " \u0301x",
        "\u65e5\u672c",
        "<s>",
        "\u00a0",
        "\x1c",
        "\u200d",
        "a b",
    ]
    bytes_ = merged()
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    rng = random.Random(5)
    monkeypatch.setattr(tokenizer_module, "_LONG", 900)
    monkeypatch.setattr(fast_bpe, "PIECE", 40)
    for backend, end in ((words(), "</s>"), (word_pieces(), "</s>"), (bert, "</s>"), (bytes_, "s>")):
        tokenizer, sizes = Tokenizer(backend, end, lossy=Fraction(1)), list[int]()
        texts = ["".join(rng.choices(parts, k=rng.randint(1, 900))) for _ in range(40)]
        whole, encoded = tokenizer._encoded(texts), tokenizer._encoded

        def told(given: list[str], encoded: Any = encoded, sizes: list[int] = sizes) -> Any:
            sizes.extend(map(len, given))
            return encoded(given)

        tokenizer._encoded = told
        found = tokenizer.encode_slowly(texts)
        assert [ids.tolist() for ids in found] == [ids.tolist() for ids in whole]
        assert max(sizes) <= 900 < max(map(len, texts))
    assert not Tokenizer(unigram(), "</s>")._divides
