"""The value of every mixture of pools, from what one pass over each left."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import product
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.rounding import first_lowest
from synthmix.valuation.summary import BLOCKS, Summary
from synthmix.valuation.terms.term import Term
from synthmix.valuation.uncertainty import LEVEL, half_width, parts_of
from synthmix.valuation.weights import Weights

STEPS = {2: 20, 3: 10}  # steps of the grid by the number of pools; 4 for more
OFFSETS = tuple(range(0, BLOCKS, BLOCKS // 4))  # even samples of each pool that a mixture's score is the mean over


@dataclass(frozen=True)
class Curve:
    """Scores over shares.

    Attributes:
        pools: names.
        shares: (k, pools), rows that sum to 1.
        size: of each mixture, in ``unit`` (tokens of text, else items).
        values: (k,) scores, higher is better; ``low`` and ``high`` (k,) their intervals' ends at ``level``.
        terms: by name (k,).
        best: the row of the best share; ``best_shares``: each pool's share of it.
    """

    pools: tuple[str, ...]
    shares: np.ndarray
    size: float
    unit: str
    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    terms: dict[str, np.ndarray]
    best: int
    best_shares: tuple[Interval, ...]
    level: float

    def interval(self, row: int) -> Interval:
        """Around the score of one row."""
        low, mid, high = (float(column[row]) for column in (self.low, self.values, self.high))
        return Interval(low=low, mid=mid, high=high, level=self.level, covers="sampling")

    def as_json(self) -> dict[str, Any]:
        """As ``synthmix value --mix --json`` prints it."""
        rows = [
            {
                "shares": dict(zip(self.pools, map(float, share), strict=True)),
                "score": float(self.values[i]),
                "interval": asdict(self.interval(i)),
                "terms": {name: float(column[i]) for name, column in self.terms.items()},
            }
            for i, share in enumerate(self.shares)
        ]
        bounds = {name: asdict(share) for name, share in zip(self.pools, self.best_shares, strict=True)}
        return {
            "pools": list(self.pools),
            "size": self.size,
            "unit": self.unit,
            "level": self.level,
            "best": {"shares": rows[self.best]["shares"], "intervals": bounds},
            "curve": rows,
        }


def curve_of(
    pools: Sequence[Summary],
    terms: Sequence[Term],
    weights: Weights,
    shares: Sequence[Sequence[float]] | None = None,
    *,
    size: float | None = None,
    level: float = LEVEL,
    draws: int = 2000,
    seed: int = 0,
) -> Curve:
    """Scores of mixtures of one ``size``: by default that of the smallest pool, so that none repeats.

    A mixture is an even sample of each pool, by its share of the size (tokens of text, else items). The best share's
    interval is that of the best over draws of the pools' and the reference's sampling noise, which neighbouring shares
    have in common. Of mixtures whose scores differ by rounding alone the best is the first, which has the least of the
    later pools.

    Raises:
        BadInput: fewer than two pools, or shares that are negative or do not sum to 1.
    """
    if len(pools) < 2:
        raise BadInput("a mixture needs two pools or more", key="--mix")
    size = min(pool.size[0] for pool in pools) if size is None else size
    rows = grid(len(pools)) if shares is None else np.asarray(shares, float)
    if rows.ndim != 2 or rows.shape[1] != len(pools) or (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1):
        raise BadInput(f"each row needs {len(pools)} shares of at least 0 that sum to 1", key="shares")
    value, columns, parts = scores_at(pools, terms, weights, rows, size)
    half = half_width(parts, level)
    drawn = value + np.random.default_rng(seed).standard_normal((draws, parts.shape[1])) @ parts.T
    bests = rows[first_lowest(-drawn)]
    low, high = np.quantile(bests, [(1 - level) / 2, (1 + level) / 2], axis=0)
    best = first_lowest(-value)
    shared = tuple(
        Interval(low=float(a), mid=float(share), high=float(b), level=level, covers="sampling")
        for a, share, b in zip(low, rows[best], high, strict=True)
    )
    names = tuple(pool.name for pool in pools)
    return Curve(names, rows, size, pools[0].size[1], value, value - half, value + half, columns, best, shared, level)


def scores_at(
    pools: Sequence[Summary], terms: Sequence[Term], weights: Weights, rows: np.ndarray, size: float
) -> tuple[np.ndarray, dict[str, np.ndarray], np.ndarray]:
    """Scores (k,) of mixtures of one ``size``, shares ``rows`` (k, pools); their terms, by name (k,); and each score's
    independent deviations (k, m), as :func:`.parts_of` has them: a column is one block of a pool or of the reference
    in every row."""
    values, found, noise = [], [], []
    for row in rows:
        mixed = mixtures(pools, row, size)
        value, made = mean_score(mixed, terms, weights)
        values.append(value)
        found.append(made)
        noise.append(np.mean([parts_of(one, terms, weights) for one in mixed], axis=0))
    return np.array(values), {name: np.array([each[name] for each in found]) for name in found[0]}, np.array(noise)


def mean_score(mixed: Sequence[Summary], terms: Sequence[Term], weights: Weights) -> tuple[float, dict[str, float]]:
    """The mean score, and the mean of each term by name, of :func:`mixtures`."""
    each = [weights.score_summary(one, terms) for one in mixed]
    made = {name: float(np.mean([values[name] for _, values in each])) for name in each[0][1]}
    return float(np.mean([value for value, _ in each])), made


def mixtures(pools: Sequence[Summary], shares: Sequence[float] | np.ndarray, size: float) -> list[Summary]:
    """:func:`mixture` for each of :data:`OFFSETS`; one alone where every pool is taken whole or not at all."""
    parts = [float(share) * size / pool.size[0] for pool, share in zip(pools, shares, strict=True)]
    whole = all(part >= 1 or not part for part in parts)
    return [mixture(pools, shares, size, offset) for offset in (OFFSETS[:1] if whole else OFFSETS)]


def mixture(pools: Sequence[Summary], shares: Sequence[float] | np.ndarray, size: float, offset: int = 0) -> Summary:
    """``shares`` of ``size`` from each pool, an even sample of it (:meth:`.Summary.sampled`). Blocks of different pools
    stay apart, since their noise is independent.

    Not all items at fractions of their weight: then a mixture would hold more different text than a pool alone, and two
    halves of one text would seem to gain from each other.
    """
    parts = [
        pool.sampled(float(share) * size / pool.size[0], offset) for pool, share in zip(pools, shares, strict=True)
    ]
    sums = {name: [block for part in parts for block in part.sums[name]] for name in parts[0].sums}
    lengths = tuple(len(next(iter(part.sums.values()))) for part in parts)
    return Summary(
        "+".join(pool.name for pool in pools),
        round(sum(p.items * float(s) * size / p.size[0] for p, s in zip(pools, shares, strict=True))),
        sums,
        lengths,
        tuple(weight for part in parts for weight in part.taken),
    )


def grid(pools: int) -> np.ndarray:
    """Shares in even steps (k, pools)."""
    steps = STEPS.get(pools, 4)
    rows = [row for row in product(range(steps + 1), repeat=pools - 1) if sum(row) <= steps]
    return np.array([[*row[::-1], steps - sum(row)][::-1] for row in rows], float) / steps
