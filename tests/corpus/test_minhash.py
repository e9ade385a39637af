"""Signatures and the growing index, on words, with which generated text uses them."""

import numpy as np
import pytest

from synthmix.corpus import near_duplicates
from synthmix.corpus.near_duplicates import NearIndex, band_keys, rows_for, similarity, sketches, spread
from synthmix.generation.ngrams import word_signatures, words_of


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
