import numpy as np

from synthmix.corpus.near_duplicates import NearDuplicates, shingles

RNG = np.random.default_rng(0)


def random_document(tokens: int) -> np.ndarray:
    return RNG.integers(0, 4000, tokens).astype(np.uint16)


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    left, right = ({tuple(d[i : i + 5].tolist()) for i in range(len(d) - 4)} for d in (a, b))
    return len(left & right) / len(left | right)


def test_shingles_are_the_distinct_5_grams():
    repeated = np.array([1, 2, 3, 4, 5] * 4, dtype=np.uint16)  # 16 windows, 5 distinct
    hashes, ends = shingles([repeated, random_document(30), random_document(3), repeated])
    assert ends.tolist() == [5, 31, 32, 37]
    assert hashes[:5].tolist() == hashes[32:].tolist()
    assert len(np.unique(hashes)) == 32


def test_short_documents_are_one_shingle_and_padding_is_no_token():
    hashes, ends = shingles([np.array([7]), np.array([7, 0]), np.array([], dtype=np.uint16), np.array([7])])
    assert ends.tolist() == [1, 2, 3, 4]
    assert len(set(hashes.tolist())) == 3
    assert hashes[0] == hashes[3]


def test_copies_and_near_copies_are_found_and_others_are_not():
    indexed = [random_document(400) for _ in range(50)]
    near = indexed[7].copy()
    near[[100, 300]] += 1  # two tokens changed: 10 of 396 5-grams gone on each side
    assert 0.94 < jaccard(near, indexed[7]) < 0.96
    far = indexed[7].copy()
    far[::20] += 1
    assert jaccard(far, indexed[7]) < 0.7
    longer = np.concatenate([indexed[3], random_document(1000)])
    index = NearDuplicates([indexed[:20], indexed[20:]])
    assert len(index) == 50
    assert index.matches([indexed[49], near, far, random_document(400), longer]) == [[49], [7], [], [], []]


def test_the_vectorised_test_before_minhash_loses_no_pair():
    """Every pair clearly above the threshold is found, repeated 5-grams and all (they are counted once)."""
    base = np.concatenate([np.tile([9, 8, 7, 6, 5], 100), random_document(200)]).astype(np.uint16)
    index = NearDuplicates([[base]])
    changed = [np.concatenate([base, random_document(extra)]) for extra in (1, 5, 10, 20)]
    assert all(jaccard(one, base) > 0.9 for one in changed)
    assert index.matches(changed) == [[0]] * 4


def test_it_finds_exactly_what_comparing_all_pairs_finds():
    """Copies with 0 to 30 of 300 tokens changed: similarities on both sides of 0.8, some within a hair of it."""
    indexed = [random_document(300) for _ in range(20)]
    looked_up = []
    for number in range(200):
        copy = indexed[number % 20].copy()
        copy[RNG.choice(300, number % 31, replace=False)] = 4001
        looked_up.append(copy)
    every = [[n for n, other in enumerate(indexed) if jaccard(one, other) >= 0.8] for one in looked_up]
    assert 30 < sum(map(len, every)) < 170
    assert NearDuplicates([indexed]).matches(looked_up) == every


def test_an_empty_index_and_no_documents():
    assert NearDuplicates([]).matches([random_document(10)]) == [[]]
    assert NearDuplicates([[random_document(10)]]).matches([]) == []


def test_of_many_documents_that_are_alike_every_one_is_found():
    base = random_document(400)
    alike = []
    for number in range(40):
        copy = base.copy()
        copy[200] = 4001 + number
        alike.append(copy)
    assert NearDuplicates([alike[:25], alike[25:]]).matches([base]) == [[*range(40)]]


def test_the_short_look_excludes_nothing_that_is_near() -> None:
    """Documents of words that repeat, of every share of known 5-grams, and some of one 5-gram or none."""
    rng = np.random.default_rng(3)
    held = [rng.integers(0, 40, rng.integers(0, 400)) for _ in range(30)]
    index = NearDuplicates([held])
    asked = []
    for number in range(300):
        own = held[number % 30].copy()
        changed = rng.random(len(own)) < rng.choice([0, 0.005, 0.02, 0.05, 0.3])
        own[changed] = rng.integers(0, 60, int(changed.sum()))
        asked.append(np.concatenate([own, np.tile(rng.integers(0, 9, 7), rng.integers(0, 12))]))
    found = index.matches(asked)
    assert found == index._among(asked)
    assert 40 < sum(map(bool, found)) < 290
