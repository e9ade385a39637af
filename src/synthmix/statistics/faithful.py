"""Faithfulness of a text to the source it was made from, without a model: what is kept of its words and numbers.

- ``content words kept``: share of the source's distinct content words (four letters or more) that the text has too;
- ``numbers kept``: share of the source's distinct numbers that the text has too;
- ``numbers added``: share of the text's distinct numbers that the source does not have (a sign of invention);
- ``length``: words of the text over words of the source.

A paraphrase keeps meaning with other words, so the first understates; it compares generators, it does not grade one.
"""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from synthmix.statistics.pairs import Estimate, Written
from synthmix.statistics.words import words_of

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def faithfulness(
    written: Sequence[Written], sources: Sequence[Written], *, level: float = 0.9
) -> list[tuple[str, Estimate]]:
    """Means over the pairs, with intervals; empty where fewer than five texts have their source here."""
    from scipy.stats import t

    known = {one.pair: one.text for one in sources if one.pair is not None}
    found: dict[str, list[float]] = {}
    for one in written:
        if one.pair in known:
            for name, value in _measures(one.text, known[one.pair]):
                found.setdefault(name, []).append(value)
    rows = []
    for name, values in found.items():
        if len(values) >= 5:
            mean, error = float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values)))
            reach = error * float(t.ppf(0.5 + level / 2, len(values) - 1))
            rows.append((name, Estimate(mean, mean - reach, mean + reach)))
    return rows


def _measures(text: str, source: str) -> Iterator[tuple[str, float]]:
    mine, theirs = words_of(text), words_of(source)
    content = {word for word in theirs if len(word) >= 4 and word.isalpha()}
    if content:
        yield "content words kept", len(content & set(mine)) / len(content)
    numbers, added = set(_NUMBER.findall(source)), set(_NUMBER.findall(text))
    if numbers:
        yield "numbers kept", len(numbers & added) / len(numbers)
    if added:
        yield "numbers added", len(added - numbers) / len(added)
    if theirs:
        yield "length", len(mine) / len(theirs)
