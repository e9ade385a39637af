"""Do the automatic measures say what the raters say? Spearman's correlation over the models' texts."""

from collections.abc import Sequence

import numpy as np

from synthmix.generation.measures import MEASURES
from synthmix.interval import Interval
from synthmix.reading.alpha import RESAMPLES, interval
from synthmix.reading.outcomes import by_item, preferred, quality
from synthmix.reading.ratings import Ratings
from synthmix.reading.sheet import Part, Sheet

FEWEST = 5  # items, for a correlation


class Correlation(Part):
    """Of an automatic ``measure`` with what raters said (``with_``: quality or preferred), over ``n`` texts."""

    measure: str
    label: str
    with_: str
    rho: Interval
    n: int


def correlations(sheet: Sheet, ratings: Sequence[Ratings], *, level: float = 0.9, seed: int = 0) -> list[Correlation]:
    """Each measure that differs between the models' texts, with their grades and with how often they were preferred;
    the strongest first. Not corrected for their number; raters who disagree pull them towards zero."""
    said = {
        "quality": by_item(sheet, ratings, quality(synthetic=True)),
        "preferred": by_item(sheet, ratings, preferred),
    }
    texts = {name: side.measures for name, item in sheet.items.items() for _, side in item.sides() if side.synthetic}
    found = []
    for question, grades in said.items():
        for measure, about in MEASURES.items():
            both = [(texts[name][measure], grades[name]) for name in grades if measure in texts.get(name, {})]
            if len(both) >= FEWEST and len({a for a, _ in both}) > 1:
                rho = spearman(np.array(both), level, seed)
                found.append(Correlation(measure=measure, label=about.label, with_=question, rho=rho, n=len(both)))
    return sorted(found, key=lambda one: (one.with_ != "quality", -abs(one.rho.mid or 0.0)))


def spearman(both: np.ndarray, level: float, seed: int) -> Interval:
    """Spearman's rho of (n, 2) values, with a percentile bootstrap over the rows."""
    value = _rho(both[None])[0]
    if np.isnan(value):
        return Interval(mid=None, level=level, why="all raters' means are the same")
    count = len(both)
    draws = _rho(both[np.random.default_rng(seed).integers(0, count, (RESAMPLES // 2, count))])
    return interval(float(value), draws, level)


def _rho(both: np.ndarray) -> np.ndarray:
    """Of (draws, n, 2) values: Pearson's correlation of the ranks, ties sharing theirs; NaN where one is constant."""
    from scipy.stats import rankdata

    ranks = rankdata(both, axis=1)
    apart = ranks - ranks.mean(axis=1, keepdims=True)
    sizes = np.sqrt((apart**2).sum(axis=1).prod(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(sizes > 0, (apart[..., 0] * apart[..., 1]).sum(axis=1) / sizes, np.nan))
