"""Words, so that texts made with different tokenizers can be compared: counts over one vocabulary of words."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import numpy as np

WORD = re.compile(r"[^\W_]+(?:['\-][^\W_]+)*")  # letters and digits, inner apostrophes and hyphens


def words_of(text: str) -> list[str]:
    """The lower-cased words of a text, in order; a typographic apostrophe counts as the plain one."""
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
