"""How far raters agree with each other, what they found, and whether the automatic measures say the same."""

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.reading.alpha import agreement_of
from synthmix.reading.answers import Asked, all_asked, pairs
from synthmix.reading.correlate import Correlation, correlations
from synthmix.reading.outcomes import Outcome, mean_interval, outcomes
from synthmix.reading.questions import Kind
from synthmix.reading.ratings import Ratings, load_ratings
from synthmix.reading.sheet import Part, Sheet, load_sheet


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
        sheet: the page (its key beside it), the key, or what :func:`synthmix.make_sheet` gave.
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
