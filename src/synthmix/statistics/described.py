"""What can be said of one text alone: its size, rank-frequency curve, Zipf and Heaps exponents, redundancy."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.statistics.count import TextCounts
from synthmix.statistics.divergence import unigram_entropy
from synthmix.statistics.heaps import Heaps, heaps_of
from synthmix.statistics.redundancy import Compression, Duplication, compression, near_duplicates
from synthmix.statistics.zipf import Zipf, rank_frequency, zipf


@dataclass(frozen=True)
class Text:
    """One side of a comparison: the first ``tokens`` tokens of a stream of a corpus (``domain`` None: of training)."""

    name: str
    corpus: Corpus
    domain: str | None
    tokens: int

    def token_documents(self) -> Iterator[np.ndarray]:
        """Token ids of the documents of which the first ``tokens`` tokens consist, the last one whole."""
        taken = 0
        split = "train" if self.domain is None else "heldout"
        for row, ids in self.corpus.token_documents(split, self.domain):
            if taken >= self.tokens:
                return
            taken += row["tokens"]
            yield ids

    def texts(self) -> Iterator[str]:
        """The same documents as text."""
        tokenizer = self.corpus.tokenizer()
        return (tokenizer.decode(ids) for ids in self.token_documents())


@dataclass(frozen=True)
class Described:
    """``entropy``: of the unigrams, nats per token; ``types``: distinct n-grams by n; ``ranks`` and ``frequencies``
    trace the rank-frequency curve. What a text is too short for is None."""

    name: str
    kind: str
    tokens: int
    types: dict[int, int]
    entropy: float
    zipf: Zipf | None
    heaps: Heaps | None
    compression: Compression | None
    duplication: Duplication | None
    ranks: list[int]
    frequencies: list[float]


def describe(
    text: Text, counts: TextCounts, *, sample_bytes: int, level: float, tell: Callable[[str], None] = lambda what: None
) -> Described:
    """Everything of one text. ``sample_bytes``: how much of it is compressed, equal for the texts to be compared."""
    tell("Zipf")
    law = zipf(counts.unigrams, level=level)
    ranks, frequencies = rank_frequency(counts.unigrams)
    tell("Heaps")
    stream = text.corpus.train if text.domain is None else text.corpus.heldout(text.domain)
    grown = heaps_of(stream, counts.vocab_size, text.tokens, level=level)
    tell("redundancy")
    return Described(
        name=text.name,
        kind=text.corpus.meta.kind if text.domain is None else "held out",
        tokens=text.tokens,
        types={1: int(np.count_nonzero(counts.unigrams))} | {n: len(table) for n, table in counts.ngrams.items()},
        entropy=unigram_entropy(counts.unigrams),
        zipf=law,
        heaps=grown,
        compression=compression(text.texts(), sample_bytes),
        duplication=near_duplicates(text.token_documents(), level=level),
        ranks=ranks,
        frequencies=frequencies,
    )
