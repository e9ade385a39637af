import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.corpus import near_duplicates
from synthmix.corpus.near_duplicates import NearIndex, band_keys, rows_for, similarity, sketches, spread
from synthmix.generation.language import accepted, languages
from synthmix.generation.ngrams import HashSet, NgramIndex, word_signatures, words_of
from synthmix.generation.phrases import task_talk

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


def pair(similarity: float, seed: int, words: int = 300) -> tuple[str, str]:
    """Two texts whose 5-grams have about this Jaccard similarity: a run of one's own words replaced at the end."""
    rng = np.random.default_rng(seed)
    common = 2 * words * similarity / (1 + similarity)
    own = [f"w{i}" for i in rng.integers(0, 10**9, words)]
    other = [f"w{i}" for i in rng.integers(0, 10**9, words)]
    return " ".join(own), " ".join(own[: round(common)] + other[round(common) :])


def jaccard(one: str, other: str) -> float:
    sets = [{tuple(t.split()[i : i + 5]) for i in range(len(t.split()) - 4)} for t in (one, other)]
    return len(sets[0] & sets[1]) / len(sets[0] | sets[1])


@pytest.mark.parametrize("wanted", [0.0, 0.3, 0.6, 0.8, 0.95])
def test_signatures_and_sketches_estimate_the_jaccard_similarity(wanted: float) -> None:
    pairs = [pair(wanted, seed) for seed in range(30)]
    true = np.mean([jaccard(*two) for two in pairs])
    one, other = (word_signatures(words_of([two[side] for two in pairs])) for side in (0, 1))
    assert (one == other).mean() == pytest.approx(true, abs=0.02)
    estimated = similarity(sketches(one), sketches(other))
    assert estimated.mean() == pytest.approx(true, abs=0.02)
    if 0 < wanted < 0.9:
        own = estimated - [jaccard(*two) for two in pairs]
        assert 0.6 * spread(float(true)) < own.std() < 1.5 * spread(float(true))


def test_a_signature_is_the_least_of_the_permuted_hashes() -> None:
    words = words_of([pair(0.5, 1)[0]])
    values = (words.ngrams(5)[0] >> np.uint64(32)).astype(np.uint64)
    ours = word_signatures(words)[0]
    permuted = (values[:, None] * near_duplicates._MULTIPLIERS.astype(np.uint64)) % 2**32
    assert ours.tolist() == permuted.min(axis=0).tolist()


def test_long_and_empty_texts_share_a_batch() -> None:
    long = " ".join(f"w{i}" for i in range(80_000))
    texts = ["", long, "a b c", "one two three four five six"]
    together = word_signatures(words_of(texts))
    assert (together[[0, 2]] == 2**32 - 1).all()
    for i in (1, 3):
        assert (word_signatures(words_of([texts[i]]))[0] == together[i]).all()


def test_bands_are_chosen_to_find_pairs_at_the_threshold() -> None:
    for threshold in (0.6, 0.7, 0.8, 0.9, 0.99):
        rows = rows_for(threshold)
        assert 1 - (1 - threshold**rows) ** 16 >= 0.998
    keys = band_keys(word_signatures(words_of([pair(0.8, 2)[0]])), 5)
    assert keys.shape == (1, 16)
    assert len(set(keys[0].tolist())) == 16


def test_near_duplicates_are_found_across_segments_and_others_are_not() -> None:
    pairs = [pair(0.9, seed, 80) for seed in range(400)]
    index = NearIndex(0.8, texts=1)
    for start in range(0, 400, 50):
        index.add(word_signatures(words_of([two[0] for two in pairs[start : start + 50]])))
    assert len(index) == 400
    assert len(index._segments) > 3
    found = index.candidates(word_signatures(words_of([two[1] for two in pairs])))
    assert sum(found[i] == [i] for i in range(400)) >= 398
    strangers = word_signatures(words_of([pair(0.9, seed, 80)[0] for seed in range(1000, 1400)]))
    assert not any(index.candidates(strangers))
    halves = word_signatures(words_of([pair(0.5, seed, 80)[1] for seed in range(400)]))
    assert sum(map(bool, index.candidates(halves))) <= 4


def test_an_index_stays_small() -> None:
    index = NearIndex(0.8, texts=20_000)
    for _ in range(20):
        index.add(np.random.default_rng(len(index)).integers(0, 2**32, (1000, 256), dtype=np.uint32))
    assert len(index._segments) == 1
    assert index.bytes < 220 * index._segments[0].texts


LANGUAGES = {
    "en": "The ladder was put up against the wall of the house, and it was said that they would not have been able to.",
    "de": "Die Leiter wurde an die Wand des Hauses gestellt, und es hieß, dass sie nicht auf das Dach kamen, weil es"
    " zu hoch ist.",
    "fr": "L'échelle était posée contre le mur de la maison et on disait qu'ils ne pouvaient pas monter sur le toit"
    " sans elle, car il est trop haut.",
    "es": "La escalera estaba puesta contra la pared de la casa y se decía que no podían subir al techo sin ella"
    " porque es muy alto.",
    "it": "La scala era appoggiata al muro della casa e si diceva che non potevano salire sul tetto senza di essa"
    " perché è troppo alto.",
    "pt": "A escada estava encostada à parede da casa e dizia-se que não podiam subir ao telhado sem ela porque é"
    " muito alto para os meninos.",
    "nl": "De ladder werd tegen de muur van het huis gezet en er werd gezegd dat ze zonder de ladder niet op het dak"
    " konden komen.",
    "sv": "Stegen ställdes mot husets vägg och det sades att de inte skulle kunna komma upp på taket utan den, för"
    " att det är för högt.",
    "pl": "Drabina została postawiona przy ścianie domu i mówiono, że nie mogą bez niej wejść na dach, bo jest za"
    " wysoki dla nich, a to nie było dobre.",
    "Cyrillic": "Лестница была приставлена к стене дома, и говорили, что без неё они не смогут подняться на крышу.",
    "CJK": "梯子靠在房子的墙上。据说没有梯子他们就上不了屋顶。因为屋顶对他们来说太高了。",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_languages_are_told_apart(language: str) -> None:
    [found] = languages([LANGUAGES[language]])
    assert {found} <= accepted(language)


def test_what_has_no_language_is_unknown() -> None:
    texts = ["Too short to tell.", "x = 3; y = 4; " * 20, "", "| a | b |\n|---|---|\n" + "| 1 | 2 |\n" * 30]
    assert languages(texts) == [None] * 4
    assert languages([]) == []


def test_texts_that_are_no_clean_utf_8_are_no_error() -> None:
    texts = [f"{bad}{LANGUAGES['en']}" for bad in ("\x00", "\x01\x02\x7f", "\ufffe", "\ud800", "\U000e0001")]
    assert languages(texts) == ["en"] * 5


def test_relatives_that_are_written_alike_are_one_language() -> None:
    norwegian = (
        "Stigen ble satt mot veggen av huset, og det ble sagt at de ikke ville ha kommet opp på taket uten den,"
        " fordi det er altfor høyt for dem."
    )
    assert languages([norwegian]) == ["da"]
    assert accepted("no") == accepted("da")


TALK = [
    ("I'm sorry, but I can\u2019t help with that request.", "", (True, False)),
    ("I cannot rewrite this.", "", (True, False)),
    ("The ladder stood. " * 30 + "I cannot rewrite this.", "", (False, False)),
    ("The ladder stood. " * 30 + "As an AI language model, I have no ladder.", "", (True, False)),
    ("He said: I can't write. She nodded.", "He could only say: I can't write.", (False, False)),
    ("The passage describes a ladder.", "", (False, True)),
    ("The ladder stood. " * 30 + "In the passage it fell. " + "The ladder stood. " * 30, "", (False, False)),
    ("The ladder stood. " * 30 + "In the passage it fell. " * 3 + "The ladder stood. " * 30, "", (False, True)),
    ("The ladder stood. " * 30 + "I have kept all facts of the original text.", "", (False, True)),
    ("The original text was lost in 1453.", "Of the original text nothing is left.", (False, False)),
    ("A ladder has rungs.", "", (False, False)),
]


def test_refusals_and_talk_about_the_task_are_told_from_text() -> None:
    refuses, mentions = task_talk(words_of([text for text, _, _ in TALK]), [source for _, source, _ in TALK])
    assert [*zip(refuses.tolist(), mentions.tolist(), strict=True)] == [expected for _, _, expected in TALK]
