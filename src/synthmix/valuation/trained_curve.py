"""What a trained model makes of mixtures: the n-gram learners' curve, and how far trained mixtures were off it.

With l(s) the learners' loss on the reference of the mixture with the shares s (:class:`.NgramTransfer`), l_i that of
pool i alone and m_ij the discrepancy of pools i and j, a trained model's loss is, up to a constant,

    T(s) = a sum_i s_i l_i + b [l(s) - sum_i s_i l_i] + sum_i d_i s_i
           - sum_{i<j} m_ij [u_ij 4 s_i s_j + w_ij 8 s_i s_j (s_i - s_j)],

the line between the pools, how far the mixture is below it, an error of each pool, and one of each pair's gain, which
two pools of one text cannot have. CHOSEN: all coefficients are normal and independent. a and b have one mean and the
others none, so that before any run the best share is that of the learners: with means of b and u of their own, best
shares were further from those of mixtures left out. That mean and the deviations are those under which the losses of
small models that were trained on mixtures are the likeliest (``benchmarks/valuation/run.py --study mixtures``). T is
linear in them, so runs of one's own (:class:`Trained`) turn the prior into a posterior in closed form.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from synthmix.rounding import symmetric_root


@dataclass(frozen=True)
class Prior:
    """Means and standard deviations.

    Attributes:
        line, dip: a and b (mean, deviation).
        pool: deviation of d_i, nats per token.
        gain: u (mean, deviation), tilt: deviation of w; nats per token and unit of discrepancy.
        noise: deviation of one run's loss, nats per token.
    """

    line: tuple[float, float]
    dip: tuple[float, float]
    pool: float
    gain: tuple[float, float]
    tilt: float
    noise: float

    def moments(self, pools: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and variance (q,) of the coefficients, in the order of :func:`features`."""
        pairs = pools * (pools - 1) // 2
        mean = [self.line[0], self.dip[0], *[0.0] * pools, *[self.gain[0]] * pairs, *[0.0] * pairs]
        spread = [self.line[1], self.dip[1], *[self.pool] * pools, *[self.gain[1]] * pairs, *[self.tilt] * pairs]
        return np.array(mean), np.square(spread)


PRIOR = Prior(line=(1.18, 0.0946), dip=(1.18, 0.251), pool=0.0377, gain=(0.0, 0.143), tilt=0.0989, noise=0.03)


@dataclass(frozen=True)
class Trained:
    """Runs on mixtures of the same pools: ``shares`` (r, pools), ``losses`` (r,) on the reference, nats per token."""

    shares: np.ndarray
    losses: np.ndarray


def features(shares: np.ndarray, losses: np.ndarray, corners: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """(k, q) what the coefficients are multiplied by.

    Args:
        shares: (k, pools). losses: (k,) of the learners. corners: (pools,) of each pool alone.
        apart: (pools, pools) discrepancies between pools.
    """
    line = shares @ corners
    pairs = list(combinations(range(shares.shape[1]), 2))
    both = [apart[i, j] * 4 * shares[:, i] * shares[:, j] for i, j in pairs]
    tilted = [each * 2 * (shares[:, i] - shares[:, j]) for each, (i, j) in zip(both, pairs, strict=True)]
    return np.column_stack([line, losses - line, shares, *(-each for each in both), *(-each for each in tilted)])


@dataclass(frozen=True)
class Posterior:
    """Coefficients: ``mean`` (q,) and ``covariance`` (q, q)."""

    mean: np.ndarray
    covariance: np.ndarray


def posterior(
    prior: Prior, pools: int, known: np.ndarray | None = None, losses: Sequence[float] | np.ndarray = ()
) -> Posterior:
    """The prior, or what is left of it by runs with features ``known`` (r, q) and ``losses`` (r,).

    The constant of the loss is not known, so it is the differences of runs that count.
    Where their chi-square a degree of freedom is above 1, the prior's variances are multiplied by it (the Birge ratio).
    """
    mean, variance = prior.moments(pools)
    if known is None or len(known) < 2:
        return Posterior(mean, np.diag(variance))
    x = known - known.mean(axis=0)
    y = np.asarray(losses, float) - np.mean(losses) - x @ mean
    noise = prior.noise**2 * np.eye(len(x))
    # Runs further off than the prior lets expect say that its deviations are too small for these pools.
    surprise = float(y @ np.linalg.solve(x * variance @ x.T + noise, y)) / (len(x) - 1)
    variance = variance * max(1.0, surprise)
    within = x * variance @ x.T + noise
    gain = np.linalg.solve(within, x * variance).T
    return Posterior(mean + gain @ y, np.diag(variance) - gain @ (x * variance))


def draws_of(
    found: Posterior, x: np.ndarray, noise: np.ndarray, *, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The expected loss (k,), and draws of it (draws, k), both up to a constant.

    Args:
        x: (k, q) features. noise: (k, m) independent deviations of the learners' loss by the sampling of pools and
            reference.
    """
    rng = np.random.default_rng(seed)
    made = found.mean + rng.standard_normal((draws, len(found.mean))) @ symmetric_root(found.covariance)
    sampled = made[:, :1] * (rng.standard_normal((draws, noise.shape[1])) @ noise.T)
    return x @ found.mean, made @ x.T + sampled
