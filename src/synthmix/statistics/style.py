"""How far a text's style lies from a held-out domain, and whether a generator's gain is one of style.

:func:`style_distance` gives two distances:

- ``js``: Jensen-Shannon divergence of character 3-grams, nats, in [0, ln 2]; interval from drawing documents again.
  Two samples of one text diverge too, so the same divergence between the domain's two halves stands beside it as the
  floor; both are taken between samples of the same number of passages.
- ``separable``: proxy A-distance 2 (1 - 2 e) (Ben-David et al. 2007) from the cross-validated error e of a linear
  classifier on hashed character 1- to 3-grams of passages of equal length: 0 when it cannot tell, 2 when always. Its
  interval is Wilson's for e.

:func:`style_match` looks for the confound: is a generator's gain larger on the domains whose style its text is close
to? A gain is natural text's loss minus the mixture's on one held-out domain, nats per token. Within each generator the
gains are set against the style distances to the domains (both centred on the generator's means, so that a generator
that is better everywhere does not look like a match): a negative slope says that the gain is partly one of style. The
interval comes from drawing domains again, since the generators share them; with few domains it is wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval, format_interval
from synthmix.quantities import fixed
from synthmix.statistics.compare import jensen_shannon
from synthmix.statistics.redundancy import wilson

PASSAGE, MOST, SMALLEST, RESAMPLES, BITS = 400, 400, 20, 100, 15
MATCH_RESAMPLES = 500


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


@dataclass(frozen=True)
class StylePoint:
    """One generator (at one share) on one held-out domain."""

    generator: str
    share: float
    domain: str
    distance: float
    gain: float


@dataclass(frozen=True)
class StyleMatch:
    """``slope``: nats of gain per unit of style distance; ``near`` and ``far``: mean gain on the nearer and the farther
    half of the domains; ``excess``: their difference, with interval."""

    slope: Interval
    near: float
    far: float
    excess: Interval
    domains: int
    sentence: str


def style_match(points: Sequence[StylePoint], *, level: float = 0.9, seed: int = 0) -> StyleMatch | None:
    """What the points say of the confound; None with fewer than two domains."""
    domains = sorted({point.domain for point in points})
    if len(domains) < 2:
        return None
    groups = sorted({(point.generator, point.share) for point in points})
    distance, gain = (np.full((len(groups), len(domains)), np.nan) for _ in range(2))
    for point in points:
        at = groups.index((point.generator, point.share)), domains.index(point.domain)
        distance[at], gain[at] = point.distance, point.gain
    slope, near, far = _slope(distance, gain), *_halves(distance, gain)
    rng, slopes, excesses = np.random.default_rng(seed), [], []
    for _ in range(MATCH_RESAMPLES):
        columns = rng.integers(0, len(domains), len(domains))
        if len(np.unique(columns)) > 1:
            drawn = _slope(distance[:, columns], gain[:, columns])
            slopes += [drawn] if drawn is not None else []
            a, b = _halves(distance[:, columns], gain[:, columns])
            excesses.append(a - b)
    excess = _interval(near - far, excesses, level)
    return StyleMatch(_interval(slope, slopes, level), near, far, excess, len(domains), _sentence(excess, len(domains)))


def _slope(distance: np.ndarray, gain: np.ndarray) -> float | None:
    x = distance - np.nanmean(distance, axis=1, keepdims=True)
    y = gain - np.nanmean(gain, axis=1, keepdims=True)
    known = np.isfinite(x) & np.isfinite(y)
    spread = float((x[known] ** 2).sum())
    return float((x[known] * y[known]).sum() / spread) if spread > 0 else None


def _halves(distance: np.ndarray, gain: np.ndarray) -> tuple[float, float]:
    """Mean gain on each generator's nearer domains and on its farther ones."""
    middle = np.nanmedian(distance, axis=1, keepdims=True)
    near, far = distance <= middle, distance > middle
    if not far.any():
        return float(np.nanmean(gain)), float(np.nanmean(gain))
    return float(np.nanmean(gain[near])), float(np.nanmean(gain[far]))


def _interval(mid: float | None, draws: Sequence[float], level: float) -> Interval:
    if len(draws) < MATCH_RESAMPLES // 10:
        return Interval(mid=mid, level=level, covers="sampling")
    low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)]).tolist()
    return Interval(low=low, mid=mid, high=high, level=level, covers="sampling")


def _sentence(excess: Interval, domains: int) -> str:
    more = format_interval(excess, lambda value: f"{fixed(value, 3, signed=True)} nats", level=False)
    more = f"gains on the domains nearest in style exceed those elsewhere by {more}"
    told = {1: "Part of the gain is style match", -1: "The gain is not one of style match"}
    unsure = f"Whether the gain is one of style match is not determined with {domains} domains"
    return f"{told.get(excess.sign(), unsure)}: {more}."
