"""Numbers as people write them: ``1.5M`` tokens, ``33%``, ``1/3``."""

import math
import re
from fractions import Fraction
from typing import Any

_SUFFIX = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "g": 10**9, "t": 10**12}
_COUNT = re.compile(r"(\d+(?:\.\d+)?(?:e[+-]?\d{1,2})?)\s*([kmbgt]?)", re.IGNORECASE)


def parse_count(value: Any) -> int:
    """``"1.5M"`` -> 1500000. Suffixes k, M, B (or G), T; ``5e5`` and plain numbers too.

    Raises:
        ValueError: not a positive whole number.
    """
    if isinstance(value, bool):
        raise ValueError(f"{value!r} is not a count; write 250000, 250k or 1.5M")
    match = _COUNT.fullmatch(str(value).strip().replace("_", ""))
    if not match:
        raise ValueError(f"{value!r} is not a count; write 250000, 250k or 1.5M")
    count = Fraction(match[1]) * _SUFFIX[match[2].lower()]
    if count.denominator != 1 or count < 1:
        raise ValueError(f"{value!r} is not a positive whole number")
    return int(count)


def parse_share(value: Any) -> Fraction:
    """``"33%"``, ``"1/3"``, ``0.33`` or ``1`` -> an exact fraction in [0, 1].

    Raises:
        ValueError: not a number, or outside [0, 1].
    """
    text = str(value).strip()
    if re.search(r"e[+-]?\d{3}", text, re.IGNORECASE):  # exact, it would fill the memory
        raise ValueError(f"{value!r} is not a share; write 33%, 1/3 or 0.33")
    try:
        share = Fraction(text[:-1].strip()) / 100 if text.endswith("%") else Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{value!r} is not a share; write 33%, 1/3 or 0.33") from None
    if isinstance(value, bool) or not 0 <= share <= 1:
        raise ValueError(f"{value!r} is not between 0 and 1")
    return share


def format_count(count: float) -> str:
    """1500000 -> ``1.5M``: three significant digits."""
    if not math.isfinite(count):
        return "n/a"
    for suffix, size in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(count) >= size * 0.9995:
            return f"{count / size:.3g}{suffix}"
    return f"{count:.3g}"


def format_share(share: Fraction | float) -> str:
    """Fraction(1, 3) -> ``33.3%``, Fraction(1, 2) -> ``50%``."""
    return f"{float(share) * 100:.3g}%"


def format_interval(value: float | None, low: float | None, high: float | None, form: str, level: str = "") -> str:
    """``0.123 (0.120 to 0.126)``, every number in the format ``form``; the value alone where a bound is not known."""
    if value is None:
        return "n/a"
    bounds = "" if low is None or high is None else f" ({level + ' ' if level else ''}{low:{form}} to {high:{form}})"
    return f"{value:{form}}{bounds}"


def format_seconds(seconds: float) -> str:
    """75 -> ``1 min 15 s``; 0.4 -> ``0.4 s``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
