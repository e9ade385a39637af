"""Where a sweep's best learning rate lies, with its interval, and whether rates of several sizes follow a rule.

Near its lowest point the loss is taken as a parabola in the logarithm of the rate, with a cubic term where four rates
or more are about it: losses rise faster above the best rate than below, and a plain parabola is then sure and wrong
(on simulated sweeps with that skew its 90 % intervals held the truth in 4 to 13 % of cases, with it in 84 to 86 %;
CHOSEN). Only rates within two steps of the best one tried are fitted. What a seed adds to all its runs is a constant of
its own, so paired seeds cancel. Intervals are a parametric bootstrap: coefficients drawn from the normal law of least
squares, with the residual variance drawn too (Student's t; DERIVED).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval

DRAWS = 4000
WINDOW = 2  # rates on either side of the best one
SKEWED = 4  # rates from which on the parabola has a cubic term


def estimate(value: float, draws: np.ndarray, level: float, back: Any) -> Interval:
    """The middle ``level`` of the draws; no interval where as many draws as a tail holds have no value."""
    tail = (1 - level) / 2
    if np.isnan(draws).mean() > tail:
        return Interval(mid=float(back(value)), level=level)
    low, high = back(np.nanquantile(draws, [tail, 1 - tail]))
    return Interval(low=float(low), mid=float(back(value)), high=float(high), level=level)


@dataclass(frozen=True)
class Sweep:
    """One size: ``losses[i]`` in nats per token at peak rate ``rates[i]`` with seed ``seeds[i]``."""

    params: int
    width: int
    rates: Sequence[float]
    losses: Sequence[float]
    seeds: Sequence[int]


@dataclass(frozen=True)
class Optimum:
    """The best rate of one size. ``rate`` None: the loss has no lowest point in the sweep.

    ``best``: the rate tried with the lowest mean loss; ``edge``: on which side of the sweep the best rate may be
    beyond it (``low``, ``high``, or None). ``curve``: coefficients of x = ln rate - ``middle`` to the powers 0 to 3,
    the mean over seeds. ``log_draws``: of the best ln rate.
    """

    params: int
    width: int
    rate: Interval | None
    best: float
    edge: str | None
    middle: float
    curve: tuple[float, ...]
    log_draws: np.ndarray

    def loss(self, rate: Any) -> Any:
        """The fitted loss at ``rate``, nats per token."""
        return np.polynomial.Polynomial(self.curve)(np.log(rate) - self.middle)


def fit_optimum(sweep: Sweep, *, level: float = 0.9, seed: int = 0) -> Optimum:
    """The curve through one size's sweep.

    Raises:
        BadInput: fewer than three rates.
    """
    rates, losses = np.asarray(sweep.rates, float), np.asarray(sweep.losses, float)
    tried = np.unique(rates)
    if len(tried) < 3:
        raise BadInput(
            f"{len(tried)} rates have no lowest point", key="rates", remedy="try three or more, five is better"
        )
    means = np.array([losses[rates == rate].mean() for rate in tried])
    at = int(means.argmin())
    first = min(max(at - WINDOW, 0), len(tried) - 3)
    near = tried[first : max(at + WINDOW + 1, first + 3)]
    keep = np.isin(rates, near)
    x, seeds = np.log(rates[keep]), np.asarray(sweep.seeds)[keep]
    middle = x.mean()
    own = seeds[:, None] == np.unique(seeds)
    powers = [(x - middle) ** power for power in range(1, 4 if len(near) >= SKEWED else 3)]
    design = np.column_stack([own, *powers])
    found, *_ = np.linalg.lstsq(design, losses[keep], rcond=None)
    shape = np.pad(found[own.shape[1] :], (0, 3 - len(powers)))
    bottom = middle + float(_bottom(*shape))
    draws = middle + _draws(design, losses[keep], found, len(powers), seed)
    edge = "low" if at == 0 else "high" if at == len(tried) - 1 else None
    if not edge and not np.isnan(bottom):
        edge = "low" if bottom < np.log(tried[0]) else "high" if bottom > np.log(tried[-1]) else None
    offset = float(own.mean(axis=0) @ found[: own.shape[1]])
    return Optimum(
        params=sweep.params,
        width=sweep.width,
        rate=None if np.isnan(bottom) else estimate(bottom, draws, level, np.exp),
        best=float(tried[at]),
        edge=edge,
        middle=float(middle),
        curve=(offset, *(float(coefficient) for coefficient in shape)),
        log_draws=draws,
    )


def _bottom(slope: Any, bend: Any, skew: Any) -> np.ndarray:
    """Where slope x + bend x^2 + skew x^3 has its local minimum; NaN where it has none, or bends down at 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.asarray(bend**2 - 3 * slope * skew, dtype=float))
        return np.where(bend > 0, -slope / (bend + root), np.nan)


def _draws(design: np.ndarray, y: np.ndarray, found: np.ndarray, powers: int, seed: int) -> np.ndarray:
    """Draws of the curve's lowest point; NaN where a draw has none, and everywhere without residuals to judge by."""
    free = len(y) - np.linalg.matrix_rank(design)
    if free < 1:
        return np.full(DRAWS, np.nan)
    rng = np.random.default_rng(seed)
    variance = ((y - design @ found) ** 2).sum() / rng.chisquare(free, DRAWS)
    covariance = np.linalg.pinv(design.T @ design)[-powers:, -powers:]
    noise = rng.multivariate_normal(np.zeros(powers), covariance, DRAWS) * np.sqrt(variance)[:, None]
    return _bottom(*np.pad(found[-powers:] + noise, ((0, 0), (0, 3 - powers))).T)


@dataclass(frozen=True)
class Rule:
    """rate = c width^-p over the sizes: ``exponent`` p, and ``exponent_params`` the same over N.

    ``factor``: c where p is one, as in the rule used; ``used`` its factor.
    """

    exponent: Interval
    exponent_params: Interval
    factor: Interval
    used: float

    @property
    def exponent_inside(self) -> bool | None:
        """Whether one over the width is within the exponent's interval."""
        return self.exponent.holds(1.0)

    @property
    def factor_inside(self) -> bool | None:
        """Whether the factor used is within the factor's interval."""
        return self.factor.holds(self.used)


def fit_rule(optima: Sequence[Optimum], *, used: float, level: float = 0.9) -> Rule:
    """The power of the width (and of N) that the best rates follow, sizes weighted by the precision of theirs.

    Raises:
        BadInput: fewer than two sizes of different width with a best rate.
    """
    known = [optimum for optimum in optima if optimum.rate is not None]
    if len({optimum.width for optimum in known}) < 2:
        raise BadInput(
            f"{len(known)} of {len(optima)} sizes have a best rate, and a rule needs two of different width",
            key="params",
            remedy="add a size, or sweep further",
        )
    logs = np.array(
        [[np.log(o.rate.mid or np.nan), *o.log_draws] for o in known if o.rate is not None]
    )  # (sizes, 1 + draws)
    spread = np.nanstd(logs[:, 1:], axis=1) if np.isfinite(logs[:, 1:]).any(axis=1).all() else np.ones(len(known))
    weights = 1 / np.maximum(spread, 0.01) ** 2
    weights /= weights.sum()
    widths = np.log([optimum.width for optimum in known])
    sizes = np.log([optimum.params for optimum in known])
    factors = weights @ (logs + widths[:, None])
    return Rule(
        exponent=_of(-_slopes(widths, logs, weights), level),
        exponent_params=_of(-_slopes(sizes, logs, weights), level),
        factor=estimate(factors[0], factors[1:], level, np.exp),
        used=used,
    )


def _slopes(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    away = x - weights @ x
    return (weights * away) @ (y - weights @ y) / (weights @ away**2)


def _of(values: np.ndarray, level: float) -> Interval:
    return estimate(values[0], values[1:], level, np.asarray)
