"""Words and pairs of a vocabulary: what scikit-learn's vectorizer counts, without its strings."""

import numpy as np
import pytest

from synthmix.valuation.encoding import WordGrams

FITTED = ["The rain, the SUN and a hill.", "Rain\non the sea; don't", "naïve café sun\u00a0sea \ud800 rain_2"]
OTHERS = ["the sun the hill unknown rain the sun", "", "a an I", "hill", "the rain and the sea sun SEA"]


@pytest.mark.parametrize("pairs", [True, False])
def test_counts_are_those_of_scikit_learn(pairs: bool) -> None:
    """The same matrix up to the order of its columns; words and pairs that no fitted text has are dropped."""
    from sklearn.feature_extraction.text import CountVectorizer

    theirs = CountVectorizer(ngram_range=(1, 2 if pairs else 1)).fit(FITTED)
    mine = WordGrams(FITTED, pairs=pairs)
    assert mine.columns == len(theirs.vocabulary_)
    for texts in (FITTED, OTHERS):
        made, expected = mine.counts(texts).toarray(), theirs.transform(texts).toarray()
        assert sorted(map(tuple, made.T)) == sorted(map(tuple, expected.T))


def test_pairs_do_not_cross_texts_or_unknown_words() -> None:
    grams = WordGrams(["rain sun"])
    assert grams.columns == 3
    assert grams.counts(["rain", "sun"]).sum() == 2
    apart, beside, turned = np.asarray(grams.counts(["rain stranger sun", "rain sun", "sun rain"]).sum(axis=1)).ravel()
    assert (apart, beside, turned) == (2, 3, 2)


def test_of_too_many_the_rarest_are_left_out() -> None:
    texts = ["rain sun", "rain sea", "rain sun sea", "hill hill hill"]
    grams = WordGrams(texts, pairs=False, most=3)
    assert grams.columns == 3
    assert grams.counts(["rain rain sun sea hill"]).toarray().sum() == 4


def test_no_words_at_all() -> None:
    grams = WordGrams(["", "!"])
    assert grams.counts(["rain", ""]).shape == (2, 1)
    assert grams.counts(["rain", ""]).sum() == 0
