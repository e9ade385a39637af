"""Files of ratings, as the page gives them, held to the sheet that they are of."""

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from synthmix.errors import BadInput
from synthmix.files import placed, read_json
from synthmix.human_eval.sheet import PROBLEMS, Item, Place, Sheet
from synthmix.validation import validated

FORMAT: Literal["synthmix ratings 1"] = "synthmix ratings 1"
_CODES = frozenset(problem.code for problem in PROBLEMS)
_REMEDY = "download the ratings from the page again"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SideRating(_Part):
    """Of one text: a grade from 1 to 5, and the codes of its problems."""

    quality: Annotated[int, Field(ge=1, le=5)] | None = None
    problems: list[str] = []


class Answer(_Part):
    """Of one item; what was not answered is None. ``person``: the side that a person wrote, or for a text alone
    ``person`` or ``model``; ``seconds``: that it was on the screen."""

    left: SideRating = SideRating()
    right: SideRating | None = None
    better: Literal["left", "same", "right"] | None = None
    person: Literal["left", "right", "unsure", "person", "model"] | None = None
    comment: str = ""
    seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    def side(self, place: Place) -> SideRating:
        """What was said of the text at ``place``."""
        return (self.left if place == "left" else self.right) or SideRating()


class Ratings(_Part):
    """What one rater said of one sheet, by the items' names."""

    format: Literal["synthmix ratings 1"] = FORMAT
    sheet: str
    rater: str = Field(min_length=1)
    answers: dict[str, Answer]


def load_ratings(sheet: Sheet, paths: Sequence[str | Path]) -> list[Ratings]:
    """Ratings of ``sheet`` from files or globs, in the order of the raters' names.

    Raises:
        BadInput: no file, one that is damaged, no ratings, or another sheet's; an answer to a question that the item
            does not have; a rater who is there twice; nobody answered anything.
    """
    if not paths:
        raise BadInput("no file of ratings", key="ratings", remedy="name the files that the raters downloaded")
    found: dict[str, tuple[Ratings, Path]] = {}
    for path in _expanded(paths):
        ratings = _read(path, sheet)
        if ratings.rater in found:
            raise BadInput(
                f"the rater {ratings.rater!r} is in {found[ratings.rater][1]} already",
                where=path,
                key="rater",
                remedy="leave one of the two out",
            )
        found[ratings.rater] = ratings, path
    if not any(ratings.answers for ratings, _ in found.values()):
        raise BadInput("nobody answered anything", where=next(iter(found.values()))[1], remedy="rate the sheet first")
    return [found[name][0] for name in sorted(found)]


def _expanded(paths: Sequence[str | Path]) -> list[Path]:
    found: list[Path] = []
    for path in map(placed, paths):
        if Path(path).is_dir():
            path = str(Path(glob.escape(path)) / "*.json")
        matches = [path] if Path(path).exists() else sorted(glob.glob(path))
        if not matches:
            raise BadInput("no such file", where=path, key="ratings", remedy="check the path")
        found += [Path(match) for match in matches]
    return list(dict.fromkeys(found))


def _read(path: Path, sheet: Sheet) -> Ratings:
    try:
        raw: Any = read_json(path)
    except BadInput as error:
        raise BadInput(error.problem, where=path, remedy=_REMEDY) from None
    if not isinstance(raw, dict) or raw.get("format") != FORMAT:
        raise BadInput("is no file of ratings", where=path, remedy=_REMEDY)
    if raw.get("sheet") != sheet.id:
        raise BadInput(
            f"rates sheet {raw.get('sheet')}, and this is sheet {sheet.id}",
            where=path,
            key="sheet",
            remedy="name the sheet that it was downloaded from",
        )
    ratings = validated(Ratings, raw, where=path, problem="is damaged", remedy=_REMEDY)
    for name, answer in ratings.answers.items():
        item = sheet.items.get(name)
        if item is None:
            raise BadInput("the sheet has no such item", where=path, key=f"answers.{name}", remedy=_REMEDY)
        problem = _unasked(item, answer)
        if problem:
            raise BadInput(problem, where=path, key=f"answers.{name}", remedy=_REMEDY)
    return ratings


def _unasked(item: Item, answer: Answer) -> str | None:
    """What an answer says that its item did not ask."""
    codes = {code for side in (answer.left, answer.right) if side is not None for code in side.problems}
    if codes - _CODES:
        return f"{sorted(codes - _CODES)[0]!r} is none of the problems ({', '.join(sorted(_CODES))})"
    alone = item.right is None
    if alone and (answer.right is not None or answer.better is not None):
        return "has two texts rated, and the item has one"
    if answer.person in (("left", "right") if alone else ("person", "model")):
        return f"{answer.person!r} is no answer to who wrote {'the one text' if alone else 'which of two'}"
    return None
