"""Whole documents in an order that holds the shares, in tokens, for trainers that tokenise text themselves.

Next comes a document of the source that is furthest behind its share of the tokens so far; each source gives its own in
their stored order (by the hash of the text, so any prefix is a uniform sample), once more from the start when it is
through. With L tokens in the longest document, at every prefix no source is more than L ahead of its share, nor more
than (n - 1) L behind (DERIVED: the one taken was not ahead before, and deviations add up to zero).
"""

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from synthmix.corpus.corpus import DOCUMENTS, Corpus
from synthmix.mixture.recipe import Recipe


class Placed(NamedTuple):
    """A document in its place: where its ids lie in the source's stream; ``tokens`` has the end of document."""

    source: str
    key: str
    start: int
    tokens: int


def document_order(recipe: Recipe, corpora: Mapping[str, Corpus], budget: int) -> Iterator[Placed]:
    """Documents until ``budget`` tokens are reached. Which comes next needs their lengths only."""
    streams = {name: _rounds(corpora[name]) for name in recipe.sources}
    taken = dict.fromkeys(recipe.sources, 0)
    due = _due(recipe, budget)
    total = 0
    while total < budget:
        source = max(recipe.sources, key=lambda name: due(name, total) - taken[name])
        row = next(streams[source])
        yield Placed(source, row["key"], row["start"], row["tokens"])
        taken[source] += row["tokens"]
        total += row["tokens"]


def _due(recipe: Recipe, budget: int) -> Callable[[str, int], float]:
    """Tokens of a source that ``total`` tokens should have."""
    if recipe.schedule is None:
        shares = {name: float(share) for name, share in recipe.shares}
        return lambda name, total: shares[name] * total
    curves = dict(recipe.schedule)
    return lambda name, total: float(curves[name].integral(Fraction(total, budget)) * budget)


def _rounds(corpus: Corpus) -> Iterator[dict[str, Any]]:
    """Rows of the training documents, over and over."""
    import pyarrow.parquet as pq

    columns = ["split", "key", "start", "tokens"]
    while True:
        for batch in pq.ParquetFile(corpus.folder / DOCUMENTS).iter_batches(batch_size=4096, columns=columns):
            for row in batch.to_pylist():
                if row["split"] == "train":
                    yield row
