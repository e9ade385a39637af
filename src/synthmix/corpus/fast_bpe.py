"""Byte-level BPE by `tiktoken`, for the tokenizers for which it is known to give the ids that `tokenizers` gives.

`tokenizers` merges the pairs that are listed, in the order of the list; `tiktoken` any two neighbours whose bytes
together are in the vocabulary, in the order of ids. :func:`fast_encoder` looks whether that is the same:

1. Each merge makes a higher id than the one before it and than its parts, so both go through the same phases.
2. By induction over these phases: a token P arises from two neighbours only when nothing has merged across the ends of
   the text of P, so only from what the lower phases make of that text alone. Where those are two tokens of a listed
   merge both make P; where they are anything else `tokenizers` never does, and P is left out for `tiktoken`.
3. Where whole words are looked up first (``ignore_merges``), words that no merge makes stay in for the look-up; it is
   refused when the merges, of any phase, make two tokens of one of them: `tiktoken` would join these.

The pattern that divides text into words must be one of :data:`PATTERNS`; :mod:`synthmix.corpus.pretokens` does so, and
each different word is merged once. A text is left to `tokenizers` when it has a word of thousands of bytes (the time of
`tiktoken` grows with the square of it) or a character that is not known, or spells an added token.
"""

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import Any

import numpy as np

from synthmix.corpus.chunks import gathered
from synthmix.corpus.pretokens import DIGITS, GPT2, PATTERNS, pretoken_starts

LONGEST_WORD = 2048  # bytes
_BETWEEN = "\ufdd0"  # between words for `tiktoken`: a noncharacter, so no word of a known class holds it
_AT_ONCE = 2_000_000  # characters a task
_MOST_KNOWN = 2**17  # words whose ids are kept
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
    """Texts to ids on all cores: divided into words here, and each different word merged once by `tiktoken`.

    Args:
        encoding: of `tiktoken`, with :data:`_BETWEEN` as special token and words undivided.
        pattern: that divides text into words, one of :mod:`synthmix.corpus.pretokens`.
        slow: what `tokenizers` makes of a text, for those that are left to it.
        normalise: applied first; it must leave ASCII as it is.
        added: spellings that `tokenizers` cuts out of a text before it is divided.
    """

    def __init__(
        self, encoding: Any, pattern: str, slow: Encode, normalise: Callable[[str], str] | None, added: Sequence[str]
    ) -> None:
        self._pattern, self._slow, self._normalise = pattern, slow, normalise
        self._added = re.compile("|".join(map(re.escape, added))) if added else None
        self._lexicon = _Lexicon(encoding)

    def encode_batch(self, texts: Sequence[str], dtype: np.dtype[Any]) -> list[np.ndarray]:
        """Ids of each text, shape (tokens,)."""
        tasks, held = [list[str]()], 0
        for text in texts:
            if held >= _AT_ONCE:
                tasks.append([])
                held = 0
            tasks[-1].append(text)
            held += len(text)
        return [ids for part in _pool().map(lambda task: self._encode(task, dtype), tasks) for ids in part]

    def _encode(self, texts: Sequence[str], dtype: np.dtype[Any]) -> list[np.ndarray]:
        if self._normalise is None and self._added is None:
            given, left = list(texts), set[int]()
        else:
            plain = self._normalise or str
            given = [text if text.isascii() else plain(text) for text in texts]
            spelt = self._added.search if self._added is not None else lambda text: None
            left = {i for i, text in enumerate(texts) if spelt(text) or spelt(given[i])}
        parts = [b"" if number in left else text.encode() for number, text in enumerate(given)]
        ends = np.cumsum([len(part) + 1 for part in parts]) - 1
        joined = b"\0".join([*parts, b""])
        starts, unknown = pretoken_starts(np.frombuffer(joined, dtype=np.uint8), ends, self._pattern)
        sizes = np.diff(starts, append=len(joined))
        long = set(np.searchsorted(ends, starts[sizes > LONGEST_WORD]).tolist())
        left.update(long, np.searchsorted(ends, unknown).tolist())
        word, flat, first, count = self._lexicon.look_up(joined, starts)
        counts = count[word]
        closing = np.searchsorted(starts, ends)
        counts[closing] = 0
        for number in left:
            counts[closing[number - 1] + 1 if number else 0 : closing[number]] = 0
        ids = gathered(flat.astype(dtype), first[word], counts, None)
        behind = np.cumsum(counts)[closing].tolist()
        found = [ids[a:b] for a, b in zip([0, *behind], behind, strict=False)]
        for number in left:
            found[number] = self._left(texts[number], number in long)
        return found

    def _left(self, text: str, long: bool) -> np.ndarray:
        if long and self._added is None and self._normalise is None:
            return np.concatenate(self._slow(pieces(text)))
        return self._slow([text])[0]


class _Lexicon:
    """Ids of words, kept of the first :data:`_MOST_KNOWN` or a few more that were met."""

    def __init__(self, encoding: Any) -> None:
        self._encode = encoding._core_bpe.encode_to_tiktoken_buffer
        self._between = encoding.encode_single_token(_BETWEEN)
        self._numbers: dict[str, int] = {}
        none = np.empty(0, dtype=np.int64)
        self._ids = none.astype(np.uint32), none, none  # replaced before a word of them is in _numbers
        self._adding = Lock()

    def look_up(self, joined: bytes, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Ids of the words of ``joined`` that begin at ``starts``.

        Returns:
            Of each word its number; all ids in a row, uint32; of each number where its ids start, and how many.
        """
        import pyarrow as pa

        bounds = np.append(starts, len(joined)).astype(np.int32)
        buffers = [None, pa.py_buffer(bounds), pa.py_buffer(joined)]
        words = pa.Array.from_buffers(pa.string(), len(starts), buffers).dictionary_encode()
        different = words.dictionary.to_pylist()
        numbers = list(map(self._numbers.get, different))
        new = [word for word, number in zip(different, numbers, strict=True) if number is None]
        flat, first, count = self._ids
        number = np.array([-1 if number is None else number for number in numbers], dtype=np.int64)
        if new:
            ids, counts = self._merged(new)
            with self._adding:
                flat, first, count = self._ids
                number[number < 0] = np.arange(len(first), len(first) + len(new))
                first = np.concatenate([first, len(flat) + np.cumsum(counts) - counts])
                flat, count = np.concatenate([flat, ids]), np.concatenate([count, counts])
                if len(self._numbers) < _MOST_KNOWN:
                    self._ids = flat, first, count
                    self._numbers.update(zip(new, range(len(first) - len(new), len(first)), strict=True))
        return number[words.indices.to_numpy()], flat, first, count

    def _merged(self, words: list[str]) -> tuple[np.ndarray, np.ndarray]:
        """Ids of ``words`` in a row, and how many each has."""
        # What is too long, or of no known class, is of a text that is left to `tokenizers`.
        text = _BETWEEN.join(["" if len(word) > LONGEST_WORD or _BETWEEN in word else word for word in words] + [""])
        ids = np.frombuffer(self._encode(text, frozenset([_BETWEEN])), dtype=np.uint32)
        between = ids == self._between
        return ids[~between], np.diff(np.flatnonzero(between), prepend=-1) - 1


def pieces(text: str) -> list[str]:
    """``text`` in parts of about :data:`PIECE` characters whose ids are together those of the whole."""
    found, last = [], 0
    while len(text) - last > PIECE and (cut := _CUT.search(text, last + PIECE)):
        found.append(text[last : cut.start()])
        last = cut.start()
    return [*found, text[last:]]


def usable_cores() -> int:
    """Cores that this process may run on, and as many as `tokenizers` is told to take (``RAYON_NUM_THREADS``): sixteen
    workers of a machine take one each."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("RAYON_NUM_THREADS", "")
    return min(cores, int(told)) if told.isdecimal() and int(told) else cores


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(usable_cores(), thread_name_prefix="encode")


def fast_encoder(state: dict[str, Any], slow: Encode, normalise: Callable[[str], str]) -> FastEncoder | None:
    """An encoder with the ids of the tokenizer ``state`` (its JSON), or None where they are not known to be the same.

    Args:
        slow: what `tokenizers` makes of texts.
        normalise: its normaliser.
    """
    pattern = known_pattern(state)
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
        "synthmix", pat_str="(?s).+", mergeable_ranks=ranks, special_tokens={_BETWEEN: max(ranks.values()) + 1}
    )
    added = [one["content"] for one in state.get("added_tokens") or [] if not one["special"]]
    return FastEncoder(encoding, pattern, slow, None if normaliser is None else normalise, added)


def known_pattern(state: dict[str, Any]) -> str | None:
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
        return DIGITS if one.get("type") == "Digits" and one.get("individual_digits") else None
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
        try:
            one, two, made = vocabulary[left], vocabulary[right], vocabulary[left + right]
        except KeyError:
            return None
        if made < highest or (made <= one and one not in singles) or (made <= two and two not in singles):
            return None
        if (one, two) in listed:
            return None
        highest = made
        listed[one, two] = made
    reached, plain = _reached(listed, singles), str.maketrans({sign: chr(byte) for sign, byte in signs.items()})
    ranks = {bytes([byte]): vocabulary[sign] for sign, byte in signs.items()}
    known = set(signs)
    for name, number in vocabulary.items():
        if len(name) < 2 or not (whole or number in reached) or not known.issuperset(name):
            continue
        if number not in reached and len(_merged([vocabulary[sign] for sign in name], listed)) == 2:
            return None
        ranks[name.translate(plain).encode("latin-1")] = number
    return ranks if len(set(ranks.values())) == len(ranks) else None


def _reached(listed: dict[tuple[int, int], int], singles: set[int]) -> dict[int, tuple[int, int]]:
    """The products that the merges ``listed`` make of their own text, and the two tokens that they are made of last.

    By induction: the two are such products themselves, and nothing merges across where they meet. Of the tokens that
    end there from the left, and begin there from the right, each is there from the phase that makes it up to the one
    that makes the next larger of it; in one phase what stands to the left comes first.
    """
    found: dict[int, tuple[int, int]] = {}
    for pair, made in listed.items():
        if made in found or not all(part in singles or part in found for part in pair):
            continue
        (left, right), until_left, until_right = pair, made, made
        while True:
            product = listed.get((left, right), made)
            if product < until_left and product <= until_right:
                break
            left_made, right_made = left in found, right in found
            if left_made and (left > right or not right_made):
                until_left, left = left, found[left][1]
            elif right_made:
                until_right, right = right, found[right][0]
            else:
                found[made] = pair
                break
    return found


def _merged(ids: list[int], listed: dict[tuple[int, int], int]) -> list[int]:
    """What the merges make of ``ids``."""
    none = max(listed.values(), default=0) + 1
    while len(ids) > 1:
        products = [listed.get(pair, none) for pair in pairwise(ids)]
        least = min(products)
        if least == none:
            break
        at = products.index(least)
        ids[at : at + 2] = [least]
    return ids
