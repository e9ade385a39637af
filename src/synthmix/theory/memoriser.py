"""Monte Carlo: a learner that remembers what it has seen, on samples really drawn. The theory is held against it."""

import math
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.theory.setting import Array, Setting

_CHUNK = 1 << 20
_FAR = float(1 << 62)


def memorise(setting: Setting, n: Any, *, seed: int = 0, kept: int = 1 << 24) -> Array:
    """Real mass not yet seen after ``n`` samples (m,), ascending whole numbers, one run of one learner.

    Args:
        setting: a = 1, alpha = 0, b = 0, synthetic frequencies of the real exponent.
        seed: of the samples.
        kept: ranks whose being seen is kept; rarer items count as unseen, which adds less than their mass.

    Raises:
        BadInput: another learner, or an n that does not ascend.
    """
    at = np.atleast_1d(np.asarray(n, dtype=np.int64))
    if setting.a != 1 or setting.alpha or setting.b or setting.synthetic_exponent != setting.beta:
        raise BadInput("only the memoriser (a = 1, alpha = 0, b = 0) is simulated", where="memoriser")
    if (np.diff(at) <= 0).any() or at[0] < 0:
        raise BadInput("must ascend", where="memoriser", key="n")
    rng = np.random.default_rng(seed)
    kept = int(min(kept, setting.items))
    seen = np.zeros(kept + 1, dtype=bool)
    mass, done, out = 0.0, 0, []
    for goal in at:
        while done < goal:
            count = int(min(_CHUNK, goal - done))
            ranks = _draw(setting, rng, count)
            ranks = np.unique(ranks[ranks <= kept])
            new = ranks[~seen[ranks]]
            seen[new] = True
            mass += float(setting.real(new).sum())
            done += count
        out.append(1 - mass)
    return np.array(out)


def _draw(setting: Setting, rng: np.random.Generator, count: int) -> np.ndarray:
    real = rng.binomial(count, setting.pi)
    synthetic = _zipf(setting.beta, setting.k, rng, count - real)
    return np.concatenate([_zipf(setting.beta, setting.items, rng, real), synthetic])


def _zipf(beta: float, most: float, rng: np.random.Generator, count: int) -> np.ndarray:
    """``count`` ranks <= ``most`` with frequencies i^-beta (rejection of what lies beyond)."""
    if math.isfinite(most) and most <= 1e6:
        cumulative = np.cumsum(np.arange(1, most + 1) ** -beta)
        return 1 + np.searchsorted(cumulative / cumulative[-1], rng.random(count), side="right")
    found = rng.zipf(beta, count)
    found[found < 0] = np.int64(_FAR)  # past 2^63 numpy wraps
    wrong = np.flatnonzero(found > most)
    while len(wrong):
        found[wrong] = rng.zipf(beta, len(wrong))
        wrong = wrong[found[wrong] > most]
    return np.asarray(found)
