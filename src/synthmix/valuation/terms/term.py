"""One part of a score: a function of additive statistics.

Each term says what it adds up over items (:meth:`Term.read`) and what the sums are worth (:meth:`Term.value`). Because
the sums are additive, a pool is read once, in any order, on any number of machines; a mixture's sums are the weighted
sums of its pools, and its value costs no further pass. The derivative of the value by the sums (:meth:`Term.slope`)
values single items: an item's influence is the slope times what the item adds.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.valuation.pool import Batch, Pool

Sums = dict[str, np.ndarray]
COUNT = "count"  # items, in the sums of every term that needs it
REFERENCE_BLOCKS = 8  # of the reference's items, by :func:`block_of`
SQUARES = "squares"  # sum of squared weights of items: equal to the count until sums are scaled
LENGTHS = "lengths"  # sum over items of squared weight times squared length of the item's features


class Term:
    """Fixed by the reference in :meth:`fit`; smaller values are better."""

    name: str
    reads: str  # the term whose sums it uses: its own name, or that of a term whose sums hold what it needs
    scale: float = 1.0  # what the value is divided by in a score: that of knowing nothing, where there is such a thing
    most: int | None = None  # items of a pool that are read, a uniform sample whose sums count for all; None: all
    prepares: Callable[[Batch], Any] | None = None  # made of a batch first, shared with the terms that name the same

    def fit(self, reference: Pool) -> None:
        """Fix everything that candidates must not change."""

    def read(self, batch: Batch) -> Sums:
        """What the items of a batch add."""
        raise NotImplementedError

    def value(self, sums: Sums, without: int | None = None) -> float:
        """Of all that was added; ``without`` a block of the reference, for its sampling noise."""
        raise NotImplementedError

    def slope(self, sums: Sums) -> Sums:
        """d value / d sums, of the same shapes; sums that do not matter may be left out."""
        raise NotImplementedError

    def influence(self, slope: Sums, batch: Batch) -> np.ndarray:
        """(n,) <slope, what one item adds> of each item: to first order the change of the value by one more of it."""
        raise NotImplementedError


def one_hot(labels: np.ndarray | None, classes: np.ndarray) -> np.ndarray:
    """(n, classes) float64; an item of none of the classes is 0.

    Raises:
        BadInput: there are no labels.
    """
    if labels is None:
        raise BadInput("has no labels, which the reference has")
    return (np.asarray(labels)[:, None] == classes[None, :]).astype(float)


def block_of(places: np.ndarray, blocks: int) -> np.ndarray:
    """The block (n,) of the items at ``places`` (n,): of equal sizes, the same in every pass, and blind to a period.

    Each ``blocks`` items in a row go to all blocks, from a random one on. (Every second item would be one class of a
    pool in which two classes alternate.) The random numbers are splitmix64's finalizer of the row's number.
    """
    at = np.asarray(places, np.uint64)
    x = at // np.uint64(blocks) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        x = (x ^ (x >> np.uint64(shift))) * np.uint64(factor)
    turn = (x ^ (x >> np.uint64(31))) % np.uint64(blocks)
    return ((at + turn) % np.uint64(blocks)).astype(np.int64)


def add(one: Sums, other: Sums) -> Sums:
    """Sums of both."""
    return {name: one[name] + other[name] for name in one} if one and other else dict(one or other)


def scaled(sums: Sums, weight: float) -> Sums:
    """As if every item counted ``weight`` times."""
    return {name: array * (weight**2 if name in (SQUARES, LENGTHS) else weight) for name, array in sums.items()}
