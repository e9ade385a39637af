"""The score's own curve over the share of one synthetic kind, and its best mixture of all of a study's texts, averaged
over held-out domains as losses are.

The interval holds what other documents of the same texts, and others of the domains, would change: not how far a score
is from a trained model's loss. That is what its rank correlation with the measured losses says.
"""

from dataclasses import dataclass, replace

import numpy as np

from synthmix.interval import Interval
from synthmix.results import Part
from synthmix.rounding import first_lowest
from synthmix.scaling.share_summary import from_curves
from synthmix.valuation.terms.term import REFERENCE_BLOCKS
from synthmix.valuation.uncertainty import half_width

SHARES = tuple(i / 10 for i in range(11))
DRAWS = 2000
LEVEL = 0.9


class ValueCurve(Part):
    """Gain of the score over natural text alone against the share of ``kind``, of mixtures of ``tokens``; the rest is
    natural text.

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


class NamedValue(Part):
    """Gain of one mixture over natural text alone."""

    name: str
    shares: dict[str, float]
    gain: Interval


class ValueMixture(Part):
    """The mixture of all of a study's texts that the score is highest for.

    Attributes:
        tokens: of the mixtures, the largest budget. natural: shares of natural text alone.
        shares: each text's share of the best mixture. gain: of that over natural text alone.
        named: each text alone, and the recipes that were trained.
    """

    tokens: int
    natural: dict[str, float]
    shares: dict[str, Interval]
    gain: Interval
    named: list[NamedValue]

    @property
    def mixture(self) -> dict[str, float]:
        """Source -> its share of the best mixture, those without one left out."""
        return {source: share.mid for source, share in self.shares.items() if share.mid}


def averaged(found: list[Drawn]) -> tuple[np.ndarray, np.ndarray]:
    """Scores (k,) and their deviations (k, m), means over domains: a block of a corpus is the same documents in all of
    them, the domains are independent."""
    count = len(found)
    value = np.mean([each.values for each in found], axis=0)
    pools = np.mean([each.parts[:, :-REFERENCE_BLOCKS] for each in found], axis=0)
    return value, np.hstack([pools, *(each.parts[:, -REFERENCE_BLOCKS:] / count for each in found)])


def mixture_over(
    rows: np.ndarray, sources: list[str], tokens: int, found: list[Drawn], named: dict[str, int], natural: int,
    *, level: float = LEVEL,
) -> ValueMixture:  # fmt: skip
    """The best of the mixtures ``rows`` (k, sources), its shares' intervals by draws of the sampling noise, and the
    gains of those that have a name (their rows) over the row ``natural``."""
    value, parts = averaged(found)
    drawn = value + np.random.default_rng(0).standard_normal((DRAWS, parts.shape[1])) @ parts.T
    best = first_lowest(-value)
    ends = np.quantile(rows[first_lowest(-drawn)], [(1 - level) / 2, (1 + level) / 2], axis=0)

    def gain(row: int) -> Interval:
        mid, half = float(value[row] - value[natural]), float(half_width(parts[row] - parts[natural], level))
        return Interval(mid=mid, low=mid - half, high=mid + half, level=level, covers="sampling")

    def shares(row: int) -> dict[str, float]:
        return {source: float(share) for source, share in zip(sources, rows[row], strict=True) if share > 0}

    return ValueMixture(
        tokens=tokens, natural=shares(natural), gain=gain(best),
        shares={
            source: Interval(mid=float(rows[best, i]), low=float(ends[0, i]), high=float(ends[1, i]), level=level,
                             covers="sampling")
            for i, source in enumerate(sources)
        },
        named=[NamedValue(name=name, shares=shares(row), gain=gain(row)) for name, row in named.items()],
    )  # fmt: skip


def curve_over(kind: str, tokens: int, found: list[Drawn], *, level: float = LEVEL) -> ValueCurve:
    """The mean over domains, as :func:`averaged`."""
    shares = np.array(SHARES)
    value, parts = averaged(found)
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
