"""Tokenizers compared: several vocabulary sizes, trained on natural, synthetic or mixed text, applied to each text.

What differs between tokenizers is measured per byte of text: tokens per byte, and the bits per byte of the best model
that ignores context (the held-out text's cross-entropy under training's smoothed unigrams, divided by its bytes). The
cost of a tokenizer on a text is its tokens over those of the tokenizer of the same size trained on natural text.
Intervals: documents are drawn again (bootstrap percentiles).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.corpus.tokenizer import Tokenizer, train_tokenizer
from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.progress import Progress, Silent
from synthmix.statistics.compare import Comparison, compare_unigrams

RESAMPLES = 300


@dataclass(frozen=True)
class TokenizerRow:
    """One tokenizer on one held-out text. ``cost``: tokens over those of the natural-text tokenizer, minus one;
    ``bits``: per byte, under unigrams of ``trained_on``-text; ``used``: share of the vocabulary that the text uses."""

    trained_on: str
    vocab_size: int
    text: str
    tokens_per_byte: Interval
    cost: Interval | None
    bits_per_byte: Interval
    used: float
    comparison: Comparison


def compare_tokenizers(
    training: Mapping[str, Sequence[str]],
    heldout: Mapping[str, Sequence[str]],
    vocabularies: Sequence[int],
    *,
    level: float = 0.9,
    progress: Progress | None = None,
) -> list[TokenizerRow]:
    """Train a tokenizer of each size on each training text and apply it to each held-out text.

    Args:
        training: texts by name; the first is the natural one that costs are counted against. All are cut to the
            bytes of the smallest, so that no tokenizer has seen more.

    Raises:
        BadInput: a text that is empty, or a vocabulary below 257.
    """
    progress = progress or Silent()
    for name, texts in (*training.items(), *heldout.items()):
        if not any(text.strip() for text in texts):
            raise BadInput("holds no text", where=name)
    smallest = min(sum(len(text.encode()) for text in texts) for texts in training.values())
    cut = {name: _first_bytes(texts, smallest) for name, texts in training.items()}
    progress.start("tokenizers", len(cut) * len(vocabularies), "tokenizers")
    rows: list[TokenizerRow] = []
    for size in vocabularies:
        base: dict[str, np.ndarray] = {}
        for name, texts in cut.items():
            tokenizer = train_tokenizer(texts, size)
            train = _counts(tokenizer, texts)
            for domain, held in heldout.items():
                encoded = tokenizer.encode_batch(held)
                lengths = np.array([len(ids) for ids in encoded], dtype=np.float64)
                reference = base.setdefault(domain, lengths)
                rows.append(_row(name, tokenizer, domain, held, encoded, train, reference, lengths is reference, level))
            progress.update("tokenizers", len(rows) // len(heldout))
    progress.finish("tokenizers")
    return rows


def _row(
    name: str,
    tokenizer: Tokenizer,
    domain: str,
    texts: Sequence[str],
    encoded: Sequence[np.ndarray],
    train: np.ndarray,
    reference: np.ndarray,
    first: bool,
    level: float,
) -> TokenizerRow:
    sizes = np.array([len(text.encode()) for text in texts], dtype=np.float64)
    lengths = np.array([len(ids) for ids in encoded], dtype=np.float64)
    q = (train + 0.5) / (train + 0.5).sum()
    code = -np.log2(q)
    bits = np.array([code[ids.astype(np.int64)].sum() for ids in encoded])
    test = np.bincount(np.concatenate([ids.astype(np.int64) for ids in encoded]), minlength=len(train))
    return TokenizerRow(
        trained_on=name,
        vocab_size=tokenizer.vocab_size,
        text=domain,
        tokens_per_byte=ratio(lengths, sizes, level),
        cost=None if first else ratio(lengths, reference, level).mapped(lambda cost: cost - 1),
        bits_per_byte=ratio(bits, sizes, level),
        used=float(np.count_nonzero(test) / len(test)),
        comparison=compare_unigrams(train, test),
    )


def ratio(above: np.ndarray, below: np.ndarray, level: float = 0.9, seed: int = 0) -> Interval:
    """Sum over sum, documents drawn again for the interval."""
    draws = np.random.default_rng(seed).integers(0, len(above), (RESAMPLES, len(above)))
    drawn = above[draws].sum(axis=1) / np.maximum(below[draws].sum(axis=1), 1e-12)
    low, high = np.percentile(drawn, [50 * (1 - level), 50 * (1 + level)])
    mid = float(above.sum() / below.sum())
    return Interval(low=float(low), mid=mid, high=float(high), level=level, covers="sampling")


def _counts(tokenizer: Tokenizer, texts: Sequence[str]) -> np.ndarray:
    counts = np.zeros(tokenizer.vocab_size, dtype=np.int64)
    for ids in tokenizer.encode_batch(texts):
        counts += np.bincount(ids, minlength=tokenizer.vocab_size)
    return counts


def _first_bytes(texts: Sequence[str], limit: int) -> list[str]:
    """Texts up to ``limit`` bytes in all; the last one cut at a character."""
    found: list[str] = []
    left = limit
    for text in texts:
        data = text.encode()
        found.append(text if len(data) <= left else data[:left].decode(errors="ignore"))
        left -= len(data)
        if left <= 0:
            break
    return found
