"""What a mixture lacks for evaluation domains, as codes and numbers."""

from typing import Literal

from synthmix.interval import Interval
from synthmix.results.parts import Part, Warn


class GapSource(Part):
    """One source of the mixture.

    Attributes:
        share: of the mixture. tokens: of the whole source. words: that were read of it.
        contained: reference documents that were left out since this source holds them.
    """

    name: str
    kind: Literal["natural", "synthetic"]
    share: float
    tokens: int
    words: int
    documents: int
    contained: int


class GapBin(Part):
    """Reference words that the mixture shows about equally often.

    Attributes:
        name: times that the mixture shows a word, ``never`` first. of_words, of_loss, of_gap: shares of the reference's
            words, loss and gap. nats: per word.
    """

    name: str
    words: int
    of_words: float
    of_loss: float
    of_gap: float
    nats: float | None


class LackingTerm(Part):
    """A word, or words in a row, that the reference needs and the mixture shows too rarely.

    Attributes:
        text: the words. documents, count: of the reference. needed, shown: per million words, of the reference and of
            the mixture.
        expected: showings expected at the budget. of_loss: share of the reference's loss. gap: nats per word of the
            reference that the reference's own text would save on it. rank: of the word in the natural text, if there;
            mass: of that text, of all ranks up to it.
    """

    text: str
    documents: int
    count: int
    needed: float
    shown: float
    expected: float
    of_loss: float
    gap: float
    rank: int | None = None
    mass: float | None = None


class LackingTopic(Part):
    """A topic of the reference: its typical words, its share of the reference's documents and of the mixture's, the
    difference (mixture minus reference), and its share of the gap."""

    words: list[str]
    reference: float
    mixture: float
    difference: Interval
    of_loss: float
    of_gap: float


class Carrier(Part):
    """A natural training document that carries lacking terms: ``probability`` that a draw by the gap takes it (a term
    in proportion to its gap, then one of its documents), ``times`` as often as a uniform draw does."""

    source: str
    document: str
    words: int
    probability: float
    times: float
    terms: list[str]
    begins: str


class SourceCutoff(Part):
    """Where a synthetic source's coverage of natural ranks falls away, and what follows at the budget.

    Attributes:
        order: 1: ranks are of words; 2: of pairs of words. ranks: that natural text could rank.
        shape: ``cut``, ``narrowed`` (as by a temperature below 1) or ``none``.
        k: cutoff rank. beyond: synthetic over natural share of the text beyond it.
        n1, n2: tokens of the mixture. phase: of the budget, 1 to 3; None: no cutoff.
    """

    source: str
    order: int
    ranks: int
    shape: Literal["cut", "narrowed", "none"]
    k: Interval
    beyond: Interval
    n1: Interval
    n2: Interval
    phase: int | None


class Gap(Part):
    """What a mixture lacks for a reference.

    Attributes:
        state: ``gap``; ``none``: the reference's own text would not save more than as much of the mixture.
        gap: nats per word of the reference that its own other documents save when they replace as many words of the
            mixture; 0 in expectation where the mixture is text like the reference.
        loss: of the reference after the mixture, nats per word, of the learner. replaced: words that were replaced.
        learner: ``n-grams`` or the checkpoint whose losses weigh the terms.
        budget: tokens for which showings and phases are given. natural_share: of the mixture.
        tokens_per_word: of the mixture.
    """

    state: Literal["gap", "none"]
    reference: dict[str, int]
    reference_words: int
    reference_documents: int
    sources: list[GapSource]
    budget: int
    natural_share: float
    tokens_per_word: float
    learner: str
    loss: float
    gap: Interval
    replaced: int
    bins: list[GapBin]
    terms: list[LackingTerm]
    phrases: list[LackingTerm]
    topics: list[LackingTopic]
    carriers: list[Carrier]
    cutoffs: list[SourceCutoff]
    warnings: list[Warn]
