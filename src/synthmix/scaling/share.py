"""The best synthetic share r*, with an interval, from a handful of measured or predicted shares.

The curve of loss against share is flat near its optimum, so the lowest measured share says little. Here the curve is
a quadratic plus a Gaussian process: where the points agree with a quadratic within their noise, it is the quadratic;
where they do not (pure synthetic text is often far worse), the process bends it locally. Curves are drawn from its
posterior, and the lowest point of each is a draw of r*. How curved it is (amplitude and length of the process) is
integrated over, so that the gaps between a few shares count as not known. CHOSEN against a plain quadratic (biased when
the curve is steep at one end) and an argmin over the shares (unstable on flat optima); docs/scaling-benchmarks.md has
their coverage.

Shape letters: n runs, m measured shares, g shares of the grid.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.rounding import first_lowest, symmetric_root
from synthmix.scaling.fitted import Fit
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array
from synthmix.scaling.share_summary import GRID, BestShare, from_curves, vertex

# CHOSEN, and checked by simulation on curves of five shapes (benchmarks/scaling_coverage.py): without the short length
# and with smaller amplitudes, four shares were read as an exact quadratic, and a bent curve's optimum was missed.
LENGTHS = (0.12, 0.25, 0.5)
AMPLITUDES = (0.1, 0.3, 1.0)  # of the means' range


def best_share(
    share: ArrayLike,
    loss: ArrayLike,
    *,
    pair: Sequence[object] | Array | None = None,
    noise: float | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.9,
) -> BestShare:
    """Best share from runs at one (N, D).

    Args:
        share, loss: one value per run (n,).
        pair: label per run of what is shared between recipes (the seed, when equal seeds have equal initialisation
            and order): differences between seeds are then removed before the curve is fitted.
        noise: standard deviation of one run's loss (nats), when known from elsewhere; replicated shares here are
            pooled with it as 8 degrees of freedom.

    Raises:
        BadInput: fewer than three distinct shares, or no replicate and no ``noise``.
    """
    r, y = (np.asarray(column, dtype=np.float64).reshape(-1) for column in (share, loss))
    if len(r) != len(y) or not (np.isfinite(r).all() and np.isfinite(y).all()):
        raise BadInput("shares and losses are not finite numbers of one length", where="best share")
    seeds = 1
    if pair is not None:
        y, seeds = _unpaired(r, y, np.unique(np.asarray(pair), return_inverse=True)[1])
    shares, place, counts = np.unique(r, return_inverse=True, return_counts=True)
    means = np.bincount(place, y) / counts
    dof = len(r) - len(shares) - (seeds - 1)
    total = float(((y - means[place]) ** 2).sum())
    known = 8 if noise is not None else 0
    if dof <= 0 and noise is None:
        raise BadInput(
            "no share is repeated and the noise is not given", where="best share", remedy="repeat a share or give noise"
        )
    dof = max(dof, 0)
    sd = float(np.sqrt((total + known * (noise or 0.0) ** 2) / (dof + known)))
    covariance = np.diag(sd**2 / counts)
    return from_means(shares, means, covariance, dof=dof + known, noise=sd, draws=draws, seed=seed, level=level)


def best_share_of_fits(
    fits: dict[float, Fit], *, noise: float | None = None, seed: int = 0, level: float | None = None, **columns: float
) -> BestShare:
    """Best share at N=, D= from one fitted law per share (share -> Fit): each law's draws are its uncertainty.

    ``noise``: standard deviation of one run's loss for the flat range; None: the fits' own, averaged.
    """
    shares = np.array(sorted(fits))
    ordered = [fits[share] for share in shares]
    count = min(len(one.draws) for one in ordered)
    if count < 2:
        raise BadInput("a fit without resamples has no uncertainty", where="best share", remedy="fit with a bootstrap")
    means = np.array([float(one.predict(**columns)[0]) for one in ordered])
    drawn = np.column_stack([one.draw(**columns)[:count, 0] for one in ordered])
    # Quantile-based spread: a few wild resamples must not set the scale.
    low, high = np.quantile(drawn, [0.1587, 0.8413], axis=0)
    spread = np.maximum((high - low) / 2, 1e-12)
    known = [one.noise.total for one in ordered if one.noise.total is not None]
    sd = noise if noise is not None else (float(np.mean(known)) * float(means.mean()) if known else None)
    at = level or ordered[0].level
    return from_means(shares, means, np.diag(spread**2), dof=0, noise=sd, draws=max(count, 200), seed=seed, level=at)


def from_means(
    shares: Array,
    means: Array,
    covariance: Array,
    *,
    dof: int = 0,
    noise: float | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.9,
) -> BestShare:
    """Best share from mean losses (m,) at distinct shares (m,) with their error covariance (m, m).

    ``dof``: degrees of freedom of the covariance's scale, 0 when it is exactly known.
    """
    if len(shares) < 3:
        raise BadInput(f"{len(shares)} distinct shares", where="best share", remedy="measure at least three")
    curves, mean = posterior(shares, means, covariance, GRID, draws=draws, dof=dof, seed=seed)
    return from_curves(GRID, mean, curves, noise=noise, level=level, measured=(float(shares[0]), float(shares[-1])))


def _unpaired(r: Array, y: Array, pair: np.ndarray) -> tuple[Array, int]:
    """Losses with the effect of each pair label removed (least squares on share and label together)."""
    shares = np.unique(r, return_inverse=True)[1]
    labels = int(pair.max()) + 1
    design = np.zeros((len(y), int(shares.max()) + 1 + labels))
    design[np.arange(len(y)), shares] = 1
    design[np.arange(len(y)), shares.max() + 1 + pair] = 1
    effect = np.linalg.lstsq(design, y, rcond=None)[0][int(shares.max()) + 1 :]
    return y - effect[pair] + effect.mean(), labels


def best_share_of_law(
    fit: Fit, *, noise: float | None = None, level: float | None = None, **columns: float
) -> BestShare:
    """Best share at N=, D= of one fitted law that has the share in it: the lowest point of its curve, per resample.

    ``noise``: standard deviation of one run's loss for the flat range; None: the fit's own.

    Raises:
        BadInput: the law has no share.
    """
    if "share" not in fit.law.columns:
        raise BadInput("has no share in it", where=f"law {fit.law.name}", remedy="fit a joint law")
    mean = fit.predict(**columns, share=GRID)
    sd = noise if noise is not None or fit.noise.total is None else fit.noise.total * float(mean.min())
    measured = (float(fit.runs.share.min()), float(fit.runs.share.max()))
    return from_curves(GRID, mean, _curves(fit, columns)[1:], noise=sd, level=level or fit.level, measured=measured)


def share_shift(fit: Fit, start: dict[str, float], end: dict[str, float], *, level: float | None = None) -> Interval:
    """How the best share of a fitted law moves from one (N, D) to another: r*(end) minus r*(start), per resample."""
    curves = [_curves(fit, columns) for columns in (start, end)]
    first, last = (vertex(GRID, each, first_lowest(each)) for each in curves)
    moved = last - first
    return interval_of(float(moved[0]), moved[1:], level or fit.level, fit.why)


def _curves(fit: Fit, columns: dict[str, float]) -> Array:
    """Losses (1 + d, g) over the grid of shares at one point, by the fit and by its resamples, the law's own error in
    their spread."""
    theta = np.vstack([fit.values, fit.draws])
    losses, natural = (fit.law.predict(theta, fit.points(**columns, share=share)) for share in (GRID, 0.0))
    return fit.widen_shares(losses, natural[:, 0], GRID, **columns)


def posterior(
    x: Array, y: Array, covariance: Array, grid: Array, *, draws: int, dof: int = 0, seed: int = 0
) -> tuple[Array, Array]:
    """A smooth curve through a few noisy means: curves (draws, g) and their expectation (g,) given means (m,) at points
    (m,) with error covariance (m, m).

    The quadratic's coefficients have flat priors (universal kriging; Rasmussen and Williams 2006, section 2.7); each
    hyper-parameter pair is weighted by the restricted likelihood. ``dof`` > 0: the covariance's scale is itself drawn.
    """
    rng = np.random.default_rng(seed)
    unit = max(float(np.ptp(y)), 1e-9)
    shift = float(y.mean())
    z, error = (y - shift) / unit, covariance / unit**2
    pairs = [(length, amplitude) for length in LENGTHS for amplitude in AMPLITUDES]
    parts = [_given(x, z, error, grid, length, amplitude) for length, amplitude in pairs]
    weight = np.exp(np.array([part[0] for part in parts]) - max(part[0] for part in parts))
    weight /= weight.sum()
    mean = np.einsum("h,hg->g", weight, np.array([part[1] for part in parts]))
    chosen = rng.multinomial(draws, weight)
    curves = []
    for (_, centre, root), count in zip(parts, chosen, strict=True):
        if count:
            sample = rng.standard_normal((count, len(root))) @ root
            if dof > 0:
                sample *= np.sqrt(dof / rng.chisquare(dof, size=(count, 1)))
            curves.append(centre + sample)
    return rng.permutation(np.concatenate(curves)) * unit + shift, mean * unit + shift


def _given(
    x: Array, y: Array, error: Array, grid: Array, length: float, amplitude: float
) -> tuple[float, Array, Array]:
    """Log restricted likelihood, mean (g,) and a root (g, g) of the covariance, at one length and amplitude."""

    def kernel(a: Array, b: Array) -> Array:
        return amplitude**2 * np.exp(-0.5 * ((a[:, None] - b[None, :]) / length) ** 2)

    trend, trend_grid = (np.vander(points, 3, increasing=True) for points in (x, grid))
    total = kernel(x, x) + error + 1e-10 * np.eye(len(x))
    inverse = np.linalg.inv(total)
    information = trend.T @ inverse @ trend
    coefficients = np.linalg.solve(information, trend.T @ inverse @ y)
    residual = y - trend @ coefficients
    fit = -0.5 * (residual @ inverse @ residual + np.linalg.slogdet(total)[1] + np.linalg.slogdet(information)[1])
    across = kernel(grid, x)
    mean = trend_grid @ coefficients + across @ inverse @ residual
    remainder = trend_grid - across @ inverse @ trend
    spread = kernel(grid, grid) - across @ inverse @ across.T + remainder @ np.linalg.solve(information, remainder.T)
    return float(fit), mean, symmetric_root(spread)
