"""Where a generator's coverage of real ranks falls away: one step in the odds of synthetic against real counts.

DERIVED. Types are ranked in one part of the real text; another part of it (B_j in bin j of the ranks) is set against
the synthetic text (S_j): their ratio is g1 up to the cutoff and g2 beyond, and the cutoff is the edge of the least
squares, weighted by B_j. (The binomial likelihood would hold a single count against an empty tail; as measured ranks
are shuffled about the true ones, its edge lay 15 % too far.) A generator that only truncates has g2 = 0, g1 = 1 / Z.
Counts clump (a document repeats its words), so intervals come from resampling blocks of text.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Step:
    """A cutoff at an edge of the bins.

    Attributes:
        edge: index of the last bin before the step.
        before, beyond: synthetic share over real share of the text, before and beyond it; 1: as in real text.
        gain: weighted sum of squares of the ratio that the step explains; 0: no step.
    """

    edge: int
    before: float
    beyond: float
    gain: float


def find_step(real: Array, synthetic: Array) -> Step:
    """The best step down in counts (bins,) of real and synthetic text; at edge = bins - 1 there is none."""
    edges, before, beyond, gain = find_steps(np.asarray(real)[None], np.asarray(synthetic)[None])
    return Step(int(edges[0]), float(before[0]), float(beyond[0]), float(gain[0]))


def find_steps(real: Array, synthetic: Array) -> tuple[Array, Array, Array, Array]:
    """:func:`find_step` of many pairs of counts (draws, bins): edges, before, beyond, gains (draws,)."""
    b, s = (np.cumsum(np.asarray(counts, dtype=np.float64), axis=1) for counts in (real, synthetic))
    total_b, total_s = b[:, -1:], s[:, -1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        share_b, share_s = b / total_b, s / total_s
        before, beyond = share_s / share_b, (1 - share_s) / (1 - share_b)
        gain = share_b * before**2 + (1 - share_b) * beyond**2 - 1
    down = np.where(np.isfinite(gain) & (beyond < before), gain, 0.0)
    down[:, -1] = 0.0
    edges = down.argmax(axis=1)
    rows = np.arange(len(down))
    none = down[rows, edges] <= 0
    edges = np.where(none, b.shape[1] - 1, edges)
    return (
        edges,
        np.where(none, 1.0, before[rows, edges]),
        np.where(none, 1.0, beyond[rows, edges]),
        down.max(axis=1),
    )
