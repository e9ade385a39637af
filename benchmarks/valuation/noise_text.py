"""What can befall a text. Each takes texts and gives as many back."""

import re

import numpy as np

_NUMBER = re.compile(r"\d+")


def shuffled_words(texts: list[str], rng: np.random.Generator) -> list[str]:
    """The same words in random order: unigrams stay, all else goes."""
    return [" ".join(rng.permutation(text.split())) for text in texts]


def truncated(texts: list[str], rng: np.random.Generator) -> list[str]:
    """The first third of the words."""
    return [" ".join(words[: max(1, len(words) // 3)]) for words in map(str.split, texts)]


def typos(texts: list[str], rng: np.random.Generator) -> list[str]:
    """A tenth of the letters replaced."""
    made = []
    for text in texts:
        letters = np.array(list(text))
        hit = (rng.random(len(letters)) < 0.1) & (letters != " ")
        letters[hit] = rng.choice(list("abcdefghijklmnopqrstuvwxyz"), int(hit.sum()))
        made.append("".join(letters))
    return made


def foreign_words(texts: list[str], rng: np.random.Generator) -> list[str]:
    """A third of the words replaced by words of the other texts."""
    every = np.array([word for text in texts for word in text.split()])
    made = []
    for text in texts:
        words = np.array(text.split(), dtype=object)
        hit = rng.random(len(words)) < 1 / 3
        words[hit] = rng.choice(every, int(hit.sum()))
        made.append(" ".join(words))
    return made


def shuffled_lines(texts: list[str], rng: np.random.Generator) -> list[str]:
    """The lines after the first (the question) in random order: a solution's steps, its result among them."""
    made = []
    for text in texts:
        first, *others = text.split("\n")
        made.append("\n".join([first, *rng.permutation(others)] if others else [first]))
    return made


def wrong_numbers(texts: list[str], rng: np.random.Generator) -> list[str]:
    """Every number after the first line replaced by a random one of as many digits."""

    def other(found: re.Match[str]) -> str:
        digits = len(found[0])
        return str(rng.integers(10 ** (digits - 1), 10**digits)) if digits < 10 else found[0]

    made = []
    for text in texts:
        first, line, rest = text.partition("\n")
        made.append(first + line + _NUMBER.sub(other, rest))
    return made


def answers_of_others(texts: list[str], rng: np.random.Generator) -> list[str]:
    """Every first line (the prompt) with what followed another one's."""
    parts = [text.partition("\n") for text in texts]
    order = rng.permutation(len(parts))
    return [first + line + parts[at][2] for (first, line, _), at in zip(parts, order, strict=True)]


PLAIN = {"shuffled words": shuffled_words, "truncation": truncated, "typos": typos, "foreign words": foreign_words}
