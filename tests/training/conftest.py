"""A token stream with structure, and a run that trains on it in a second."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from synthmix.training.protocol import Protocol
from synthmix.training.spec import RunSpec

VOCAB = 64


class Tokens:
    """Tokens in memory, read as a corpus's stream is."""

    def __init__(self, ids: np.ndarray) -> None:
        self.ids = ids

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, start: int, stop: int) -> np.ndarray:
        assert 0 <= start <= stop <= len(self.ids)
        return self.ids[start:stop].copy()


def chain(length: int, seed: int) -> Tokens:
    """Each token has two successors, one of them nine times in ten: 0.33 nats, while its unigrams are uniform."""
    rng = np.random.default_rng(seed)
    jump = np.where(rng.random(length) < 0.9, 7, 21)
    return Tokens((np.cumsum(jump) % VOCAB).astype(np.uint16))


@pytest.fixture(scope="session")
def streams() -> dict[str, Tokens]:
    return {"web": chain(80_000, 1), "hq": chain(80_000, 2)}


@pytest.fixture(scope="session")
def heldout() -> Tokens:
    return chain(4_001, 3)


@pytest.fixture(scope="session")
def make_spec() -> Callable[..., RunSpec]:
    def make(**changes: Any) -> RunSpec:
        values: dict[str, Any] = {
            "params": 25_000,
            "recipe": "web",
            "shares": {"web": Fraction(1)},
            "corpora": {"web": "c0ffee"},
            "tokenizer": "70ce",
            "vocab": VOCAB,
            "steps": 20,
            "seed": 0,
            "protocol": Protocol(context=16, batch=256),
        }
        return RunSpec(**values | changes)

    return make
