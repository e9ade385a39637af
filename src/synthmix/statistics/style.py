"""How far a text's style lies from a held-out domain: character n-grams, and a classifier that tells them apart.

- ``js``: Jensen-Shannon divergence of character 3-grams, nats, in [0, ln 2]; interval from drawing documents again.
  Two samples of one text diverge too, so the same divergence between the domain's two halves stands beside it as the
  floor; both are taken between samples of the same number of passages.
- ``separable``: proxy A-distance 2 (1 - 2 e) (Ben-David et al. 2007) from the cross-validated error e of a linear
  classifier on hashed character 1- to 3-grams of passages of equal length: 0 when it cannot tell, 2 when always. Its
  interval is Wilson's for e.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.statistics.divergence import jensen_shannon
from synthmix.statistics.redundancy import wilson

PASSAGE, MOST, SMALLEST, RESAMPLES, BITS = 400, 400, 20, 100, 15


@dataclass(frozen=True)
class StyleDistance:
    """Both distances with intervals; ``floor``: the divergence of the domain's halves."""

    js: Interval
    floor: float
    separable: Interval
    passages: int


def style_distance(text: Sequence[str], domain: Sequence[str], *, level: float = 0.9, seed: int = 0) -> StyleDistance:
    """Between two lists of documents; at most 400 passages of 400 characters of each.

    Raises:
        BadInput: fewer than 20 passages on a side.
    """
    a, b = passages(text), passages(domain)
    size = min(len(a), len(b))
    if size < SMALLEST:
        raise BadInput(
            f"{size} passages are too few for a style distance", remedy=f"give {SMALLEST} of {PASSAGE} characters"
        )
    rng = np.random.default_rng(seed)
    a, b = ([side[i] for i in rng.permutation(len(side))[:size]] for side in (a, b))
    x, y = _trigrams(a), _trigrams(b)
    half = size // 2
    first, second = np.arange(half), np.arange(half, 2 * half)
    drawn = [_js(x, rng.choice(size, half), y, rng.choice(size, half)) for _ in range(RESAMPLES)]
    js = (_js(x, first, y, first) + _js(x, second, y, second)) / 2
    # Drawing with replacement thins the counts and so adds divergence: the interval is moved back onto the estimate.
    low, high = np.percentile(drawn, [50 * (1 - level), 50 * (1 + level)]) - np.median(drawn) + js
    wrong = _errors([*a, *b], np.repeat([0, 1], size), seed)
    return StyleDistance(
        js=Interval(low=max(0.0, float(low)), mid=js, high=float(high), level=level, covers="sampling"),
        floor=_js(y, first, y, second),
        separable=wilson(wrong, 2 * size, level).scaled(-4).mapped(lambda less: max(0.0, 2 + less)),
        passages=size,
    )


def passages(texts: Sequence[str]) -> list[str]:
    """Pieces of 400 characters, white space folded: one of each document in turn, until there are 400."""
    folded = [" ".join(text.split()) for text in texts]
    found: list[str] = []
    at = 0
    while len(found) < MOST and any(len(text) >= at + PASSAGE for text in folded):
        found += [text[at : at + PASSAGE] for text in folded if len(text) >= at + PASSAGE]
        at += PASSAGE
    return found[:MOST]


def _trigrams(texts: Sequence[str]) -> Any:
    from sklearn.feature_extraction.text import HashingVectorizer

    hashed = HashingVectorizer(
        analyzer="char", ngram_range=(3, 3), n_features=2**BITS, norm=None, alternate_sign=False, lowercase=False
    )
    return hashed.transform(texts)


def _js(x: Any, rows: np.ndarray, y: Any, others: np.ndarray) -> float:
    """Of the summed counts of some rows of ``x`` and some of ``y``."""
    return jensen_shannon(np.asarray(x[rows].sum(axis=0)).ravel(), np.asarray(y[others].sum(axis=0)).ravel())


def _errors(texts: list[str], labels: np.ndarray, seed: int) -> int:
    """How many passages a linear classifier gets wrong, each judged by one that has not seen it (5 folds)."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    model = make_pipeline(
        HashingVectorizer(analyzer="char", ngram_range=(1, 3), n_features=2**BITS, lowercase=False),
        LinearSVC(random_state=seed),
    )
    folds = StratifiedKFold(5, shuffle=True, random_state=seed)
    return int((cross_val_predict(model, texts, labels, cv=folds) != labels).sum())
