"""How many tokens an answer took, and how many of them are text: what a server says, held to what can be seen.

A server's numbers decide what is paid; they are taken where they can be true. Where there is none (absent, null,
negative, not a number, zero, or fewer than the text itself must have) what was set aside for the request counts: it is
an upper bound, so that no budget is passed. How much text there is is counted here, for what a server calls the tokens
of an answer may include reasoning that nobody sees.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from synthmix.corpus.markup import has_markup, strip_markup
from synthmix.generation.budget import TEMPLATE_TOKENS
from synthmix.generation.finishes import CUT, WHOLE

_BYTES_PER_TOKEN = 32  # no tokenizer has so few tokens over a whole text
_MOST = 10**12


@dataclass(frozen=True)
class Usage:
    """Tokens of one answer. ``output``: all that are paid, reasoning included; ``text``: of the text; ``counted``:
    the server said both of them."""

    input: int
    output: int
    text: int
    counted: bool


def usage_of(said: Any, text: str, finish: str, most: tuple[int, int]) -> Usage:
    """What an answer took.

    Args:
        said: the field ``usage`` of the answer, whatever it is.
        most: input and output tokens that were set aside for the request.
    """
    given: Mapping[str, Any] = said if isinstance(said, Mapping) else {}
    asked, written, total = (_count(given.get(name)) for name in ("prompt_tokens", "completion_tokens", "total_tokens"))
    details = given.get("completion_tokens_details")
    hidden = _count(details.get("reasoning_tokens")) if isinstance(details, Mapping) else None
    if hidden is None:
        hidden = _count(given.get("reasoning_tokens")) or 0
    if asked is not None and asked * _BYTES_PER_TOKEN < most[0] - TEMPLATE_TOKENS:
        asked = None
    visible = None
    if written is not None and written * _BYTES_PER_TOKEN >= len(text.encode(errors="replace")):
        # Some servers count reasoning among the tokens of an answer, some beside them; a total tells.
        inside = hidden < written if total is None or asked is None else total < asked + written + hidden
        visible = written - hidden if inside else written
        written = max(written, hidden, (total or 0) - (asked or 0) if asked else 0, 0 if inside else written + hidden)
    else:
        written = None
    return Usage(
        input=most[0] if asked is None else asked,
        output=max(most[1], hidden) if written is None else written,
        text=text_tokens(text, finish, visible),
        counted=asked is not None and written is not None,
    )


def text_tokens(text: str, finish: str, said: int | None = None) -> int:
    """Tokens of an answer that can become text: none of one that did not finish, or that is not free of markup.

    Args:
        said: tokens that the generator says the answer has.
    """
    clean = strip_markup(text)
    if finish not in (WHOLE, CUT) or has_markup(clean):
        return 0
    own = counted_tokens(clean)
    return min(said, own) if said is not None and said > 0 else own


def counted_tokens(text: str) -> int:
    """Tokens of ``text`` by our own count, rather too many than too few: 1.3 a word, or one per four ASCII characters
    and per other character."""
    plain = len(text.encode("ascii", errors="ignore"))
    return math.ceil(max(1.3 * len(text.split()), plain / 4 + len(text) - plain))


def _count(value: Any) -> int | None:
    """A count as a server may write it; None for what is no count, and for zero, which no request takes."""
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 16:
        value = int(value)
    if isinstance(value, float) and not (math.isfinite(value) and value.is_integer()):
        return None
    good = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= _MOST
    return int(value) if good else None
