"""What a survey is asked and what it finds, as plain values."""

from dataclasses import dataclass, field
from fractions import Fraction

from synthmix.statistics.compare import AT_LEAST, Comparison
from synthmix.statistics.described import Described
from synthmix.statistics.smoothing import USUAL
from synthmix.statistics.thinning import ShareRow

SHARES = tuple(Fraction(i, 12) for i in range(13))


@dataclass(frozen=True)
class Options:
    """What is asked of a survey. ``ngrams``: the longest; ``words``: tokens whose words are counted (0: none)."""

    tokens: int | None = None
    ngrams: int = 2
    smoothings: tuple[str, ...] = USUAL
    shares: tuple[Fraction, ...] = SHARES
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
    """All of it. ``overlaps`` are the training texts against each other; ``shares`` the curves of mixtures."""

    tokens: int
    vocab_size: int
    level: float
    texts: list[Described]
    pairs: list[Pair]
    overlaps: list[Pair]
    costly: list[Costly]
    shares: list[ShareRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
