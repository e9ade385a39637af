"""The templates' filters: how intervals, parameters and formulas look in a table cell."""

import math
import re
from collections.abc import Callable
from typing import Any

from synthmix.interval import Interval, decimals, undefined
from synthmix.quantities import MINUS, TIMES, fixed, format_count, format_seconds, percent, plural, times

_GREEK = {
    "alpha": "\N{GREEK SMALL LETTER ALPHA}",
    "beta": "\N{GREEK SMALL LETTER BETA}",
    "gamma": "\N{GREEK SMALL LETTER GAMMA}",
    "delta": "\N{GREEK SMALL LETTER DELTA}",
}


def _value(interval: Interval, signed: bool = False) -> str:
    return fixed(interval.mid, decimals(interval), signed=signed) if interval.mid is not None else "undefined"


def _bounds(interval: Interval, signed: bool = False) -> str:
    """What stands in small type below a value: its bounds, or why there are none."""
    if not interval.bounded:
        return interval.why or "no interval"
    digits = decimals(interval)
    low, high = (fixed(x, digits, signed=signed) for x in (interval.low, interval.high))
    return f"{low} to {high}"


def _times_value(interval: Interval) -> str:
    return times(interval.mid) if interval.mid is not None else "undefined"


def _times_bounds(interval: Interval) -> str:
    if not interval.bounded:
        return interval.why or "no interval"
    return f"{times(interval.low)} to {times(interval.high)}"


def _share_bounds(interval: Interval) -> str:
    if not interval.bounded:
        return interval.why or "no interval"
    return f"{percent(interval.low)} to {percent(interval.high)}"


def parameter(interval: Interval) -> str:
    """A law's parameter to three digits with its interval; they range from 0.1 to millions."""
    if interval.mid is None:
        return undefined(interval)
    bounds = f" ({_three(interval.low)} to {_three(interval.high)})" if interval.bounded else ""
    return f"{_three(interval.mid)}{bounds}"


def _three(value: float | None) -> str:
    """Three significant digits: 0.342, 1,230, 4.5 × 10⁷."""
    if value is None or not math.isfinite(value) or abs(value) >= 1e6 or 0 < abs(value) < 1e-3:
        return "n/a" if value is None else scientific(value)
    return f"{float(f'{abs(value):.3g}'):,g}" if value >= 0 else MINUS + _three(-value)


def formula(text: str) -> Any:
    """``E + A N^-alpha`` -> markup with a raised −α; everything else escaped."""
    from markupsafe import Markup, escape

    spelled = re.sub(r"\b(alpha|beta|gamma|delta)\b", lambda m: _GREEK[m[1]], text)
    raised = re.sub(r"\^(-?)(\w+)", lambda m: f"<sup>{MINUS if m[1] else ''}{m[2]}</sup>", str(escape(spelled)))
    return Markup(raised)


def scientific(value: float) -> str:
    """1.234e15 -> ``1.23 × 10¹⁵``."""
    if not math.isfinite(value) or value == 0:
        return fixed(value, 0)
    power = math.floor(math.log10(abs(value)))
    if -3 <= power < 4:
        return f"{value:.3g}"
    digits = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{value / 10**power:.2f} {TIMES} 10{digits}"


FILTERS: dict[str, Callable[..., Any]] = {
    "count": format_count,
    "seconds": format_seconds,
    "fixed": fixed,
    "percent": percent,
    "plural": plural,
    "value": _value,
    "bounds": _bounds,
    "times_value": _times_value,
    "times_bounds": _times_bounds,
    "share_bounds": _share_bounds,
    "sci": scientific,
    "formula": formula,
}
