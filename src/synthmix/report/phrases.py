"""Numbers as a reader wants them: the digits that the interval supports, a unit, a true minus sign."""

import math
from collections.abc import Callable, Sequence

from synthmix.quantities import format_count
from synthmix.results import Interval

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_MOST_DECIMALS = 5


def decimals(interval: Interval, fallback: int = 3) -> int:
    """Decimals that show two significant digits of the interval's half width."""
    if not bounded(interval) or interval.high == interval.low:
        return fallback
    half = abs((interval.high or 0.0) - (interval.low or 0.0)) / 2
    return min(max(1 - math.floor(math.log10(half)), 0), _MOST_DECIMALS)


def bounded(interval: Interval | None) -> bool:
    """The value and both bounds are there and finite."""
    if interval is None:
        return False
    return all(x is not None and math.isfinite(x) for x in (interval.value, interval.low, interval.high))


def fixed(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """-0.0312 -> ``−0.031``; None and non-finite numbers -> ``n/a``; never ``-0.000``."""
    if value is None or not math.isfinite(value):
        return "n/a"
    text = f"{abs(value):.{digits}f}"
    zero = float(text) == 0
    return ("" if zero or (value > 0 and not signed) else "+" if value > 0 else MINUS) + text


def percent(share: float | None) -> str:
    """0.3333 -> ``33%``, 0.042 -> ``4.2%``: two significant digits below ten percent, none after the point above."""
    if share is None or not math.isfinite(share):
        return "n/a"
    points = share * 100
    text = f"{points:.1f}" if 0 < points < 10 or 99 < points < 100 else f"{points:.0f}"
    return (text[:-2] if text.endswith(".0") else text) + "%"


def times(value: float | None) -> str:
    """1.934 -> ``1.9×``, 0.043 -> ``0.043×``, 12345 -> ``12,300×``."""
    if value is None or not math.isfinite(value):
        return "n/a"
    if abs(value) < 10:
        return f"{value:.2g}{TIMES}"
    return (f"{float(f'{value:.3g}'):,.0f}" if abs(value) < 1e6 else format_count(value)) + TIMES


def level(interval: Interval) -> str:
    """``90% interval``."""
    return f"{interval.level * 100:.3g}% interval"


def loss_interval(interval: Interval, *, signed: bool = False) -> str:
    """``3.214 (90% interval 3.18 to 3.25)``; ``undefined: <why>``."""
    digits = decimals(interval)
    return _with_bounds(interval, lambda value: fixed(value, digits, signed=signed))


def share_interval(interval: Interval) -> str:
    """``31% (90% interval 18% to 44%)``."""
    return _with_bounds(interval, percent)


def times_interval(interval: Interval) -> str:
    """``1.9× (90% interval 1.2× to 3.1×)``."""
    return _with_bounds(interval, times)


def _with_bounds(interval: Interval, said: Callable[[float | None], str]) -> str:
    if interval.value is None:
        return undefined(interval)
    bounds = f"{level(interval)} {said(interval.low)} to {said(interval.high)}" if bounded(interval) else "no interval"
    return f"{said(interval.value)} ({bounds})"


def undefined(interval: Interval) -> str:
    """``undefined`` or ``undefined (the natural text never reaches that loss)``."""
    return f"undefined ({interval.why})" if interval.why else "undefined"


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else "none"


def plural(count: int, noun: str) -> str:
    """``1 run``, ``3 runs``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def distance(decades: float) -> str:
    """0.5 -> ``3.2× (0.5 decades)``; 0 or less -> ``inside what was trained``."""
    if decades <= 0:
        return "inside what was trained"
    return f"{times(10**decades)} ({decades:.1f} decades)"
