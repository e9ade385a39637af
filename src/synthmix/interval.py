"""An estimate with its interval: one type, and the one way to show it."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from pydantic import AliasChoices, ConfigDict, Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from synthmix.quantities import fixed, signed_text
from synthmix.rounding import ROUNDING

Covers: TypeAlias = Literal["mean", "new run", "sampling"]
Form: TypeAlias = str | Callable[[Any], str]
_MOST_DECIMALS = 5


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Interval:
    """An estimate ``mid`` with an interval from ``low`` to ``high`` at ``level``.

    ``covers`` says what the interval is meant to hold: ``mean``, the expected value over training runs (seed noise and
    the fit's own uncertainty); ``new run``, one further run, its seed noise included; ``sampling``, the value on other
    items of the same kind (documents, questions, raters' texts), the trained models as they are.

    ``mid`` None: undefined, and ``why`` says so in one clause. An end that is None is not known. What is not finite is
    None, so an interval reads back from JSON equal to itself. ``mid`` may lie outside of the ends: the percentile
    interval of resamples need not hold the estimate. ``value`` in files of earlier versions is read as ``mid``.

    Raises:
        ValueError: ``low`` above ``high``, or ``level`` not between 0 and 1.
    """

    low: float | None = None
    mid: float | None = Field(validation_alias=AliasChoices("mid", "value"))
    high: float | None = None
    level: float = Field(default=0.9, gt=0, lt=1)
    covers: Covers = "mean"
    why: str | None = None

    @field_validator("low", "mid", "high")
    @classmethod
    def _finite(cls, end: float | None) -> float | None:
        return end if end is not None and math.isfinite(end) else None

    @model_validator(mode="after")
    def _ordered(self) -> "Interval":
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError(f"the lower end {self.low:g} lies above the upper end {self.high:g}")
        return self

    @property
    def bounded(self) -> bool:
        """The estimate and both ends are known."""
        return self.mid is not None and self.low is not None and self.high is not None

    @property
    def half_width(self) -> float | None:
        """Half the distance of the ends; None where one is not known."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    def sign(self, noise: float = 0.0) -> Literal[-1, 0, 1]:
        """-1 or +1 where the whole interval lies below or above zero and the estimate is beyond ``noise``; else 0.

        What is not beyond :data:`.ROUNDING` is zero whatever the interval: without noise both are as small.
        """
        if self.mid is None or self.low is None or self.high is None or abs(self.mid) <= max(noise, ROUNDING):
            return 0
        return -1 if self.high < 0 else 1 if self.low > 0 else 0

    def holds(self, value: float) -> bool | None:
        """Whether ``value`` lies inside; None where an end is not known."""
        return None if self.low is None or self.high is None else self.low <= value <= self.high

    def mapped(self, rule: Callable[[float], float]) -> "Interval":
        """``rule``, which may not fall, applied to every number that is known."""
        low, mid, high = (None if x is None else rule(x) for x in (self.low, self.mid, self.high))
        return replace(self, low=low, mid=mid, high=high)

    def scaled(self, factor: float) -> "Interval":
        """The interval in another unit: every number times ``factor``; a negative one exchanges the ends."""
        low, mid, high = (None if x is None else x * factor for x in (self.low, self.mid, self.high))
        if factor < 0:
            low, high = high, low
        return replace(self, low=low, mid=mid, high=high)

    def minus(self, other: "Interval") -> "Interval":
        """The difference of two independent estimates of one level: the distances of the ends add in squares, each side
        its own (Newcombe 1998; Zou and Donner 2008). Without ends where one has none."""
        if self.mid is None or other.mid is None:
            return replace(self, low=None, mid=None, high=None, why=self.why or other.why)
        mid = self.mid - other.mid
        ends = (self.low, self.high, other.low, other.high)
        if None in ends or self.level != other.level:
            return replace(self, low=None, mid=mid, high=None)
        low, high, other_low, other_high = (float(end or 0.0) for end in ends)
        below = math.hypot(self.mid - low, other_high - other.mid)
        above = math.hypot(high - self.mid, other.mid - other_low)
        return replace(self, low=mid - below, mid=mid, high=mid + above)

    def __str__(self) -> str:
        return format_interval(self)


def decimals(interval: Interval, fallback: int = 3) -> int:
    """Decimals that show two significant digits of the interval's half width."""
    half = interval.half_width
    return min(max(1 - math.floor(math.log10(half)), 0), _MOST_DECIMALS) if half else fallback


def level_text(interval: Interval) -> str:
    """``90% interval``."""
    return f"{interval.level * 100:.3g}% interval"


def undefined(interval: Interval) -> str:
    """``undefined`` or ``undefined (the natural text never reaches that loss)``."""
    return f"undefined ({interval.why})" if interval.why else "undefined"


def format_interval(
    interval: Interval | None, form: Form | None = None, *, signed: bool = False, level: bool = True
) -> str:
    """``3.214 (90% interval 3.18 to 3.25)``, the one way to write an interval.

    Args:
        form: how a number is written: a format such as ``.3f`` or ``+.1%``, or a function such as ``percent``; None:
            with the digits that the interval supports, ``signed`` or not; ``+``: these digits, signed.
        level: name the level; without it ``3.214 (3.18 to 3.25)``, for a table whose heading or note names it.

    Returns:
        ``undefined (why)`` without an estimate, ``n/a`` without an interval at all; a ``?`` for an end that is not
        known; where neither is known, ``(no interval)`` if ``level``, else the estimate alone.
    """
    if interval is None:
        return "n/a"
    if interval.mid is None:
        return undefined(interval)
    mid, bounds = interval_parts(interval, form, signed=signed)
    if interval.low is None and interval.high is None:
        return mid + (" (no interval)" if level else "")
    return f"{mid} ({level_text(interval) + ' ' if level else ''}{bounds})"


def interval_parts(interval: Interval, form: Form | None = None, *, signed: bool = False) -> tuple[str, str]:
    """The estimate, and its bounds or why there are none: what a page shows in normal and in small type."""
    if interval.mid is None:
        return "undefined", interval.why or ""
    say = _form(interval, form, signed)
    if interval.low is None and interval.high is None:
        return say(interval.mid), interval.why or "no interval"
    low, high = ("?" if end is None else say(end) for end in (interval.low, interval.high))
    return say(interval.mid), f"{low} to {high}"


def _form(interval: Interval, form: Form | None, signed: bool) -> Callable[[Any], str]:
    if form is None or form == "+":
        digits = decimals(interval)
        return lambda value: fixed(value, digits, signed=signed or form == "+")
    if isinstance(form, str):
        return lambda value: signed_text(f"{value:{form}}")
    return form
