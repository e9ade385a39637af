"""Whether a reference is of a kind of text on which the score was held to trained models.

The calibration of verdicts is of prose (:data:`synthmix.valuation.verdicts.TASKS`). Of tables, markup, queries or
another language nothing was measured, and on some such data no method orders datasets at all. CHOSEN: three numbers of
a reference that hardly depend on its size, each beside the range of the calibrated tasks.
"""

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from synthmix.errors import BadInput
from synthmix.valuation.pool import Pool
from synthmix.valuation.words import texts_in, words_of

WINDOW, WINDOWS = 4096, 64  # bytes that are compressed at once, and how many of these are looked at
BEYOND = 0.1  # by which share a number may lie outside of the calibrated range


@dataclass(frozen=True)
class Looks:
    """Of texts.

    Attributes:
        words: share of words, among words, numbers and marks.
        bits: bits a byte, compressed in pieces of :data:`WINDOW` bytes: low of markup and tables, which repeat. NaN of
            less text.
        plain: share of words that are of the letters a to z alone.
    """

    words: float
    bits: float
    plain: float


MEANING = {
    "words": "{:.0%} of its words, numbers and marks are words",
    "bits": "it compresses to {:.1f} bits a byte",
    "plain": "{:.0%} of its words are of the letters a to z",
}


def looks_of(reference: Pool) -> Looks | None:
    """Of its first quarter of a megabyte; None: no text, or none with a word."""
    held, size = [], 0
    for batch in reference.batches():
        try:
            texts: Sequence[str] = texts_in(batch)
        except BadInput:
            return None
        for text in texts:
            held.append(text[: WINDOW * WINDOWS])
            size += len(held[-1])
            if size >= WINDOW * WINDOWS:
                break
        if size >= WINDOW * WINDOWS:
            break
    units = [unit for text in held for unit in words_of(text)]
    words = [unit for unit in units if unit[0].isalpha()]
    if not words:
        return None
    joined = "\n".join(held).encode("utf-8", "replace")
    pieces = [joined[at : at + WINDOW] for at in range(0, len(joined) - WINDOW + 1, WINDOW)][:WINDOWS]
    packed = sum(len(zlib.compress(piece, 9)) for piece in pieces)
    ascii_words = sum(word.isascii() for word in words)
    bits = 8 * packed / (WINDOW * len(pieces)) if pieces else math.nan
    return Looks(len(words) / len(units), bits, ascii_words / len(words))


def unlike(found: Looks, known: Sequence[Looks]) -> str | None:
    """In what ``found`` lies outside of the ranges of ``known``, in words; None: in nothing."""
    told = []
    for name, said in MEANING.items():
        value, every = getattr(found, name), [getattr(each, name) for each in known]
        if value < min(every) * (1 - BEYOND) or value > max(every) * (1 + BEYOND):  # NaN is neither
            told.append(f"{said.format(value)} ({_range(name, every)} there)")
    return "; ".join(told) or None


def _range(name: str, every: Sequence[float]) -> str:
    low, high = min(every), max(every)
    return f"{low:.1f} to {high:.1f}" if name == "bits" else f"{low:.0%} to {high:.0%}"
