"""The score's own curve over the share of one synthetic kind, averaged over held-out domains as losses are.

The interval holds what other documents of the same texts, and others of the domains, would change: not how far a score
is from a trained model's loss. That is what its rank correlation with the measured losses says.
"""

from dataclasses import dataclass, replace

import numpy as np

from synthmix.interval import Interval
from synthmix.results import Part
from synthmix.scaling.share_summary import from_curves
from synthmix.valuation.terms.term import REFERENCE_BLOCKS

SHARES = tuple(i / 10 for i in range(11))
DRAWS = 2000
LEVEL = 0.9


class ValueCurve(Part):
    """Gain of the score over natural text alone against the share of ``kind``, of mixtures of ``tokens``.

    Attributes:
        shares, gain, low, high: the curve with its band; a score is minus nats over those of knowing nothing, so a gain
            of .01 is about .08 nats of an n-gram model at a vocabulary of 2,048.
        best: the share of the highest score.
        domains: the same by held-out domain.
    """

    kind: str
    tokens: int
    shares: list[float]
    gain: list[float]
    low: list[float]
    high: list[float]
    best: Interval
    domains: dict[str, float]


@dataclass(frozen=True)
class Drawn:
    """Scores (k,) of one domain at :data:`SHARES`, and their deviations (k, m), the reference's blocks last."""

    domain: str
    values: np.ndarray
    parts: np.ndarray


def curve_over(kind: str, tokens: int, found: list[Drawn], *, level: float = LEVEL) -> ValueCurve:
    """The mean over domains: a block of a corpus is the same documents in all of them, the domains are independent."""
    shares, count = np.array(SHARES), len(found)
    value = np.mean([each.values for each in found], axis=0)
    pools = np.mean([each.parts[:, :-REFERENCE_BLOCKS] for each in found], axis=0)
    parts = np.hstack([pools, *(each.parts[:, -REFERENCE_BLOCKS:] / count for each in found)])
    drawn = value + np.random.default_rng(0).standard_normal((DRAWS, parts.shape[1])) @ parts.T
    gains = drawn - drawn[:, :1]
    best = from_curves(shares, -(value - value[0]), -gains, noise=None, level=level)
    domains = {
        each.domain: from_curves(shares, -each.values, -each.values[None], noise=None, level=level).best.mid or 0.0
        for each in found
    }
    return ValueCurve(
        kind=kind,
        tokens=tokens,
        shares=list(SHARES),
        gain=(0.0 - best.mean).tolist(),
        low=(0.0 - best.high).tolist(),
        high=(0.0 - best.low).tolist(),
        best=replace(best.best, covers="sampling"),
        domains=domains,
    )
