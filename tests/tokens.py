"""A token stream in memory."""

import numpy as np


class Tokens:
    """What counting, evaluation and estimates ask of a stream, over one array."""

    def __init__(self, tokens: np.ndarray) -> None:
        self.tokens = tokens

    def __len__(self) -> int:
        return len(self.tokens)

    def read(self, start: int, stop: int) -> np.ndarray:
        return self.tokens[start:stop].copy()
