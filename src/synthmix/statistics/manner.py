"""Word-list checks: what rate of each list's words the synthetic text has against its source, with intervals.

Rates are per thousand words. The ratio's interval comes from drawing documents again (percentile bootstrap), since
words of one document are not independent; with pairs (the same source document behind both), pairs are drawn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.interval import Interval
from synthmix.statistics.word_lists import LISTS, NUMBERS
from synthmix.statistics.words import words_of

_DIGIT = re.compile(r"\d")


@dataclass(frozen=True)
class Manner:
    """Rates per thousand words; ``ratio`` of ``synthetic`` to ``source`` with its interval; undefined where
    the source has none."""

    name: str
    source: float
    synthetic: float
    ratio: Interval

    @property
    def verdict(self) -> str:
        """``over``, ``under`` or ``alike``, by the interval."""
        if not self.ratio.bounded:
            return "over" if self.synthetic > self.source else "under" if self.synthetic < self.source else "alike"
        return {1: "over", -1: "under", 0: "alike"}[self.ratio.mapped(lambda ratio: ratio - 1).sign()]


def manners(
    source: Sequence[str],
    synthetic: Sequence[str],
    *,
    paired: bool = False,
    level: float = 0.9,
    resamples: int = 500,
    seed: int = 0,
) -> list[Manner]:
    """One row a list of :mod:`word_lists`, and one for numbers. ``paired``: the texts correspond by position.

    Raises:
        ValueError: no text on a side, or pairs of different number.
    """
    if not source or not synthetic:
        raise ValueError("no text to compare")
    if paired and len(source) != len(synthetic):
        raise ValueError(f"{len(source)} and {len(synthetic)} texts are no pairs")
    a, b = (np.stack([list_counts(text) for text in side]) for side in (source, synthetic))
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples):
        mine = rng.integers(0, len(a), len(a))
        theirs = mine if paired else rng.integers(0, len(b), len(b))
        with np.errstate(divide="ignore", invalid="ignore"):
            drawn.append(_rates(b[theirs]) / _rates(a[mine]))
    ratios, rate_a, rate_b = np.array(drawn), _rates(a), _rates(b)
    rows = []
    for i, name in enumerate((*LISTS, NUMBERS)):
        known = ratios[:, i][np.isfinite(ratios[:, i])]
        sure = rate_a[i] > 0 and len(known) > 0.95 * resamples
        low, high = np.percentile(known, [50 * (1 - level), 50 * (1 + level)]).tolist() if sure else (None, None)
        mid = float(rate_b[i] / rate_a[i]) if rate_a[i] > 0 else None
        rows.append(
            Manner(
                name=name,
                source=float(1000 * rate_a[i]),
                synthetic=float(1000 * rate_b[i]),
                ratio=Interval(low=low, mid=mid, high=high, level=level, covers="sampling"),
            )
        )
    return rows


def list_counts(text: str) -> np.ndarray:
    """Hits of each list, of numbers, and the number of words: int64, shape (lists + 2,)."""
    words = words_of(text)
    pairs = [" ".join(words[i : i + 2]) for i in range(len(words) - 1)]
    triples = [" ".join(words[i : i + 3]) for i in range(len(words) - 2)]
    quads = [" ".join(words[i : i + 4]) for i in range(len(words) - 3)]
    grams = (words, pairs, triples, quads)
    hits = [sum(gram in entries[n] for n in range(4) for gram in grams[n]) for entries in _ENTRIES]
    return np.array([*hits, sum(bool(_DIGIT.search(word)) for word in words), len(words)], dtype=np.int64)


def _rates(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=0)
    return np.asarray(total[:-1] / max(total[-1], 1))


# Per list the entries of one word, of two, of three and of four.
_ENTRIES = [
    [frozenset(entry for entry in entries if len(entry.split()) == n) for n in range(1, 5)]
    for entries in LISTS.values()
]
