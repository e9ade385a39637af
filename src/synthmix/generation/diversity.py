"""How varied a set of texts is: measures of blocks of equal size, since all of them depend on how much text there is.

distinct-n is the share of different word n-grams among all (Li et al., arXiv 1510.03055). The compression ratio is
bytes over compressed bytes, higher for repetitive text, and self-repetition the share of a text's 4-grams that another
text has (both as in Shaib et al., arXiv 2403.00553). Self-similarity is the share of its bigrams that a text has in
common with one other of its block, on average.
"""

import random
import zlib
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from synthmix.generation.words import words_of

DISTINCT = (1, 2, 3, 4)


def blocks(texts: Sequence[str], words: int, most: int, seed: int) -> list[list[str]]:
    """``texts`` in random order in at most ``most`` blocks of exactly ``words`` words; the last text of each is cut.

    What does not fill a block is left out.
    """
    order = list(texts)
    random.Random(seed).shuffle(order)
    found: list[list[str]] = []
    held: list[str] = []
    left = words
    for text in order:
        own = text.split()
        held.append(text if len(own) <= left else " ".join(own[:left]))
        left -= min(len(own), left)
        if not left:
            found.append(held)
            held, left = [], words
            if len(found) == most:
                break
    return found


def diversity(block: Sequence[str]) -> dict[str, float]:
    """The measures of one block."""
    words = words_of(block)
    found = {}
    for n in DISTINCT:
        hashes, _ = words.ngrams(n)
        found[f"distinct_{n}"] = len(np.unique(hashes)) / max(len(hashes), 1)
    raw = "\n".join(block).encode("utf-8", "replace")
    found["compression"] = len(raw) / len(zlib.compress(raw, 6))
    found["self_repetition"] = _repeated(*words.ngrams(4))
    found["self_similarity"] = _similar(*words.ngrams(2))
    return found


def _different(hashes: np.ndarray, bounds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each n-gram once for each text that has it, and in how many texts each different one is."""
    own = [np.unique(hashes[start:end]) for start, end in pairwise(bounds)]
    each = np.concatenate(own) if own else np.empty(0, dtype=np.uint64)
    return each, np.unique(each, return_counts=True)[1]


def _repeated(hashes: np.ndarray, bounds: np.ndarray) -> float:
    each, texts = _different(hashes, bounds)
    return float(texts[texts > 1].sum() / max(len(each), 1))


def _similar(hashes: np.ndarray, bounds: np.ndarray) -> float:
    """A bigram in c of n texts is shared by c (c - 1) / 2 of the n (n - 1) / 2 pairs: no pair need be looked at."""
    each, texts = _different(hashes, bounds)
    count = len(bounds) - 1
    if count < 2 or not len(each):
        return 0.0
    shared = float((texts * (texts - 1.0)).sum()) / (count * (count - 1.0))
    return shared / (len(each) / count)
