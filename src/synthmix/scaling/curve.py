"""A smooth curve through a few noisy means: quadratic plus Gaussian process, its hyper-parameters integrated over."""

import numpy as np

from synthmix.scaling.runs import Array

# CHOSEN, and checked by simulation on curves of five shapes (benchmarks/scaling_coverage.py): without the short length
# and with smaller amplitudes, four shares were read as an exact quadratic, and a bent curve's optimum was missed.
LENGTHS = (0.12, 0.25, 0.5)
AMPLITUDES = (0.1, 0.3, 1.0)  # of the means' range


def posterior(
    x: Array, y: Array, covariance: Array, grid: Array, *, draws: int, dof: int = 0, seed: int = 0
) -> tuple[Array, Array]:
    """Curves (draws, g) and their expectation (g,) given means (m,) at points (m,) with error covariance (m, m).

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
            sample = rng.standard_normal((count, root.shape[1])) @ root.T
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
    values, vectors = np.linalg.eigh((spread + spread.T) / 2)
    return float(fit), mean, vectors * np.sqrt(np.maximum(values, 0.0))
