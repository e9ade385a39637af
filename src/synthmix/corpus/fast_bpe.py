"""Byte-level BPE by `tiktoken`, for the tokenizers for which it is known to give the ids that `tokenizers` gives.

`tokenizers` merges the pairs that are listed, in the order of the list; `tiktoken` any two neighbours whose bytes
together are in the vocabulary, in the order of ids. :func:`fast_encoder` looks whether that is the same:

1. Each merge makes a higher id than the one before it and than its parts, so both go through the same phases.
2. By induction over these phases: a token P arises from two neighbours only when nothing has merged across the ends of
   the text of P, so only from what the lower phases make of that text alone. Where those are two tokens of a listed
   merge both make P; where they are anything else `tokenizers` never does, and P is left out for `tiktoken`.
3. Where whole words are looked up first (``ignore_merges``), words that no merge makes stay in for the look-up; it is
   refused when `tiktoken` would merge two tokens to one of them.

The pattern that divides text into words must be one of :data:`PATTERNS`, on which both engines of regular expressions
agree (tests/corpus/test_fast_bpe.py compares the classes of every code point). A text is left to `tokenizers` when it
has a word of thousands of characters (the time of `tiktoken` grows with the square of it), or spells an added token.
"""

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np

_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
# Digits are cut out one by one before, so that space in front of one ends a text of its own.
_DIGITS = rf"{_CONTRACTIONS}| ?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+|\s+(?![^\s\p{{N}}])|\s+"
_REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_WORDS = rf"(?i:{_CONTRACTIONS})|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+"
LLAMA3, QWEN = rf"{_WORDS}|\p{{N}}{{1,3}}|{_REST}", rf"{_WORDS}|\p{{N}}|{_REST}"
PATTERNS = (GPT2, LLAMA3, QWEN)

_BLOCK = 1024  # bytes: a run of twice as many holds one whole block
LONGEST_WORD = 2 * _BLOCK
_LONG = re.compile("|".join(rf"{kind}{{{LONGEST_WORD},}}" for kind in (r"[^\W\d_]", r"\d", r"(?:[^\w\s]|_)", r"\s")))
# Allowed nowhere, so it stands for nothing. Without any special token `tiktoken` looks for the empty one at every sign.
_UNUSED = "\ufdd0unused"
_AT_ONCE = 200_000  # characters a task
PIECE = 100_000  # characters of a long text that `tokenizers` is given at a time
# No word of the patterns goes on from a sign that is no space to a space, and none looks back: before a single space
# between two such signs a text can be cut, and its halves have the ids of the whole.
_CUT = re.compile(r"(?<=\S) (?=\S)")

Encode = Callable[[Sequence[str]], list[np.ndarray]]


def byte_signs() -> dict[str, int]:
    """The signs that byte-level BPE writes bytes with (Radford et al. 2019), and their bytes."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + number): byte for number, byte in enumerate(rest)}


class FastEncoder:
    """Texts to ids on all cores.

    Args:
        encoding: of `tiktoken`.
        slow: what `tokenizers` makes of a text, for those that are left to it.
        normalise: applied first; it must leave ASCII as it is.
        added: spellings that `tokenizers` cuts out of a text before it is divided.
    """

    def __init__(
        self, encoding: Any, slow: Encode, normalise: Callable[[str], str] | None, added: Sequence[str]
    ) -> None:
        self._encode = encoding._core_bpe.encode_to_tiktoken_buffer
        self._slow, self._normalise = slow, normalise
        self._added = re.compile("|".join(map(re.escape, added))) if added else None

    def encode_batch(self, texts: Sequence[str], dtype: np.dtype[Any]) -> list[np.ndarray]:
        """Ids of each text, shape (tokens,)."""
        tasks, held = [list[str]()], 0
        for text in texts:
            tasks[-1].append(text)
            held += len(text)
            if held >= _AT_ONCE:
                tasks.append([])
                held = 0
        done = _pool().map(lambda task: [self._one(text, dtype) for text in task], tasks)
        return [ids for part in done for ids in part]

    def _one(self, text: str, dtype: np.dtype[Any]) -> np.ndarray:
        given = text
        if self._normalise is not None and not text.isascii():
            given = self._normalise(text)
        if self._added is not None and (self._added.search(text) or self._added.search(given)):
            return self._slow([text])[0]
        if _has_long_word(given):
            return np.concatenate(self._slow(pieces(given))) if self._added is None else self._slow([text])[0]
        return np.frombuffer(self._encode(given, frozenset()), dtype=np.uint32).astype(dtype)


def _has_long_word(text: str) -> bool:
    if len(text) < LONGEST_WORD:
        return False
    data = np.frombuffer(text.encode(), dtype=np.uint8)
    whole = len(data) // _BLOCK * _BLOCK
    spaces = np.count_nonzero(data[:whole].reshape(-1, _BLOCK) <= 32, axis=1)
    return bool(((spaces == 0) | (spaces == _BLOCK)).any()) and _LONG.search(text) is not None


def pieces(text: str) -> list[str]:
    """``text`` in parts of about :data:`PIECE` characters whose ids are together those of the whole."""
    found, last = [], 0
    while len(text) - last > PIECE and (cut := _CUT.search(text, last + PIECE)):
        found.append(text[last : cut.start()])
        last = cut.start()
    return [*found, text[last:]]


def usable_cores() -> int:
    """Cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix="encode")


def fast_encoder(state: dict[str, Any], slow: Encode, normalise: Callable[[str], str]) -> FastEncoder | None:
    """An encoder with the ids of the tokenizer ``state`` (its JSON), or None where they are not known to be the same.

    Args:
        slow: what `tokenizers` makes of texts.
        normalise: its normaliser.
    """
    pattern = _pattern(state)
    model = state["model"]
    refused = ("continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "dropout")
    if pattern is None or model["type"] != "BPE" or any(model.get(key) for key in refused):
        return None
    normaliser = state.get("normalizer")
    if normaliser is not None and normaliser["type"] not in ("NFC", "NFKC", "NFD", "NFKD"):
        return None
    ranks = mergeable_ranks(model)
    if ranks is None:
        return None
    try:
        import tiktoken
    except ImportError:
        return None
    encoding = tiktoken.Encoding(
        "synthmix", pat_str=pattern, mergeable_ranks=ranks, special_tokens={_UNUSED: max(ranks.values()) + 1}
    )
    added = [one["content"] for one in state.get("added_tokens") or [] if not one["special"]]
    return FastEncoder(encoding, slow, None if normaliser is None else normalise, added)


def _pattern(state: dict[str, Any]) -> str | None:
    """The pattern by which the tokenizer divides text into words; None: not one of those that are known."""
    outer = state.get("pre_tokenizer")
    if outer is None:
        return None
    steps = outer["pretokenizers"] if outer["type"] == "Sequence" else [outer]
    *before, last = steps
    if last["type"] != "ByteLevel" or last.get("add_prefix_space"):
        return None
    if last.get("use_regex", True):
        if not before:
            return GPT2
        one = before[0] if len(before) == 1 else {}
        return _DIGITS if one.get("type") == "Digits" and one.get("individual_digits") else None
    if len(before) != 1 or before[0]["type"] != "Split":
        return None
    split = before[0]
    pattern = split["pattern"].get("Regex")
    plain = split["behavior"] == "Isolated" and not split.get("invert")
    return pattern if plain and pattern in PATTERNS else None


def mergeable_ranks(model: dict[str, Any]) -> dict[bytes, int] | None:
    """The vocabulary for `tiktoken`: bytes -> id; None where no choice of it gives the ids of ``model``."""
    signs, vocabulary, whole = byte_signs(), model["vocab"], bool(model.get("ignore_merges"))
    if not signs.keys() <= vocabulary.keys():
        return None
    listed: dict[tuple[int, int], int] = {}
    highest = -1
    singles = {vocabulary[sign] for sign in signs}
    for pair in model["merges"]:
        left, right = pair.split(" ") if isinstance(pair, str) else pair
        if left not in vocabulary or right not in vocabulary or left + right not in vocabulary:
            return None
        one, two, made = vocabulary[left], vocabulary[right], vocabulary[left + right]
        parts = [part for part in (one, two) if part not in singles]
        if made < highest or made <= max(parts, default=-1) or (one, two) in listed:
            return None
        highest = made
        listed[one, two] = made
    ranks = {bytes([byte]): vocabulary[sign] for sign, byte in signs.items()}
    made = set(listed.values())
    for name, number in sorted(vocabulary.items(), key=lambda item: item[1]):
        if len(name) < 2 or not all(sign in signs for sign in name) or not (whole or number in made):
            continue
        parts = _merged([vocabulary[sign] for sign in name], listed, number)
        if len(parts) == 2 and listed.get((parts[0], parts[1])) != number:
            if whole:
                return None
        elif len(parts) == 2 or whole:
            ranks[bytes(signs[sign] for sign in name)] = number
    return ranks if len(set(ranks.values())) == len(ranks) else None


def _merged(ids: list[int], listed: dict[tuple[int, int], int], below: int) -> list[int]:
    """What the merges to ids smaller than ``below`` make of ``ids``."""
    found = listed.get
    while len(ids) > 1:
        products = [found(pair, below) for pair in pairwise(ids)]
        least = min(products)
        if least >= below:
            break
        at = products.index(least)
        ids[at : at + 2] = [least]
    return ids
