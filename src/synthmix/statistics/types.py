"""What a survey of texts is asked and what it finds, as plain values, and the same as one long table."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from synthmix.corpus.corpus import Corpus
from synthmix.interval import Interval
from synthmix.statistics.compare import AT_LEAST, USUAL, Comparison
from synthmix.statistics.mixtures import MixtureRow, ShareRow, Shares
from synthmix.statistics.redundancy import Compression, Duplication
from synthmix.statistics.text_laws import Heaps, Zipf

SHARES = tuple(Fraction(i, 12) for i in range(13))
COLUMNS: dict[str, type] = {
    "corpus": str,
    "against": str,
    "share": float,
    "unit": str,
    "n": int,
    "statistic": str,
    "at_least": int,
    "smoothing": str,
    "value": float,
    "low": float,
    "high": float,
    "text": str,
}
Row = dict[str, Any]


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

    def compared_documents(self) -> Iterator[np.ndarray]:
        """What near-duplicates among the same documents are found by: :meth:`Corpus.compared_documents`."""
        split = "train" if self.domain is None else "heldout"
        compared = self.corpus.compared_documents(split, self.domain)
        return (own for _, own in zip(self.token_documents(), compared, strict=False))

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


@dataclass(frozen=True)
class Options:
    """What is asked of a survey. ``ngrams``: the longest; ``words``: tokens whose words are counted (0: none);
    ``mixtures``: of the training texts, by name."""

    tokens: int | None = None
    ngrams: int = 2
    smoothings: tuple[str, ...] = USUAL
    shares: tuple[Fraction, ...] = SHARES
    mixtures: Mapping[str, Shares] = field(default_factory=dict)
    at_least: tuple[int, ...] = AT_LEAST
    top: int = 20
    words: int = 1_000_000
    sample_bytes: int = 2_000_000
    level: float = 0.9


@dataclass(frozen=True)
class Pair:
    """One text against another; ``unit`` is ``token`` or ``word``."""

    corpus: str
    against: str
    unit: str
    comparison: Comparison


@dataclass(frozen=True)
class Costly:
    """An n-gram that costs much: ``nats`` is its part of KL(against || corpus), ``text`` what it reads as."""

    corpus: str
    against: str
    unit: str
    n: int
    text: str
    nats: float
    heldout_count: int
    train_count: float


@dataclass(frozen=True)
class Survey:
    """All of it. ``overlaps`` are the training texts against each other; ``shares`` the curves over one share,
    ``mixtures`` those that have a name."""

    tokens: int
    vocab_size: int
    level: float
    texts: list[Described]
    pairs: list[Pair]
    overlaps: list[Pair]
    costly: list[Costly]
    shares: list[ShareRow] = field(default_factory=list)
    mixtures: list[MixtureRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def flat_rows(survey: Survey) -> list[Row]:
    """Every number of the survey; keys as in ``COLUMNS``, absent ones None."""
    return [{name: row.get(name) for name in COLUMNS} for row in _rows(survey)]


def _rows(survey: Survey) -> Iterator[Row]:
    for text in survey.texts:
        base: Row = {"corpus": text.name, "unit": "token"}
        yield base | {"statistic": "tokens", "n": 1, "value": float(text.tokens)}
        yield base | {"statistic": "entropy", "n": 1, "value": text.entropy}
        for n, types in text.types.items():
            yield base | {"statistic": "types", "n": n, "value": float(types)}
        if text.zipf:
            law = text.zipf
            yield base | {"statistic": "zipf exponent", **_ends(law.exponent)}
            yield base | {"statistic": "zipf x_min", "value": float(law.x_min)}
            yield base | {"statistic": "zipf p-value", "value": law.fits}
        if text.heaps:
            grown = text.heaps
            yield base | {"statistic": "heaps exponent", **_ends(grown.exponent)}
            for tokens, types in zip(grown.tokens, grown.types, strict=True):
                yield base | {"statistic": "types after tokens", "at_least": tokens, "value": float(types)}
        if text.compression:
            yield base | {"statistic": "compression ratio", "value": text.compression.ratio}
        if text.duplication:
            same = text.duplication
            yield base | {"statistic": "near-duplicate rate", **_ends(same.rate)}
    for pair in (*survey.pairs, *survey.overlaps):
        base = {"corpus": pair.corpus, "against": pair.against, "unit": pair.unit, "n": pair.comparison.n}
        for row in _comparison(pair.comparison):
            yield base | row
    for one in (*survey.shares, *survey.mixtures):
        base = {"corpus": one.name, "against": one.domain, "unit": "token", "n": one.n}
        if isinstance(one, ShareRow):
            base |= {"corpus": one.synthetic, "share": one.share}
        yield base | {"statistic": "entropy", "value": one.entropy}
        yield base | {"statistic": "types", "value": one.types}
        for k, value in one.coverage_mass.items():
            yield base | {"statistic": "coverage of mass", "at_least": k, "value": value}
        for k, value in one.coverage_types.items():
            yield base | {"statistic": "coverage of types", "at_least": k, "value": value}
        for found in one.divergences:
            yield base | {"statistic": "KL(test||train)", "smoothing": found.smoothing, "value": found.kl_test_train}
            yield base | {"statistic": "KL(train||test)", "smoothing": found.smoothing, "value": found.kl_train_test}
        yield base | {"statistic": "Jensen-Shannon", "value": one.divergences[0].jensen_shannon}
    for cost in survey.costly:
        base = {"corpus": cost.corpus, "against": cost.against, "unit": cost.unit, "n": cost.n, "text": cost.text}
        yield base | {"statistic": "part of KL(test||train)", "value": cost.nats}


def _ends(found: Interval) -> Row:
    return {"value": found.mid, "low": found.low, "high": found.high}


def _comparison(found: Comparison) -> Iterator[Row]:
    for k in found.coverage_mass:
        yield {"statistic": "coverage of mass", "at_least": k, "value": found.coverage_mass[k]}
        yield {"statistic": "coverage of types", "at_least": k, "value": found.coverage_types[k]}
    yield {"statistic": "overlap of mass", "value": found.overlap_mass}
    yield {"statistic": "overlap of types", "value": found.overlap_types}
    yield {"statistic": "Jaccard", "value": found.jaccard}
    for one in found.divergences:
        yield {"statistic": "KL(test||train)", "smoothing": one.smoothing, "value": one.kl_test_train}
        yield {"statistic": "KL(train||test)", "smoothing": one.smoothing, "value": one.kl_train_test}
    yield {"statistic": "Jensen-Shannon", "value": found.divergences[0].jensen_shannon}
