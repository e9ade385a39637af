"""The score of a dataset against a reference, before anyone trains on it.

>>> valuer = Valuer().fit(Pool.of("target", texts))            # doctest: +SKIP
>>> valuer.score(Pool.of("candidate", others)).value           # doctest: +SKIP

The form is that of arXiv 2511.13640 (loss, distribution distance, kernel complexity, size; FOUND) with one term more,
the transfer of a learner in closed form (CHOSEN), which carries most of it: docs/results/valuation.md.
"""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.curve import Curve, curve_of
from synthmix.valuation.encoding import Encoded, Encoder, encoder_for
from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.score import Cost, Score
from synthmix.valuation.summary import Summary, summarise
from synthmix.valuation.terms.complexity import Complexity, GradientBatch, Loss, Ntk
from synthmix.valuation.terms.counts import Balance, Overlap, SampleSize
from synthmix.valuation.terms.discrepancy import WIDTHS, Discrepancy
from synthmix.valuation.terms.guards import RUN, Leak
from synthmix.valuation.terms.ngram_transfer import NgramTransfer, text_transfer
from synthmix.valuation.terms.ridge_transfer import RIDGES, Lifted, RidgeTransfer
from synthmix.valuation.terms.term import COUNT, REFERENCE_BLOCKS, Sums, Term
from synthmix.valuation.trained_curve import Trained
from synthmix.valuation.uncertainty import LEVEL, around, half_width, parts_of
from synthmix.valuation.weights import Weights, weights_named

FEW = 100
LEAKED, ODD = 0.02, 0.01  # shares of the reference's runs, and of a pool's texts, that are told
LEAST = REFERENCE_BLOCKS  # documents of a reference: below that nothing says how far a score is from another sample's

GradientMaker = Callable[[Batch], GradientBatch]


class Valuer:
    """Fitted on a reference once; scores one dataset at a time, each independent of the others.

    Args:
        encoder: items to features; None: the usual one for what the reference holds.
        tokenizer: for text without labels: with ``encode_batch(texts) -> lists of ids`` and ``vocab_size``; None:
            one is trained on the reference.
        gradients: of a model at initialization or at a checkpoint, for the terms ``complexity`` and ``loss``
            (:func:`synthmix.valuation.gradients`); None: these are left out, as the fixed weights do not use them.
        weights: ``fixed``, ``paper``, a term's name, or :class:`Weights`.
        after: what ends the prompt of a text: of a reference without labels only what follows is scored.
        order: of the longest n-gram, for text without labels.
        ridge: of the kernel's complexity. ridges: the grid of the kernel regression, one or more.
        features: random features of each kernel of the discrepancy. widths: of these, in the median distances of the
            reference.
        lift: random features of the kernel regression, beside the encoder's own. level: of the intervals.
    """

    name = "synthmix"

    def __init__(
        self,
        *,
        encoder: Encoder | None = None,
        tokenizer: Any = None,
        gradients: GradientMaker | None = None,
        weights: str | Weights = "fixed",
        after: str | None = None,
        order: int = 4,
        ridge: float = 1e-2,
        ridges: Sequence[float] = RIDGES,
        features: int = 512,
        widths: Sequence[float] = WIDTHS,
        lift: int = 256,
        level: float = LEVEL,
        seed: int = 0,
    ) -> None:
        self.encoder, self.tokenizer, self.gradients, self.after = encoder, tokenizer, gradients, after
        self.weights = weights_named(weights) if isinstance(weights, str) else weights
        self.order, self.ridge, self.features, self.lift = order, ridge, features, lift
        self.ridges, self.widths, self.level, self.seed = tuple(ridges), tuple(widths), level, seed
        for key, held in (("ridges", self.ridges), ("widths", self.widths)):
            if not held or min(held) <= 0:
                raise BadInput(f"{key} are {held}", key=key, remedy="give one or more numbers above 0")
        self.terms: list[Term] = []

    def fit(self, reference: Pool) -> Self:
        """Fix encoder, scales and everything else by the target's text.

        Raises:
            BadInput: it is empty, or holds one class only, or what the weights need is not there.
        """
        first = next(iter(reference.batches()))
        if len(first) < LEAST:
            raise BadInput(
                f"holds {len(first)} documents, where a reference needs {LEAST}",
                where=reference.name,
                remedy="give more of the target: a hundred documents or more",
            )
        self.reference, self.labelled = reference, first.labels is not None
        self._encode = Encoded(self.encoder if self.encoder is not None else encoder_for(reference))
        terms: list[Term] = []
        if self.labelled:
            lifted = Lifted(self._encode, reference, features=self.lift, seed=self.seed)
            terms.append(RidgeTransfer(lifted, ridges=self.ridges))
        elif not isinstance(first.items, np.ndarray):
            self.tokenizer, transfer = text_transfer(reference, self.tokenizer, order=self.order, after=self.after)
            terms.append(transfer)
        distance = Discrepancy(self._encode, features=self.features, widths=self.widths, seed=self.seed)
        terms += [distance, Balance()]
        if self.gradients is not None:
            complexity = Complexity(self.gradients, ridge=self.ridge, seed=self.seed)
            terms += [complexity, Loss(complexity)]
            terms += [Ntk(complexity)] if "ntk" in self.weights.values else []
        terms += [SampleSize()] if "sample" in self.weights.values else []
        missing = set(self.weights.values) - {term.name for term in terms} - {"transfer"}
        if missing:
            raise BadInput(
                f"the weights {self.weights.name} need {', '.join(sorted(missing))}", remedy="hand a model over"
            )
        terms.append(Overlap())
        if not isinstance(first.items, np.ndarray):
            terms.append(Leak())
        for term in terms:
            term.fit(reference)
        self.terms = terms
        return self

    def summarise(self, pool: Pool, *, keep_copies: bool = False) -> Summary:
        """One pass over a pool: all that its score, and that of its mixtures, needs. Sums of parts may be added. Copies
        of an item count once, unless ``keep_copies``.

        Raises:
            BadInput: it is empty, of another kind than the reference, or without labels where that has them.
        """
        self._fitted()
        try:
            return summarise(pool, self.terms, keep_copies=keep_copies)
        except BadInput as error:  # terms know the items, not whose they are
            if error.where is not None:
                raise
            raise BadInput(error.problem, where=pool.name, key=error.key, remedy=error.remedy) from None

    def score(self, pool: Pool) -> Score:
        """The value of one dataset, with its interval and terms.

        Raises:
            BadInput: see :meth:`summarise`.
        """
        start = time.perf_counter()
        summary = self.summarise(pool)
        made = self.score_summary(summary)
        return replace(made, cost=Cost(time.perf_counter() - start, summary.items, summary.bytes))

    def score_summary(self, summary: Summary) -> Score:
        """As :meth:`score`, of a pool that was read before."""
        value, terms = self.weights.score_summary(summary, self.terms)
        parts = parts_of(summary, self.terms, self.weights)
        interval = around(value, float(half_width(parts, self.level)), self.level)
        return Score(summary.name, value, interval, terms, warnings=warnings_of(summary, self.terms))

    def score_mixture(
        self,
        pools: Sequence[Pool | Summary],
        shares: Sequence[Sequence[float]] | None = None,
        named: Mapping[str, Sequence[float]] | None = None,
        trained: Trained | None = None,
    ) -> Curve:
        """The value of mixtures of ``pools``, each read once; see :func:`synthmix.valuation.curve.curve_of`.

        Args:
            pools: two or more.
            shares: rows of one share a pool; None: every mixture of two or three pools in even steps, of more the best.
            named: further mixtures by name, a share a pool.
            trained: runs of one's own on mixtures of these pools, two or more, which correct the expected losses.

        Raises:
            BadInput: see :func:`.curve_of`.
        """
        self._fitted()
        read = [pool if isinstance(pool, Summary) else self.summarise(pool) for pool in pools]
        return curve_of(
            read, self.terms, self.weights, shares, named=named, level=self.level, seed=self.seed, trained=trained
        )

    def on(self, reference: Pool) -> "Valuer":
        """The same settings, encoder and tokenizer, fitted to another reference."""
        made = copy.copy(self)
        made.encoder = self.encoded
        return made.fit(reference)

    @property
    def encoded(self) -> Encoder:
        """The encoder, fitted on the reference: the same for baselines beside this score."""
        self._fitted()
        return self._encode.encoder

    @property
    def coefficients(self) -> dict[str, float]:
        """What each term is multiplied by in the score: its weight over its scale, both fixed by the reference."""
        held = self.weights.values
        return {term.name: held[term.name] / term.scale for term in self.terms if term.name in held}

    def influences(self, summary: Summary, batch: Batch) -> np.ndarray:
        """(n,) gain of the score by one more of each item on top of what ``summary`` holds, to first order.

        Meant for selection. A term that says only how a whole pool lies (the discrepancy) values an item by what it
        does for the pool, not by its own quality.
        """
        return self.influence_on(summary)(batch)

    def influence_on(self, summary: Summary) -> Callable[[Batch], np.ndarray]:
        """:meth:`influences` on top of one summary, for batch after batch: the slopes are taken once."""
        terms = [(term, each) for term in self.terms if (each := self.coefficients.get(term.name, 0.0))]
        held = [(each, term, term.slope(summary.total(term.reads))) for term, each in terms]

        def gains(batch: Batch) -> np.ndarray:
            total = np.zeros(len(batch))
            for each, term, slope in held:
                total -= each * term.influence(slope, batch)
            return total

        return gains

    def lengths(self, batch: Batch) -> np.ndarray:
        """(n,) tokens of each text by the valuer's tokenizer; 1 an item where there is none."""
        if isinstance(batch.items, np.ndarray) or self.tokenizer is None:
            return np.ones(len(batch), np.int64)
        transfer = next((term for term in self.terms if isinstance(term, NgramTransfer)), None)
        encoded = self.tokenizer.encode_batch(batch.items) if transfer is None else batch.by(transfer.tokenize)
        return np.array([len(ids) for ids in encoded], np.int64)

    def _fitted(self) -> None:
        if not self.terms:
            raise BadInput("the valuer has no reference yet", remedy="call fit first")


def _leaks(term: Leak, total: Sums) -> list[str]:
    found, items = [], float(total[COUNT])
    if (share := term.value(total)) >= LEAKED:
        found.append(
            f"leak: {share:.0%} of the reference's runs of {RUN} words stand in it, which flatters it: take them out, "
            "or another reference"
        )
    for key, said in (
        ("empty", "empty"),
        ("short", "shorter than a tenth of the reference's median"),
        ("odd", "of characters that no encoding has"),
    ):
        if (share := float(total[key]) / items) >= ODD:
            found.append(f"{key}: {share:.1%} of its texts are {said}")
    return found


def warnings_of(summary: Summary, terms: Sequence[Term]) -> tuple[str, ...]:
    """``few_items``, ``overlap``, ``leak``, ``copies``, ``empty``, ``short``, ``odd``, ``one_class``,
    ``unknown_classes``, ``not_finite``."""
    found = []
    if summary.items < FEW:
        found.append(f"few_items: {summary.items} items; the interval is a guess below {FEW}")
    if (share := summary.copies / max(summary.items, 1)) >= ODD:
        found.append(f"copies: {share:.1%} of its items stood in it before, and count once")
    for term in terms:
        total = summary.total(term.reads)
        if isinstance(term, Overlap) and (share := term.value(total)) > 0:
            found.append(f"overlap: {share:.1%} of its items stand in the reference too, which flatters it")
        if isinstance(term, Leak):
            found += _leaks(term, total)
        if isinstance(term, RidgeTransfer):
            counts = total["B"][-1]  # the row of the constant feature
            unknown = 1 - counts.sum() / float(total[COUNT])
            if (counts > 0).sum() == 1:
                found.append("one_class: all items of known classes have one label")
            if unknown > 1e-9:
                found.append(f"unknown_classes: {unknown:.1%} of its labels do not occur in the reference")
        if not np.isfinite(term.value(total)):
            found.append(f"not_finite: the term {term.name} has no value here")
    return tuple(found)
