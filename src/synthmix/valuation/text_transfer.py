"""The transfer term of texts without labels, and the tokenizer that it counts in."""

from typing import Any

import numpy as np

from synthmix.valuation.features import Tokenized
from synthmix.valuation.pool import Pool
from synthmix.valuation.terms.ngram_transfer import NgramTransfer


def text_transfer(
    reference: Pool, tokenizer: Any = None, *, order: int = 4, after: str | None = None
) -> tuple[Any, NgramTransfer]:
    """(tokenizer, term), the term not yet fitted; None: a tokenizer is trained on the reference."""
    if tokenizer is None:
        from synthmix.corpus import train_tokenizer

        texts = reference.take(20_000).items
        tokenizer = train_tokenizer(iter(texts), vocabulary(sum(map(len, texts))))
    return tokenizer, NgramTransfer(Tokenized(tokenizer), tokenizer.vocab_size, order=order, after=after)


def vocabulary(characters: int) -> int:
    """Tokens of a vocabulary that is trained on so much text: one for each 300 characters, from 300 to 4096.

    CHOSEN: a larger one holds whole phrases of a small reference, which no other text contains, and the n-gram model of
    any pool then knows next to nothing of it (docs/log.md).
    """
    return int(np.clip(characters // 300, 300, 4096))
