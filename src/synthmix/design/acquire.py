"""What is believed of a decision and of the runs that could be made for it, from the laws that are fitted so far.

:mod:`synthmix.scaling.acquisition` chooses by it. How far measured mixtures lie off the law is part of it: a mixture
that was better than the law said at a small scale is taken to be so, less and less, at larger ones.

Shape letters: m options, n runs that could be made, r runs that were made, s draws, t domains.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from synthmix.decisions.choose import choose
from synthmix.decisions.decide import loss_spread
from synthmix.decisions.fits import StudyFits
from synthmix.decisions.next_runs import log_losses, open_kinds, top_share
from synthmix.decisions.predict import Prediction, predictions
from synthmix.design.priors import MIXTURE_NOISE
from synthmix.results import Question
from synthmix.runs import RunsTable
from synthmix.scaling.acquisition import Belief, Error, Errors, Points
from synthmix.scaling.mixtures import MixtureFit, MixturePoints
from synthmix.scaling.runs import Array, Index

UNKNOWN = 0.02  # how far recipes differ in log-loss, where no two were measured at one place (CHOSEN)
NOISE = 0.2  # of how far recipes differ, one run's noise where it is not known (CHOSEN)
WIDE = 3.0  # of the spread of all values, how far the mean of a place may lie off that of the others (CHOSEN)
SHARES = 20  # of a source, at the question
WORST = 1.5  # of the largest measured loss, the largest that a draw of a law is taken to predict (CHOSEN)
OWN = 0.5  # of the variance of residuals within a cell, what a mixture has of its own; the rest is a run's (CHOSEN)


class Could(NamedTuple):
    """A run of natural text and one synthetic source that could be made; ``kind`` None: natural text alone."""

    kind: str | None
    share: float
    params: int
    tokens: int


def share_beliefs(
    table: RunsTable, fits: StudyFits, question: Question, runs: Sequence[Could]
) -> list[tuple[Belief, Index]]:
    """Of the losses of shares at the question and of runs, by the laws of every source that may be best, pooled: the
    first option, and the reference, is natural text alone. With each the places of its runs among all. Empty where no
    law predicts the question."""
    found = [one for one in predictions(table, fits, question) if one.kind is not None and one.recipe is None]
    if not found:
        return []
    choice = choose(found, question.tokens, fits.noise.sd or 0.0, fits.level, loss_spread(table))
    each = [_share_belief(found[k], top_share(found, k), runs, question) for k in open_kinds(found, choice)]
    return [one for one in each if one is not None]


def _share_belief(one: Prediction, top: int, runs: Sequence[Could], question: Question) -> tuple[Belief, Index] | None:
    laws = [law.fit for law in one.laws]
    if any(law.why for law in laws):
        return None
    own = np.unique(np.r_[np.linspace(0, len(one.shares) - 1, SHARES + 1).astype(int), top])
    own = own[one.shares[own] > 0]
    mine = np.array([i for i, run in enumerate(runs) if run.kind in (None, one.name)], dtype=np.intp)
    base, first = laws[0], one.laws[0]
    options = np.vstack([np.column_stack([law.natural[1:], law.loss[1:, own]]) for law in one.laws])
    mean = np.r_[first.natural[0], first.loss[0, own]]
    shares = np.r_[0.0, one.shares[own], [runs[i].share for i in mine]]
    size, budget = (
        np.r_[np.full(len(mean), float(asked)), [float(getattr(runs[i], name)) for i in mine]]
        for asked, name in ((question.params, "params"), (question.tokens, "tokens"))
    )
    made = base.runs
    most = WORST * float(made.loss.max())  # a law that its runs hardly determine predicts anything
    options, mean = np.clip(options, 0.0, most), np.clip(mean, 0.0, most)
    noise, total = base.noise, base.noise.total or 0.0
    run = total / np.sqrt(2) if noise.seed is None else noise.seed
    errors = Errors(min(total, MIXTURE_NOISE), noise.cell, max(run, 1e-6))
    known = _at(np.asarray(made.share), made.N, made.D)
    error = Error(_at(shares, size, budget), known, base.residuals, errors, np.r_[mean, np.ones(len(mine))])
    draws = np.minimum(log_losses(laws, [runs[i] for i in mine]), np.log(most))
    return Belief.of_draws(mean, options, draws, error, np.full(len(mine), errors.run**2), 0), mine


def _at(share: Array, N: Array, D: Array) -> Points:
    return Points(np.column_stack([1 - share, share]), np.column_stack([np.log10(N), np.log10(D)]))


def mixture_belief(
    found: MixtureFit,
    options: MixturePoints,
    runs: MixturePoints,
    weights: Array | None = None,
    reference: int | None = None,
) -> Belief:
    """Of the options' weighted losses at the question and of the runs' weighted losses, by a law of mixtures.

    Args:
        found: a law fitted with draws. options: (m,) at the question. runs: (n,) that could be made.
        weights: (t,) of the domains; None: all alike. reference: the option that others are compared with.
    """
    weights = np.full(len(found.domains), 1 / len(found.domains)) if weights is None else weights
    options, runs = found.at(options), found.at(runs)
    error, mean = _off_the_law(found, options, runs, weights)
    s, _, p = found.draws.shape
    drawn = []
    for each in (options, runs):
        losses = found.law.predict(found.draws.reshape(-1, p), each, found.units).reshape(s, -1, len(each))
        drawn.append(np.log(np.maximum(np.einsum("stn,t->sn", losses, weights), 1e-6)))
    noise = np.full(len(runs), error.errors.run**2)
    return Belief.of_draws(mean, drawn[0] * mean, drawn[1], error, noise, reference)


def expected_losses(found: MixtureFit, options: MixturePoints, weights: Array | None = None) -> Array:
    """(m,) weighted losses at the question: the law's, moved by how far the runs lie off it."""
    weights = np.full(len(found.domains), 1 / len(found.domains)) if weights is None else weights
    options = found.at(options)
    return _off_the_law(found, options, options.select(np.zeros(0, dtype=int)), weights)[1]


def recipe_belief(
    options: Points,
    runs: Points,
    made: Points,
    values: Array,
    run: float | None = None,
    reference: int | None = None,
) -> Belief:
    """Of recipes that no law of shares relates: each near what it was at other scales, those of near shares alike.

    Args:
        options: (m,) at the question. runs: (n,) that could be made.
        made, values: (r,) runs with the logarithms of their losses (minus these of scores that are better when higher).
        run: standard deviation of one run's; None: not known, and taken to be a fifth of how far recipes differ.
        reference: the option that others are compared with.
    """
    middle = float(values.mean())
    found = split(values - middle, made.places)
    own = np.hypot(found.own, found.run) or UNKNOWN  # how far the recipes of one place differ
    noise = NOISE * own if run is None else run
    common = max(float(np.std(values)), own) * WIDE
    scale = Errors(np.sqrt(max(own**2 - noise**2, (NOISE * own) ** 2)), common, noise)
    error = Error(options + runs, made, values - middle, scale)
    m, count = len(options.shares), len(runs.shares)
    nothing = np.zeros((2, 1))
    noises = np.full(count, noise**2)
    mean = middle + error.mean[:m]
    return Belief.of_draws(mean, np.repeat(nothing, m, 1), np.repeat(nothing, count, 1), error, noises, reference)


def _off_the_law(found: MixtureFit, options: MixturePoints, runs: MixturePoints, weights: Array) -> tuple[Error, Array]:
    """The error at options and runs, in nats at the options, and the options' expected losses (m,)."""
    made, measured = found.runs.points, found.runs.losses @ weights
    seen = np.isfinite(measured)
    made = made.select(seen)
    residuals = np.log(measured[seen]) - np.log(_losses(found, made, weights))
    law = _losses(found, options, weights)
    errors = split(residuals, _points(made).places)
    scale = np.concatenate([law, np.ones(len(runs))])
    error = Error(_points(options) + _points(runs), _points(made), residuals, errors, scale)
    return error, law * np.exp(error.mean[: len(options)])


def split(residuals: Array, places: Array) -> Errors:
    """Residuals (r,) of log-losses at places (r, 2) -> what is common to a place, a mixture's own, and a run's."""
    cell = np.unique(np.round(places, 6), axis=0, return_inverse=True)[1].reshape(-1)
    counts = np.bincount(cell)
    means = np.bincount(cell, weights=residuals) / counts
    freedom = len(residuals) - len(counts)
    total = float((residuals**2).mean())
    within = float(((residuals - means[cell]) ** 2).sum() / freedom) if freedom >= 3 else total / 2
    common = max(total - within, 0.0)
    return Errors(*(float(np.sqrt(x)) for x in (OWN * within, common, (1 - OWN) * within)))


def _losses(found: MixtureFit, points: MixturePoints, weights: Array) -> Array:
    """(n,) of the law alone."""
    losses: Array = weights @ found.law.predict(found.theta, points, found.units)
    return losses


def _points(points: MixturePoints) -> Points:
    """With log10 of N and D; 0 where one is not known."""
    columns = [np.zeros(len(points)) if x is None else np.log10(x) for x in (points.N, points.D)]
    return Points(points.shares, np.column_stack(columns))
