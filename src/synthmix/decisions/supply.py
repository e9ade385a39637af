"""What repeated text is worth: where a corpus is shorter than its part of the budget.

Muennighoff et al. (arXiv 2305.16264, equation 5; FOUND): U unique tokens seen for R = epochs - 1 more epochs count as
U + U R* (1 - exp(-R / R*)), R* = 15.39 (its published fit). The profile over R* is nearly flat from 15 to 100, and 90 %
of resamples lie above 7 (docs/scaling-benchmarks.md): draws take R* log-uniform from 7 to 100 (CHOSEN).
A mixture counts as the sum of its parts' effective tokens, its share as trained (CHOSEN: no source measures it).

Shape letters: d draws, n cases.
"""

from collections.abc import Sequence

import numpy as np

from synthmix.scaling.runs import Array

Parts = Sequence[tuple[Array | float, float]]  # share and unique tokens of each source

REPEATS = 15.39
REPEATS_DRAWN = (7.0, 100.0)


def repeats_draws(count: int, seed: int = 0) -> Array:
    """R* for the fitted value first, then for each of ``count`` draws: (count + 1,)."""
    low, high = np.log(REPEATS_DRAWN)
    found: Array = np.r_[REPEATS, np.exp(np.random.default_rng([seed, 2]).uniform(low, high, count))]
    return found


def effective(tokens: Array | float, unique: float, repeats: Array | float) -> Array:
    """Tokens that ``tokens`` of a corpus of ``unique`` count as; arrays broadcast; never more than ``tokens``."""
    tokens, repeats = np.asarray(tokens, dtype=np.float64), np.asarray(repeats, dtype=np.float64)
    if not np.isfinite(unique):
        return tokens + 0 * repeats
    if unique <= 0:
        return 0 * tokens * repeats
    more = np.maximum(tokens / unique - 1, 0.0)
    return np.minimum(tokens, unique) + unique * repeats * -np.expm1(-more / repeats)


def effective_mixture(tokens: Array | float, parts: Parts, repeats: Array | float) -> Array:
    """Effective tokens of a mixture: every source's part of ``tokens``, each with its own repeats.

    ``parts``: (share, unique tokens) of each source; shares may be arrays.
    """
    found: Array = np.sum([effective(share * tokens, unique, repeats) for share, unique in parts], axis=0)
    return found


def budget_for(goal: Array, parts: Parts, repeats: Array) -> Array:
    """Training tokens (n,) whose effective tokens are ``goal`` (n,); inf where no budget reaches it."""
    goal = np.asarray(goal, dtype=float)
    low, high = np.full(goal.shape, -3.0), np.full(goal.shape, 30.0)
    with np.errstate(invalid="ignore"):
        never = ~(effective_mixture(10.0**high, parts, repeats) >= goal)
        for _ in range(46):  # to 1e-12 decades
            middle = (low + high) / 2
            short = effective_mixture(10.0**middle, parts, repeats) < goal
            low, high = np.where(short, middle, low), np.where(short, high, middle)
    return np.where(never, np.inf, 10.0**high)
