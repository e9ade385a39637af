"""Passages of so many words, cut from the texts of a file: what the tasks without prompts are made of."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from benchmarks.valuation.sources import Source, rows

WORDS = 120
LEAST = 40  # words of a passage
MOST_TEXTS = 1500  # of one language model


def texts(name: str, keep: Callable[[dict[str, Any]], bool] = lambda row: True) -> list[str]:
    """The texts of a file's records that are to be kept."""
    return [row["text"] for row in rows(name) if keep(row)]


def passages(texts: Iterable[str], most: int, *, natural: bool, skip: int = 0, words: int = WORDS) -> Source:
    """At most ``most`` passages of a text, after its first ``skip`` words."""

    def cut() -> Iterator[str]:
        for text in texts:
            left = text.split()[skip:]
            for start in range(0, min(len(left), most * words), words):
                if len(part := left[start : start + words]) >= LEAST:
                    yield " ".join(part)

    return Source(list(cut()), natural=natural)


def written(name: str, model: str, op: str = "") -> Source:
    """Two passages each of what one model wrote."""
    kept = texts(name, lambda row: row["source"] == model and op in ("", row["op"]))
    return passages(kept[:MOST_TEXTS], 2, natural=False)
