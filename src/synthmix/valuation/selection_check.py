"""Is a selection better than an even sample, by documents of the target that had no say in it?

Documents that are chosen by a reference fit that reference better than they fit the target. CHOSEN: half of the
reference chooses as all of it did, the other half compares (in benchmarks/valuation
a tenth to two thirds of a text's gain is left, and none of labelled items').
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.valuation.pool import Batch, Pool
from synthmix.valuation.selection import ROUNDS, part, select
from synthmix.valuation.spread import parts_of
from synthmix.valuation.summary import Summary
from synthmix.valuation.terms.term import REFERENCE_BLOCKS
from synthmix.valuation.valuer import Valuer

LEAST, MOST = 8, 20_000  # documents of a reference that can be halved, and that are
# What rounding may make of a term, relative to its scale or, where that is more, to its value: items' features are
# float32, of 24 bits. That also covers the discrepancy, the root of a difference of numbers of about 1: a double knows
# such a difference to 2^-53 or so, and its root, where it is 0, to 2^-26.
RESOLVED = 2.0**-23


@dataclass(frozen=True)
class Check:
    """Scores on the half that compared: of the documents that the other half chose, of an even sample of as many
    tokens, and their difference with its interval (of the sampling of pool and reference, and of rounding)."""

    chosen: float
    even: float
    gain: float
    interval: tuple[float, float]
    level: float

    @property
    def better(self) -> bool:
        """Whether the interval is above 0."""
        return self.interval[0] > 0

    def as_json(self) -> dict[str, Any]:
        return {"chosen": self.chosen, "even": self.even, "gain": self.gain, "interval": list(self.interval)}


def checked(
    valuer: Valuer,
    pool: Pool,
    tokens: int,
    *,
    rounds: int = ROUNDS,
    lengths: Callable[[Batch], np.ndarray] | None = None,
    said: Callable[[int, str], None] = lambda number, line: None,
) -> Check | None:
    """What :func:`.select` of the same pool gains; None for a reference of fewer than :data:`LEAST` documents. It
    reads the pool as often as the selection did."""
    halves = halved(valuer.reference)
    if halves is None:
        return None
    one, other = (valuer.on(half) for half in halves)
    found = select(one, pool, tokens, rounds=rounds, lengths=lengths, said=said)
    chosen, whole = other.summarise(part(pool, found.chosen)), other.summarise(pool)
    even = whole.drawn(found.taken / max(int(found.tokens.sum()), 1))
    return compared(other, chosen, even)


def compared(valuer: Valuer, chosen: Summary, even: Summary) -> Check:
    """The pools' noise is independent, the reference's the same for both."""
    from scipy.stats import norm

    made = [valuer.score_summary(each) for each in (chosen, even)]
    scores = [each.value for each in made]
    first, second = (parts_of(each, valuer.terms, valuer.weights) for each in (chosen, even))
    common = first[-REFERENCE_BLOCKS:] - second[-REFERENCE_BLOCKS:]
    parts = np.concatenate([first[:-REFERENCE_BLOCKS], second[:-REFERENCE_BLOCKS], common])
    half, gain = float(norm.ppf(0.5 + valuer.level / 2) * np.sqrt((parts**2).sum())), scores[0] - scores[1]
    half += RESOLVED * sum(
        abs(weight) * max(1.0, *(abs(each.terms[term.name]) / term.scale for each in made))
        for term in valuer.terms
        if (weight := valuer.weights.values.get(term.name, 0.0))
    )
    return Check(scores[0], scores[1], gain, (gain - half, gain + half), valuer.level)


def halved(reference: Pool) -> tuple[Pool, Pool] | None:
    """Two random halves; None of too few documents."""
    held = reference.take(MOST)
    if len(held) < LEAST:
        return None
    order = np.random.default_rng(0).permutation(len(held))
    first, second = (held.rows(np.sort(order[start::2])) for start in (0, 1))
    return Pool.of(reference.name, first.items, first.labels), Pool.of(reference.name, second.items, second.labels)
