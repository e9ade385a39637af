"""Texts of several generators over the same sources: what is compared, as plain values."""

from dataclasses import dataclass, field

from synthmix.interval import Interval
from synthmix.statistics.style import StyleDistance


@dataclass(frozen=True)
class Written:
    """One text of a generator (or of people); ``pair`` names the source document that it was made from."""

    text: str
    pair: str | None = None


@dataclass(frozen=True)
class DomainFit:
    """A generator's text against one held-out domain, by words, at equal size; ``style`` None: too little text."""

    domain: str
    coverage_mass: Interval
    coverage_types: Interval
    kl_test_train: Interval
    kl_train_test: Interval
    jensen_shannon: Interval
    style: StyleDistance | None


@dataclass(frozen=True)
class GeneratorRow:
    """One generator (or ``sources``): how much of it was compared, its near-duplicates, and each domain."""

    name: str
    documents: int
    words: int
    near_duplicates: Interval | None
    domains: list[DomainFit] = field(default_factory=list)
