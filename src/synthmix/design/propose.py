"""Ladders of a given cost, ranked by how narrow the answer at the question would be."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from synthmix.design.design import SMALLEST, Design
from synthmix.design.linear import Linearised, widths
from synthmix.errors import BadInput

COUNTS = (3, 4, 5)  # of sizes, and of budgets
DECADES = (1.0, 2.0)  # from the smallest to the largest
TOKENS_PER_PARAMETER = (4.0, 20.0, 100.0)  # of the largest run
SHARES = ((0.0, 1 / 3, 2 / 3, 1.0), (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 0.2, 0.4, 0.8))
SEEDS = ((1, 2), (2, 2), (3, 3))  # of every cell, of the two replicated ones
KEPT = 8  # shapes whose shares, seeds and trunk are tried
MOST_RUNS = 2_000


@dataclass(frozen=True)
class Candidate:
    """A design and the median of its linearised widths over worlds and sources, nats per token."""

    design: Design
    width: float


@dataclass(frozen=True)
class Form:
    """A ladder but for its scale."""

    sizes: int = 4
    budgets: int = 4
    size_decades: float = 1.5
    token_decades: float = 1.5
    ratio: float = 20.0
    shares: tuple[float, ...] = SHARES[0]
    seeds: tuple[int, int] = SEEDS[0]
    trunk: bool = False

    def scaled(self, largest: float) -> tuple[list[float], list[float]]:
        """Sizes and budgets with ``largest`` parameters in the largest run."""
        found = []
        for low, top, decades, count in (
            (SMALLEST[0], largest, self.size_decades, self.sizes),
            (SMALLEST[1], self.ratio * largest, self.token_decades, self.budgets),
        ):
            bottom = max(low, top / 10**decades)
            found.append(sorted({_round(each) for each in np.geomspace(bottom, max(top, bottom), count)}))
        return found[0], found[1]

    def flops(self, largest: float, like: Design) -> float:
        """What :meth:`at` would cost, without making its runs."""
        sizes, budgets = self.scaled(largest)
        mixtures, total = 1 + len(like.sources) * sum(share > 0 for share in self.shares), 0.0
        for n in sizes:
            for seed in range(max(self.seeds) if n == sizes[0] else self.seeds[0]):
                mine = budgets if seed < self.seeds[0] else sorted({budgets[0], budgets[-1]})
                tokens = (1 - like.decay) * mine[-1] + like.decay * sum(mine) if self.trunk else sum(mine)
                total += mixtures * tokens * like.flops_per_token(n)
        return total

    def at(self, largest: float, like: Design) -> Design:
        """The ladder with ``largest`` parameters in the largest run; sources, decay and cost of a token as ``like``."""
        made = Design.grid(
            *self.scaled(largest), self.shares, like.sources, seeds=self.seeds[0], replicates=self.seeds[1],
            trunk=self.trunk, flops_per_token=like.flops_per_token,
        )  # fmt: skip
        return replace(made, natural=like.natural, decay=like.decay)


def propose(
    laws: Sequence[Sequence[Linearised]], flops: float, like: Design, *, trunk: tuple[bool, ...] = (False, True)
) -> Candidate:
    """The ladder of at most ``flops`` whose answer would be narrowest, the seeds, shares and the trunk tried on the
    best shapes.

    Args:
        laws: of each source the linearised worlds. like: a design of the same sources and cost of a token.

    Raises:
        BadInput: the cost is below that of the smallest ladder that a law can be fitted to.
    """
    shapes = product(COUNTS, COUNTS, DECADES, DECADES, TOKENS_PER_PARAMETER)
    few = [mine[:4] for mine in laws]
    first = [
        found
        for shape in shapes
        if (found := _scored(Form(*shape), flops, like, few)) is not None
    ]  # fmt: skip
    if not first:
        least = Form(3, 3, 1.0, 1.0, TOKENS_PER_PARAMETER[0]).flops(4.0 * SMALLEST[0], like)
        raise BadInput(
            f"{flops:.2g} FLOPs are below the cost of the smallest ladder that a law can be fitted to "
            f"({least:.2g})",
            where="design", key="cost", remedy="raise it",
        )  # fmt: skip
    first.sort(key=lambda pair: pair[1].width)
    best = []
    for form, _ in first[:KEPT]:
        for shares, seeds, shared in product(SHARES, SEEDS, trunk):
            found = _scored(replace(form, shares=shares, seeds=seeds, trunk=shared), flops, like, laws)
            if found is not None:
                best.append(found[1])
    return min(best, key=lambda one: one.width)


def score(laws: Sequence[Sequence[Linearised]], design: Design) -> float:
    """Median of the linearised widths over worlds, of the source with the widest."""
    return max(float(np.median(widths(mine, design))) for mine in laws)


def _scored(
    form: Form, flops: float, like: Design, laws: Sequence[Sequence[Linearised]]
) -> tuple[Form, Candidate] | None:
    design = _sized(form, flops, like)
    return None if design is None else (form, Candidate(design, score(laws, design)))


def _sized(form: Form, flops: float, like: Design) -> Design | None:
    """The form at the scale that costs ``flops``, within 5 %; None where it does not fit. The cost rises with the
    scale: bisection."""
    low, high = SMALLEST[0] * 3.0, 1e13
    if form.flops(low, like) > flops:
        return None
    while high > 1.01 * low:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if form.flops(middle, like) <= flops else (low, middle)
    sizes, budgets = form.scaled(low)
    if min(len(sizes), len(budgets)) < COUNTS[0]:
        return None
    made = form.at(low, like)
    return made if len(made.runs) <= MOST_RUNS else None


def _round(value: float) -> float:
    """Two significant digits, never more."""
    step = 10 ** (np.floor(np.log10(value)) - 1)
    return float(np.floor(value / step + 1e-9) * step)
