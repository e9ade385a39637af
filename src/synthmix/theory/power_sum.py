"""Sums of i^-s over ranges of whole numbers, for any s, without walking the range."""

import math

import numpy as np
from scipy.special import zeta

_DIRECT = 64  # beyond it six Euler-Maclaurin terms leave less than 1e-15 of the sum
_BERNOULLI = (1 / 12, -1 / 720, 1 / 30240, -1 / 1209600)  # B_2j / (2j)!


def power_sum(s: float, first: float, last: float = math.inf) -> float:
    """sum over whole i in [first, last] of i^-s; 0 for an empty range, infinite where the series diverges.

    Direct up to 64, Euler-Maclaurin beyond (DLMF 2.10.1); an endless range is Hurwitz's zeta function (DLMF 25.11).

    Args:
        s: any real exponent.
        first, last: whole numbers (as floats, so that 1e30 will do); ``last`` may be infinite.
    """
    if last < first:
        return 0.0
    if math.isinf(last):
        return float(zeta(s, first)) if s > 1 else math.inf
    edge = min(last, max(first - 1, _DIRECT))
    direct = float((np.arange(first, edge + 1, dtype=np.float64) ** -s).sum()) if edge >= first else 0.0
    return direct + (_beyond(s, edge + 1, last) if last > edge else 0.0)


def _beyond(s: float, first: float, last: float) -> float:
    whole = math.log(last / first) if s == 1 else (first ** (1 - s) - last ** (1 - s)) / (s - 1)
    total = whole + (first**-s + last**-s) / 2
    rising = s
    for j, bernoulli in enumerate(_BERNOULLI):
        power = -s - 2 * j - 1
        total += bernoulli * rising * (first**power - last**power)
        rising *= (s + 2 * j + 1) * (s + 2 * j + 2)
    return float(total)
