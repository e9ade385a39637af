"""What the raters found: the texts of each corpus beside the source's, means over items with bootstrap intervals.

An item's value is the mean over its raters; items are drawn again, so an interval covers other texts, not other raters.
"""

from collections.abc import Callable, Sequence

import numpy as np

from synthmix.interval import Interval
from synthmix.reading.alpha import interval
from synthmix.reading.questions import PROBLEMS
from synthmix.reading.ratings import Answer, Ratings
from synthmix.reading.sheet import Item, Part, Sheet
from synthmix.reading.texts import SOURCE

RESAMPLES = 2_000
_CODES = frozenset(problem.code for problem in PROBLEMS)
Value = Callable[[Item, Answer], float | None]


class Outcome(Part):
    """One number about a corpus (or ``source``), over ``n`` items."""

    corpus: str
    measure: str
    words: str
    share: bool
    value: Interval
    n: int


def by_item(sheet: Sheet, ratings: Sequence[Ratings], value: Value, corpus: str | None = None) -> dict[str, float]:
    """Item -> mean over raters of ``value``, where it has one; ``corpus``: of the items with a text of it."""
    found = {}
    for name, item in sheet.items.items():
        if corpus is not None and all(side.corpus != corpus for _, side in item.sides()):
            continue
        given = [value(item, each.answers[name]) for each in ratings if name in each.answers]
        own = [one for one in given if one is not None]
        if own:
            found[name] = float(np.mean(own))
    return found


def quality(*, synthetic: bool) -> Value:
    """The grade of an item's model text, or of the person's."""

    def value(item: Item, answer: Answer) -> float | None:
        places = [place for place, side in item.sides() if side.synthetic == synthetic]
        return answer.side(places[0]).quality if places else None

    return value


def preferred(item: Item, answer: Answer) -> float | None:
    """1 when the model's text is the better one, 0 when the person's is, a half when they are equal."""
    if answer.better is None or item.synthetic_place is None:
        return None
    return 0.5 if answer.better == "same" else float(answer.better == item.synthetic_place)


def recognised(item: Item, answer: Answer) -> float | None:
    """1 when who wrote what is told rightly, 0 when wrongly, None when it is left open."""
    if answer.person in (None, "unsure"):
        return None
    if item.synthetic_place is None:
        return float((answer.person == "model") == item.left.synthetic)
    return float(answer.person != item.synthetic_place)


def undecided(item: Item, answer: Answer) -> float | None:
    """1 when the rater could not tell who wrote it."""
    return None if answer.person is None else float(answer.person == "unsure")


def _problem(code: str, *, synthetic: bool) -> Value:
    def value(item: Item, answer: Answer) -> float | None:
        for place, side in item.sides():
            said = answer.side(place)
            if side.synthetic == synthetic and (said.quality is not None or said.problems):
                return float(code in said.problems)
        return None

    return value


def _gap(item: Item, answer: Answer) -> float | None:
    mine, theirs = quality(synthetic=True)(item, answer), quality(synthetic=False)(item, answer)
    return None if mine is None or theirs is None else mine - theirs


def outcomes(sheet: Sheet, ratings: Sequence[Ratings], *, level: float = 0.9, seed: int = 0) -> list[Outcome]:
    """For each corpus, then the source: grade, preference, recognition and problems, as far as they were asked."""
    found: list[Outcome] = []
    for corpus in (*sheet.corpora, SOURCE):
        mine = corpus != SOURCE
        named = [("quality", "Quality, 1 to 5", quality(synthetic=mine))]
        if mine:
            named.append(("quality_difference", "Quality less that of the text beside it", _gap))
            named.append(("preferred", "Judged the better text (equal: half)", preferred))
        if mine or sheet.kind == "single":
            named.append(("recognised", "Who wrote it told rightly, of those told", recognised))
            named.append(("undecided", "Who wrote it left open", undecided))
        named += [(each.code, each.label, _problem(each.code, synthetic=mine)) for each in PROBLEMS]
        for measure, words, value in named:
            values = by_item(sheet, ratings, value, corpus)
            if values and (any(values.values()) or measure not in _CODES):
                mean = mean_interval([*values.values()], level, seed)
                share = not measure.startswith("quality")
                found.append(
                    Outcome(corpus=corpus, measure=measure, words=words, share=share, value=mean, n=len(values))
                )
    return found


def mean_interval(values: Sequence[float], level: float, seed: int) -> Interval:
    """The mean with a percentile bootstrap; none for one value. Where all are 0 or all are 1, which gives a bootstrap
    nothing to draw, the open end is Clopper and Pearson's (1934; FOUND): 1 - ((1 - level) / 2)^(1/n) away."""
    own = np.array(values)
    count = len(own)
    if count < 2:
        return Interval(mid=float(own.mean()), level=level, why="one item")
    if own.min() == own.max() and own[0] in (0.0, 1.0):
        away = 1 - ((1 - level) / 2) ** (1 / count)
        low, high = max(0.0, own[0] - away), min(1.0, own[0] + away)
        return Interval(mid=float(own[0]), low=float(low), high=float(high), level=level)
    draws = own[np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))].mean(axis=1)
    return interval(float(own.mean()), draws, level)
