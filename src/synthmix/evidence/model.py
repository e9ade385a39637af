"""A hierarchical model of published effects: what a new study may find of a kind at a share, a size and a budget.

The gain over natural text alone (nats per token less, or points of a score more) of row i is

    gain_i = sum_j phi_j(share_i) (m_j + u_j[study] + c_j(compute) + v_j[kind] + w_j[set]) + residual + sampling error

with phi = share^0.35, share, share^8: a gain that rises early, one that grows with the share, and what is lost when no
natural text is left; all are 0 at share 0. m has a weak prior; u, v, w and the residual are Gaussian with standard
deviations found by maximum a posteriori (boundary-avoiding gamma priors, Chung et al. 2013; FOUND); c is an
Ornstein-Uhlenbeck process over log10 compute, so that what was measured decades away tells less. Half of a kind's
variance is shared by kinds of its group (text that rewrites a source, text written anew). A study's effect has heavy
tails: Student's t with :data:`TAIL` degrees of freedom, by its scale mixture (Lange, Little and Taylor 1989; FOUND), so
that one study that differs from all others widens the rest less. The constants are CHOSEN, among some fifty settings,
by leave-one-study-out log scores on the table itself (docs/advise.md).

Shape letters: n rows, q questions, j terms, g shares.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.evidence.table import Effect

Floats = npt.NDArray[np.float64]
Family = Literal["nats", "score"]
POWERS = (0.35, 1.0, 8.0)
LEVELS = ("study", "compute", "kind", "set")
TAIL = 2.0  # degrees of freedom of a study's effect
GAUSSIAN = 1e6  # degrees of freedom that are as good as infinite
LENGTH = 2.0  # decades of compute over which effects of scale are forgotten
HALF = 0.5  # share that is taken where a source does not say it
ROUNDS = 6
#: Kinds that are written anew; all others rewrite a source text.
ANEW = frozenset({"textbook", "sampled", "continue", "reasoning"})


@dataclass(frozen=True)
class Scales:
    """Prior scales of a family, in its unit: of the mean, of the two outer and the two inner levels, and of the
    residual; ``unknown``: standard error of a row that has none."""

    mean: float
    outer: float
    inner: float
    residual: float
    unknown: float


SCALES: dict[str, Scales] = {
    "nats": Scales(mean=0.2, outer=0.1, inner=0.03, residual=0.02, unknown=0.02),
    "score": Scales(mean=0.05, outer=0.02, inner=0.005, residual=0.005, unknown=0.01),
}


@dataclass(frozen=True)
class Points:
    """Where effects are, or are asked about: n of each."""

    share: Floats
    compute: Floats
    study: list[str]
    kind: list[str]
    set: list[str]

    @property
    def terms(self) -> Floats:
        """(n, j)"""
        return np.power(self.share[:, None], np.array(POWERS))

    @property
    def group(self) -> list[str]:
        return ["anew" if kind in ANEW else "rewritten" for kind in self.kind]


def points_of(rows: Sequence[Effect]) -> Points:
    """Rows as points; a set is one text of one study."""
    return Points(
        share=np.array([HALF if row.share is None else row.share for row in rows], dtype=np.float64),
        compute=np.array([log_compute(row.N, row.D) for row in rows], dtype=np.float64),
        study=[row.study for row in rows],
        kind=[row.kind for row in rows],
        set=["|".join((row.study, row.recipe.rsplit(" ", 1)[-1], row.generator, row.base)) for row in rows],
    )


def log_compute(params: float | None, tokens: float | None) -> float:
    """log10 of 6 N D; where a size or budget is not said 1B parameters or 20B tokens."""
    return math.log10(6.0 * (1e9 if params is None else params) * (2e10 if tokens is None else tokens))


@dataclass(frozen=True)
class EffectModel:
    """The fitted model of one family.

    Attributes:
        family: ``nats`` or ``score``. rows: what it was fitted to. points, gain, se: the same as arrays.
        spread: (4, j) standard deviations of :data:`LEVELS` by term. residual: beyond the sampling error.
        weights: study -> weight of its effect; far below 1: it differs from all others.
    """

    family: Family
    rows: tuple[Effect, ...]
    points: Points
    gain: Floats
    se: Floats
    spread: Floats
    residual: float
    weights: dict[str, float] = field(default_factory=dict)

    def predict(self, at: Points, *, new: bool = True) -> tuple[Floats, Floats, float]:
        """The gain at points: mean (q,), covariance (q, q), and the degrees of freedom of its Student's t.

        ``new``: by a study and with a text that is not in the table; else by the named ones.
        """
        stretch = {} if new else self.weights
        across = self._covariance(at, self.points, self.weights)
        own = self._covariance(at, at, stretch)
        solved = np.linalg.solve(self._total(), np.column_stack([self.gain, across.T]))
        mean, covariance = across @ solved[:, 0], own - across @ solved[:, 1:]
        covariance = (covariance + covariance.T) / 2 + self.residual**2 * np.eye(len(mean))
        if not new:
            return mean, covariance, GAUSSIAN
        outer = float(np.diag(self._level("study", at, at, stretch, self.spread[0])).sum())
        total = float(np.diag(covariance).sum())
        return mean, covariance, _freedom(min(outer / total, 1.0))

    def _total(self) -> Floats:
        own = self._covariance(self.points, self.points, self.weights)
        return np.asarray(own + np.diag(self.se**2 + self.residual**2))

    def _covariance(self, a: Points, b: Points, weights: dict[str, float]) -> Floats:
        found = SCALES[self.family].mean ** 2 * (a.terms @ b.terms.T)
        for level, spread in zip(LEVELS, self.spread, strict=True):
            found = found + self._level(level, a, b, weights, spread)
        return np.asarray(found)

    @staticmethod
    def _level(level: str, a: Points, b: Points, weights: dict[str, float], spread: Floats) -> Floats:
        return np.asarray(_alike(level, a, b, weights) * ((a.terms * spread**2) @ b.terms.T))


def _freedom(part: float, level: float = 0.9) -> float:
    """Degrees of freedom at which Student's t has the half width of a sum whose variance is to ``part`` a study's
    heavy-tailed effect, the half widths added in squares: never narrower where something else is less known."""
    from scipy.special import ndtri, stdtrit

    upper = (1 + level) / 2
    goal = float(np.sqrt(part * stdtrit(TAIL, upper) ** 2 + (1 - part) * ndtri(upper) ** 2))
    low, high = np.log(TAIL), np.log(GAUSSIAN)
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if stdtrit(np.exp(middle), upper) > goal else (low, middle)
    return float(np.exp(high))


def _alike(level: str, a: Points, b: Points, weights: dict[str, float]) -> Floats:
    """(n, m) correlation of what two rows share at a level."""
    if level == "compute":
        return np.asarray(np.exp(-abs(a.compute[:, None] - b.compute[None, :]) / LENGTH))
    same = _equal(getattr(a, level), getattr(b, level))
    if level == "kind":
        return (same + _equal(a.group, b.group)) / 2
    if level == "study":
        return same / np.array([weights.get(name, 1.0) for name in a.study])[:, None]
    return same


def _equal(a: Sequence[str], b: Sequence[str]) -> Floats:
    return np.asarray(np.array(a, dtype=object)[:, None] == np.array(b, dtype=object)[None, :], dtype=np.float64)


def fit_effects(rows: Sequence[Effect], family: Family) -> EffectModel:
    """The model of the effects of one unit; rows of other units are left out.

    Raises:
        BadInput: effects of fewer than two studies.
    """
    from scipy.optimize import minimize

    mine = tuple(row for row in rows if row.unit == family)
    names = sorted({row.study for row in mine})
    if len(names) < 2:
        problem = f"has effects of {len(names)} study in {family}: the spread between studies is not known"
        raise BadInput(problem, where="evidence", remedy="add effects of another study")
    scales, at = SCALES[family], points_of(mine)
    gain = np.array([row.gain for row in mine])
    se = np.array([scales.unknown if row.se is None else row.se for row in mine])
    fixed = scales.mean**2 * (at.terms @ at.terms.T) + np.diag(se**2)
    outer = [np.outer(column, column) for column in at.terms.T]
    prior = np.array([scales.outer] * 6 + [scales.inner] * 6 + [scales.residual])
    weights, start = dict.fromkeys(names, 1.0), np.log(0.7 * prior)
    for _ in range(ROUNDS):
        parts = [_alike(level, at, at, weights) * each for level in LEVELS for each in outer]
        parts.append(np.eye(len(gain)))
        found = minimize(
            _objective, start, (fixed, parts, gain, prior), jac=True, method="L-BFGS-B",
            bounds=[(np.log(1e-3 * each), np.log(30 * each)) for each in prior], options={"maxiter": 40},
        )  # fmt: skip
        start = found.x
        spread = np.exp(start)
        weights = _weights(at, gain, fixed, parts, spread, weights)
    return EffectModel(
        family=family, rows=mine, points=at, gain=gain, se=se, spread=spread[:12].reshape(4, 3),
        residual=float(spread[12]), weights=weights,
    )  # fmt: skip


def _objective(
    logs: Floats, fixed: Floats, parts: list[Floats], gain: Floats, prior: Floats
) -> tuple[float, Floats]:  # fmt: skip
    """Minus the log posterior of the logarithms of the standard deviations, and its gradient."""
    spread = np.exp(logs)
    total = _sum(fixed, parts, spread)
    root = np.linalg.cholesky(total)
    inverse = np.linalg.inv(total)
    solved = inverse @ gain
    value = 0.5 * gain @ solved + np.log(np.diag(root)).sum() - (logs - spread / prior).sum()
    slope = [s * s * (np.sum(inverse * part) - solved @ part @ solved) for s, part in zip(spread, parts, strict=True)]
    return float(value), np.array(slope) - (1 - spread / prior)


def _sum(fixed: Floats, parts: list[Floats], spread: Floats) -> Floats:
    total = fixed.copy()
    for s, part in zip(spread, parts, strict=True):
        total += s * s * part
    return total


def _weights(
    at: Points, gain: Floats, fixed: Floats, parts: list[Floats], spread: Floats, before: dict[str, float]
) -> dict[str, float]:
    """The expected weight of each study's effect, given the others (one step of the EM algorithm)."""
    inverse = np.linalg.inv(_sum(fixed, parts, spread))
    solved, found = inverse @ gain, {}
    for name in before:
        mine, square = np.array([study == name for study in at.study]), 0.0
        for j in range(len(POWERS)):
            variance = spread[j] ** 2 / before[name]
            column = variance * at.terms[:, j] * mine
            square += ((column @ solved) ** 2 + variance - column @ inverse @ column) / spread[j] ** 2
        found[name] = float((TAIL + len(POWERS)) / (TAIL + square))
    return found


def question_points(
    kind: str, shares: Floats, params: float | None, tokens: float | None, study: str = "", text: str = ""
) -> Points:
    """One kind's text at shares (g,), by a study that is not in the table."""
    count = len(shares)
    compute = np.full(count, log_compute(params, tokens))
    return Points(np.asarray(shares, dtype=np.float64), compute, [study] * count, [kind] * count, [text] * count)


def log_score(value: Floats, mean: Floats, variance: Floats, freedom: float | None = None) -> Floats:
    """(n,) log density of values under Student's t, or a Gaussian where ``freedom`` is None."""
    from scipy import stats

    sd = np.sqrt(variance)
    law: Any = stats.norm if freedom is None else stats.t(freedom)
    return np.asarray(law.logpdf((value - mean) / sd) - np.log(sd))
