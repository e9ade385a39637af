"""Numbers as people read and write them: ``1.5M`` tokens, ``33%``, ``1/3``, a true minus sign."""

import math
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, TypeVar

from synthmix.errors import BadInput

Value = TypeVar("Value")

MINUS = "\N{MINUS SIGN}"
TIMES = "\N{MULTIPLICATION SIGN}"
_SPACES = "' \N{RIGHT SINGLE QUOTATION MARK}\N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}"
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


def parsed(parse: Callable[[Any], Value], value: Any, key: str) -> Value:
    """``parse(value)``.

    Raises:
        BadInput: it does not fit (a ``ValueError``), under ``key``.
    """
    try:
        return parse(value)
    except ValueError as error:
        message = f"{value!r} is not a number" if parse in (int, float) else str(error)
        raise BadInput(message, key=key) from None


def parse_number(value: Any) -> float:
    """``1.3B``, ``1,000,000``, ``1 000 000``, ``33%``, ``1/3`` or a plain number, infinite and NaN too -> a float.

    Raises:
        ValueError: not a number.
    """
    if isinstance(value, bool) or value is None:
        raise ValueError(f"{value!r} is not a number")
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip().replace("_", "").replace(MINUS, "-")
    if re.fullmatch(rf"[+-]?\d{{1,3}}([,{_SPACES}]\d{{3}})+(\.\d+)?", text):
        text = re.sub(f"[,{_SPACES}]", "", text)
    try:
        return float(text)
    except ValueError:
        pass
    if match := _COUNT.fullmatch(text):
        return float(match[1]) * _SUFFIX[match[2].lower()]
    if re.fullmatch(r"[+-]?[\d.]+\s*%", text) or re.fullmatch(r"\d+/\d+", text):
        return float(parse_share(text))
    raise ValueError(f"{value!r} is not a number; write 1300000000, 1.3B or 33%")


def parse_share(value: Any) -> Fraction:
    """``"33%"``, ``"1/3"``, ``1 / 3``, ``0.33`` or ``1`` -> an exact fraction in [0, 1].

    Raises:
        ValueError: not a number, or outside [0, 1].
    """
    text = str(value).strip()
    if isinstance(value, float) and math.isfinite(value):
        near = Fraction(value).limit_denominator(1000)
        if math.isclose(near, value, rel_tol=1e-12):  # 1 / 3 as Python computes it is meant to be a third
            text = str(near)
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


def listed(names: Sequence[str]) -> str:
    """``a, b and c``."""
    return ", ".join(names[:-1]) + (" and " if len(names) > 1 else "") + names[-1] if names else "none"


def plural(count: int, noun: str) -> str:
    """``1 run``, ``3 runs``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def signed_text(text: str) -> str:
    """A number as Python formats it, its sign a true minus; an exponent's stays as it is."""
    return MINUS + text[1:] if text.startswith("-") else text
