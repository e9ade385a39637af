"""The second step from loss to task score: a sigmoid that starts at chance.

    score(L) = chance + (top - chance) / (1 + exp(-(a - k (L - mean L) + sum_s c_s r_s)))

The first step is the scaling law of the loss, L(N, D, recipe); together they say what a task will score at a size that
was not trained. Two steps, with a sigmoid from loss to accuracy: Bhagia et al., "Establishing Task Scaling Laws via
Compute-Efficient Model Ladders" (arXiv 2412.04403; FOUND; their loss is that of the task's answers, ours the held-out
average). Far below its middle the sigmoid is chance + (top - chance) exp(a - k (L - mean L)): a power of perplexity,
as Gadre et al. relate error to it (arXiv 2403.08540; FOUND), and the part of the curve that small models see.

CHOSEN: the floor is held at chance, which a task with choices knows, and the top at 1, which a ladder of small models
cannot tell. c_s is ours (DERIVED: a nested model): the effect of a source's share r_s on the score *at equal loss*, in
logits. Without it the score is a function of the loss alone, and the best share by score is that by loss, by
construction.

Shape letters: n runs, p parameters.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.results import Warn
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array, Index
from synthmix.scaling.share import best_share
from synthmix.scaling.share_summary import GRID, BestShare, from_curves

STEPS = 40
STARTS = [(a, k) for a in (-6.0, -3.0, -1.0, 1.0) for k in (0.3, 1.0, 3.0, 10.0)]
# A score that never leaves chance fits any steep curve as well: parameters stop here (CHOSEN), and a warning says so.
MOST_LOGITS, MOST_SLOPE = 12.0, 50.0


@dataclass(frozen=True)
class TaskProblem:
    """Scores (n,) or (problems, n) at a design (n, p): columns 1, minus the centred loss, the shares.

    Attributes:
        weight: of each run, (n,) or (problems, n).
        low, high: bounds of the parameters (p,).
    """

    design: Array
    target: Array
    weight: Array
    chance: float
    top: float
    low: Array
    high: Array


def bounds(offsets: int) -> tuple[Array, Array]:
    """Bounds of (a, k, offsets...): the slope is never negative, a lower loss never lowers the score."""
    high = np.array([MOST_LOGITS, MOST_SLOPE, *[MOST_LOGITS] * offsets])
    return np.where(np.arange(len(high)) == 1, 0.0, -high), high


def score_at(logits: Array, chance: float, top: float) -> Array:
    """``chance + (top - chance) / (1 + exp(-logits))``, any shape."""
    return chance + (top - chance) * _sigmoid(logits)


def search(problem: TaskProblem) -> tuple[Array, float]:
    """The best parameters (p,) of one problem over all starts, and their weighted sum of squares."""
    start = np.zeros((len(STARTS), problem.design.shape[1]))
    start[:, :2] = STARTS
    found, objective = minimise(problem, start)
    best = int(np.argmin(objective))
    return found[best], float(objective[best])


def minimise(problem: TaskProblem, start: Array) -> tuple[Array, Array]:
    """Levenberg-Marquardt from ``start`` (problems, p) within the bounds: parameters, and sums of squares (problems,).

    The Jacobian is exact: d score / d theta = (top - chance) s (1 - s) design, s the sigmoid.
    """
    theta = np.clip(start, problem.low, problem.high)
    damping = np.full(len(theta), 1e-2)
    residual, slope = _residual(problem, theta)
    weight = np.broadcast_to(problem.weight, residual.shape)
    objective = (weight * residual**2).sum(axis=1)
    identity = np.eye(theta.shape[1])
    for _ in range(STEPS):
        jacobian = slope[:, :, None] * problem.design
        gradient = np.einsum("bn,bnp->bp", weight * residual, jacobian)
        squares = np.einsum("bn,bnp,bnq->bpq", weight, jacobian, jacobian)
        # A parameter at its bound that the gradient pushes outwards stays there, and the others solve without it.
        held = ((theta <= problem.low) & (gradient > 0)) | ((theta >= problem.high) & (gradient < 0))
        free = ~held
        squares = squares * free[:, :, None] * free[:, None, :]
        scale = np.einsum("bpp->bp", squares) + 1e-9
        system = squares + (damping[:, None] * scale + held)[:, :, None] * identity
        step = np.linalg.solve(system, (gradient * free)[:, :, None])[:, :, 0]
        tried = np.clip(theta - step, problem.low, problem.high)
        new_residual, new_slope = _residual(problem, tried)
        new_objective = (weight * new_residual**2).sum(axis=1)
        better = new_objective <= objective
        moved = float(np.abs(np.where(better[:, None], tried - theta, 0.0)).max(initial=0.0))
        theta = np.where(better[:, None], tried, theta)
        residual, slope = np.where(better[:, None], new_residual, residual), np.where(better[:, None], new_slope, slope)
        objective = np.where(better, new_objective, objective)
        damping = np.clip(np.where(better, damping / 4, damping * 6), 1e-10, 1e10)
        if moved < 1e-8 and (damping[~better] > 1e6).all():
            break
    return theta, objective


def _residual(problem: TaskProblem, theta: Array) -> tuple[Array, Array]:
    """Predicted minus measured scores (problems, n), and d score / d logits."""
    inner = _sigmoid(theta @ problem.design.T)
    span = problem.top - problem.chance
    return problem.chance + span * inner - problem.target, span * inner * (1 - inner)


def _sigmoid(x: Array) -> Array:
    return 0.5 * (1 + np.tanh(0.5 * x))


FORMULA = "score = chance + (top - chance) / (1 + exp(k (L - L_half)))"


@dataclass(frozen=True)
class TaskFit:
    """A fitted law of one task.

    Attributes:
        chance, top: the ends of the curve, given.
        centre: mean loss of the runs, nats per token.
        offsets: names of the sources whose share has an effect of its own.
        values, draws: (a, k, c_s...), (p,) and (resamples, p).
        noise: standard deviation of one run's score around the curve.
        loss, score: what it was fitted to, (n,).
        warnings: coded.
    """

    chance: float
    top: float
    centre: float
    offsets: tuple[str, ...]
    values: Array
    draws: Array
    noise: float
    loss: Array
    score: Array
    r2: float
    level: float
    warnings: list[Warn]

    def predict(self, loss: ArrayLike, shares: Mapping[str, ArrayLike] | None = None) -> Array:
        """Expected scores (n,) at losses (n,), nats per token, and shares by source (absent: 0)."""
        found: Array = self._at(self.values[None], loss, shares)[0]
        return found

    def draw(self, loss: ArrayLike, shares: Mapping[str, ArrayLike] | None = None) -> Array:
        """Scores (resamples, n). ``loss`` (n,), or (draws, n): those of the first step, paired with
        this one's, as many as both have."""
        losses = np.asarray(loss, dtype=np.float64)
        both = min(len(self.draws), len(losses)) if losses.ndim == 2 else len(self.draws)
        return self._at(self.draws[:both], losses[:both] if losses.ndim == 2 else losses, shares)

    def parameters(self, level: float | None = None) -> dict[str, Interval]:
        """``k`` (logits per nat), ``L_half`` (loss half way between chance and top), ``offset <source>`` (logits)."""
        at, why = level or self.level, self.why
        found = {"k": interval_of(float(self.values[1]), self.draws[:, 1], at, why)}
        half, halves = self._half(self.values[None])[0], self._half(self.draws)
        found["L_half"] = interval_of(float(half), halves, at, "a flat curve has none" if np.isnan(half) else why)
        for i, name in enumerate(self.offsets):
            found[f"offset {name}"] = interval_of(float(self.values[2 + i]), self.draws[:, 2 + i], at, why)
        return found

    @property
    def why(self) -> str | None:
        """Why there are no intervals; None when there are."""
        return None if len(self.draws) > 1 else "no resamples were asked for"

    def _half(self, theta: Array) -> Array:
        slope = theta[:, 1]
        return np.where(slope > 0, self.centre + theta[:, 0] / np.where(slope > 0, slope, 1.0), np.nan)

    def _at(self, theta: Array, loss: ArrayLike, shares: Mapping[str, ArrayLike] | None) -> Array:
        losses = np.atleast_1d(np.asarray(loss, dtype=np.float64))
        logits = theta[:, :1] - theta[:, 1:2] * (losses - self.centre)
        for i, name in enumerate(self.offsets):
            logits = logits + theta[:, 2 + i : 3 + i] * np.asarray((shares or {}).get(name, 0.0), dtype=np.float64)
        return score_at(logits, self.chance, self.top)


def above_chance(score: Array, chance: float, items: int) -> Array:
    """Which scores (n,) lie above chance by more than the luck of ``items`` questions: 5 % in all (Bonferroni)."""
    from scipy.special import ndtri

    limit = float(ndtri(1 - 0.05 / len(score))) * math.sqrt(chance * (1 - chance) / items)
    return np.asarray(score > chance + limit)


def task_warnings(
    score: Array, best: Array, draws: Array, chance: float, items: int | None, level: float, most: float
) -> list[Warn]:
    """Coded warnings of a fit: scores at chance, a slope that is not determined or at its bound."""
    found = []
    if items is not None and not above_chance(score, chance, items).any():
        message = (
            f"no run scores above chance ({chance:.1%}) by more than the luck of {items} questions: "
            "the task does not tell these models apart"
        )
        found.append(Warn(code="task_at_chance", message=message))
    low = float(np.quantile(draws[:, 1], (1 - level) / 2))
    if low <= 1e-6:
        message = "the score does not rise with falling loss beyond the noise: the law does not extrapolate"
        found.append(Warn(code="task_slope_undetermined", message=message))
    elif float(best[1]) >= most * 0.999:
        message = f"the slope stands at its bound of {most:g} logits a nat: the score is not a smooth function of loss"
        found.append(Warn(code="task_slope_at_bound", message=message))
    return found


MORE_THAN_PARAMETERS = 2  # distinct losses above the number of parameters, so that the noise can be told (CHOSEN)
CELLS_PER_PARAMETER = 8  # as scaling/bootstrap.py


def fit_task(
    loss: ArrayLike,
    score: ArrayLike,
    *,
    chance: float = 0.0,
    top: float = 1.0,
    shares: Mapping[str, ArrayLike] | None = None,
    group: ArrayLike | None = None,
    items: int | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    level: float = 0.9,
) -> TaskFit:
    """Fit the law of one task by least squares on the scores (every run answers the same items).

    Args:
        loss, score: one value per run (n,): nats per token, and a score between 0 and 1 of which more is better.
        chance: score of guessing, 1/choices; 0 where nothing can be guessed.
        shares: source -> share of it per run (n,); each gets an effect at equal loss. A constant one is left out.
        group: label per run of what differs in the seed alone: resampled together (None: each run by itself).
        items: questions of the task, for the warning that no run is above chance.
        bootstrap: resamples. Groups are drawn with replacement from 8 per parameter on, else scores become the fitted
            ones with noise of the residuals' size (as scaling/bootstrap.py, and for its reasons).

    Raises:
        BadInput: values that are not finite or out of range, or too few different losses.
    """
    x, y = (np.asarray(column, dtype=np.float64).reshape(-1) for column in (loss, score))
    columns = {name: np.asarray(column, dtype=np.float64).reshape(-1) for name, column in (shares or {}).items()}
    _check(x, y, columns, chance, top)
    columns = {name: column for name, column in columns.items() if np.ptp(column) > 0}
    needed = 2 + len(columns) + MORE_THAN_PARAMETERS
    if len(np.unique(x)) < needed:
        raise BadInput(
            f"{len(np.unique(x))} different losses, {needed} are needed",
            where="task law",
            remedy="score more runs: synthmix evaluate STUDY --harness TASKS scores all of a study",
        )
    centre = float(x.mean())
    low, high = bounds(len(columns))
    design = np.column_stack([np.ones_like(x), centre - x, *columns.values()])
    problem = TaskProblem(design, y, np.ones_like(x), chance, top, low, high)
    best, squares = search(problem)
    noise = float(np.sqrt(squares / (len(x) - len(best))))
    labels = np.arange(len(x)) if group is None else np.unique(np.asarray(group), return_inverse=True)[1]
    draws = _resampled(problem, best, noise, labels, bootstrap, seed) if bootstrap else best[None]
    spread = float(((y - y.mean()) ** 2).sum())
    return TaskFit(
        chance=chance,
        top=top,
        centre=centre,
        offsets=tuple(columns),
        values=best,
        draws=draws,
        noise=noise,
        loss=x,
        score=y,
        r2=1 - squares / spread if spread > 0 else 0.0,
        level=level,
        warnings=task_warnings(y, best, draws, chance, items, level, MOST_SLOPE),
    )


def _resampled(problem: TaskProblem, best: Array, noise: float, group: Index, count: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    start, groups, n = np.repeat(best[None], count, axis=0), int(group.max()) + 1, len(group)
    if groups >= CELLS_PER_PARAMETER * len(best):
        drawn = rng.multinomial(groups, np.full(groups, 1 / groups), size=count)[:, group]
        weights = drawn.astype(np.float64)
        return minimise(replace(problem, weight=weights), start)[0]
    fitted = score_at(problem.design @ best, problem.chance, problem.top)
    dof = n - len(best)
    error = noise * rng.standard_normal((count, n)) * np.sqrt(dof / rng.chisquare(dof, size=(count, 1)))
    return minimise(replace(problem, target=fitted + error), start)[0]


def _check(loss: Array, score: Array, shares: Mapping[str, Array], chance: float, top: float) -> None:
    def refuse(problem: str, key: str) -> BadInput:
        return BadInput(problem, where="task law", key=key)

    if not 0 <= chance < top <= 1:
        raise refuse(f"chance {chance:g} and top {top:g} are not 0 <= chance < top <= 1", "chance")
    if len(loss) != len(score) or any(len(column) != len(loss) for column in shares.values()):
        raise refuse("losses, scores and shares are not of one length", "loss")
    if not np.isfinite(loss).all() or any(not np.isfinite(column).all() for column in shares.values()):
        raise refuse("is not finite", "loss")
    if not (np.isfinite(score).all() and (score >= 0).all() and (score <= 1).all()):
        raise refuse("lies outside 0 to 1", "score")


Verdict = Literal["agree", "disagree", "not determined"]
AGREE: Verdict = "agree"
DISAGREE: Verdict = "disagree"
UNKNOWN: Verdict = "not determined"
_WIDE = 0.5  # an interval of a best share over more than half of all shares says nothing (CHOSEN)


@dataclass(frozen=True)
class Agreement:
    """Whether two best shares are one; ``common``: shares that are within the noise of the best by both."""

    verdict: Verdict
    reason: str
    common: tuple[float, float] | None


def best_share_by_score(
    share: ArrayLike,
    score: ArrayLike,
    *,
    noise: float,
    pair: Sequence[object] | Array | None = None,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.9,
) -> BestShare:
    """Best share by scores (n,) at one (N, D), as :func:`synthmix.scaling.best_share` by losses; curves are scores.

    ``noise``: standard deviation of one run's score.

    Raises:
        BadInput: fewer than three distinct shares.
    """
    y = -np.asarray(score, dtype=np.float64)
    return _as_scores(best_share(share, y, pair=pair, noise=noise, draws=draws, seed=seed, level=level))


def best_share_of_scores(
    mean: Array, curves: Array, *, noise: float, level: float, measured: tuple[float, float]
) -> BestShare:
    """Best share by expected scores (201,) at every share and draws of them (draws, 201); ``measured``: ends."""
    return _as_scores(from_curves(GRID, -mean, -curves, noise=noise, level=level, measured=measured))


def agreement(
    by_loss: Interval,
    flat_loss: tuple[float, float] | None,
    by_score: Interval,
    flat_score: tuple[float, float] | None,
) -> Agreement:
    """``agree`` where the intervals overlap, ``disagree`` where they do not, ``cannot tell`` where one is missing or
    wider than half of all shares (CHOSEN)."""
    common = _overlap(flat_loss, flat_score)
    ends = []
    for name, best in (("loss", by_loss), ("score", by_score)):
        if best.low is None or best.high is None:
            return Agreement(UNKNOWN, f"the best share by {name} has no interval", common)
        if best.high - best.low > _WIDE:
            return Agreement(UNKNOWN, f"the best share by {name} is not determined", common)
        ends.append((best.low, best.high))
    if _overlap(*ends) is None:
        return Agreement(DISAGREE, "the intervals of the two best shares do not meet", common)
    return Agreement(AGREE, "the intervals of the two best shares overlap", common)


def _overlap(a: tuple[float, float] | None, b: tuple[float, float] | None) -> tuple[float, float] | None:
    if a is None or b is None:
        return None
    low, high = max(a[0], b[0]), min(a[1], b[1])
    return (low, high) if low <= high else None


def _as_scores(best: BestShare) -> BestShare:
    """Curves of minus the score turned back into scores; ``gain`` is a gain either way."""
    turned = best.loss.scaled(-1)
    return replace(best, loss=turned, mean=-best.mean, low=-best.high, high=-best.low)
