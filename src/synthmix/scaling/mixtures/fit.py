"""Fitting a law of mixtures to runs: one set of parameters a domain, and draws of their posterior.

Maximum a posteriori with the priors of the terms, Gaussian in the response (:mod:`.link`: log-losses, errors of task
scores). The noise's standard deviation is exp(a + b response): losses far above the floor scatter more. Draws are
refits to perturbed losses and a perturbed prior ("randomize, then optimize", Bardsley et al. 2014, doi
10.1137/140964023), exact for a linear law and, unlike a normal approximation, at ease where a source is worth nothing.
Checkpoints of one run are not independent: each counts 1 / (1 + (m - 1) rho), m of them in a run and rho the
correlation of their residuals.

Where there are runs enough, a Gaussian process takes what the law leaves (:mod:`.process`), if it predicts held-out
mixtures better than the law alone: sources that gain or lose from each other, which no law here has.

Shape letters: n points, k sources, t domains, p parameters, s draws.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from synthmix.errors import BadInput
from synthmix.quantities import listed
from synthmix.results import Warn
from synthmix.scaling.mixtures import link
from synthmix.scaling.mixtures.fitted import Calibration, MixtureFit, Noise, log_d, log_n, with_process
from synthmix.scaling.mixtures.law import BoundLaw, MixtureLaw, find_mixture_law
from synthmix.scaling.mixtures.points import MixturePoints, MixtureRuns
from synthmix.scaling.mixtures.process import ResidualProcess, residual_process
from synthmix.scaling.mixtures.solver import Penalty, Solution, Task, evaluate_responses, penalty_of, solve
from synthmix.scaling.mixtures.terms import Units, units_of
from synthmix.scaling.runs import Array, Index, Mask

_FIRST_NOISE = 0.02  # of the log-loss, until the residuals tell
_PASSES = 3
_FOLDS = 5
# Of the objective, whose spread over the posterior is p / 2. Refits that end earlier lie too near to where they began:
# at 1e-3 the shares of simulated optima spread up to a third less, and gains a quarter; at 1e-4 a tenth and a seventh.
_DRAW_TOLERANCE, _DRAW_STEPS = 1e-4, 60
_ALL_THE_WAY, _CHEAP = (1e-7, 120), 1e7  # where all refits' Jacobians together hold fewer numbers
_TILT = 2.0  # prior standard deviation of b, the exponent of the noise


def fit_mixtures(
    law: str | MixtureLaw,
    runs: MixtureRuns,
    *,
    draws: int = 200,
    level: float = 0.9,
    seed: int = 0,
    hold_out: bool = True,
) -> MixtureFit:
    """Fit a law over a vector of shares, one set of parameters a domain.

    Args:
        law: its name (:data:`.MIXTURE_LAWS`), or a law of one's own.
        draws: of the posterior; 0: none, so no optimum has an interval.
        level: of intervals. seed: of the draws and of the folds.
        hold_out: predict held-out mixtures and the held-out largest scale, and widen intervals by what they show.

    Raises:
        BadInput: fewer distinct mixtures than the law can bear, or ``draws`` or ``level`` out of range.
    """
    if draws < 0 or not 0 < level < 1:
        raise BadInput("must be 0 or more, and level between 0 and 1", where="fit", key="draws")
    bound = find_mixture_law(law).of(runs.points)
    warnings = check_design(bound, runs)
    fitting = _Fitting(bound, runs, units_of(runs.points))
    found = fitting.map()
    process = residual_process(runs.points, fitting.scaled(found)) if fitting.known.all() and found.rho == 0 else None
    held, process = _calibrations(fitting, found, process, level, seed) if hold_out else ((), process)
    drawn = fitting.draws(found, draws, seed)
    return MixtureFit(
        bound, runs, fitting.units, found.solution.theta, drawn, found.noise, found.correlation, found.rho,
        np.asarray(np.linalg.inv(found.solution.hessian), dtype=np.float64), found.freedom, held, level, warnings,
        process,
    )  # fmt: skip


def fewest_mixtures(sources: int) -> int:
    """Distinct mixtures that a law of so many sources needs: with fewer, even with the priors, nothing checks it."""
    return sources + 3


def check_design(law: BoundLaw, runs: MixtureRuns) -> list[Warn]:
    """Whether the runs can bear the law, and what they cannot tell apart.

    Raises:
        BadInput: fewer distinct mixtures than sources and three more: even with the priors nothing checks it then.
    """
    shares, sources = runs.points.shares, runs.points.sources
    k, mixtures = len(sources), int(runs.points.mixtures.max()) + 1
    need = fewest_mixtures(k)
    if mixtures < need:
        raise BadInput(
            f"{mixtures} distinct mixtures of {k} sources are too few", where=f"law {law.name}",
            remedy=f"{need} would do, {2 * k + 4} would do well",
        )  # fmt: skip
    found = []
    if mixtures < 2 * k + 4:
        message = f"{mixtures} mixtures of {k} sources: the priors weigh as much as the runs; {2 * k + 4} would do well"
        found.append(Warn(code="few_mixtures", message=message))
    never = [name for name, column in zip(sources, shares.T, strict=True) if column.max() <= 0]
    if never:
        message = f"{listed(never)} has no share in any run: what it is worth is the prior's word alone"
        found.append(Warn(code="source_never_used", message=message))
    moving = [i for i in range(k) if np.ptp(shares[:, i]) > 1e-6]
    fixed = [sources[i] for i in range(k) if i not in moving and sources[i] not in never]
    if fixed:
        message = f"{listed(fixed)} has one share in all runs: what it is worth cannot be told from the floor"
        found.append(Warn(code="source_not_varied", message=message))
    found += _at_chance(runs)
    pairs = [
        f"{sources[i]} and {sources[j]}"
        for place, i in enumerate(moving) for j in moving[place + 1 :]
        if k > 2 and abs(np.corrcoef(shares[:, i], shares[:, j])[0, 1]) > 0.98
    ]  # fmt: skip
    if pairs:
        message = f"shares move together in all runs and cannot be told apart: {'; '.join(pairs)}"
        found.append(Warn(code="collinear_shares", message=message))
    return found


def _at_chance(runs: MixtureRuns) -> list[Warn]:
    """Tasks on which no run scores above guessing by more than the luck of their questions."""
    found = []
    for name, losses, chance, items in zip(runs.domains, runs.losses.T, runs.chance, runs.items, strict=True):
        if not np.isfinite(chance):
            continue
        best = 1 - float(np.nanmin(losses))
        luck = 2 * np.sqrt(chance * (1 - chance) / items) if np.isfinite(items) else 0.0
        if best <= chance + luck:
            message = f"no run scores above guessing on {name} ({best:.1%}, chance {chance:.1%}): it says nothing"
            found.append(Warn(code="task_at_chance", message=message, about=name))
    return found


class _Found(NamedTuple):
    solution: Solution
    noise: Noise
    correlation: Array
    rho: float
    freedom: Array
    weight: Array


class _Fitting:
    """The regressions of all domains of some runs, and what is the same in all of their fits."""

    def __init__(self, law: BoundLaw, runs: MixtureRuns, units: Units) -> None:
        self.law, self.runs, self.units = law, runs, units
        self.known = np.isfinite(runs.losses.T)
        self.chance: Array = runs.chance
        rows = zip(np.where(self.known, runs.losses.T, 1.0), self.chance, strict=True)
        self.target = np.where(self.known, np.array([link.of_measured(row, float(c)) for row, c in rows]), 0.0)
        columns = zip(runs.losses.T, self.known, self.chance, strict=True)
        held = [link.as_numbers(losses[known], float(chance)) for losses, known, chance in columns]
        self.penalties: list[Penalty] = [
            penalty_of([term.prior(runs.points, losses) for term in law.terms]) for losses in held
        ]
        self.starts = [self._starts(losses) for losses in held]
        self.sizes = np.bincount(runs.group)[runs.group]  # checkpoints of each point's run

    def _starts(self, losses: Array) -> list[Array]:
        each = [term.starts(self.runs.points, losses) for term in self.law.terms]
        most = max(len(starts) for starts in each)
        return [np.concatenate([starts[min(i, len(starts) - 1)] for starts in each]) for i in range(most)]

    def scaled(self, found: "_Found") -> Array:
        """Residuals in units of the noise (t, n)."""
        logs = link.response(self.law.predict(found.solution.theta, self.runs.points, self.units), self.chance)
        size: Array = np.where(self.known, self.target - logs, 0.0) / found.noise.sd(logs)
        return size

    def task(self, weight: Array, domains: Index | None = None) -> Task:
        """The regressions of ``domains`` (all; repeated ones are allowed) with weights (b, n)."""
        which = np.arange(len(self.penalties)) if domains is None else domains
        precision, linear, low, high = (
            np.array([getattr(self.penalties[i], name) for i in which])
            for name in ("precision", "linear", "low", "high")
        )
        return Task(
            self.law, self.runs.points, self.units, self.target[which], weight, precision, linear, low, high,
            self.chance[which],
        )  # fmt: skip

    def map(self, keep: Mask | None = None, near: _Found | None = None) -> _Found:
        """Maximum a posteriori, the noise estimated anew after each pass.

        Args:
            keep: (n,) the points that are fitted; None: all.
            near: begin at this solution and keep its noise.
        """
        known = self.known if keep is None else self.known & keep
        if near is not None:
            weight = np.where(known, near.weight, 0.0)
            solution = solve(self.task(weight), near.solution.theta, tolerance=1e-5)
            freedom = _freedom(solution)
            return near._replace(solution=solution, freedom=freedom, weight=weight)
        weight = np.where(known, _FIRST_NOISE**-2, 0.0)
        task, rho = self.task(weight), 0.0
        starts = np.array(list(zip(*self.starts, strict=True)))  # (starts, t, p)
        tries = [solve(task, start, iterations=60, tolerance=1e-4) for start in starts]
        best = np.argmin([each.cost for each in tries], axis=0)
        theta = np.array([tries[place].theta[domain] for domain, place in enumerate(best)])
        for last in range(_PASSES):
            solution = solve(task, theta, iterations=60, tolerance=1e-5)
            theta, freedom = solution.theta, _freedom(solution)
            logs, slope = evaluate_responses(self.law, theta, self.runs.points, self.units, self.chance)
            residual = np.where(known, self.target - logs, 0.0)
            noise = _noise(residual, logs, known, _leverage(solution, slope, task.weight), freedom)
            rho = _correlated(residual / noise.sd(logs), known, self.runs.group)
            counts = known / noise.sd(logs) ** 2 / (1 + (self.sizes - 1) * rho)
            if last < _PASSES - 1:
                task = self.task(counts)
        correlation = _between_domains(residual / noise.sd(logs), known)
        solution = solve(self.task(counts), theta, iterations=30, tolerance=1e-6)
        return _Found(solution, noise, correlation, rho, _freedom(solution), counts)

    def draws(self, found: _Found, count: int, seed: int) -> Array:
        """(s, t, p) refits to perturbed losses and a perturbed prior."""
        t, n = self.target.shape
        p = found.solution.theta.shape[1]
        if not count:
            return np.zeros((0, t, p))
        rng = np.random.default_rng([seed, 17])
        root = np.linalg.cholesky(found.correlation)
        losses = np.einsum("ut,stn->sun", root, rng.standard_normal((count, t, n)))
        with np.errstate(divide="ignore"):  # how large the noise is is not known either
            size = np.where(found.weight > 0, 1 / np.sqrt(np.maximum(found.weight, 1e-300)), 0.0)
        size = size * np.sqrt(found.noise.dof / rng.chisquare(found.noise.dof, size=(count, t)))[..., None]
        prior = [rng.standard_normal((count, len(one.factor))) @ one.factor for one in self.penalties]
        domains = np.tile(np.arange(t), count)
        task = self.task(np.tile(found.weight, (count, 1)), domains)
        task = Task(
            self.law, self.runs.points, self.units, task.target + (losses * size).reshape(count * t, n),
            np.where(size > 0, 1 / np.maximum(size, 1e-12) ** 2, 0.0).reshape(count * t, n),
            task.precision, task.linear + np.stack(prior, axis=1).reshape(count * t, p), task.low, task.high,
            task.chance,
        )  # fmt: skip
        start = np.tile(found.solution.theta, (count, 1))
        tolerance, steps = _ALL_THE_WAY if count * t * n * p < _CHEAP else (_DRAW_TOLERANCE, _DRAW_STEPS)
        return solve(task, start, steps, tolerance, damping=1e-4).theta.reshape(count, t, p)


def _freedom(solution: Solution) -> Array:
    """Effective number of parameters (t,): the trace of (data + prior)^-1 data."""
    found: Array = np.einsum("bpq,bqp->b", np.linalg.inv(solution.hessian), solution.of_data)
    return found


def _leverage(solution: Solution, slope: Array, weight: Array) -> Array:
    """(t, n) how much each point has a say in its own prediction; they add up to :func:`_freedom`."""
    inverse = np.linalg.inv(solution.hessian)
    found: Array = np.einsum("tnp,tpq,tnq->tn", slope, inverse, slope, optimize=True) * weight
    return np.clip(found, 0.0, 1.0)


def _noise(residual: Array, logs: Array, known: Mask, leverage: Array, freedom: Array) -> Noise:
    """Noise by maximum likelihood, b shrunk to 0. A point counts as much as the others predict it (1 - leverage, which
    is what its squared residual is expected to be of the noise's): a source alone that one run measured is fitted
    whatever its noise, and would pass for one that has none."""
    t = len(residual)
    a, b, centre, dof = np.zeros(t), np.zeros(t), np.zeros(t), np.zeros(t)
    for i in range(t):
        e, x, free = residual[i][known[i]], logs[i][known[i]], 1 - leverage[i][known[i]]
        centre[i] = np.average(x, weights=free + 1e-6)
        x = x - centre[i]
        dof[i] = max(len(e) - freedom[i], 2.0)
        size = np.maximum(e**2, (1e-7) ** 2)
        a[i] = 0.5 * np.log(size.sum() / dof[i])
        for _ in range(20):  # Newton on sum(free (a + b x) + size exp(-2 (a + b x)) / 2) + b^2 / (2 tilt^2)
            ratio = size * np.exp(-2 * np.clip(a[i] + b[i] * x, -20, 10))
            gradient = np.array([(free - ratio).sum(), ((free - ratio) * x).sum() + b[i] / _TILT**2])
            hessian = 2 * np.array([[ratio.sum(), (ratio * x).sum()], [(ratio * x).sum(), (ratio * x * x).sum()]])
            hessian[1, 1] += 1 / _TILT**2
            step = np.linalg.solve(hessian + 1e-9 * np.eye(2), gradient)
            a[i], b[i] = a[i] - np.clip(step[0], -1, 1), b[i] - np.clip(step[1], -1, 1)
    return Noise(a, b, centre, dof)


def _correlated(scaled: Array, known: Mask, group: Array) -> float:
    """Correlation of the residuals of one run's checkpoints, by the analysis of variance; 0 where each is its own."""
    sizes = np.bincount(group)
    if sizes.max() < 2:
        return 0.0
    products, squares, pairs, count = 0.0, 0.0, 0.0, 0
    for row, there in zip(scaled, known, strict=True):
        sums = np.bincount(group, weights=row * there, minlength=len(sizes))
        square = np.bincount(group, weights=row**2 * there, minlength=len(sizes))
        number = np.bincount(group, weights=there.astype(float), minlength=len(sizes))
        products += float((sums**2 - square).sum())
        pairs += float((number * (number - 1)).sum())
        squares, count = squares + float(square.sum()), count + int(there.sum())
    return float(np.clip((products / max(pairs, 1)) / (squares / max(count, 1)), 0.0, 0.99))


def _between_domains(scaled: Array, known: Mask) -> Array:
    """(t, t) correlation of the domains' residuals, shrunk to none by a tenth so that it can be inverted."""
    both = known.astype(float) @ known.T
    product = (scaled * known) @ (scaled * known).T / np.maximum(both, 1)
    size = np.sqrt(np.maximum(np.diag(product), 1e-30))
    found: Array = 0.9 * np.clip(product / np.outer(size, size), -1, 1) + 0.1 * np.eye(len(scaled))
    return found


# Held-out mixtures and scales


def _calibrations(
    fitting: _Fitting, found: _Found, process: ResidualProcess | None, level: float, seed: int
) -> tuple[tuple[Calibration, ...], ResidualProcess | None]:
    """How held-out runs were predicted, and the process if it predicts held-out mixtures better than the law alone."""
    runs = fitting.runs
    labels = runs.points.mixtures
    order = np.random.default_rng([seed, 5]).permutation(labels.max() + 1)
    folds = [np.isin(labels, order[i::_FOLDS]) for i in range(_FOLDS)]
    result = [_held_out(fitting, found, None, folds, "mixture", level)]
    if process is not None:
        both = _held_out(fitting, found, process, folds, "mixture", level)
        process = process if both.error < result[0].error else None
        result = [both] if process is not None else result
    if (largest := largest_scale(runs.points)) is not None:
        result.append(_held_out(fitting, found, None, [largest], "scale", level))
    return tuple(result), process


def largest_scale(points: MixturePoints) -> Mask | None:
    """(n,) the points at the largest N, or where N is one, beyond 60 % of the way to the largest D (in logarithms).

    None where too few would be left, or where neither varies."""
    for of in (log_n, log_d):
        scale = of(points)
        if scale is None or np.ptp(scale) < 1e-6:
            continue
        values = np.unique(np.round(scale, 6))
        edge = values[-1] if of is log_n else values.min() + 0.6 * np.ptp(values)
        test = scale >= edge - 1e-5
        left = len(np.unique(np.round(scale[~test], 6)))
        mixtures = len(np.unique(points.mixtures[~test]))
        if left >= 2 and mixtures >= len(points.sources) + 3:
            found: Mask = test
            return found
    return None


def _held_out(
    fitting: _Fitting, found: _Found, process: ResidualProcess | None, folds: Sequence[Mask],
    what: Literal["mixture", "scale"], level: float,
) -> Calibration:  # fmt: skip
    """Fit without each fold, predict it; the factor of each domain is the quantile of |error| over half-width, pooled
    with all domains' by how many points it rests on."""
    from scipy.special import stdtrit

    t = len(fitting.target)
    scores: list[list[Array]] = [[] for _ in range(t)]
    predicted = np.full(fitting.target.T.shape, np.nan)
    for fold in folds:
        one = fitting.map(keep=~fold, near=found if what == "mixture" else None)
        there = fitting.runs.points.select(fold)
        logs, slope = evaluate_responses(fitting.law, one.solution.theta, there, fitting.units, fitting.chance)
        left = None if process is None else process.of(~fold, fitting.scaled(one)[:, ~fold])
        covariance = np.asarray(np.linalg.inv(one.solution.hessian), dtype=np.float64)
        logs, variance, noise = with_process(logs, slope, covariance, one.noise, left, there)
        half = np.sqrt(variance + noise) * stdtrit(one.noise.dof, (1 + level) / 2)[:, None]
        error = fitting.target[:, fold] - logs
        predicted[fold] = np.where(fitting.known[:, fold], link.measured(logs, fitting.chance), np.nan).T
        for i in range(t):
            known = fitting.known[i][fold]
            scores[i].append(np.abs(error[i][known]) / half[i][known])
    each = [np.concatenate(parts) for parts in scores]
    pooled = np.concatenate(each)
    # The errors of one held-out scale hang together, those of different mixtures at one scale much less so.
    held = np.any(folds, axis=0)
    alone = _cells(fitting.runs.points, held) if what == "scale" else len(np.unique(fitting.runs.points.mixtures[held]))
    overall = _quantile(pooled, level, alone)
    own = np.array([_quantile(part, level, alone) for part in each])
    trust = np.array([len(part) / (len(part) + 50.0) for part in each])
    factor = np.exp(trust * np.log(own) + (1 - trust) * np.log(overall))
    low = 0.75 if what == "mixture" else 1.0
    losses = fitting.runs.losses
    over = np.where(np.isfinite(fitting.chance), np.maximum(np.nanmean(losses, axis=0), 1e-3), losses)
    errors = (predicted - losses) / over
    return Calibration(
        what, float(np.nanmean(np.abs(errors))), float((pooled <= 1).mean()), np.clip(factor, low, 20.0), len(pooled),
        errors, predicted,
    )  # fmt: skip


def _cells(points: MixturePoints, held: Mask) -> int:
    """Distinct (N, D) among some points."""
    columns = [x[held] for x in (points.N, points.D) if x is not None]
    return len(np.unique(np.column_stack(columns), axis=0))


def _quantile(scores: Array, level: float, alone: int) -> float:
    """The conformal quantile of scores of which ``alone`` are independent: at (m + 1) level / m of m."""
    return float(max(np.quantile(scores, min((alone + 1) * level / alone, 1.0)), 1e-3))
