"""What of a source comes back in the text made from it: words, numbers and names, by regular expressions.

These are proxies. A number that is kept may be attached to the wrong thing, and a synonym counts as a lost word; they
tell generators apart, and do not tell that a text is true. Names are capitalised words inside a sentence: English and
languages that write alike (in German every noun is one).
"""

import re
from collections.abc import Callable

from synthmix.generation.language import COMMON
from synthmix.generation.words import words_of

_WORD = re.compile(r"[^\W\d_]{3,}")
_NUMBER = re.compile(r"(?<!\w)\d+(?:[.,:]\d+)*")
_NAME = re.compile(r"(?<=[a-z,;)] )[A-Z][\w\u2019'-]+")
_COMMON = frozenset(COMMON["en"].split())


def faithfulness(text: str, source: str) -> dict[str, float]:
    """Measures of one pair; those that are not defined (a source without numbers) are left out.

    ``words_kept``: share of the source's content words that the text has. ``words_added``: share of the text's content
    words that the source does not have. ``numbers_kept``, ``numbers_added``, ``names_kept``, ``names_added``: the
    same of numbers and names. ``copied``: share of the text's word 5-grams that the source has. ``length_ratio``: words
    of the text per word of the source. Empty for an empty source.
    """
    if not source.strip():
        return {}
    found: dict[str, float] = {}
    for kind, of in (("words", content_words), ("numbers", numbers), ("names", names)):
        _compare(found, kind, of, text, source)
    words = words_of([text, source])
    hashes, bounds = words.ngrams(5)
    own, theirs = set(hashes[: bounds[1]].tolist()), set(hashes[bounds[1] :].tolist())
    if own:
        found["copied"] = len(own & theirs) / len(own)
    if words.counts[1]:
        found["length_ratio"] = float(words.counts[0] / words.counts[1])
    return found


def content_words(text: str) -> set[str]:
    """Words of three letters and more, in lower case, but for the commonest English ones."""
    return {word.lower() for word in _WORD.findall(text)} - _COMMON


def numbers(text: str) -> set[str]:
    """Numbers as digits: ``1,200`` and ``1200`` are one, and so are ``3.50`` and ``3.5``."""
    found = set()
    for number in _NUMBER.findall(text):
        plain = re.sub(r",(?=\d{3}\b)", "", number)
        found.add(plain.rstrip("0").rstrip(".") if "." in plain else plain)
    return found


def names(text: str) -> set[str]:
    """Capitalised words that do not begin a sentence, without a possessive ending."""
    return {re.sub(r"['\u2019]s$", "", name) for name in _NAME.findall(text)}


def _compare(found: dict[str, float], kind: str, of: Callable[[str], set[str]], text: str, source: str) -> None:
    theirs, own = of(source), of(text)
    if kind == "names":  # at the beginning of a sentence a name is kept as well
        kept, known = theirs & set(re.findall(r"[\w\u2019'-]+", re.sub(r"['\u2019]s\b", "", text))), source
        new = {name for name in own if name not in known}
    else:
        kept, new = theirs & own, own - theirs
    if theirs:
        found[f"{kind}_kept"] = len(kept) / len(theirs)
    if own:
        found[f"{kind}_added"] = len(new) / len(own)
