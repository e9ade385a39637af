"""The encoding of one corpus: by `tiktoken`, once its first megabyte has the ids that `tokenizers` gives."""

from collections.abc import Callable, Sequence

import numpy as np

from synthmix.corpus.tokenizer import COMPARED, Tokenizer


class Encoding:
    """Encodes the batches of a corpus, or of a part of one, in order.

    `tokenizers` encodes the first texts, :attr:`Tokenizer.worth` characters or a little more. What follows is left to
    `tiktoken` where :attr:`Tokenizer.fast` allows it and gives the same ids for the first million characters.
    It depends on nothing but the texts and the tokenizer which library encodes which batch.

    Attributes:
        checked: characters that were encoded both ways; 0: `tiktoken` was not used.
    """

    def __init__(self, tokenizer: Tokenizer, say: Callable[[str], object]) -> None:
        self.tokenizer, self.checked = tokenizer, 0
        self._say, self._left, self._fast = say, tokenizer.worth, False
        self._texts, self._ids, self._held = list[str](), list[np.ndarray](), 0

    def __call__(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of each text; see :meth:`Tokenizer.encode_batch`."""
        tokenizer = self.tokenizer
        if self._fast and tokenizer.fast is not None:
            return tokenizer.fast.encode_batch(texts, tokenizer.dtype)
        if self._left <= 0:
            return tokenizer.encode_slowly(texts)
        count = 0
        while count < len(texts) and self._left > 0:
            self._left -= len(texts[count])
            count += 1
        encoded = tokenizer.encode_slowly(texts[:count])
        self._keep(texts, encoded)
        if self._left <= 0:
            self._compare()
        return [*encoded, *self(texts[count:])] if count < len(texts) else encoded

    def _keep(self, texts: Sequence[str], encoded: Sequence[np.ndarray]) -> None:
        for text, ids in zip(texts, encoded, strict=False):
            if self._held >= COMPARED:
                return
            self._texts.append(text)
            self._ids.append(ids)
            self._held += len(text)

    def _compare(self) -> None:
        if self.tokenizer.fast is not None:
            self._fast = self.tokenizer.fast_agrees(self._texts, self._ids)
            if self._fast:
                self.checked = self._held
            else:
                self._say("tiktoken gives other ids than tokenizers for this text; tokenizers encodes it, more slowly")
        self._texts, self._ids = [], []
