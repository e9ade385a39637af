"""The width of the answer by the law's linearisation: microseconds a design, to rank many of them.

With losses L(theta) of the law joint_quadratic at a world's own parameters, log-losses of the runs have the
information J' S^-1 J, J = d ln L / d theta and S = seed noise, the scatter of cells and mixtures, and the law's own
error in the share's effect (:mod:`synthmix.scaling.share_error`, at one setting of its processes). The difference from
natural text alone at the question, d(theta), then has the variance q - c' S^-1 c + h' (J' S^-1 J + P)^-1 h with
h = g - J' S^-1 c: g = dd / dtheta, q and c the variance of that error at the question and its covariance with the runs
(universal kriging; without the error c-optimality, Atkinson and Donev 1992). P is a weak prior (a factor is known
within its own size, and so is what the share changes of it; an exponent within .5), so that a design that does not
determine the law gets a wide answer and not an error. All of it is multiplied by what the law's own error does to
intervals of published runs, over the distance that the design's own held-out cuts reach: so much do two laws part, both
of which an answer holds. It ranks, and :mod:`synthmix.design.simulate` says how wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.design.design import Design
from synthmix.design.worlds import TRUNK_NOISE, World
from synthmix.scaling import fit
from synthmix.scaling.laws import find
from synthmix.scaling.model_error import FEWEST_ROWS, PUBLIC_FACTOR, InnerCut, ModelError, away, decades, inner_cuts
from synthmix.scaling.runs import Array, Inputs, Runs
from synthmix.scaling.share_error import EDGE, covariance, pinned

LAW = "joint_quadratic"
SHARES = np.linspace(0, 1, 21)
MOST_ROWS = 400
#: Of the error in the share's effect: its form, its drift a decade, its length (CHOSEN, inside what fits average over).
FORM, DRIFT, LENGTH = 0.1, 0.2, 0.5


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
    places = np.log10(runs[:, :2])
    middle = places.mean(axis=0)
    beside = np.column_stack([np.ones(len(runs)), places - middle])
    there = np.array([1.0, *(np.log10([params, tokens]) - middle)])
    law, found = find(LAW), []
    for one in laws:
        world, scale = one.world, _scales(one.theta)
        losses, slopes = law.evaluate(one.theta, x)  # (k,), (p, k)
        J = (slopes / losses).T * scale
        common = TRUNK_NOISE if design.trunk else 0.0
        scatter = world.seed**2 * ((1 - common) * np.diag(1 / count) + common * families)
        scatter += world.mixture**2 * mixtures + world.cell**2 * cells
        at = Inputs(N=[params] * 2, D=[tokens] * 2, share=[one.share, 0.0])
        value, slope = law.evaluate(one.theta, at)
        unit = _effect(one.theta, x)
        error = covariance(beside, x.share, unit, FORM, DRIFT, LENGTH)
        known = np.linalg.solve(scatter + error, J)
        scale_of = unit**2 * np.array([FORM, DRIFT, DRIFT]) ** 2
        c = value[0] * pinned(x.share, at.share[:1], LENGTH)[:, 0] * (beside @ (scale_of * there))
        beyond = max(float(far[0]) for far in decades(x, at).values())
        q = there**2 @ scale_of + (EDGE * unit * beyond) ** 2
        q *= value[0] ** 2 * pinned(at.share[:1], at.share[:1], LENGTH)[0, 0]
        information = thinned * J.T @ known + np.eye(len(scale))
        h = (slope[:, 0] - slope[:, 1]) * scale - known.T @ c
        variance = q - c @ np.linalg.solve(scatter + error, c) + h @ np.linalg.solve(information, h)
        found.append(2 * 1.645 * factor * np.sqrt(max(variance, 0.0)))
    return np.array(found)


def _same(columns: Array) -> Array:
    """(k, k): 1 where two rows agree."""
    label = np.unique(columns, axis=0, return_inverse=True)[1].reshape(-1)
    return (label[:, None] == label[None, :]).astype(np.float64)


def _effect(theta: Array, x: Inputs) -> float:
    """How far the law's log-loss moves over the share, the mean over the runs' sizes and budgets."""
    k = len(SHARES)
    at = Inputs(N=np.repeat(x.N, k), D=np.repeat(x.D, k), share=np.tile(SHARES, len(x)))
    curves = np.log(find(LAW).predict(theta, at)).reshape(len(x), k)
    return float(np.ptp(curves, axis=1).mean())


def _model_error(x: Inputs, here: Inputs, params: float, tokens: float) -> float:
    """By how much laws part at the question: cuts of this design, each as far off as published runs are
    (:data:`synthmix.scaling.model_error.PUBLIC_FACTOR`)."""
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
