"""The width of the answer by the law's linearisation: microseconds a design, to rank many of them.

With losses L(theta) of the law joint_quadratic at a world's own parameters, log-losses of the runs have the
information J' S^-1 J, J = d ln L / d theta and S = seed noise and the scatter of cells and mixtures. The difference
from natural text alone at the question, d(theta), then has the variance g' (J' S^-1 J + P)^-1 g, g = dd / dtheta (the
delta method; Atkinson and Donev 1992, c-optimality). P is a weak prior (a factor is known within its own size, and so
is what the share changes of it; an exponent within .5), so that a design that does not determine the law gets a wide
answer and not an error. The law's own error widens it as that of published runs does, over the distance that the
design's own held-out cuts reach. It does not know the choice between laws: it ranks, and
:mod:`synthmix.design.simulate` says how wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.design.design import Design
from synthmix.design.worlds import TRUNK_NOISE, World
from synthmix.scaling import fit
from synthmix.scaling.laws import find
from synthmix.scaling.model_error import FEWEST_ROWS, PUBLIC_FACTOR, InnerCut, ModelError, away, inner_cuts
from synthmix.scaling.runs import Array, Inputs, Runs

LAW = "joint_quadratic"
SHARES = np.linspace(0, 1, 21)
MOST_ROWS = 400


@dataclass(frozen=True)
class Linearised:
    """A world's law for one source at a question (N, D): parameters (p,), best share, and its noise."""

    source: str
    question: tuple[float, float]
    theta: Array
    share: float
    world: World


def linearised(world: World, source: str, question: tuple[float, float], design: Design) -> Linearised:
    """The law of :data:`LAW` nearest to a world over a design's range and the question."""
    sizes = np.geomspace(min(design.sizes), max(*design.sizes, question[0]), 5)
    budgets = np.geomspace(min(design.budgets), max(*design.budgets, question[1]), 5)
    N, D, r = (grid.ravel() for grid in np.meshgrid(sizes, budgets, [0.0, 0.25, 0.5, 0.75, 1.0]))
    losses = world.losses(N, D, {source: r})
    found = fit(LAW, Runs(N=N, D=D, share=r, loss=losses), bootstrap=0, objective="squares-log", starts=60)
    best = float(SHARES[int(np.argmin(world.difference(source, SHARES, *question)))])
    return Linearised(source, question, found.values, best if best > 0 else 0.5, world)


def widths(laws: Sequence[Linearised], design: Design) -> Array:
    """Full widths (worlds,) of the 90 % interval of the difference at the best share, nats per token."""
    if not laws:
        return np.zeros(0)
    source, (params, tokens) = laws[0].source, laws[0].question
    mine = np.array([not run.shares or set(run.shares) == {source} for run in design.runs])
    keys = np.column_stack([design.N, design.D, design.share_of(source)])[mine]
    if design.trunk:
        runs, count = keys, np.ones(len(keys), dtype=np.intp)
    else:  # runs that differ in their seed alone: one of less noise
        runs, count = np.unique(keys, axis=0, return_counts=True)
    label = design.families[mine]
    thinned = 1.0
    if len(runs) > MOST_ROWS:  # the matrices are of their square: a sample, its information scaled up
        kept = np.sort(np.random.default_rng(0).choice(len(runs), MOST_ROWS, replace=False))
        thinned, runs, count = len(runs) / MOST_ROWS, runs[kept], count[kept]
        label = label[kept] if design.trunk else label
    x = Inputs(N=runs[:, 0], D=runs[:, 1], share=runs[:, 2])
    cells, mixtures = (_same(columns) for columns in (runs[:, :2], runs))
    families = _same(label[:, None]) if design.trunk else np.eye(len(runs))
    here = Inputs(N=[params] * 2, D=[tokens] * 2, share=[laws[0].share, 0.0])
    factor = _model_error(x, here, params, tokens)
    law, found = find(LAW), []
    for one in laws:
        world, scale = one.world, _scales(one.theta)
        losses, slopes = law.evaluate(one.theta, x)  # (k,), (p, k)
        J = (slopes / losses).T * scale
        common = TRUNK_NOISE if design.trunk else 0.0
        covariance = world.seed**2 * ((1 - common) * np.diag(1 / count) + common * families)
        covariance += world.mixture**2 * mixtures + world.cell**2 * cells
        information = thinned * J.T @ np.linalg.solve(covariance, J) + np.eye(len(scale))
        at = Inputs(N=[params] * 2, D=[tokens] * 2, share=[one.share, 0.0])
        slope = law.evaluate(one.theta, at)[1]
        g = (slope[:, 0] - slope[:, 1]) * scale
        found.append(2 * 1.645 * factor * np.sqrt(g @ np.linalg.solve(information, g)))
    return np.array(found)


def _same(columns: Array) -> Array:
    """(k, k): 1 where two rows agree."""
    label = np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)
    return (label[:, None] == label[None, :]).astype(np.float64)


def _model_error(x: Inputs, here: Inputs, params: float, tokens: float) -> float:
    """What intervals would be multiplied by at the question: cuts of this design, each as far off as published runs
    are (:data:`synthmix.scaling.model_error.PUBLIC_FACTOR`)."""
    runs = Runs(N=x.N, D=x.D, share=x.share, loss=np.ones(len(x)))
    cuts = []
    for column, what, kept in inner_cuts(runs):
        if kept.sum() >= FEWEST_ROWS and not kept.all():
            train, test = runs.select(kept), runs.select(~kept)
            direction, far = away(train, test)
            n, d, share = (float(part) for part in direction.mean(axis=0))
            cut = (len(train), len(test), float(far.mean()), (n, d, share), 0.0, PUBLIC_FACTOR / 1.645)
            cuts.append(InnerCut(column, what, *cut))
    return float(ModelError("inner cuts" if cuts else "public", tuple(cuts)).at(*away(runs, here))[0])


def _scales(theta: Array) -> Array:
    """Standard deviations (p,) of the weak prior."""
    names = find(LAW).names
    at = dict(zip(names, np.abs(theta), strict=True))
    floor = max(at["E0"], 0.5)
    known = {"alpha": 0.5, "beta": 0.5, "A": at["A"], "E0": floor, "E1": floor, "E2": floor}
    return np.array([known.get(name, at["B0"]) for name in names])
