"""Texts as word numbers: the reference's words first, so that a model of its n-grams knows nothing of all others.

Words and not a tokenizer's pieces: they are what a reader can look up, and what a vocabulary of 4,096 pieces cannot
rank beyond 4,096.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from synthmix.corpus.sources import Document
from synthmix.errors import BadInput
from synthmix.statistics.count import words_of

WINDOW = 8  # words in a row by which a reference document is found in training text
FOUND = 0.5  # of its windows
EOS = 0


class Lexicon:
    """Words by number, from 1 in the order in which they are met; 0 ends a document."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}
        self.words: list[str] = [""]

    def __len__(self) -> int:
        return len(self.words)

    def ids(self, text: str) -> np.ndarray:
        """(words,) int64."""
        number, found = self.number, words_of(text)
        for word in found:
            if word not in number:
                number[word] = len(self.words)
                self.words.append(word)
        return np.fromiter(map(number.__getitem__, found), np.int64, len(found))


@dataclass(frozen=True)
class WordText:
    """Documents of a text as word numbers, with their texts and names."""

    name: str
    documents: list[np.ndarray]
    texts: list[str]
    keys: list[str]

    @property
    def words(self) -> int:
        return sum(map(len, self.documents))

    def stream(self) -> np.ndarray:
        """All documents in a row, each followed by :data:`EOS`."""
        end = np.array([EOS], np.int64)
        return np.concatenate([part for each in self.documents for part in (each, end)] or [end])

    def without(self, drop: np.ndarray) -> "WordText":
        """Without the documents at which ``drop`` (documents,) is true."""
        kept = np.flatnonzero(~drop)
        return WordText(
            self.name,
            [self.documents[i] for i in kept],
            [self.texts[i] for i in kept],
            [self.keys[i] for i in kept],
        )


def read_words(name: str, documents: Iterable[Document], lexicon: Lexicon, most: int) -> WordText:
    """The first documents, until they have ``most`` words.

    Raises:
        BadInput: no word in them.
    """
    ids, texts, keys, total = [], [], [], 0
    for number, document in enumerate(documents):
        found = lexicon.ids(document.text)
        if not len(found):
            continue
        ids.append(found)
        texts.append(document.text)
        keys.append(document.key or f"{name}:{number + 1}")
        total += len(found)
        if total >= most:
            break
    if not total:
        raise BadInput("holds no words", where=name, remedy="name text")
    return WordText(name, ids, texts, keys)


def contained(reference: list[np.ndarray], training: list[np.ndarray]) -> np.ndarray:
    """Of which reference documents the training text holds at least half of the runs of eight words: (documents,).

    Documents of fewer words are compared whole. Runs are compared by 64-bit hashes.
    """
    known = np.unique(np.concatenate([_runs(one) for one in training] or [np.zeros(0, np.uint64)]))
    found = np.zeros(len(reference), bool)
    for i, one in enumerate(reference):
        runs = _runs(one)
        if len(runs) and len(known):
            place = np.minimum(np.searchsorted(known, runs), len(known) - 1)
            found[i] = (known[place] == runs).mean() >= FOUND
    return found


def _runs(ids: np.ndarray) -> np.ndarray:
    if len(ids) < WINDOW:  # a short text stands in a run of its own length, told apart by that
        key = np.array([len(ids)], np.uint64)
        for one in ids.astype(np.uint64):
            key = _mixed(key + one)
        return key
    key = np.zeros(len(ids) - WINDOW + 1, np.uint64)
    for step in range(WINDOW):
        key = _mixed(key + ids[step : step + len(key)].astype(np.uint64))
    return key


def _mixed(key: np.ndarray) -> np.ndarray:
    key = key * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(key ^ (key >> np.uint64(29)))
