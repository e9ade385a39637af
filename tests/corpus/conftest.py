"""A small tokenizer and some text, made once."""

import random
from collections.abc import Callable

import pytest

from synthmix.corpus import Tokenizer, train_tokenizer

WORDS = ["corpus", "recipe", "share", "budget", "run", "ladder", "law", "reference", "token", "shard"]


def sentence(seed: int, words: int = 60) -> str:
    """Pseudo-random prose: the same for the same seed, different 5-grams for different ones."""
    rng = random.Random(seed)
    return " ".join(f"{rng.choice(WORDS)}{rng.randrange(500)}" for _ in range(words))


@pytest.fixture(scope="session")
def texts() -> list[str]:
    return [sentence(seed) for seed in range(300)]


@pytest.fixture(scope="session")
def tokenizer(texts: list[str]) -> Tokenizer:
    return train_tokenizer(texts, 400)


@pytest.fixture(scope="session")
def make_text() -> Callable[[int], str]:
    return sentence
