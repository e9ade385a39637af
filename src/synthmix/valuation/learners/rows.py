"""Texts as token rows: one padded row an item to be read, one packed stream to be trained on."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from synthmix.corpus.tokenizer import Tokenizer
from synthmix.errors import BadInput
from synthmix.valuation.pool import Pool


class Packed:
    """Tokens in memory, read as a corpus's stream is (:class:`synthmix.training.batches.Stream`)."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Tokens ``[start, stop)``."""
        return self.ids[start:stop]


def texts_of(items: Any, where: str | None) -> Sequence[str]:
    """The items, which must be texts.

    Raises:
        BadInput: they are an array.
    """
    if isinstance(items, np.ndarray):
        raise BadInput("an array, where a language model needs text", where=where)
    return list(items)


def packed(pool: Pool, tokenizer: Tokenizer, most: int | None, documents: int) -> Packed:
    """Documents in an order that depends on their positions alone, each followed by an end of document; at most
    ``most`` tokens.

    Args:
        documents: of a larger pool, a uniform sample of so many is taken.

    Raises:
        BadInput: not text.
    """
    texts = texts_of(pool.take(documents).items, pool.name)
    order = np.random.default_rng(0).permutation(len(texts))
    end = np.array([tokenizer.eos_id], dtype=tokenizer.dtype)
    pieces, held = [], 0
    for start in range(0, len(order), 1024):
        for ids in tokenizer.encode_batch([texts[i] for i in order[start : start + 1024]]):
            pieces += [ids, end]
            held += len(ids) + 1
        if most is not None and held >= most:
            break
    return Packed(np.concatenate(pieces)[:most])


def rows(texts: Sequence[str], tokenizer: Tokenizer, context: int, count: int) -> Iterator[tuple[np.ndarray, ...]]:
    """Token ids (n, t + 1) int64 and weights (n, t) float32 of up to ``count`` texts at a time.

    A row starts with an end of document, as each text of a packed stream does, and ends with one where the text fits
    into ``context``; of a longer text its beginning is read (CHOSEN). An item's weights are equal and add up to 1.
    """
    for start in range(0, len(texts), count):
        coded = tokenizer.encode_batch(texts[start : start + count])
        lengths = [min(len(ids) + 1, context) for ids in coded]
        ids = np.full((len(coded), max(lengths) + 1), tokenizer.eos_id, dtype=np.int64)
        weights = np.zeros((len(coded), max(lengths)), dtype=np.float32)
        for row, (mine, length) in enumerate(zip(coded, lengths, strict=True)):
            used = mine[:length]
            ids[row, 1 : len(used) + 1] = used
            weights[row, :length] = 1 / length
        yield ids, weights
