"""What a score should be read with, as coded warnings: ``code: what it means``."""

from collections.abc import Sequence

import numpy as np

from synthmix.valuation.summary import Summary
from synthmix.valuation.terms.overlap import Overlap
from synthmix.valuation.terms.ridge_transfer import RidgeTransfer
from synthmix.valuation.terms.term import COUNT, Term

FEW = 100


def warnings_of(summary: Summary, terms: Sequence[Term]) -> tuple[str, ...]:
    """``few_items``, ``overlap``, ``one_class``, ``unknown_classes``, ``not_finite``."""
    found = []
    if summary.items < FEW:
        found.append(f"few_items: {summary.items} items; the interval is a guess below {FEW}")
    for term in terms:
        total = summary.total(term.reads)
        if isinstance(term, Overlap) and (share := term.value(total)) > 0:
            found.append(f"overlap: {share:.1%} of its items stand in the reference too, which flatters it")
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
