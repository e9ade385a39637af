"""In which order sources take turns, so that every prefix holds the shares to within one sequence."""

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np


def interleave(shares: Sequence[Fraction], length: int) -> np.ndarray:
    """Source index (uint8, shape ``(length,)``) of each sequence.

    For every prefix of t sequences and every source i, ``|count_i - share_i t| <= 1 - 1/(2n - 2) < 1``:
    the chairman assignment of Tijdeman (Discrete Mathematics 32, 1980, theorem 1; FOUND). Exact integer
    arithmetic; the order repeats after the common denominator of the shares, so only one period is computed.

    Raises:
        ValueError: the shares do not sum to exactly one, or there are more than 256.
    """
    if sum(shares) != 1 or len(shares) > 256 or min(shares) <= 0:
        raise ValueError("shares must be positive, at most 256, and sum to exactly 1")
    n = len(shares)
    if n == 1:
        return np.zeros(length, dtype=np.uint8)
    period = lcm(*(share.denominator for share in shares))
    weights = [int(share * period) for share in shares]
    slack = 2 * n - 2
    taken = [0] * n
    order = np.empty(min(period, length), dtype=np.uint8)
    for t in range(1, len(order) + 1):
        best, best_time = -1, (1, 1)
        for i, weight in enumerate(weights):
            owed = (weight * t - period * taken[i]) * slack
            if owed < period:  # taking this source now would put it too far ahead
                continue
            time = (period * (slack - 1) - owed, weight)  # steps left until its deadline, as a fraction
            if best < 0 or time[0] * best_time[1] < best_time[0] * time[1]:
                best, best_time = i, time
        taken[best] += 1
        order[t - 1] = best
    return np.resize(order, length)
