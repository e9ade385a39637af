"""The minima of isoFLOP curves: Hoffmann et al.'s second approach (arXiv 2203.15556, section 3.2), no law of the loss.

Runs of one compute budget C = 6 N D lie on a valley in ln N. A parabola through the losses of each budget has its
minimum at the best N of that budget, and a straight line of ln N against ln C through the minima is the power law
N = G (C / 6)^a. Nothing is assumed of how the loss depends on N and D, but that a parabola fits near its minimum: runs
far from it, or budgets with all runs on one side, bend it.
"""

from dataclasses import dataclass, field

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.quantities import listed
from synthmix.results import Warn
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array, Index, Runs

SAME_BUDGET = 0.05  # in ln C: runs nearer than this to the next are of one budget (CHOSEN: rounding of N and D)
WIDEST_BUDGET = 0.2  # in ln C: a chain of near runs wider than this is no budget but a grid of N and D (CHOSEN)
FEWEST_SIZES = 4  # of a budget: three fix a parabola exactly, and nothing checks it
FEWEST_BUDGETS = 3  # two fix a line exactly
DRAWS = 1000


@dataclass(frozen=True)
class Valley:
    """One budget's parabola: ``flops`` C, its runs, the N of its minimum (its interval resampled from the residuals'
    spread) and the loss there, and that spread, ``residual``, in log-loss."""

    flops: float
    runs: int
    N: Interval
    loss: float
    residual: float


@dataclass(frozen=True)
class IsoFlopMinima:
    """The minima of each budget and the power law N = G (C / 6)^a through them.

    Attributes:
        valleys: by budget, smallest first.
        exponent: a. factor: G.
        level: of the intervals. The line's are Student's, k - 2 degrees of freedom for k minima: they hold the noise of
            the minima and what they scatter about a line, not that a line may bend beyond the budgets.
        warnings: budgets that were left out, and why.
    """

    valleys: tuple[Valley, ...]
    exponent: Interval
    factor: float
    level: float
    warnings: list[Warn] = field(default_factory=list)
    #: Mean of ln C, ln N there, their spread, residual variance and degrees of freedom of the line.
    line: tuple[float, float, float, float, int] = (0.0, 0.0, 1.0, 0.0, 1)

    def at(self, flops: float) -> tuple[Interval, Interval]:
        """The best N and D of a compute budget, with Student's intervals of the line.

        Raises:
            BadInput: ``flops`` is not positive.
        """
        from scipy.special import stdtrit

        if not flops > 0:
            raise BadInput(f"{flops!r} is not a positive number of FLOPs", key="flops")
        middle, height, square, variance, dof = self.line
        assert self.exponent.mid is not None
        beyond = np.log(flops) - middle
        log_n = height + self.exponent.mid * beyond
        error = (variance * (1 / len(self.valleys) + beyond**2 / square)) ** 0.5
        half = float(stdtrit(dof, (1 + self.level) / 2)) * error
        low, mid, high = (float(np.exp(log_n + shift)) for shift in (-half, 0.0, half))
        product = flops / 6
        return (
            Interval(low=low, mid=mid, high=high, level=self.level),
            Interval(low=product / high, mid=product / mid, high=product / low, level=self.level),
        )


def isoflop_minima(runs: Runs, *, budgets: Array | None = None, level: float = 0.9, seed: int = 0) -> IsoFlopMinima:
    """Parabolas in ln N through the log-losses of each compute budget, and the power law through their minima.

    Args:
        runs: with N and D; of one mixture.
        budgets: (n,) each run's budget in FLOPs; None: 6 N D. Runs within :data:`SAME_BUDGET` of the next share one.
        seed: of the parabolas' resampling.

    Raises:
        BadInput: N or D is missing, or fewer than :data:`FEWEST_BUDGETS` budgets have a minimum inside their sizes.
    """
    if not (runs.has("N") and runs.has("D")):
        raise BadInput("have no isoFLOP curves: they need N and D", where="runs")
    compute = 6 * runs.N * runs.D if budgets is None else np.asarray(budgets, dtype=np.float64)
    if compute.shape != runs.N.shape or not (np.isfinite(compute) & (compute > 0)).all():
        raise BadInput("are not one positive number a run", where="isoFLOP curves", key="budgets")
    valleys: list[Valley] = []
    lost: dict[str, list[float]] = {}
    rng = np.random.default_rng([seed, 5])
    for rows in _budgets(compute):
        flops = float(np.exp(np.log(compute[rows]).mean()))
        found = _valley(runs, rows, flops, level, rng)
        if isinstance(found, str):
            lost.setdefault(found, []).append(flops)
        else:
            valleys.append(found)
    if len(valleys) < FEWEST_BUDGETS:
        count = len(valleys) + sum(len(where) for where in lost.values())
        raise BadInput(
            f"{len(valleys)} of {count} compute budgets have a minimum inside their sizes, and a line that can be "
            f"checked needs {FEWEST_BUDGETS}",
            where="isoFLOP curves",
            remedy=f"train {FEWEST_SIZES} sizes or more on either side of the best at each budget",
        )
    warnings = [Warn(code="no_minimum", message=f"no minimum at {_named(c)}: {why}") for why, c in lost.items()]
    return _line(valleys, level, warnings)


def _named(flops: list[float]) -> str:
    if len(flops) < 4:
        return listed([f"{each:.2g}" for each in flops]) + " FLOPs"
    return f"{len(flops)} budgets of {min(flops):.2g} to {max(flops):.2g} FLOPs"


def _budgets(compute: Array) -> list[Index]:
    """Rows of each budget, smallest first; a chain of near runs that is wider than a budget is none."""
    logs = np.log(compute)
    order = np.argsort(logs, kind="stable")
    gaps = np.diff(logs[order]) > SAME_BUDGET
    parts = np.split(order, np.flatnonzero(gaps) + 1)
    return [rows for rows in parts if np.ptp(logs[rows]) <= WIDEST_BUDGET]


def _valley(runs: Runs, rows: Index, flops: float, level: float, rng: np.random.Generator) -> Valley | str:
    """The minimum of one budget, or why there is none."""
    log_n, log_loss = np.log(runs.N[rows]), np.log(runs.loss[rows])
    if len(np.unique(log_n)) < FEWEST_SIZES:
        return f"fewer than {FEWEST_SIZES} sizes"
    middle = float(log_n.mean())
    x = np.vander(log_n - middle, 3)  # squared, linear, constant
    weight = np.sqrt(runs.weights[rows])
    solve = np.linalg.pinv(x * weight[:, None]) * weight
    fitted = solve @ log_loss
    residual = log_loss - x @ fitted
    dof = len(rows) - 3
    sd = float(np.sqrt((residual**2).sum() / dof))
    if fitted[0] <= 0:
        return "the losses do not bend upwards"
    best = middle - fitted[1] / (2 * fitted[0])
    if not log_n.min() <= best <= log_n.max():
        return "the lowest point lies beyond the sizes trained"
    # Student's: the spread that each resample has is as uncertain as its chi-square says.
    noise = sd * rng.standard_normal((DRAWS, len(rows))) * np.sqrt(dof / rng.chisquare(dof, size=(DRAWS, 1)))
    drawn = fitted + noise @ solve.T
    minima = np.where(drawn[:, 0] > 0, middle - drawn[:, 1] / (2 * np.maximum(drawn[:, 0], 1e-300)), np.nan)
    with np.errstate(over="ignore"):
        sizes = interval_of(float(np.exp(best)), np.exp(minima), level)
    lowest = float(np.exp(np.polyval(fitted, best - middle)))
    return Valley(flops, len(rows), sizes, lowest, sd)


def _line(valleys: list[Valley], level: float, warnings: list[Warn]) -> IsoFlopMinima:
    """Least squares of ln N against ln C, every minimum alike."""
    from scipy.special import stdtrit

    x = np.log([one.flops for one in valleys])
    y = np.log([one.N.mid or np.nan for one in valleys])
    middle, height = float(x.mean()), float(y.mean())
    square = float(((x - middle) ** 2).sum())
    a = float((x - middle) @ (y - height)) / square
    dof = len(valleys) - 2
    variance = float(((y - height - a * (x - middle)) ** 2).sum()) / dof
    half = float(stdtrit(dof, (1 + level) / 2)) * (variance / square) ** 0.5
    exponent = Interval(low=a - half, mid=a, high=a + half, level=level)
    factor = float(np.exp(height - a * (middle - np.log(6))))
    return IsoFlopMinima(tuple(valleys), exponent, factor, level, warnings, (middle, height, square, variance, dof))
