"""What reaches a terminal or a log: text that is shown, never obeyed, in whatever encoding the other end has."""

import codecs
import logging
import sys
import unicodedata
import warnings
from typing import TextIO

_REORDER = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# Cc: control characters; Cs: halves of characters (bytes of a file name that are no UTF-8); Zl, Zp: line ends.
_OBEYED = {"Cc", "Cs", "Zl", "Zp"}
#: Our own typography where an encoding has none of it.
_ASCII = {
    **{"\N{MINUS SIGN}": "-", "\N{MULTIPLICATION SIGN}": "x", "\N{PLUS-MINUS SIGN}": "+-", "\N{EN DASH}": "-"},
    **{"\N{EM DASH}": "-", "\N{HORIZONTAL ELLIPSIS}": "...", "\N{DOUBLE VERTICAL LINE}": "||"},
    **{"\N{RIGHT SINGLE QUOTATION MARK}": "'", "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{MIDDLE DOT}": "."},
    **{"\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"', "\N{NO-BREAK SPACE}": " "},
}
ERRORS = "synthmix-shown"  # the name of the error handler that streams are given


def plain(text: str, *, one_line: bool = False) -> str:
    """``text`` for a terminal: control characters but newlines and tabs, marks that change the reading order, other
    line ends and undecodable bytes are written out (``\\x1b``) instead of obeyed. ``one_line``: newlines and tabs
    too, for a name in a row."""
    kept = "" if one_line else "\n\t"
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c in kept or not _is_obeyed(c) else c.encode("unicode_escape").decode() for c in text)


def _is_obeyed(character: str) -> bool:
    return unicodedata.category(character) in _OBEYED or character in _REORDER


def use_safe_streams() -> None:
    """Make stdout, stderr, warnings and logs of this process safe for any text: a character that the encoding lacks is
    written out (``\\u05e9``; our own signs as ASCII) instead of ending the command, and the text of a warning or of a
    log record is shown, not obeyed."""
    codecs.register_error(ERRORS, _shown)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=ERRORS)
    warnings.showwarning = _show_warning
    logging.setLogRecordFactory(_Record)


class _Record(logging.LogRecord):
    def getMessage(self) -> str:  # noqa: N802 - logging's own name
        return plain(super().getMessage())


def _shown(error: UnicodeError) -> tuple[str, int]:
    """A codec's error handler: what stands in for the characters that it cannot write."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lost = error.object[error.start : error.end]
    return "".join(_ASCII.get(c) or c.encode("unicode_escape").decode() for c in lost), error.end


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    stream = sys.stderr if file is None else file
    if stream is not None:
        stream.write(plain(warnings.formatwarning(message, category, filename, lineno, line)))
