"""The curve of the expected loss over the share of one synthetic kind, and the best mixture of all of a study's texts,
averaged over held-out domains as losses are.

The expectation is that of :mod:`synthmix.valuation.trained_curve`, corrected by the study's own runs of the largest
budget. The interval holds what other documents of the same texts, and others of the domains, would change, and how far
such an expectation is from what trained models say.
"""

from dataclasses import dataclass

import numpy as np

from synthmix.interval import Interval
from synthmix.results import Part
from synthmix.rounding import first_lowest
from synthmix.scaling.share_summary import from_curves

SHARES = tuple(i / 10 for i in range(11))
DRAWS = 2000
LEVEL = 0.9


class ValueCurve(Part):
    """Gain over natural text alone against the share of ``kind``, of mixtures of ``tokens``; the rest is natural text.

    Attributes:
        shares, gain, low, high: the curve with its band, nats per token of expected loss, higher is better.
        best: the share of the lowest expected loss.
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
    """Minus the expected losses (k,) of one domain, and draws of them (draws, k)."""

    domain: str
    values: np.ndarray
    draws: np.ndarray


class NamedValue(Part):
    """Gain of one mixture over natural text alone."""

    name: str
    shares: dict[str, float]
    gain: Interval


class ValueMixture(Part):
    """The mixture of all of a study's texts whose expected loss is the lowest.

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
    """Values (k,) and their draws (draws, k), means over domains: a draw has the same errors in all of them."""
    values, draws = np.mean([each.values for each in found], axis=0), np.mean([each.draws for each in found], axis=0)
    return np.asarray(values), np.asarray(draws)


def mixture_over(
    rows: np.ndarray, sources: list[str], tokens: int, found: list[Drawn], named: dict[str, int], natural: int,
    *, level: float = LEVEL,
) -> ValueMixture:  # fmt: skip
    """The best of the mixtures ``rows`` (k, sources), its shares' intervals by draws, and the gains of those that have
    a name (their rows) over the row ``natural``."""
    value, drawn = averaged(found)
    best = first_lowest(-value)
    ends = np.quantile(rows[first_lowest(-drawn)], [(1 - level) / 2, (1 + level) / 2], axis=0)

    def gain(row: int) -> Interval:
        low, high = np.quantile(drawn[:, row] - drawn[:, natural], [(1 - level) / 2, (1 + level) / 2])
        return Interval(mid=float(value[row] - value[natural]), low=float(low), high=float(high), level=level)

    def shares(row: int) -> dict[str, float]:
        return {source: float(share) for source, share in zip(sources, rows[row], strict=True) if share > 0}

    return ValueMixture(
        tokens=tokens, natural=shares(natural), gain=gain(best),
        shares={
            source: Interval(mid=float(rows[best, i]), low=float(ends[0, i]), high=float(ends[1, i]), level=level)
            for i, source in enumerate(sources)
        },
        named=[NamedValue(name=name, shares=shares(row), gain=gain(row)) for name, row in named.items()],
    )  # fmt: skip


def curve_over(kind: str, tokens: int, found: list[Drawn], *, level: float = LEVEL) -> ValueCurve:
    """The mean over domains, as :func:`averaged`."""
    shares = np.array(SHARES)
    value, drawn = averaged(found)
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
        best=best.best,
        domains=domains,
    )
