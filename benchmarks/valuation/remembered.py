"""What does not change between settings, made once a text: features and token ids."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np

from synthmix.valuation.encoding import Encoder
from synthmix.valuation.pool import Pool


class RememberedTokenizer:
    """Any tokenizer whose ids of a text are looked up the second time."""

    def __init__(self, tokenizer: Any) -> None:
        self.vocab_size = tokenizer.vocab_size
        self._tokenizer, self._known = tokenizer, dict[str, np.ndarray]()

    def encode_batch(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Ids of each text."""
        return _looked_up(self._known, texts, lambda new: map(np.asarray, self._tokenizer.encode_batch(new)))


class RememberedEncoder:
    """A fitted encoder whose features of a text are looked up the second time; arrays are encoded anew."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder, self._known = encoder, dict[str, np.ndarray]()

    def fit(self, reference: Pool) -> Self:
        """It is fitted already."""
        return self

    def encode(self, items: Any) -> np.ndarray:
        """Features (n, d)."""
        if isinstance(items, np.ndarray):
            return self._encoder.encode(items)
        return np.stack(_looked_up(self._known, items, self._encoder.encode))

    def seen(self, items: int) -> np.ndarray:
        """The encoder's own."""
        return self._encoder.seen(items)


def _looked_up(known: dict[str, Any], texts: Sequence[str], make: Callable[[list[str]], Any]) -> list[Any]:
    new = [text for text in dict.fromkeys(texts) if text not in known]
    if new:
        known.update(zip(new, make(new), strict=True))
    return [known[text] for text in texts]
