"""Words and pairs in buckets: what scikit-learn's vectorizer counts of a vocabulary, without its strings."""

import numpy as np
import pytest

from synthmix.valuation.wordgrams import WordGrams

FITTED = ["The rain, the SUN and a hill.", "Rain\non the sea; don't", "naïve café sun\u00a0sea \ud800 rain_2"]
OTHERS = ["the sun the hill unknown rain the sun", "", "a an I", "hill", "the rain and the sea sun SEA"]


@pytest.mark.parametrize("pairs", [True, False])
def test_counts_are_those_of_scikit_learn(pairs: bool) -> None:
    """Without collisions a matrix is the same up to the order of its columns; unknown words are dropped."""
    from sklearn.feature_extraction.text import CountVectorizer

    mine = WordGrams(FITTED, 2**30, pairs=pairs)
    theirs = CountVectorizer(ngram_range=(1, 2 if pairs else 1)).fit([*FITTED, *OTHERS])
    known = set(CountVectorizer().fit(FITTED).vocabulary_)
    columns = [at for gram, at in theirs.vocabulary_.items() if set(gram.split()) <= known]
    expected = theirs.transform(OTHERS).toarray()[:, columns]
    made = mine.counts(OTHERS)
    assert made.shape == (5, 2**30)
    used = np.unique(made.tocoo().col)
    dense = np.zeros((5, len(used)))
    np.add.at(dense, (made.tocoo().row, np.searchsorted(used, made.tocoo().col)), made.tocoo().data)
    assert sorted(map(tuple, dense.T)) == sorted(map(tuple, expected[:, expected.any(axis=0)].T))


def test_pairs_do_not_cross_texts_or_unknown_words() -> None:
    grams = WordGrams(["rain sun"], 2**30)
    alone = grams.counts(["rain", "sun"])
    apart, beside = grams.counts(["rain stranger sun", "rain sun"])
    assert alone.sum() == apart.sum() == 2
    assert beside.sum() == 3


def test_buckets_are_used_evenly() -> None:
    """4,000 words in 1,000 buckets: as many empty ones as at random (18.3, within 5 standard deviations)."""
    words = [f"word{i}" for i in range(4000)]
    counts = WordGrams(words, 1000, pairs=False).counts([" ".join(words)])
    assert counts.sum() == 4000
    assert abs((np.asarray(counts.todense()) == 0).sum() - 1000 * np.exp(-4)) < 5 * np.sqrt(1000 * np.exp(-4))
