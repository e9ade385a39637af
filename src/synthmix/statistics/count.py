"""Counts of a text: unigrams and n-grams of token ids, and words.

:func:`count_text` maps over the parts of a stream, in any processes, and merges; the result is exact however it is cut.
Memory of a worker: a block, and of each order ``held`` packed n-grams and twice as many entries of 16 bytes (or a table
of 128 MiB where all n-grams of a small vocabulary fit into one); what is more goes to ``scratch``, sorted. With
``scratch`` the memory does not grow with the corpus; without it the distinct n-grams must fit.

Two ways to the counts of a mixture at a budget:

- :func:`recipe_counts`: exact, of the tokens a run really sees when it reads each corpus from its start;
- :func:`mixture_counts`: the expectation, from the pools' counts alone, without touching the text again.

Words are counted over one vocabulary, so that texts made with different tokenizers can be compared.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from synthmix.errors import BadInput, SynthmixError
from synthmix.statistics.ngrams import (
    BLOCK,
    COUNT,
    HELD,
    KEY,
    Gathering,
    NgramCounts,
    bits_of,
    merge_runs,
    opened,
    pack,
)

_BLOCK = 2**18  # tokens; twice as fast as 2**22, since the widened ids stay in the cache
# Scripts written without spaces between words (Thai, Lao, Burmese, Khmer, Japanese, Chinese): a character is a word.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTERS = rf"[^\W_{UNSPACED}]+"
WORD = re.compile(rf"[{UNSPACED}]|{_LETTERS}(?:['\-]{_LETTERS})*")  # letters and digits, inner apostrophes and hyphens
READ = 2**22  # tokens read at a time
DENSE_BITS = 24  # n-grams of so many bits are counted in a table of all of them


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


def words_of(text: str) -> list[str]:
    """The lower-cased words of a text, in order; a typographic apostrophe counts as the plain one. Of scripts without
    spaces every character counts as one."""
    return WORD.findall(text.lower().replace("\u2019", "'"))


def count_words(texts: Iterable[str], limit: int | None = None) -> Counter[str]:
    """How often each word occurs in the first ``limit`` words; adding two such merges them (memory: the words)."""
    counts, left = Counter[str](), limit
    for text in texts:
        found = words_of(text)
        if left is not None:
            found = found[:left]
            left -= len(found)
        counts.update(found)
        if left == 0:
            break
    return counts


def as_arrays(counters: Mapping[str, Counter[str]]) -> tuple[list[str], dict[str, np.ndarray]]:
    """The words of all texts, sorted, and each text's counts over them, int64, shape (words,)."""
    vocabulary = sorted(set().union(*counters.values()))
    return vocabulary, {
        name: np.fromiter((counter[word] for word in vocabulary), dtype=np.int64, count=len(vocabulary))
        for name, counter in counters.items()
    }


class Each(Protocol):
    """How tasks are run: ``each`` of an engine, or :func:`in_turn`."""

    def __call__(
        self, task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = ...
    ) -> Iterator[tuple[Any, Any]]: ...


def in_turn(
    task: Callable[[Any], Any], items: Sequence[Any], *, tick: Callable[[], Any] = lambda: None
) -> Iterator[tuple[Any, Any]]:
    """Run tasks in this process, one after the other."""
    for item in items:
        yield item, task(item)
        tick()


@dataclass(frozen=True)
class TextCounts:
    """Counts of one text: ``unigrams`` int64 (vocab_size,), end-of-document tokens too; ``ngrams`` by order."""

    tokens: int
    vocab_size: int
    unigrams: np.ndarray
    ngrams: dict[int, NgramCounts] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """A range of a stream: the n-grams that begin in it (so up to n - 1 tokens after it are read too)."""

    stream: Stream
    vocab_size: int
    eos: int | None
    orders: tuple[int, ...]
    start: int
    stop: int
    scratch: Path | None
    held: int


@dataclass(frozen=True)
class PartCounts:
    """What :func:`count_part` found; an order that was spilled is the folder it lies in."""

    unigrams: np.ndarray
    ngrams: dict[int, NgramCounts | Path]


def count_text(
    stream: Stream,
    vocab_size: int,
    *,
    eos: int | None = None,
    orders: Sequence[int] = (),
    start: int = 0,
    stop: int | None = None,
    parts: int = 1,
    each: Each = in_turn,
    scratch: Path | None = None,
    held: int = HELD,
    tick: Callable[[], Any] = lambda: None,
) -> TextCounts:
    """Exact counts of ``stream[start:stop]``: unigrams, and n-grams of each of ``orders`` (2 or more).

    Args:
        eos: the end-of-document token, which no n-gram holds; None: the stream is one document.
        parts: into how many ranges it is cut for ``each``; the result does not depend on it.
        scratch: a folder that all workers see, for what does not fit into memory; it must outlive the result.

    Raises:
        BadInput: an id outside the vocabulary (the text was made with another tokenizer), or a damaged shard.
        ValueError: a range outside the stream, or n-grams that do not fit into 64 bits.
    """
    stop = len(stream) if stop is None else stop
    if not 0 <= start <= stop <= len(stream):
        raise ValueError(f"tokens {start} to {stop} of {len(stream)}")
    for n in orders:
        pack(np.empty(0, dtype=np.uint32), n, vocab_size, None)  # complains before any work is done
    edges = np.linspace(start, stop, max(1, min(parts, stop - start)) + 1).astype(np.int64).tolist()
    items = [
        Part(stream, vocab_size, eos, tuple(orders), a, b, None if scratch is None else scratch / f"{a:015d}", held)
        for a, b in pairwise(edges)
    ]
    unigrams, runs = np.zeros(vocab_size, dtype=np.int64), dict[int, list[NgramCounts]]()
    for _, found in each(count_part, items, tick=tick):
        if isinstance(found, SynthmixError):
            raise found
        unigrams += found.unigrams
        for n, table in found.ngrams.items():
            runs.setdefault(n, []).append(opened(table, n, vocab_size) if isinstance(table, Path) else table)
    merged = {
        n: merge_runs(tables, None if scratch is None else scratch / f"merged-{n}")
        for n, tables in sorted(runs.items())
    }
    return TextCounts(stop - start, vocab_size, unigrams, merged)


def count_part(part: Part) -> PartCounts:
    """Count one range: the map side.

    Raises:
        BadInput: an id outside the vocabulary.
    """
    unigrams = np.zeros(part.vocab_size, dtype=np.int64)
    tables: dict[int, _Dense | Gathering] = {}
    for n in part.orders:
        scratch = None if part.scratch is None else part.scratch / str(n)
        dense = n * bits_of(part.vocab_size) <= DENSE_BITS and part.stop - part.start >= 2**DENSE_BITS // 8
        tables[n] = _Dense(n, part.vocab_size) if dense else Gathering(n, part.vocab_size, scratch, part.held)
    reach = max(part.orders, default=1) - 1
    for at in range(part.start, part.stop, READ):
        end = min(at + READ, part.stop)
        tokens = part.stream.read(at, min(end + reach, len(part.stream)))
        try:
            unigrams += count_unigrams(tokens[: end - at], part.vocab_size)
            for n, table in tables.items():
                keys = pack(tokens[: end - at + n - 1], n, part.vocab_size, part.eos)
                table.add(keys)
        except ValueError as error:
            where = getattr(part.stream, "folder", None)
            raise BadInput(str(error), where=where, remedy="the tokenizer does not match; build it again") from None
    found: dict[int, NgramCounts | Path] = {}
    for n, table in tables.items():
        whole = table.result()
        spill = part.scratch is not None and len(whole) > BLOCK // 4  # an array this large travels better as a file
        found[n] = whole.save(part.scratch / f"part-{n}") if spill and part.scratch is not None else whole
    return PartCounts(unigrams, found)


class _Dense:
    """All n-grams there can be, in one table."""

    def __init__(self, n: int, vocab_size: int) -> None:
        self.n, self.vocab_size = n, vocab_size
        self.table = np.zeros(1 << (n * bits_of(vocab_size)), dtype=COUNT)

    def add(self, keys: np.ndarray) -> None:
        np.add.at(self.table, keys, 1)

    def result(self) -> NgramCounts:
        keys = np.flatnonzero(self.table)
        return NgramCounts(self.n, self.vocab_size, keys.astype(KEY), self.table[keys], int(self.table.sum()))
