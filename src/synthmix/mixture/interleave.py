"""In which order sources take turns, so that every prefix holds the shares to within one sequence.

Constant shares: the chairman assignment of Tijdeman (Discrete Mathematics 32, 1980, theorem 1; FOUND). It is for
weights that may change from year to year: for any lambda_ij >= 0 with sum_i lambda_ij = 1 in every year j there is an
order whose counts stay within 1 - 1/(2n - 2) of the accumulated weights (also problem (1) of arXiv 2511.18546; FOUND).
How it is reached for shares that change, and why that works (DERIVED), with L_i(t) the accumulated share, d = 1/(2n -
2), n >= 2:

- The j-th sequence of source i may come from the first t with L_i(t) >= j - 1 + d, and must have come by the first t
  with L_i(t) > j - d. Counts that respect both are within 1 - d of L_i at every t.
- Take, at each t, whichever has the nearest deadline. This finds an order if there is one (one machine, unit jobs,
  whole release times), and there is one (Hall): the jobs of source i that must lie within (s, t] are numbers
  j_min..j_max with j_min - 1 > L_i(s) - d and j_max < L_i(t) + d. If every source has one, sum j_max < t + n d and
  n d <= 1, so sum j_max <= t, likewise sum (j_min - 1) >= s: at most t - s jobs. If m < n sources have one, they number
  less than sum (L_i(t) - L_i(s)) + 2 d m <= t - s + 1, so again at most t - s.
- No turn is left empty: after t - 1 turns sum_i (L_i(t) - count_i) = 1, so one of them is at least 1/n >= d.
"""

import heapq
from collections.abc import Sequence
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmix.mixture.schedule import Curve, what_is_left

Order = npt.NDArray[np.uint8]  # (length,): which source each sequence is of
Integers = npt.NDArray[Any]  # int64 where they fit, else Python's own (dtype object)
SAFE = 2**62  # below it, 64-bit integers are exact; above it numpy works with Python's own


def interleave(shares: Sequence[Fraction], length: int) -> Order:
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


def interleave_curves(curves: Sequence[Curve], length: int) -> Order:
    """Source index (uint8, shape ``(length,)``) of each sequence of a run of exactly ``length`` sequences.

    For every prefix of t sequences and every source i, ``|count_i - length * integral_i(t / length)| <=
    1 - 1/(2n - 2) < 1``. Exact integer arithmetic. Two sources, the usual case, need no loop.

    Raises:
        ValueError: the shares do not sum to exactly one all along, or there are more than 256.
    """
    if len(curves) > 256 or any(piece.first or piece.last for piece in what_is_left(curves)):
        raise ValueError("shares must be at most 256 and sum to exactly 1 at every point")
    n = len(curves)
    if n == 1 or length == 0:
        return np.zeros(length, dtype=np.uint8)
    if n == 2:  # within a half of its share, the first source's count fixes the other's
        sums, unit = accumulated([curves[0]], length, scale=2)
        counts = ((sums[0] + unit // 2) // unit).astype(np.int64)
        return (1 - np.diff(counts, prepend=0)).astype(np.uint8)
    sums, unit = accumulated(curves, length, scale=2 * n - 2)
    slack = unit // (2 * n - 2)
    released, due, source = [], [], []
    for i, sum_i in enumerate(sums):
        may = ((sum_i - slack) // unit + 1).astype(np.int64)  # how many of source i may have come by t
        must = (-((-sum_i - slack) // unit) - 1).astype(np.int64)  # how many must
        jobs = np.arange(1, may[-1] + 1)
        released.append(np.searchsorted(may, jobs))
        due.append(np.searchsorted(must, jobs))
        source.append(np.full(len(jobs), i))
    return _nearest_deadline(np.concatenate(released), np.concatenate(due), np.concatenate(source), n, length)


def _nearest_deadline(
    released: npt.NDArray[np.int64], due: npt.NDArray[np.int64], source: npt.NDArray[np.int64], n: int, length: int
) -> Order:
    first = np.argsort(released, kind="stable")
    starts = [*released[first].tolist(), length]
    urgency = (due * n + source)[first].tolist()  # the deadline, then the source
    order = np.empty(length, dtype=np.uint8)
    waiting: list[int] = []
    at = 0
    for t in range(length):
        while starts[at] <= t:
            heapq.heappush(waiting, urgency[at])
            at += 1
        order[t] = heapq.heappop(waiting) % n
    return order


def accumulated(curves: Sequence[Curve], length: int, *, scale: int) -> tuple[list[Integers], int]:
    """``unit * length * integral_i(t / length)`` for t = 1..length and each curve, as exact integers, and ``unit``.

    ``unit`` is a multiple of ``scale``. The integers are 64-bit where they fit, else Python's.
    """
    bounds, quadratics = [], []
    for curve in curves:
        bounds.append([int(piece.end * length) for piece in curve.pieces])  # the last whole t of each piece
        quadratics.append([_quadratic(curve, i, length) for i in range(len(curve.pieces))])
    unit = lcm(scale, *(c.denominator for each in quadratics for three in each for c in three))
    largest = max(
        sum(abs(c * unit) * length**power for power, c in enumerate(three)) for each in quadratics for three in each
    )
    kind = np.int64 if max(largest, 4 * unit * length) < SAFE else object
    sums = []
    for ends, each in zip(bounds, quadratics, strict=True):
        total, begin = np.empty(length, dtype=kind), 0
        for end, (c0, c1, c2) in zip(ends, each, strict=True):
            t = np.arange(begin + 1, end + 1, dtype=np.int64).astype(kind)
            total[begin:end] = int(c0 * unit) + t * (int(c1 * unit) + t * int(c2 * unit))
            begin = end
        sums.append(total)
    return sums, unit


def _quadratic(curve: Curve, index: int, length: int) -> tuple[Fraction, Fraction, Fraction]:
    """``length * integral(t / length)`` within one piece, as coefficients of 1, t and t^2."""
    piece = curve.pieces[index]
    start, bend = piece.start * length, piece.slope / (2 * length)
    before = curve.integral(piece.start) * length
    return before - piece.first * start + bend * start**2, piece.first - 2 * bend * start, bend
