"""Texts of several generators over the same sources: what is compared, as plain values."""

from dataclasses import dataclass, field

from synthmix.statistics.style import StyleDistance


@dataclass(frozen=True)
class Written:
    """One text of a generator (or of people); ``pair`` names the source document that it was made from."""

    text: str
    pair: str | None = None


@dataclass(frozen=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class DomainFit:
    """A generator's text against one held-out domain, by words, at equal size; ``style`` None: too little text."""

    domain: str
    coverage_mass: Estimate
    coverage_types: Estimate
    kl_test_train: Estimate
    kl_train_test: Estimate
    jensen_shannon: Estimate
    style: StyleDistance | None


@dataclass(frozen=True)
class GeneratorRow:
    """One generator (or ``sources``): how much of it was compared, its near-duplicates, and each domain."""

    name: str
    documents: int
    words: int
    near_duplicates: Estimate | None
    domains: list[DomainFit] = field(default_factory=list)
