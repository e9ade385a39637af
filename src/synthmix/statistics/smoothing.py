"""Smoothing by name: what probability an id has that training shows rarely or never.

- ``additive:ALPHA`` (Lidstone): (c + alpha) / (n + alpha cells); alpha = 0.5 is Krichevsky and Trofimov's (1981).
- ``good-turing`` (Good 1953): the mass of what is unseen is N1 / n, N1 being the ids seen once; it is spread evenly
  over the unseen ids and the seen ones are scaled down alike. (CHOSEN: only the mass of the unseen is Good's, not the
  discount of each count, so that the same holds for expected counts; with N1 = 0 it counts as one.)

``cells`` is how many ids there are: the vocabulary for unigrams; for n-grams those that occur in either text, named so.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput

DEFAULT = "additive:0.5"
USUAL = (DEFAULT, "additive:0.01", "additive:1", "good-turing")  # the first is the one that headlines use
Probability = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Summary:
    """What smoothing must know of the training counts: their sum, the ids seen, those seen once, and all there are."""

    total: float
    seen: int
    once: float
    cells: int

    @classmethod
    def of(cls, counts: np.ndarray, cells: int | None = None) -> "Summary":
        """From counts, or expected counts (of which e^-c c is how often a Poisson draw shows the id once)."""
        whole = np.issubdtype(counts.dtype, np.integer) or bool(np.all(counts == np.floor(counts)))
        once = float((counts == 1).sum()) if whole else float((counts * np.exp(-counts)).sum())
        return cls(float(counts.sum()), int(np.count_nonzero(counts)), once, len(counts) if cells is None else cells)


def smoothed(name: str, summary: Summary) -> Probability:
    """Counts (or expected counts) to probabilities, under the smoothing called ``name``.

    Raises:
        BadInput: an unknown name, or an alpha that is not above zero.
    """
    kind, _, amount = name.partition(":")
    if kind == "additive":
        alpha = _alpha(name, amount)
        return lambda counts: (counts + alpha) / (summary.total + alpha * summary.cells)
    if name != "good-turing":
        raise BadInput(f"unknown smoothing '{name}'", key="--smoothing", remedy="write additive:0.5 or good-turing")
    if summary.seen >= summary.cells:
        return lambda counts: counts / summary.total
    unseen = max(summary.once, 1.0) / (summary.total + 1)
    each = unseen / (summary.cells - summary.seen)
    return lambda counts: np.where(counts > 0, (1 - unseen) * counts / summary.total, each)


def check_smoothing(name: str) -> str:
    """``name``, when it is a smoothing.

    Raises:
        BadInput: it is not.
    """
    smoothed(name, Summary(1, 1, 0, 2))
    return name


def _alpha(name: str, amount: str) -> float:
    try:
        alpha = float(amount or "0.5")
    except ValueError:
        alpha = 0.0
    if not 0 < alpha < float("inf"):
        raise BadInput(f"'{name}' has no alpha above zero", key="--smoothing", remedy="write additive:0.5")
    return alpha
