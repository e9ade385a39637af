"""Pre-tokenization in numpy: where the known patterns of byte-level BPE divide text into words.

:func:`pretoken_starts` gives, for many texts at once, what matching :data:`GPT2`, :data:`LLAMA3` and :data:`QWEN` one
match after the other gives: each of these patterns divides text into runs of letters, numbers, white space and other
signs, and says which of them a single sign in front of a run belongs to. Classes of characters are those of Unicode
that Python knows; a character that it does not know is told, and its text is left to others.
"""

import unicodedata
from functools import cache

import numpy as np

_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
# Digits are cut out one by one before, so that space in front of one ends a text of its own.
DIGITS = rf"{_CONTRACTIONS}| ?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+|\s+(?![^\s\p{{N}}])|\s+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_WORDS = rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+"
LLAMA3, QWEN = rf"{_WORDS}|\p{{N}}{{1,3}}|{_REST}", rf"{_WORDS}|\p{{N}}|{_REST}"
PATTERNS = (GPT2, LLAMA3, QWEN)

_SIGN, _LETTER, _NUMBER, _SPACE, _END, _UNKNOWN = range(6)
# White_Space of Unicode; Python's isspace has four more.
_SPACES = (*range(0x09, 0x0E), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000)
_BLOCK = 256
_APOSTROPHE, _BLANK, _NEWLINE, _RETURN = 0x27, 0x20, 0x0A, 0x0D
_LONG_S = "\u017f".encode()  # folds to s, so an apostrophe and it may be a contraction: left out


def _class_of(code: int) -> int:
    if code in _SPACES:
        return _SPACE
    category = unicodedata.category(chr(code))
    if category[0] in "LN":
        return _LETTER if category[0] == "L" else _NUMBER
    return _UNKNOWN if category == "Cn" else _SIGN


class _Classes:
    """Class of each code point, looked up a block at a time when one of it is met."""

    def __init__(self) -> None:
        self._known = np.zeros(0x110000 // _BLOCK, dtype=bool)
        self._table = np.empty(0x110000, dtype=np.uint8)
        self.ascii = np.array([_class_of(code) if code < 128 else 0 for code in range(256)], dtype=np.uint8)

    def of(self, codes: np.ndarray) -> np.ndarray:
        """Shape (n,) -> uint8, shape (n,)."""
        seen = np.zeros(len(self._known), dtype=bool)
        seen[codes // _BLOCK] = True
        for block in np.flatnonzero(seen & ~self._known).tolist():
            first = block * _BLOCK
            self._table[first : first + _BLOCK] = [_class_of(code) for code in range(first, first + _BLOCK)]
            self._known[block] = True
        return self._table[codes]


@cache
def _classes() -> _Classes:
    return _Classes()


def _kinds(data: np.ndarray) -> np.ndarray:
    """Class of the character that each byte of UTF-8 belongs to, uint8, shape (n,)."""
    kinds = _classes().ascii[data]
    leads = np.flatnonzero(data >= 0xC0)
    if len(leads):
        first = data[leads].astype(np.uint32)
        for least, below, more in ((0xC0, 0xE0, 1), (0xE0, 0xF0, 2), (0xF0, 0x100, 3)):
            own = leads[(first >= least) & (first < below)]
            code = data[own].astype(np.uint32) & (0x3F >> more)
            for step in range(1, more + 1):
                code = (code << 6) | (data[own + step] & 0x3F)
            found = _classes().of(code)
            for step in range(more + 1):
                kinds[own + step] = found
    return kinds


def _character_before(data: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Where the character starts that ends before each of ``at``."""
    before = at - 1
    while (inside := (data[before] & 0xC0) == 0x80).any():
        before = before - inside
    return before


def pretoken_starts(data: np.ndarray, ends: np.ndarray, pattern: str) -> tuple[np.ndarray, np.ndarray]:
    """Where words start, and in which texts they are not known.

    Args:
        data: UTF-8 of texts, each followed by one byte that is no part of any: uint8, shape (n,).
        ends: where these bytes are, ascending, shape (texts,).
        pattern: one of :data:`PATTERNS` or :data:`DIGITS`.

    Returns:
        starts: of words and of the bytes ``ends``, which are words of their own, shape (words,), ascending.
        unknown: positions of characters for which this Python's Unicode has no class, or which are left out here.
    """
    kinds = _kinds(data)
    kinds[ends] = _END
    unknown = np.flatnonzero(kinds == _UNKNOWN)
    starts = np.empty(len(data), dtype=bool)
    starts[:1] = True
    np.not_equal(kinds[1:], kinds[:-1], out=starts[1:])
    starts[ends] = True
    starts[ends[:-1] + 1] = True
    if pattern in (GPT2, DIGITS):
        left_out = _gpt2(data, kinds, starts, _NUMBER if pattern == DIGITS else _SPACE)
    else:
        left_out = _llama3(data, kinds, starts)
    if pattern != GPT2:
        _numbers(data, kinds, starts, 3 if pattern == LLAMA3 else 1)
    return np.flatnonzero(starts), np.concatenate([unknown, left_out])


def _gpt2(data: np.ndarray, kinds: np.ndarray, starts: np.ndarray, below: int) -> np.ndarray:
    """The last of a run of white space goes to what follows if it is a blank, and is a word of its own else.
    ``below``: what follows is of a smaller class."""
    after = np.flatnonzero((kinds[:-1] == _SPACE) & (kinds[1:] < below)) + 1
    last = _character_before(data, after)
    starts[after[data[last] == _BLANK]] = False
    starts[last] = True
    at = np.flatnonzero(data == _APOSTROPHE)
    _contract(at[starts[at] & (kinds[at + 1] == _LETTER)], data, starts, fold=0)
    return np.empty(0, dtype=np.int64)


def _llama3(data: np.ndarray, kinds: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Line ends go to the signs before them; white space ends with its last line end; of what is left the last goes to
    letters, and a blank to signs; a single sign goes to letters. Positions of what is left out are returned."""
    newline = (data == _NEWLINE) | (data == _RETURN)
    broken = np.flatnonzero(newline[:-1] & ~newline[1:]) + 1  # behind each run of line ends
    space = kinds == _SPACE
    first = np.flatnonzero(space[1:] & ~space[:-1]) + 1
    if len(space) and space[0]:
        first = np.concatenate([[0], first])
    after = np.flatnonzero(space[:-1] & ~space[1:]) + 1
    begins = first.copy()
    ended = newline[first] & (kinds[first - 1] == _SIGN) & (first > 0)
    begins[ended] = broken[np.searchsorted(broken, first[ended], side="right")]
    starts[first[ended]] = False
    starts[begins] = True
    before = np.searchsorted(broken, after, side="right") - 1
    lines = np.where(before >= 0, broken[before], 0) if len(broken) else np.zeros(len(after), dtype=np.int64)
    begins = np.maximum(begins, lines)
    starts[begins] = True
    follows = kinds[after]
    rest = (begins < after) & (follows != _END)
    after, follows = after[rest], follows[rest]
    last = _character_before(data, after)
    starts[last] = True
    starts[after[(follows == _LETTER) | ((follows == _SIGN) & (data[last] == _BLANK))]] = False
    alone = np.flatnonzero(starts & (kinds == _SIGN))
    lead = data[alone]
    behind = alone + 1 + (lead >= 0xC0) + (lead >= 0xE0) + (lead >= 0xF0)
    single = kinds[behind] == _LETTER
    starts[behind[single]] = False
    at = alone[single & (lead == _APOSTROPHE)]
    _contract(at, data, starts, fold=0x20)
    return at[(data[at + 1] == _LONG_S[0]) & (data[at + 2] == _LONG_S[1])]


def _contract(at: np.ndarray, data: np.ndarray, starts: np.ndarray, fold: int) -> None:
    """Make words of the contractions that begin at the apostrophes ``at``, in front of letters. ``fold``: the bit in
    which upper-case letters differ, or 0."""
    one, two = data[at + 1] | fold, data[at + 2] | fold
    short = np.isin(one, np.frombuffer(b"stmd", dtype=np.uint8))
    long = (((one == ord("r")) | (one == ord("v"))) & (two == ord("e"))) | ((one == ord("l")) & (two == ord("l")))
    starts[at[short | long] + 1] = False
    starts[at[short] + 2] = True
    starts[at[long] + 3] = True


def _numbers(data: np.ndarray, kinds: np.ndarray, starts: np.ndarray, most: int) -> None:
    """Divide numbers into words of at most ``most`` characters."""
    at = np.flatnonzero((kinds == _NUMBER) & ((data & 0xC0) != 0x80))
    if most == 1:
        starts[at] = True
        return
    begins = np.flatnonzero((kinds[at - 1] != _NUMBER) | (at == 0))
    place = np.arange(len(at)) - np.repeat(begins, np.diff(begins, append=len(at)))
    starts[at] = place % most == 0
