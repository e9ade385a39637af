"""How a share changes along a run: a piecewise linear function of progress, in exact fractions.

Written as ``{form: linear, from: 0, to: 50%}`` or ``linear:0:50%``.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from synthmix.quantities import format_share, parse_share
from synthmix.validation import Share, misfit

NEEDS = {
    "constant": ("share",),
    "linear": ("from", "to"),
    "step": ("steps",),
    "synthetic-first": ("share",),
    "natural-last": ("share", "last"),
}
MAY = {"synthetic-first": ("peak",)}
FORMER_FORMS = {"real-last": "natural-last"}  # still read, for one version
EXAMPLES = "linear:0:50%, step:0=0,50%=60%, synthetic-first:33%, natural-last:33%:20%"


class Piece(NamedTuple):
    """From ``start`` to ``end`` of the run the share goes straight from ``first`` to ``last``."""

    start: Fraction
    end: Fraction
    first: Fraction
    last: Fraction

    @property
    def slope(self) -> Fraction:
        """Change of the share over a whole run."""
        return (self.last - self.first) / (self.end - self.start)

    def at(self, x: Fraction) -> Fraction:
        """The share at progress ``x``."""
        return self.first + self.slope * (x - self.start)


@dataclass(frozen=True)
class Curve:
    """A share over progress 0 to 1. The pieces follow each other without gaps; the share may jump between them.

    Equal functions are equal objects: pieces that continue each other are joined.
    """

    pieces: tuple[Piece, ...]

    @property
    def mean(self) -> Fraction:
        """The share of the whole run: the integral over progress."""
        return self.integral(Fraction(1))

    @property
    def is_constant(self) -> bool:
        """Whether the share never changes."""
        return len(self.pieces) == 1 and self.pieces[0].first == self.pieces[0].last

    def integral(self, x: Fraction) -> Fraction:
        """The share's integral from 0 to ``x``: the part of the run's tokens taken from this source by then."""
        done = Fraction(0)
        for piece in self.pieces:
            end = min(x, piece.end)
            if end > piece.start:
                done += (end - piece.start) * (piece.first + piece.at(end)) / 2
        return done

    def as_list(self) -> list[list[str]]:
        """Plain data for records and hashes: ``[[start, end, first, last], ...]``, fractions as text."""
        return [[str(number) for number in piece] for piece in self.pieces]


def make_curve(pieces: Iterable[Sequence[Fraction]]) -> Curve:
    """Check and join the pieces ``(start, end, first, last)``.

    Raises:
        ValueError: they do not follow each other from 0 to 1, or a share lies outside [0, 1].
    """
    joined: list[Piece] = []
    for piece in (Piece(*each) for each in pieces):
        if piece.start != (joined[-1].end if joined else 0) or piece.end <= piece.start:
            raise ValueError("the pieces of a share must follow each other from 0 to 1")
        if min(piece.first, piece.last) < 0 or max(piece.first, piece.last) > 1:
            raise ValueError(f"a share between {float(piece.first):g} and {float(piece.last):g} is not within [0, 1]")
        before = joined[-1] if joined else None
        if before and before.last == piece.first and before.slope == piece.slope:
            joined[-1] = Piece(before.start, piece.end, before.first, piece.last)
        else:
            joined.append(piece)
    if not joined or joined[-1].end != 1:
        raise ValueError("the pieces of a share must follow each other from 0 to 1")
    return Curve(tuple(joined))


def constant(share: Fraction) -> Curve:
    """The same share all along."""
    return make_curve([(Fraction(0), Fraction(1), share, share)])


def what_is_left(curves: Sequence[Curve]) -> list[Piece]:
    """One minus the sum of ``curves``, as pieces; a share below 0 means that they make more than one there."""
    cuts = sorted({cut for curve in curves for piece in curve.pieces for cut in (piece.start, piece.end)} | {0, 1})
    left = []
    for start, end in pairwise(cuts):
        inside = [next(p for p in curve.pieces if p.start <= start and end <= p.end) for curve in curves]
        first, last = (1 - sum((piece.at(Fraction(x)) for piece in inside), Fraction(0)) for x in (start, end))
        left.append(Piece(Fraction(start), Fraction(end), first, last))
    return left


def parse_curve(value: object) -> Curve:
    """What :meth:`Curve.as_list` gave, or a curve.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, Curve):
        return value
    if not isinstance(value, list | tuple) or any(len(each) != 4 for each in value):
        raise ValueError("a curve is a list of [start, end, first share, last share]")
    return make_curve([[parse_share(number) for number in each] for each in value])


CurveField = Annotated[Curve, BeforeValidator(parse_curve), PlainSerializer(Curve.as_list)]


def _parse_steps(value: object) -> object:
    """Keys and values as shares; given as a mapping, or as ``0=0,50%=60%``."""
    if isinstance(value, str):
        value = dict(part.partition("=")[::2] for part in value.split(","))
    if isinstance(value, dict):
        return {parse_share(x): parse_share(share) for x, share in value.items()}
    return value


def _plain_steps(value: dict[Fraction, Fraction] | None) -> dict[str, str] | None:
    return None if value is None else {str(x): str(share) for x, share in value.items()}


Steps = Annotated[dict[Fraction, Fraction], BeforeValidator(_parse_steps), PlainSerializer(_plain_steps)]


class Schedule(BaseModel):
    """One source's share over the run's progress; the recipe's other sources make room for it.

    Attributes:
        form: ``constant`` (``share``); ``linear`` (straight ``from`` one share ``to`` another); ``step`` (``steps``:
            progress -> the share from there on, the first at 0); ``synthetic-first`` (the share is ``peak``, 100 %
            unless given, until the source's part of the budget, ``share``, is used up, then none); ``natural-last``
            (none in the ``last`` part of the run, an even share before, ``share`` of the whole).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    form: Annotated[
        Literal["constant", "linear", "step", "synthetic-first", "natural-last"],
        BeforeValidator(lambda form: FORMER_FORMS.get(form, form) if isinstance(form, str) else form),
    ]
    share: Share | None = None
    from_: Share | None = Field(default=None, alias="from")
    to: Share | None = None
    steps: Steps | None = None
    peak: Share | None = None
    last: Share | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        given = {name.rstrip("_") for name in self.model_fields_set if getattr(self, name) is not None} - {"form"}
        needs, may = NEEDS[self.form], MAY.get(self.form, ())
        if missing := [name for name in needs if name not in given]:
            raise ValueError(f"a {self.form} share needs {' and '.join(needs)}; {' and '.join(missing)} is missing")
        if unknown := sorted(given - {*needs, *may}):
            raise ValueError(f"a {self.form} share has no {unknown[0]}; it has {', '.join((*needs, *may))}")
        if self.steps is not None and (not self.steps or min(self.steps) != 0 or max(self.steps) >= 1):
            raise ValueError("steps: the first starts at 0 and all others before 1 (progress), as in {0: 0, 50%: 60%}")
        if self.peak is not None and self.share is not None and not self.share <= self.peak:
            raise ValueError(f"a peak of {format_share(self.peak)} never makes {format_share(self.share)} of the run")
        if self.peak == 0 or (self.last is not None and self.last == 1):
            raise ValueError("peak: 0 and last: 100% leave no room for the share")
        if self.last is not None and self.share is not None and self.share > 1 - self.last:
            raise ValueError(
                f"{format_share(self.share)} of the run do not fit before its last {format_share(self.last)}"
            )
        return self

    def curve(self) -> Curve:
        """The share as a function of progress."""
        zero, one = Fraction(0), Fraction(1)
        share = self.share or zero
        if self.form == "linear":
            return make_curve([(zero, one, self.from_ or zero, self.to or zero)])
        if self.form == "step":
            steps = sorted((self.steps or {}).items())
            ends = [x for x, _ in steps[1:]] + [one]
            return make_curve([(x, end, y, y) for (x, y), end in zip(steps, ends, strict=True)])
        if self.form == "constant" or share == 0:
            return constant(share)
        high = (self.peak or one) if self.form == "synthetic-first" else share / (1 - (self.last or zero))
        end = share / high
        tail = [(end, one, zero, zero)] if end < 1 else []
        return make_curve([(zero, end, high, high), *tail])

    def in_words(self) -> str:
        """Short, for a recipe's name: ``linear 0% to 50%``."""
        if self.form == "linear":
            return f"linear {format_share(self.from_ or 0.0)} to {format_share(self.to or 0.0)}"
        if self.form == "step":
            parts = [f"{format_share(y)} from {format_share(x)}" for x, y in sorted((self.steps or {}).items())]
            return "step " + ", ".join(parts)
        extra = self.peak if self.form == "synthetic-first" else self.last
        return self.form.replace("-", " ") + (f" {format_share(extra)}" if extra else "")


def parse_schedule(value: object) -> Schedule:
    """A mapping, the short form ``linear:0:50%``, or a plain share.

    Raises:
        ValueError: in one line, what does not fit.
    """
    if isinstance(value, Schedule):
        return value
    if isinstance(value, str):
        form, *parts = (part.strip() for part in value.split(":"))
        form = FORMER_FORMS.get(form, form)
        if not parts:
            form, parts = "constant", [value]
        names = (*NEEDS.get(form, ()), *MAY.get(form, ()))
        if not names or len(parts) > len(names):
            raise ValueError(f"{value!r} is not a share over the run; write {EXAMPLES}")
        value = {"form": form, **dict(zip(names, parts, strict=False))}
    elif isinstance(value, int | float | Fraction):
        value = {"form": "constant", "share": value}
    try:
        return Schedule.model_validate(value)
    except ValidationError as error:
        found = misfit(error)
        raise ValueError(f"{found.key}: {found.message}" if found.key else found.message) from None


def parse_varying(value: object) -> "Schedule | Fraction":
    """A share, or one that changes along the run: a schedule as a mapping or in short form.

    Raises:
        ValueError: neither.
    """
    changes = isinstance(value, Schedule | dict) or (isinstance(value, str) and ":" in value)
    return parse_schedule(value) if changes else parse_share(value)


def parse_entry(value: object) -> "Schedule | Fraction | str":
    """What may stand behind a source in a recipe: a share, a schedule, or ``rest``.

    Raises:
        ValueError: none of these.
    """
    return "rest" if value == "rest" else parse_varying(value)


ScheduleField = Annotated[Schedule, BeforeValidator(parse_schedule)]
VaryingShare = Annotated[Fraction | Schedule, BeforeValidator(parse_varying)]
SourceShare = Annotated[Schedule | Fraction | Literal["rest"], BeforeValidator(parse_entry)]
