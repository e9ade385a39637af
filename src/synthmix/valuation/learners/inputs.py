"""From items to the numbers that a classifier reads, fixed by the reference."""

from typing import Any, Self

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.encoding import SAMPLE, Encoder, encoder_for
from synthmix.valuation.pool import Pool


class Features:
    """An encoder's features at a root mean square of 1 (text features of length 1 would be tiny in each column)."""

    def __init__(self, encoder: Encoder | None = None) -> None:
        self.encoder = encoder

    def fit(self, reference: Pool) -> Self:
        """Fit the encoder unless it was given (fitted), and the scale."""
        self.encoder = self.encoder or encoder_for(reference)
        made = self.encoder.encode(reference.take(SAMPLE).items)
        self.shape: tuple[int, ...] = (made.shape[1],)
        self._scale = float(np.sqrt(np.mean(made.astype(np.float64) ** 2))) or 1.0
        return self

    def __call__(self, items: Any) -> np.ndarray:
        """(n, d) float32."""
        assert self.encoder is not None
        return np.asarray(self.encoder.encode(items) / self._scale, dtype=np.float32)


class Images:
    """Arrays (n, h, w) or (n, h, w, channels), centred and scaled by one mean and one scale of the reference."""

    def fit(self, reference: Pool) -> Self:
        """Shape, mean and scale."""
        items = reference.take(SAMPLE).items
        self._form = items.shape[1:]
        self.shape: tuple[int, ...] = (1, *self._form) if len(self._form) == 2 else (self._form[2], *self._form[:2])
        self._mean, self._scale = float(items.mean()), float(items.std()) or 1.0
        return self

    def __call__(self, items: Any) -> np.ndarray:
        """(n, channels, h, w) float32.

        Raises:
            BadInput: images of another size, or values that are not finite.
        """
        form = getattr(items, "shape", ("text",))[1:]
        if form != self._form:
            raise BadInput(f"items of shape {tuple(form)}, where the reference has {tuple(self._form)}")
        if not np.isfinite(items).all():
            raise BadInput("holds values that are not finite", remedy="drop or mend those rows")
        made = (np.asarray(items, dtype=np.float32) - self._mean) / self._scale
        made = made[:, None] if len(self._form) == 2 else made.transpose(0, 3, 1, 2)
        return np.ascontiguousarray(made, dtype=np.float32)
