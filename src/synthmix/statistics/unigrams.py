"""Unigram counts over tokenizer ids: streaming, and mergeable by addition.

Two ways to the counts of a mixture at a budget:

- :func:`recipe_counts`: exact, of the tokens a run really sees when it reads each corpus from its start;
- :func:`mixture_counts`: the expectation, from the pools' counts alone, without touching the text again.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Protocol

import numpy as np

_BLOCK = 2**18  # tokens; twice as fast as 2**22, since the widened ids stay in the cache


class Stream(Protocol):
    """Tokens that can be read in part: :class:`synthmix.corpus.TokenStream`."""

    def __len__(self) -> int: ...
    def read(self, start: int, stop: int) -> np.ndarray: ...


def count_unigrams(
    tokens: np.ndarray | Stream, vocab_size: int, *, start: int = 0, stop: int | None = None
) -> np.ndarray:
    """How often each id occurs in ``tokens[start:stop]``: int64, shape (vocab_size,). Adding two such merges them.

    Raises:
        ValueError: an id outside the vocabulary (the tokenizer does not match), or a part outside the stream.
    """
    stop = len(tokens) if stop is None else stop
    if not 0 <= start <= stop <= len(tokens):
        raise ValueError(f"tokens {start} to {stop} of {len(tokens)}")
    counts = np.zeros(vocab_size, dtype=np.int64)
    for block in _blocks(tokens, start, stop):
        found = np.bincount(block, minlength=vocab_size)
        if len(found) > vocab_size:
            raise ValueError(f"token id {len(found) - 1} in a vocabulary of {vocab_size}")
        counts += found
    return counts


def recipe_counts(
    streams: Mapping[str, Stream], shares: Mapping[str, float | Fraction], tokens: int, vocab_size: int
) -> np.ndarray:
    """Counts of what a recipe sees at a budget: of each stream the first ``share * tokens``, int64, (vocab_size,).

    A stream that is shorter starts again (as many epochs as the share asks for). Rounding: to the nearest token per
    stream; a run that reads whole sequences differs by less than one sequence per stream.

    Raises:
        ValueError: a share of an empty stream.
    """
    counts = np.zeros(vocab_size, dtype=np.int64)
    for name, share in shares.items():
        wanted = round(Fraction(share) * tokens)
        if not wanted:
            continue
        if not len(streams[name]):
            raise ValueError(f"{name} holds no tokens")
        epochs, rest = divmod(wanted, len(streams[name]))
        counts += count_unigrams(streams[name], vocab_size, stop=rest)
        if epochs:
            counts += epochs * count_unigrams(streams[name], vocab_size)
    return counts


def mixture_counts(pools: Mapping[str, np.ndarray], shares: Mapping[str, float | Fraction], tokens: int) -> np.ndarray:
    """Expected counts of ``tokens`` tokens drawn from the pools by share: float64, shape (vocab_size,).

    ``tokens * sum_i share_i * counts_i / sum(counts_i)``: exact in expectation for uniform samples of the pools.

    Raises:
        ValueError: a share of an empty pool.
    """
    counts = np.zeros(len(next(iter(pools.values()))), dtype=np.float64)
    for name, share in shares.items():
        if not share:
            continue
        total = pools[name].sum()
        if not total:
            raise ValueError(f"{name} holds no tokens")
        counts += float(share) * tokens / total * pools[name]
    return counts


def _blocks(tokens: np.ndarray | Stream, start: int, stop: int) -> Iterator[np.ndarray]:
    for at in range(start, stop, _BLOCK):
        end = min(at + _BLOCK, stop)
        yield tokens[at:end] if isinstance(tokens, np.ndarray) else tokens.read(at, end)
