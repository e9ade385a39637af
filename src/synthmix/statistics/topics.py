"""Embedding-based check: which topics the synthetic text over- and under-represents against its source.

Documents are embedded without any download: TF-IDF of words, reduced by a truncated SVD (latent semantic analysis,
Deerwester et al. 1990), scaled to length one; k-means on both texts together gives the topics. A topic's share of the
one text is set against its share of the other; the interval of the difference is Newcombe's (1998, method 10), which
takes documents as independent. CHOSEN: at most 12 topics, 64 dimensions, documents cut at 2,000 characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.statistics.redundancy import wilson

_VERDICTS = {1: "over", -1: "under", 0: "alike"}
TOPICS, DIMENSIONS, CHARACTERS, SMALLEST = 12, 64, 2000, 30


@dataclass(frozen=True)
class Topic:
    """``words``: what is typical of it; shares in [0, 1]; ``difference`` is synthetic minus source, with interval."""

    words: list[str]
    source: float
    synthetic: float
    difference: Interval

    @property
    def verdict(self) -> str:
        """``over``, ``under`` or ``alike``, by the interval."""
        return _VERDICTS[self.difference.sign()]


def topics(
    source: Sequence[str], synthetic: Sequence[str], *, count: int = TOPICS, level: float = 0.9, seed: int = 0
) -> list[Topic]:
    """The topics of both texts, the most over-represented in ``synthetic`` first.

    Raises:
        BadInput: fewer than 30 documents on a side.
    """
    for name, side in (("source", source), ("synthetic", synthetic)):
        if len(side) < SMALLEST:
            raise BadInput(f"{len(side)} documents are too few for topics", where=name, remedy=f"give {SMALLEST}")
    from sklearn.cluster import KMeans

    vectors, vectorizer, matrix = _embedded([*source, *synthetic], seed)
    clusters = min(count, len(vectors) // 10)
    labels = KMeans(clusters, n_init=3, random_state=seed).fit_predict(vectors)
    names = vectorizer.get_feature_names_out()
    overall, found = np.asarray(matrix.mean(axis=0)).ravel(), []
    for label in range(clusters):
        mine = labels == label
        a, b = int(mine[: len(source)].sum()), int(mine[len(source) :].sum())
        typical = np.asarray(matrix[mine].mean(axis=0)).ravel() - overall
        words = [str(names[i]) for i in np.argsort(-typical)[:6]]
        p, q = a / len(source), b / len(synthetic)
        found.append(Topic(words, p, q, _newcombe(b, len(synthetic), a, len(source), level)))
    return sorted(found, key=lambda topic: topic.source - topic.synthetic)


def _embedded(texts: Sequence[str], seed: int) -> tuple[np.ndarray, Any, Any]:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.preprocessing import normalize

    vectorizer = TfidfVectorizer(
        sublinear_tf=True,
        min_df=3,
        max_df=0.9,
        max_features=20_000,
        stop_words="english",
        token_pattern=r"[^\W\d_]{3,}",
    )
    try:
        matrix = vectorizer.fit_transform([text[:CHARACTERS] for text in texts])
    except ValueError:
        raise BadInput("the texts share no words, so they have no topics", remedy="give more text") from None
    size = min(DIMENSIONS, matrix.shape[1] - 1, matrix.shape[0] - 1)
    if size < 2:
        raise BadInput("the texts share too few words for topics", remedy="give more text")
    return normalize(TruncatedSVD(size, random_state=seed).fit_transform(matrix)), vectorizer, matrix


def _newcombe(a: int, n: int, b: int, m: int, level: float) -> Interval:
    """Interval of a/n - b/m from the two Wilson intervals (Newcombe 1998, method 10)."""
    p, q = a / n, b / m
    one, other = wilson(a, n, level), wilson(b, m, level)
    low = p - q - float(np.hypot(p - (one.low or 0.0), (other.high or 0.0) - q))
    high = p - q + float(np.hypot((one.high or 0.0) - p, q - (other.low or 0.0)))
    return Interval(low=low, mid=p - q, high=high, level=level, covers="sampling")
