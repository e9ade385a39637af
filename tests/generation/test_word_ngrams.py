import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.generation.ngrams import HashSet, NgramIndex, words_of

TEXT = st.text(alphabet="abAB. ,'\n\0-\u2019\u201céÉ猫。", max_size=60)


def plain_words(text: str) -> list[str]:
    """The definition, word by word."""
    lower = "".join(c.lower() if c.isascii() else c for c in text)
    return re.findall("[猫]|[a-z0-9éÉ]+", re.sub("[\u2019\u201c。\0]", " ", lower))


@given(st.lists(TEXT, max_size=6), st.integers(1, 4))
@settings(max_examples=300, deadline=None)
def test_hashes_stand_for_words_and_for_n_grams(texts: list[str], n: int) -> None:
    words = words_of(texts)
    expected = [plain_words(text) for text in texts]
    assert words.counts.tolist() == [len(own) for own in expected]
    assert words.sizes.tolist() == [len(text.encode()) for text in texts]
    flat = [word for own in expected for word in own]
    assert len(set(words.hashes.tolist())) == len(set(flat))
    assert len(set(zip(flat, words.hashes.tolist(), strict=True))) == len(set(flat)), "one hash a word"
    hashes, bounds = words.ngrams(n)
    grams = [tuple(own[i : i + n]) for own in expected for i in range(len(own) - n + 1)]
    assert bounds.tolist() == np.cumsum([0, *(max(len(own) - n + 1, 0) for own in expected)]).tolist()
    assert len(set(zip(grams, hashes.tolist(), strict=True))) == len(set(grams)) == len(set(hashes.tolist()))


def test_hashes_do_not_depend_on_the_batch() -> None:
    texts = [f"Text {i} about ladders and {'rungs ' * i}" for i in range(50)]
    together = words_of(texts)
    for i, text in enumerate(texts):
        assert words_of([text]).hashes.tolist() == together.hashes[together.bounds[i] : together.bounds[i + 1]].tolist()


def test_half_a_surrogate_pair_is_no_error() -> None:
    assert words_of(["a \ud800 b"]).counts.tolist() == [2]


def test_an_index_finds_the_n_grams_it_was_given_and_no_others() -> None:
    index = NgramIndex([["one two three four five six", "short text"], ["seven eight nine"]], 3, short=2)
    texts = [
        "zero ONE, two three!",
        "one two",
        "two three four five",
        "short text",
        "a short text b",
        "three seven eight",
    ]
    assert index.counts(words_of(texts)).tolist() == [1, 0, 2, 1, 1, 0]
    assert len(index) == 6
    assert NgramIndex([], 3).counts(words_of(texts)).tolist() == [0] * 6
    assert index.counts(words_of(["two three", "four five six"])).tolist() == [0, 1], "nothing crosses between texts"


def test_the_table_before_the_exact_answer_loses_nothing() -> None:
    values = np.unique(np.random.default_rng(3).integers(0, 2**64, 5_000, dtype=np.uint64))
    asked = np.concatenate([values[::7], values[::7] ^ np.uint64(1 << 60)])
    positions, at = HashSet(values).find(asked)
    assert positions.tolist() == [*range(len(values[::7]))]
    assert (values[at] == values[::7]).all()
