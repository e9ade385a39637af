"""Ratings as numbers: for each question the answers of each unit, by item and rater."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from synthmix.reading.questions import BETTER, GRADES, PROBLEMS, WHO_OF_ONE, WHO_OF_TWO
from synthmix.reading.ratings import Answer, Ratings, SideRating
from synthmix.reading.sheet import Sheet

Unit = dict[str, int]  # rater -> answer, counted from 0
Units = list[list[Unit]]  # of each item its units: a text each, or the item itself


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
