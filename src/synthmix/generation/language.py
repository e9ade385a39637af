"""Which language a text is in, from its first characters, by the Compact Language Detector 2 (``pycld2``).

Texts of less than a hundred bytes (twenty words) have no language here, and neither has what the detector itself calls
unreliable: tables, formulas, lists of names. Relatives that are written alike count as one language.
``benchmarks/language.py`` measures it beside other detectors.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

from synthmix.errors import BadInput

SAMPLE_CHARACTERS = 200
MIN_BYTES = 100
# Codes of today for those of yesterday, and one code for languages that short texts do not tell apart.
_SAME = {"iw": "he", "jw": "jv", "zh-Hant": "zh", "no": "da", "nn": "da", "ms": "id", "bs": "sr", "hr": "sr"}
# What a study file may still say: a script, for any language written in it.
_SCRIPTS: dict[str, set[str]] = {
    "Greek": {"el"},
    "Cyrillic": {"ru", "uk", "be", "bg", "mk", "sr", "kk", "ky", "tg", "tt", "ba", "mn", "ab"},
    "Hebrew": {"he", "yi"},
    "Arabic": {"ar", "fa", "ur", "ps", "sd", "ug", "ku", "ks"},
    "Indic": {"hi", "bn", "mr", "ne", "as", "bh", "sa", "gu", "pa", "or", "ta", "te", "kn", "ml", "si"},
    "CJK": {"zh", "ja"},
    "Hangul": {"ko"},
}  # fmt: skip


def languages(texts: Iterable[str]) -> list[str | None]:
    """The language of each text as an ISO 639 code, None where it cannot be told."""
    return [_language(text) for text in texts]


def detector() -> Any:
    """The library.

    Raises:
        BadInput: it is not installed.
    """
    try:
        import pycld2
    except ImportError:
        raise BadInput(
            "the detector of languages is not installed",
            key="filters.language",
            remedy='run pip install "synthmix[generate]", or do without it: --filter language=null',
        ) from None
    return pycld2


def _language(text: str) -> str | None:
    pycld2 = detector()
    sample = text[:SAMPLE_CHARACTERS].encode("utf-8", "replace")
    if len(sample) < MIN_BYTES:
        return None
    try:
        reliable, _, found = pycld2.detect(sample)
    except pycld2.error:  # control characters and the like
        plain = "".join(c if c.isprintable() else " " for c in sample.decode())
        try:
            reliable, _, found = pycld2.detect(plain)
        except pycld2.error:
            return None
    code: str = found[0][1]
    return _SAME.get(code, code) if reliable and code != "un" else None


def accepted(language: str) -> set[str]:
    """The codes that :func:`languages` may give for a text in ``language``, a code (or, in older files, a script)."""
    return _SCRIPTS.get(language, {_SAME.get(language, language)})


def checked_language(language: str | None) -> str | None:
    """``language`` if it is None, ``source`` or one that can be told.

    Raises:
        ValueError: it is not.
    """
    if language is None or language == "source" or language in _SCRIPTS or language in _codes():
        return language
    raise ValueError(f"{language!r} is no language that can be told; write a code such as en, de or zh, or source")


@cache
def _codes() -> frozenset[str]:
    pycld2 = detector()
    codes = dict(pycld2.LANGUAGES)
    told = {codes[name] for name in pycld2.DETECTED_LANGUAGES if not name.startswith("X_")}
    return frozenset(told | set(_SAME.values()))
