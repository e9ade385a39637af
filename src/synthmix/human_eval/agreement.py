"""How far raters agree with each other, what they found, and whether the automatic measures say the same.

Agreement is Krippendorff's alpha for ordered answers, any number of raters, and missing answers, with a bootstrap over
items. alpha = 1 - D_o / D_e (Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011; FOUND): observed over
expected disagreement from the matrix of coincidences o, in which each ordered pair of answers to one unit counts
1 / (m - 1), m the answers to it. The ordinal distance is delta^2(c, k) = (sum of n_g from c to k - (n_c + n_k) / 2)^2
with n the column sums of o; with two categories it is the nominal one. A unit with fewer than two answers says nothing.

Outcomes are means over items: an item's value is the mean over its raters; items are drawn again, so an interval covers
other texts, not other raters. Automatic measures are set against the ratings by Spearman's correlation.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from synthmix.errors import BadInput
from synthmix.generation.measures import MEASURES
from synthmix.human_eval.ratings import Answer, Ratings, SideRating, load_ratings
from synthmix.human_eval.sheet import (
    BETTER,
    GRADES,
    PROBLEMS,
    SOURCE,
    WHO_OF_ONE,
    WHO_OF_TWO,
    Item,
    Kind,
    Part,
    Sheet,
    load_sheet,
)
from synthmix.interval import Interval

RESAMPLES = 2_000
_CODES = frozenset(problem.code for problem in PROBLEMS)
Value = Callable[[Item, Answer], float | None]
FEWEST = 5  # items, for a correlation
Unit = dict[str, int]  # rater -> answer, counted from 0
Units = list[list[Unit]]  # of each item its units: a text each, or the item itself


def coincidences(units: Sequence[Sequence[int]], categories: int) -> np.ndarray:
    """The matrix (categories, categories) of ``units``, each the answers (numbers from 0) that one unit got."""
    found = np.zeros((categories, categories))
    for answers in units:
        if len(answers) > 1:
            counts = np.bincount(np.asarray(answers), minlength=categories).astype(float)
            found += (np.outer(counts, counts) - np.diag(counts)) / (len(answers) - 1)
    return found


def alpha(found: np.ndarray) -> np.ndarray:
    """Ordinal alpha of matrices (..., categories, categories); NaN where all answers are one, or there are none."""
    n = found.sum(axis=-1)
    total = n.sum(axis=-1)
    up = np.cumsum(n, axis=-1)
    between = np.abs(up[..., None, :] - up[..., :, None])  # the sum from c + 1 to k, whichever is the larger
    # From c to k, both included, less half of both: (sum from c + 1 to k) + n_low - (n_c + n_k) / 2.
    low = np.where(np.arange(n.shape[-1])[:, None] < np.arange(n.shape[-1]), n[..., :, None], n[..., None, :])
    distance = (between + low - (n[..., :, None] + n[..., None, :]) / 2) ** 2
    observed = (found * distance).sum(axis=(-2, -1))
    expected = (n[..., :, None] * n[..., None, :] * distance).sum(axis=(-2, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan))


def agreement_of(
    items: Sequence[Sequence[Sequence[int]]], categories: int, *, level: float = 0.9, seed: int = 0
) -> Interval:
    """Alpha over all units, with a percentile interval from drawing the items again (an item's units together).

    Args:
        items: of each item its units, of each unit its answers as numbers from 0.
    """
    each = np.array([coincidences(units, categories) for units in items]).reshape(-1, categories, categories)
    each = each[each.sum(axis=(1, 2)) > 0]
    if not len(each):
        return Interval(mid=None, level=level, why="no text has two raters' answers")
    value = float(alpha(each.sum(axis=0)))
    if np.isnan(value):
        return Interval(mid=None, level=level, why="all answers are the same")
    if len(each) < 2:
        return Interval(mid=value, level=level, why="one item")
    weights = np.random.default_rng(seed).multinomial(len(each), np.full(len(each), 1 / len(each)), size=RESAMPLES)
    draws = alpha(np.tensordot(weights.astype(float), each, axes=1))
    return interval(value, draws, level)


def interval(value: float, draws: np.ndarray, level: float) -> Interval:
    """``value`` with the middle ``level`` of the draws that are defined; none where a tenth of them is not."""
    if np.isnan(draws).mean() > 0.1:
        return Interval(mid=value, level=level, why="too few items for an interval")
    low, high = np.nanquantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Interval(mid=value, low=float(low), high=float(high), level=level)


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


@dataclass(frozen=True)
class Asked:
    """A question with all its answers; ``ordered`` codes of answers, ``weights`` of Cohen's kappa."""

    name: str
    words: str
    codes: tuple[str, ...]
    units: Units
    weights: str | None = None

    @property
    def answers(self) -> int:
        """How many there are."""
        return sum(len(unit) for units in self.units for unit in units)


def all_asked(sheet: Sheet, ratings: Sequence[Ratings]) -> list[Asked]:
    """The questions that anybody answered: quality, which is better, who wrote it, and each problem that was ticked."""
    who = WHO_OF_ONE if sheet.kind == "single" else WHO_OF_TWO
    found = [
        Asked(
            "quality",
            "Quality, 1 to 5",
            tuple(map(str, GRADES)),
            _of_texts(sheet, ratings, lambda side: None if side.quality is None else side.quality - 1),
            "quadratic",
        ),
        Asked("better", "Which is better", BETTER, _of_items(sheet, ratings, lambda a: _at(BETTER, a.better))),
        Asked("person", "Who is the person", who, _of_items(sheet, ratings, lambda a: _at(who, a.person))),
    ]
    for problem in PROBLEMS:
        ticked = _of_texts(sheet, ratings, lambda side, code=problem.code: _ticked(side, code))  # type: ignore[misc]
        if any(1 in unit.values() for units in ticked for unit in units):
            found.append(Asked(problem.code, problem.label, ("no", "yes"), ticked))
    return [asked for asked in found if asked.answers]


def _ticked(side: SideRating, code: str) -> int | None:
    """A text that was not judged at all has no problem that was seen or not seen."""
    return None if side.quality is None and not side.problems else int(code in side.problems)


def _of_texts(sheet: Sheet, ratings: Sequence[Ratings], value: Callable[[SideRating], int | None]) -> Units:
    return [
        [_unit(ratings, name, lambda answer, at=place: value(answer.side(at))) for place, _ in item.sides()]  # type: ignore[misc]
        for name, item in sheet.items.items()
    ]


def _of_items(sheet: Sheet, ratings: Sequence[Ratings], value: Callable[[Answer], int | None]) -> Units:
    return [[_unit(ratings, name, value)] for name in sheet.items]


def _unit(ratings: Sequence[Ratings], name: str, value: Callable[[Answer], int | None]) -> Unit:
    given = ((each.rater, value(each.answers[name])) for each in ratings if name in each.answers)
    return {rater: answer for rater, answer in given if answer is not None}


def _at(codes: Sequence[str], code: str | None) -> int | None:
    return None if code is None else codes.index(code)


def pairs(units: Units, one: str, other: str) -> Iterator[tuple[int, int]]:
    """The answers of two raters to what both answered."""
    for each in units:
        for unit in each:
            if one in unit and other in unit:
                yield unit[one], unit[other]


class Kappa(Part):
    """Cohen's kappa of two raters over ``n`` common answers; None where both always said the same one thing."""

    one: str
    other: str
    kappa: float | None
    n: int


class Agreed(Part):
    """Of one question: Krippendorff's alpha over ``units`` that two raters or more answered, each two raters' kappa
    (quadratic weights for quality), and the share of their common answers that are equal."""

    question: str
    words: str
    alpha: Interval
    units: int
    equal: float | None
    kappas: list[Kappa]


class Rater(Part):
    """``items`` that were answered at all; ``seconds``: the median on one of them."""

    name: str
    items: int
    seconds: float | None


class Agreement(Part):
    """What a sheet's ratings say. ``leftward``: share of the preferences that fell on the left text, which the lot
    makes a half for a rater without a leaning."""

    sheet: str
    kind: Kind
    items: int
    level: float
    raters: list[Rater]
    questions: list[Agreed]
    outcomes: list[Outcome]
    leftward: Interval | None
    correlations: list[Correlation]
    comments: list[tuple[str, str, str]]  # item, rater, remark


def agreement(
    sheet: Sheet | str | Path, ratings: Sequence[str | Path], *, level: float = 0.9, seed: int = 0
) -> Agreement:
    """Compare the ratings of a sheet.

    Args:
        sheet: the page (its key beside it), the key, or what :func:`synthmix.human_eval.make.make_sheet` gave.
        ratings: files that raters downloaded, folders or globs of them; one rater alone gives no agreement.
        level: of all intervals. seed: of their bootstraps.

    Raises:
        BadInput: a file that is missing, damaged, or of another sheet; a level outside (0, 1).
    """
    if not 0 < level < 1:
        raise BadInput(f"{level} is not between 0 and 1", key="level")
    key = sheet if isinstance(sheet, Sheet) else load_sheet(sheet)
    given = load_ratings(key, ratings)
    return Agreement(
        sheet=key.id,
        kind=key.kind,
        items=len(key.items),
        level=level,
        raters=[_rater(one) for one in given],
        questions=[_agreed(asked, [one.rater for one in given], level, seed) for asked in all_asked(key, given)],
        outcomes=outcomes(key, given, level=level, seed=seed),
        leftward=_leftward(given, level, seed),
        correlations=correlations(key, given, level=level, seed=seed),
        comments=[
            (name, one.rater, one.answers[name].comment.strip())
            for name in key.items
            for one in given
            if name in one.answers and one.answers[name].comment.strip()
        ],
    )


def _rater(one: Ratings) -> Rater:
    taken = sorted(answer.seconds for answer in one.answers.values() if answer.seconds is not None)
    return Rater(name=one.rater, items=len(one.answers), seconds=taken[len(taken) // 2] if taken else None)


def _agreed(asked: Asked, raters: Sequence[str], level: float, seed: int) -> Agreed:
    units = [[list(unit.values()) for unit in units] for units in asked.units]
    kappas, equal = [], []
    for one, other in combinations(raters, 2):
        both = list(pairs(asked.units, one, other))
        equal += [a == b for a, b in both]
        if both:
            kappas.append(Kappa(one=one, other=other, kappa=_kappa(both, asked), n=len(both)))
    return Agreed(
        question=asked.name,
        words=asked.words,
        alpha=agreement_of(units, len(asked.codes), level=level, seed=seed),
        units=sum(len(unit) > 1 for each in units for unit in each),
        equal=sum(equal) / len(equal) if equal else None,
        kappas=kappas,
    )


def _kappa(both: Sequence[tuple[int, int]], asked: Asked) -> float | None:
    from sklearn.metrics import cohen_kappa_score

    one, other = [a for a, _ in both], [b for _, b in both]
    if len({*one, *other}) < 2:
        return None
    return float(cohen_kappa_score(one, other, labels=list(range(len(asked.codes))), weights=asked.weights))


def _leftward(given: Sequence[Ratings], level: float, seed: int) -> Interval | None:
    by_item: dict[str, list[float]] = {}
    for one in given:
        for name, answer in one.answers.items():
            if answer.better in ("left", "right"):
                by_item.setdefault(name, []).append(float(answer.better == "left"))
    values = [sum(own) / len(own) for own in by_item.values()]
    return mean_interval(values, level, seed) if values else None
