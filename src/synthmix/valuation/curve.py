"""The value of any mixture of pools, from what one pass over each left.

Mixtures of text are compared by the loss that a small model trained on them is expected to have
(:mod:`.trained_curve`), all others, and those by other weights than the fixed ones, by the score.

Two or three pools: every mixture in even steps. More: the best one is sought (:func:`best_mixture`). Then one pool at a
time from the best mixture, and mixtures that have a name: each pool alone, an even mixture, those that were asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Covers, Interval
from synthmix.rounding import ROUNDING, first_lowest
from synthmix.valuation.summary import BLOCKS, Summary
from synthmix.valuation.terms.discrepancy import Discrepancy
from synthmix.valuation.terms.ngram_transfer import NgramTransfer
from synthmix.valuation.terms.term import Term
from synthmix.valuation.trained_curve import PRIOR, Trained, draws_of, features, posterior
from synthmix.valuation.uncertainty import LEVEL, half_width, parts_of
from synthmix.valuation.weights import Weights

STEPS = {2: 20, 3: 10}  # of the grid by the number of pools, and along one pool; of more pools :data:`STEPS_OF_MORE`
STEPS_OF_MORE = 5
OFFSETS = tuple(range(0, BLOCKS, BLOCKS // 4))  # even samples of each pool that a mixture's score is the mean over
EVEN = "even"
_EXCHANGED = (0.2, 0.1, 0.05)  # shares that one pool gives another in the search for the best mixture
_PAIRS = 3  # of the most promising exchanges that are tried at a time


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
        behind: of each row the interval of its worth less the best row's (at most 0 in the middle), in ``worth_unit``:
            ``nats per token`` of a small trained model's loss, with the error of that expectation, or ``score``, with
            the sampling of pools and reference alone.
        gain: the best row's worth less that of the best pool alone.
        named: name -> row. along: pool -> rows over its share, the others in the best mixture's proportions.
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
    behind: tuple[Interval, ...]
    gain: Interval
    worth_unit: str
    named: dict[str, int] = field(default_factory=dict)
    along: dict[str, list[int]] = field(default_factory=dict)

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
                "behind": asdict(self.behind[i]),
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
            "worth_unit": self.worth_unit,
            "best": {
                "shares": rows[self.best]["shares"],
                "intervals": bounds,
                "score": rows[self.best]["score"],
                "gain": asdict(self.gain),
            },
            "mixtures": [{"name": name, **rows[row]} for name, row in self.named.items()],
            "along": {name: [rows[row] for row in held] for name, held in self.along.items()},
            "curve": rows,
        }


def curve_of(
    pools: Sequence[Summary],
    terms: Sequence[Term],
    weights: Weights,
    shares: Sequence[Sequence[float]] | None = None,
    *,
    named: Mapping[str, Sequence[float]] | None = None,
    size: float | None = None,
    level: float = LEVEL,
    draws: int = 2000,
    seed: int = 0,
    trained: Trained | None = None,
) -> Curve:
    """Mixtures of one ``size``: by default that of the smallest pool, so that none repeats.

    A mixture is an even sample of each pool, by its share of the size (tokens of text, else items). The best share's
    interval is that of the best over draws of the pools' and the reference's sampling noise, which neighbouring shares
    have in common, and, of text, of how far a trained model's losses are from what the learners expect. Of mixtures
    that differ by rounding alone the best is the first, which has the least of the later pools.

    Args:
        shares: rows (k, pools), and no others; None: a grid or a search, and what lies along each pool.
        named: further mixtures by name, a share a pool.
        trained: runs on mixtures of the pools, from which the expected losses are then corrected.

    Raises:
        BadInput: fewer than two pools, or shares that are negative or do not sum to 1.
    """
    count = len(pools)
    if count < 2:
        raise BadInput("a mixture needs two pools or more", key="--mix")
    size = min(pool.size[0] for pool in pools) if size is None else size
    called = {name: _checked([row], count)[0] for name, row in (named or {}).items()}
    if shares is None:
        called = {pool.name: row for pool, row in zip(pools, np.eye(count), strict=True)} | called
        called |= {EVEN: np.full(count, 1 / count)} if count > 2 and EVEN not in called else {}
    held = _Scored(pools, terms, weights, size)
    corners = held.take(np.eye(count))
    worth = worth_of_mixtures(pools, terms, weights, np.array(held.losses))
    if trained is not None:
        places = held.take(_checked(trained.shares, count))
        worth.learn(trained, np.array(held.losses)[places])
    asked = held.take(_searched(worth, held, count) if shares is None else _checked(shares, count))
    by_name = {name: held.take(row[None])[0] for name, row in called.items()}
    along: dict[str, list[int]] = {}
    at, before = held.best(worth), -1
    while shares is None and at != before:  # until no mixture along the best one is better
        along = {pool.name: held.take(along_rows(held.rows[at], i)) for i, pool in enumerate(pools)}
        at, before = held.best(worth), at
    kept = list(dict.fromkeys([*asked, *by_name.values(), *(row for rows in along.values() for row in rows)]))
    number = {row: i for i, row in enumerate(kept)}
    rows, value, parts = (np.array(column)[kept] for column in (held.rows, held.values, held.parts))
    expected, drawn = worth.draws(*held.columns, draws=draws, seed=seed)
    best = kept[first_lowest(-expected[kept])]
    low, high = np.quantile(rows[first_lowest(-drawn[:, kept])], [(1 - level) / 2, (1 + level) / 2], axis=0)
    shared = tuple(
        Interval(low=float(a), mid=float(share), high=float(b), level=level, covers=worth.covers)
        for a, share, b in zip(low, held.rows[best], high, strict=True)
    )

    def difference(one: int, other: int) -> Interval:
        ends = np.quantile(drawn[:, one] - drawn[:, other], [(1 - level) / 2, (1 + level) / 2])
        mid = float(expected[one] - expected[other])
        return Interval(low=float(ends[0]), mid=mid, high=float(ends[1]), level=level, covers=worth.covers)

    half = half_width(parts, level)
    columns = {name: np.array([held.terms[row][name] for row in kept]) for name in held.terms[0]}
    return Curve(
        tuple(pool.name for pool in pools), rows, size, pools[0].size[1], value, value - half, value + half, columns,
        number[best], shared, level, tuple(difference(row, best) for row in kept),
        difference(best, corners[first_lowest(-expected[corners])]), worth.unit,
        {name: number[row] for name, row in by_name.items()},
        {name: [number[row] for row in found] for name, found in along.items()},
    )  # fmt: skip


class ByScore:
    """Mixtures by their score, whose noise is that of the sampling."""

    unit: str = "score"
    covers: Covers = "sampling"

    def learn(self, trained: Trained, learners: np.ndarray) -> None:
        """From runs, on whose mixtures the learners' losses are ``learners`` (r,).

        Raises:
            BadInput: nothing is learnt of scores.
        """
        raise BadInput("only mixtures of text by the fixed weights learn from runs", key="trained")

    def values(self, shares: np.ndarray, scores: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """(k,) of mixtures ``shares`` (k, pools), higher is better."""
        return scores

    def draws(
        self, shares: np.ndarray, scores: np.ndarray, losses: np.ndarray, parts: np.ndarray, *, draws: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """The values (k,), and draws of them (draws, k); ``parts`` (k, m): the scores' independent deviations."""
        return scores, scores + np.random.default_rng(seed).standard_normal((draws, parts.shape[1])) @ parts.T


class ByTraining(ByScore):
    """Mixtures by minus the loss that a small model is expected to have, nats per token up to a constant."""

    unit = "nats per token"
    covers: Covers = "mean"

    def __init__(self, corners: np.ndarray, apart: np.ndarray, scale: float) -> None:
        """``corners`` (pools,): the learners' loss of each pool alone; ``apart`` (pools, pools): discrepancies;
        ``scale``: of the learners' loss by minus the score."""
        self._corners, self._apart, self._scale = corners, apart, scale
        self._found = posterior(PRIOR, len(corners))

    def learn(self, trained: Trained, learners: np.ndarray) -> None:
        """See :class:`ByScore`."""
        known = features(np.asarray(trained.shares, float), learners, self._corners, self._apart)
        self._found = posterior(PRIOR, len(self._corners), known, trained.losses)

    def values(self, shares: np.ndarray, scores: np.ndarray, losses: np.ndarray) -> np.ndarray:
        """See :class:`ByScore`."""
        return np.asarray(-features(shares, losses, self._corners, self._apart) @ self._found.mean)

    def draws(
        self, shares: np.ndarray, scores: np.ndarray, losses: np.ndarray, parts: np.ndarray, *, draws: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """See :class:`ByScore`."""
        x = features(shares, losses, self._corners, self._apart)
        expected, drawn = draws_of(self._found, x, parts * self._scale, draws=draws, seed=seed)
        return -expected, -drawn


def worth_of_mixtures(
    pools: Sequence[Summary], terms: Sequence[Term], weights: Weights, corners: np.ndarray
) -> ByScore:
    """What mixtures are compared by; ``corners`` (pools,): the learners' loss of each pool alone."""
    near = next((term for term in terms if isinstance(term, NgramTransfer)), None)
    far = next((term for term in terms if isinstance(term, Discrepancy)), None)
    if near is None or far is None or weights.name != "fixed":
        return ByScore()
    sums = [pool.total(far.reads) for pool in pools]
    apart = np.array([[far.between(one, other) for other in sums] for one in sums])
    return ByTraining(corners, apart, near.scale / weights.values[near.name])


def _checked(shares: Sequence[Sequence[float]] | np.ndarray, pools: int) -> np.ndarray:
    """Rows of shares (k, pools)."""
    rows = np.asarray(shares, float)
    if rows.ndim != 2 or rows.shape[1] != pools or (rows < 0).any() or not np.allclose(rows.sum(axis=1), 1):
        raise BadInput(f"each row needs {pools} shares of at least 0 that sum to 1", key="shares")
    return rows


class _Scored:
    """Mixtures of one size with their scores, each worked out once."""

    def __init__(self, pools: Sequence[Summary], terms: Sequence[Term], weights: Weights, size: float) -> None:
        self._of = (pools, terms, weights)
        self._size = size
        self._places: dict[bytes, int] = {}
        self.rows: list[np.ndarray] = []
        self.values: list[float] = []
        self.terms: list[dict[str, float]] = []
        self.parts: list[np.ndarray] = []

    @property
    def losses(self) -> list[float]:
        """Of the learners, nats per token of the reference; NaN without them."""
        return [each.get("transfer", np.nan) for each in self.terms]

    @property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Shares (k, pools), scores (k,), the learners' losses (k,), and the scores' deviations (k, m)."""
        return np.array(self.rows), np.array(self.values), np.array(self.losses), np.array(self.parts)

    def best(self, worth: "ByScore") -> int:
        """The place of the mixture that is worth most."""
        return int(first_lowest(-worth.values(*self.columns[:3])))

    def value(self, row: np.ndarray, worth: "ByScore") -> float:
        """What one mixture is worth; nothing of it is kept."""
        pools, terms, weights = self._of
        score, found = mean_score(mixtures(pools, row, self._size), terms, weights)
        return float(worth.values(row[None], np.array([score]), np.array([found.get("transfer", np.nan)]))[0])

    def take(self, rows: np.ndarray) -> list[int]:
        """Where the mixtures of some shares (k, pools) stand among all."""
        new = {key: row for row in rows if (key := _key(row)) not in self._places}
        if new:
            values, found, parts = scores_at(*self._of, np.array(list(new.values())), self._size)
            for i, (key, row) in enumerate(new.items()):
                self._places[key] = len(self.rows)
                self.rows.append(row)
                self.values.append(float(values[i]))
                self.terms.append({name: float(column[i]) for name, column in found.items()})
                self.parts.append(parts[i])
        return [self._places[_key(row)] for row in rows]


def _key(row: np.ndarray) -> bytes:
    return np.round(row * 1e9).astype(np.int64).tobytes()


def _searched(worth: ByScore, held: _Scored, pools: int) -> np.ndarray:
    """The grid of two or three pools; of more the best mixture and neighbours, whose noise gives its uncertainty."""
    if pools in STEPS:
        return grid(pools)
    best = best_mixture(lambda row: held.value(row, worth), pools)
    return np.vstack([best, neighbours(best, _EXCHANGED[1])])


def best_mixture(value: Callable[[np.ndarray], float], pools: int) -> np.ndarray:
    """Shares (pools,) of the highest ``value``, in steps of 5 %: from the best of the even mixture and each pool alone,
    one pool gives another a part of its share for as long as that helps.

    What a little more of each pool would do (pools more values) tells which exchanges are worth a try.
    """
    known: dict[bytes, float] = {}

    def at(row: np.ndarray) -> float:
        key = _key(row)
        if key not in known:
            known[key] = value(row)
        return known[key]

    corners = np.eye(pools)
    starts = [np.full(pools, 1 / pools), *corners]
    best = starts[first_lowest([-at(row) for row in starts])]
    for step in _EXCHANGED:
        best = _stepped(best, step)
        while True:
            more = np.array([at((1 - step / 2) * best + step / 2 * corner) for corner in corners])
            pairs = [(i, j) for i in range(pools) for j in np.flatnonzero(best > ROUNDING).tolist() if i != j]
            pairs.sort(key=lambda pair: -(more[pair[0]] - more[pair[1]]))
            tries = [best + min(step, float(best[j])) * (corners[i] - corners[j]) for i, j in pairs[:_PAIRS]]
            values = [at(row) for row in tries]
            if not tries or max(values) <= at(best) + ROUNDING:
                break
            best = tries[first_lowest([-each for each in values])]
    return best


def _stepped(row: np.ndarray, step: float) -> np.ndarray:
    """The nearest shares in whole steps: the largest remainders are rounded up."""
    whole = row / step
    down = np.floor(whole + 1e-9)
    up = np.argsort(-(whole - down), kind="stable")[: round(1 / step) - int(down.sum())]
    down[up] += 1
    found: np.ndarray = down * step
    return found / found.sum()


def neighbours(row: np.ndarray, step: float) -> np.ndarray:
    """(m, pools) mixtures in which one pool gave another ``step`` of its share, or all that it has."""
    count = len(row)
    moves = [(i, j) for j in np.flatnonzero(row > ROUNDING).tolist() for i in range(count) if i != j]
    eye = np.eye(count)
    return np.array([row + min(step, float(row[j])) * (eye[i] - eye[j]) for i, j in moves])


def along_rows(best: np.ndarray, pool: int) -> np.ndarray:
    """(k, pools) mixtures over one pool's share, the others in the proportions that they have in ``best``."""
    rest = np.where(np.arange(len(best)) == pool, 0.0, best)
    rest = np.where(np.arange(len(best)) == pool, 0.0, 1.0) if rest.sum() < ROUNDING else rest
    steps = STEPS.get(len(best), STEPS_OF_MORE)
    shares = np.unique(np.round(np.r_[np.arange(steps + 1) / steps, best[pool]], 9))[:, None]
    found: np.ndarray = (1 - shares) * rest / rest.sum() + shares * np.eye(len(best))[pool]
    return found


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
    steps = STEPS.get(pools, STEPS_OF_MORE)
    rows = [row for row in product(range(steps + 1), repeat=pools - 1) if sum(row) <= steps]
    return np.array([[*row[::-1], steps - sum(row)][::-1] for row in rows], float) / steps
