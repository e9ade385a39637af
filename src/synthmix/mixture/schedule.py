"""How a share changes along a run, as people write it: ``{form: linear, from: 0, to: 50%}`` or ``linear:0:50%``."""

from fractions import Fraction
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationError, model_validator

from synthmix.mixture.curve import Curve, constant, make_curve
from synthmix.quantities import format_share, parse_share
from synthmix.validation import Share, misfit

NEEDS = {
    "constant": ("share",),
    "linear": ("from", "to"),
    "step": ("steps",),
    "synthetic-first": ("share",),
    "real-last": ("share", "last"),
}
MAY = {"synthetic-first": ("peak",)}
EXAMPLES = "linear:0:50%, step:0=0,50%=60%, synthetic-first:33%, real-last:33%:20%"


def _parse_steps(value: Any) -> Any:
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
            unless given, until the source's part of the budget, ``share``, is used up, then none); ``real-last``
            (none in the ``last`` part of the run, an even share before, ``share`` of the whole).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    form: Literal["constant", "linear", "step", "synthetic-first", "real-last"]
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


def parse_schedule(value: Any) -> Schedule:
    """A mapping, the short form ``linear:0:50%``, or a plain share.

    Raises:
        ValueError: in one line, what does not fit.
    """
    if isinstance(value, Schedule):
        return value
    if isinstance(value, str):
        form, *parts = (part.strip() for part in value.split(":"))
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


def parse_varying(value: Any) -> "Schedule | Fraction":
    """A share, or one that changes along the run: a schedule as a mapping or in short form.

    Raises:
        ValueError: neither.
    """
    changes = isinstance(value, Schedule | dict) or (isinstance(value, str) and ":" in value)
    return parse_schedule(value) if changes else parse_share(value)


def parse_entry(value: Any) -> "Schedule | Fraction | str":
    """What may stand behind a source in a recipe: a share, a schedule, or ``rest``.

    Raises:
        ValueError: none of these.
    """
    return "rest" if value == "rest" else parse_varying(value)


ScheduleField = Annotated[Schedule, BeforeValidator(parse_schedule)]
VaryingShare = Annotated[Fraction | Schedule, BeforeValidator(parse_varying)]
SourceShare = Annotated[Schedule | Fraction | Literal["rest"], BeforeValidator(parse_entry)]
