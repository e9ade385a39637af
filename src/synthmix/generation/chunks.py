"""Long documents in pieces that a prompt can hold, cut at the ends of sentences, and the way back."""

import re
from collections.abc import Callable, Iterator, Sequence

TOKENS_PER_WORD = 1.3  # English, byte-pair vocabularies of 32k and more (CHOSEN)
_BYTES_PER_TOKEN = 6  # at least one token per so many bytes: long words, scripts without spaces
JOINT = "\n\n"

# A paragraph's end; a sentence's: its mark, closing quotes or brackets, white space, no lower-case letter after it; a
# line's before a list item, a heading or a row of a table (other line ends may be hard wrapping).
_CLOSED = "[\"')\\]\u2019\u201d]*"
_END = re.compile(
    rf"\n\s*\n\s*|(?<=[.!?\u2026]){_CLOSED}\s+(?![a-z])|\n\s*(?=[-*\u2022#|]|\d+[.)])"
    "|[\u3002\uff01\uff1f]+[\u300d\u300f\u2019\u201d\uff09]*\\s*"  # CJK full stop, exclamation and question mark
)
_ABBREVIATIONS = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "sr",
        "jr",
        "vs",
        "no",
        "fig",
        "figs",
        "eq",
        "eqs",
        "ref",
        "vol",
        "pp",
        "ed",
        "eds",
        "cf",
        "ca",
        "al",
        "inc",
        "ltd",
        "co",
        "dept",
        "univ",
        "approx",
        "e.g",
        "i.e",
        "u.s",
        "u.k",
    ]
)

Counter = Callable[[str], float]


def estimated_tokens(text: str) -> float:
    """Tokens by rule of thumb: 1.3 a word, and at least one per six UTF-8 bytes."""
    return max(TOKENS_PER_WORD * len(text.split()), len(text.encode()) / _BYTES_PER_TOKEN)


def sentences(text: str) -> list[str]:
    """The sentences of ``text`` with the white space behind them: joined, they are ``text`` again.

    Weak: "no. 5 Smith St. Paul" is cut at neither place, and "He lives in the U.S. They met there." is one sentence.
    """
    found, start = [], 0
    for end in _END.finditer(text):
        piece = text[start : end.end()]
        if "\n" not in end[0] and _abbreviated(piece):
            continue
        found.append(piece)
        start = end.end()
    return [*found, text[start:]] if start < len(text) else found


def _abbreviated(piece: str) -> bool:
    """Whether ``piece`` ends with an abbreviation or an initial rather than with a sentence."""
    word = piece[-24:].rstrip().rpartition(" ")[2].strip("\"'()[]\u2018\u2019\u201c\u201d")
    return word.endswith(".") and (word[:-1].lower() in _ABBREVIATIONS or (len(word) == 2 and word[0].isalpha()))


def split_text(text: str, tokens: float = 300, count: Counter = estimated_tokens) -> list[str]:
    """``text`` in pieces of at most ``tokens`` tokens, of about equal size, cut at ends of sentences.

    A sentence that is longer itself is cut between words, and a word that is longer between characters. Joined, the
    pieces are ``text`` again; a text without a letter in it is one piece or none.

    Args:
        count: tokens of a piece; must not shrink when the piece grows.
    """
    if not text.strip():
        return []
    total = count(text)
    if total <= tokens:
        return [text]
    pieces = [(piece, count(piece)) for sentence in sentences(text) for piece in _bounded(sentence, tokens, count)]
    target = total / -(-total // tokens)  # equal pieces rather than full ones and a stump
    found: list[str] = []
    held: list[str] = []
    size = before = 0.0
    for piece, own in pieces:
        if held and (size + own > tokens or before + own / 2 > target * (len(found) + 1)):
            found.append("".join(held))
            held, size = [], 0.0
        held.append(piece)
        size, before = size + own, before + own
    found.append("".join(held))
    return [*_with_text(found)]


def join_chunks(texts: Sequence[str]) -> str:
    """What was written for the pieces, as one document: a blank line between them, outer space stripped."""
    return JOINT.join(text.strip() for text in texts if text.strip())


def _bounded(sentence: str, tokens: float, count: Counter) -> Iterator[str]:
    if count(sentence) <= tokens:
        yield sentence
        return
    words = re.findall(r"\S+\s*|^\s+", sentence)
    if len(words) < 2:
        words = [*sentence]
    # Halving keeps the work at n log n whatever the counter costs.
    middle = len(words) // 2
    if middle == 0:
        yield sentence
        return
    for half in (words[:middle], words[middle:]):
        yield from _bounded("".join(half), tokens, count)


def _with_text(pieces: list[str]) -> Iterator[str]:
    """Blank pieces go to the one before them, or to the next."""
    ahead, last = "", ""
    for piece in pieces:
        if not piece.strip():
            ahead, last = (ahead, last + piece) if last else (ahead + piece, "")
            continue
        if last:
            yield last
        ahead, last = "", ahead + piece
    yield last
