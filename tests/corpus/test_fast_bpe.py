"""`tiktoken` in the place of `tokenizers`: the same ids for any text, or not used."""

import json
import random
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from synthmix.corpus import Tokenizer, fast_bpe, pretokens
from synthmix.corpus.encoding import Encoding
from synthmix.corpus.fast_bpe import PIECE, FastEncoder, mergeable_ranks, pieces
from synthmix.corpus.pretokens import GPT2, LLAMA3, QWEN

END = "<|endoftext|>"
TRAINED_ON = [
    "the cat's hat isn't what they'll say we've said, I'd say; I'm at 12345 of 678 things  and   more\n\n\tthere ",
    "Größe straße naïve café Ελληνικά Привет мир привет 日本語の文章です。日本語 한국어 텍스트 نص عربي हिन्दी ١٢٣ ",
    "def f(x):\r\n    return x**2 + 1  # comment\r\n\r\n\r\nif __name__ == '__main__':\n\tprint(f(10))   \n",
    "aaaaaaaa bbbb aaab abab    \u00a0\u2003 …—“quoted” 🙂🙂 e\u0301 \u200d <|endoftext|> <tool> </tool> ",
]


def byte_level(use_regex: bool = True) -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=use_regex)


def split(pattern: str) -> Any:
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), byte_level(False)])


KINDS: dict[str, Callable[[], Any]] = {
    "gpt2": byte_level,
    "llama3": lambda: split(LLAMA3),
    "qwen": lambda: split(QWEN),
    "digits": lambda: pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level()]),
}


def trained(kind: str, vocabulary: int = 420, texts: list[str] = TRAINED_ON) -> Backend:
    backend = Backend(models.BPE())
    backend.pre_tokenizer, backend.decoder = KINDS[kind](), decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    backend.train_from_iterator(texts * 3, trainer=trainer)
    return backend


def fast(backend: Backend) -> Tokenizer:
    return Tokenizer(backend, END)


def qwen_like() -> Backend:
    backend = trained("qwen")
    backend.normalizer = normalizers.NFC()
    backend.add_tokens([AddedToken("<tool>", special=False), AddedToken("</tool>", normalized=True, special=False)])
    return backend


def whole_words() -> Backend:
    """As Llama 3 has it: words are looked up before they are merged, and some of the vocabulary is no merge's."""
    state = json.loads(trained("llama3").to_str())
    vocabulary = state["model"]["vocab"]
    vocabulary["cat's"], vocabulary["Ġqwxz"] = len(vocabulary), len(vocabulary) + 1
    state["model"]["ignore_merges"] = True
    return Backend.from_str(json.dumps(state))


ALL: dict[str, Tokenizer] = {
    **{kind: fast(trained(kind)) for kind in KINDS},
    "normalised, added": fast(qwen_like()),
    "whole words": fast(whole_words()),
}


def same(tokenizer: Tokenizer, texts: list[str]) -> None:
    assert tokenizer.fast is not None
    encoded = tokenizer.fast.encode_batch(texts, tokenizer.dtype)
    for text, ids, expected in zip(texts, encoded, tokenizer.encode_slowly(texts), strict=True):
        assert ids.tolist() == expected.tolist(), repr(text[:200])
        assert ids.dtype == tokenizer.dtype


ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
PARTS = [
    "the", " cat", "'s", "'S", "'\u017f", "'ll", "'LL", "don't", " ", "  ", "\n", "\r\n", "\t", "\u00a0", "\u2028",
    "\u3000",    "\u0085", "\x1c", "1", "23", "٣", "Ⅷ", "½", "a", "aa", "aaa", "é", "e\u0301",
    "\u0301", "日本", "語", "。", "🙂",
    "\u200d", "नि", "한", "ع", ".", "--", "_", "!", "=>", END, "<tool>", "</tool>", "<|", "\x00", "\ufffd", "\ufdd0",
    "\U0010ffff",
]  # fmt: skip


@pytest.mark.parametrize("kind", ALL)
@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(ANY, st.lists(st.sampled_from(PARTS), max_size=40).map("".join)), min_size=1, max_size=4))
def test_any_unicode(kind: str, texts: list[str]) -> None:
    same(ALL[kind], texts)


@pytest.mark.parametrize("kind", ALL)
def test_long_texts(kind: str) -> None:
    rng = random.Random(3)
    long = [
        "a" * 9_000, "ab" * 4_000, " " * 9_000 + "x", "\n" * 9_000, "日本語" * 1_500, "1" * 9_000, "=" * 9_000,
        "\u3000" * 5_000,
        "".join(rng.choice(PARTS) for _ in range(4_000)), "".join(map(chr, range(0x20, 0x3000))),
        ("word and " * 12_000) + "z" * 5_000 + " 5 and" * 20_000,
    ]  # fmt: skip
    same(ALL[kind], long)


def test_pieces_of_a_text_have_its_ids() -> None:
    text = ("the cat's 12 " + "x" * 50 + "\n\n  and ") * 4_000
    found = pieces(text)
    assert len(found) > 2
    assert "".join(found) == text
    assert max(map(len, found)) < PIECE + 200
    for kind in KINDS:
        tokenizer = ALL[kind]
        whole, parts = tokenizer.encode_slowly([text])[0], np.concatenate(tokenizer.encode_slowly(found))
        assert np.array_equal(whole, parts)
    assert pieces("x" * (2 * PIECE)) == ["x" * (2 * PIECE)]


def test_every_character_has_the_class_that_tokenizers_gives_it() -> None:
    """Every code point that this Python's Unicode knows, within letters, digits, signs and spaces."""
    known = [chr(c) for c in range(sys.maxunicode + 1) if unicodedata.category(chr(c)) not in ("Cs", "Cn")]
    data = np.frombuffer("".join(known).encode(), dtype=np.uint8)
    kinds = pretokens._kinds(data)[(data & 0xC0) != 0x80]
    assert len(kinds) == len(known)
    for pattern, kind in ((r"\p{L}", pretokens._LETTER), (r"\p{N}", pretokens._NUMBER), (r"\s", pretokens._SPACE)):
        left = pre_tokenizers.Split(Regex(pattern), "removed").pre_tokenize_str("".join(known))
        found = "".join(one for one, own in zip(known, kinds.tolist(), strict=True) if own != kind)
        assert "".join(piece for piece, _ in left) == found


def test_what_python_does_not_know_is_left_to_tokenizers() -> None:
    assert unicodedata.category("\U000e0fff") == "Cn"
    tokenizer = fast(trained("llama3"))
    assert tokenizer.fast is not None
    given, slow = list[str](), tokenizer.fast._slow
    tokenizer.fast._slow = lambda texts: given.extend(texts) or slow(texts)
    same(tokenizer, texts := ["the cat", "the \U000e0fff cat", "", "it'\u017f", "\u017f's", "a" * 3_000, "\ufdd0 a"])
    assert given == [texts[number] for number in (1, 3, 5, 6)]


def test_what_is_left_to_tokenizers() -> None:
    state = json.loads(trained("gpt2").to_str())

    def refused(change: Callable[[dict[str, Any]], object]) -> bool:
        changed = json.loads(json.dumps(state))
        change(changed)
        return fast_bpe.fast_encoder(changed, lambda texts: [], str) is None

    assert not refused(lambda s: None)
    assert refused(lambda s: s.update(normalizer={"type": "Lowercase"}))
    assert refused(lambda s: s["pre_tokenizer"].update(add_prefix_space=True))
    assert refused(lambda s: s.update(pre_tokenizer={"type": "Whitespace"}))
    assert refused(lambda s: s.update(pre_tokenizer=None))
    assert refused(lambda s: s["model"].update(byte_fallback=True))
    assert refused(lambda s: s["model"]["vocab"].pop("a")), "a byte is missing"
    assert refused(lambda s: s["model"]["merges"].reverse()), "ids are not in the order of merges"
    assert refused(lambda s: s["model"]["merges"].append(s["model"]["merges"][-1]))


def model_of(merges: list[tuple[str, str]], *more: str, whole: bool = False) -> dict[str, Any]:
    names = [*sorted(fast_bpe.byte_signs()), *dict.fromkeys(left + right for left, right in merges), *more]
    return {
        "type": "BPE",
        "vocab": {name: i for i, name in enumerate(names)},
        "merges": [list(pair) for pair in merges],
        "ignore_merges": whole,
    }


def test_tokens_that_no_text_reaches_are_left_out() -> None:
    by_hand = model_of([("b", "c"), ("a", "b"), ("ab", "c")])  # bc comes first, so "abc" is a, bc
    ranks = mergeable_ranks(by_hand)
    assert ranks is not None
    assert b"abc" not in ranks
    assert b"bc" in ranks
    assert mergeable_ranks({**by_hand, "ignore_merges": True}) is None, "the word abc, but not by a merge of a and bc"
    later = model_of([("a", "a"), ("aa", "a"), ("aaa", "aaa"), ("aa", "aa")], whole=True)
    assert mergeable_ranks(later) is None, "aaaaaa is aaaa, aa in the end, though not yet in its own phase"
    three = mergeable_ranks(model_of([("a", "b")], "abcd", whole=True))
    assert three is not None
    assert b"abcd" in three, "ab, c, d: no merge of two makes it"
    assert b"abcd" not in (mergeable_ranks(model_of([("a", "b")], "abcd")) or {})


@settings(max_examples=120, deadline=None)
@given(st.data(), st.booleans())
def test_any_list_of_merges(data: st.DataObject, whole: bool) -> None:
    """Merges of every kind over three letters: either refused, or equal on any word."""
    names, merges = ["a", "b", "c"], list[tuple[str, str]]()
    for _ in range(data.draw(st.integers(1, 8))):
        pair = data.draw(st.tuples(st.sampled_from(names), st.sampled_from(names)))
        if pair not in merges and pair[0] + pair[1] not in names[:-1]:
            merges.append(pair)
            if pair[0] + pair[1] not in names:
                names.append(pair[0] + pair[1])
    spare = [
        word for word in data.draw(st.lists(st.text("abc", min_size=2, max_size=5), max_size=2)) if word not in names
    ]
    model = model_of(merges, *dict.fromkeys(spare), whole=whole)
    ranks = mergeable_ranks(model)
    if ranks is None:
        return
    backend = Backend(models.BPE(model["vocab"], merges, ignore_merges=whole))
    backend.pre_tokenizer = byte_level()
    other = tiktoken.Encoding("words", pat_str=GPT2, mergeable_ranks=ranks, special_tokens={})
    for word in data.draw(st.lists(st.text("abc", max_size=12), min_size=1, max_size=8)):
        assert other.encode_ordinary(word) == backend.encode(word).ids, (merges, word)


def test_it_is_used_once_it_pays_and_agrees() -> None:
    tokenizer, text = fast(trained("gpt2")), TRAINED_ON[0] * 2000
    encoding, said = Encoding(tokenizer, lambda line: said.append(line)), list[str]()
    known = tokenizer.encode_slowly([text])[0].tolist()
    for number in range(8):
        assert encoding([text])[0].tolist() == known
        assert encoding.checked == (0 if number < 4 else 5 * len(text)), "210,000 characters, five times"
    assert said == []
    assert tokenizer.encode_batch([text] * 6)[5].tolist() == tokenizer.encode_batch([text])[0].tolist() == known


def test_a_difference_ends_its_use(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer, texts = fast(trained("gpt2")), [TRAINED_ON[0] * 6000]
    encoding, said = Encoding(tokenizer, lambda line: said.append(line)), list[str]()
    known = tokenizer.encode_slowly(texts)[0].tolist()
    right = FastEncoder.encode_batch
    monkeypatch.setattr(FastEncoder, "encode_batch", lambda *given: [ids[::-1] for ids in right(*given)])
    for _ in range(3):
        assert encoding(texts)[0].tolist() == known
    assert encoding.checked == 0
    assert len(said) == 1
    assert "tiktoken gives other ids than tokenizers" in said[0]
    assert tokenizer.fast is None
    other = fast(trained("gpt2"))
    assert [other.encode_batch(texts)[0].tolist() for _ in range(3)] == [known] * 3
