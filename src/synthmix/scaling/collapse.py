"""Does a mixture's curve flatten against the natural text's? The sign that theories of model collapse predict.

Dohmatob et al., "A Tale of Tails" (arXiv 2402.07043): synthetic text that lacks the tail gives a curve that levels off
higher (E up) or falls more slowly (beta down). Both trade against each other in a fit, so the slope of the curve at the
largest measured budget, d ln L / d ln D, is given too: it is what the runs show directly.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.scaling.fitted import Fit
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array

Verdict = Literal["flattens", "does not flatten", "undecided"]


@dataclass(frozen=True)
class Collapse:
    """Mixture minus natural text.

    Attributes:
        E: difference of the asymptotes (above 0: levels off higher); at ``N`` for laws with a size term.
        beta: difference of the exponents (below 0: falls more slowly).
        slope: difference of d ln L / d ln D at ``tokens`` (above 0: flatter).
        verdict: "flattens" when the interval of E lies above 0 or that of beta below 0; "does not flatten" when neither
            does and the interval of E or of the slope lies below 0. Two chances to be wrong: 90 % intervals flag an
            equal curve in up to one of ten comparisons.
        reason: in one sentence.
    """

    E: Interval
    beta: Interval
    slope: Interval
    verdict: Verdict
    reason: str


def collapse_test(natural: Fit, mixture: Fit, *, tokens: float | None = None, N: float | None = None) -> Collapse:
    """Compare two data laws, or two Chinchilla laws at size ``N``. ``tokens``: default the largest budget of both.

    Raises:
        BadInput: a law without E and beta.
    """
    for one in (natural, mixture):
        if not {"E", "beta"} <= set(one.law.names) or "D" not in one.law.columns:
            raise BadInput("the collapse test needs a law with E and beta", where=f"law {one.law.name}")
    at = tokens or float(min(natural.runs.D.max(), mixture.runs.D.max()))
    count = min(len(natural.draws), len(mixture.draws))

    def difference(pick: Callable[[Fit, int, float, float | None], Array]) -> Interval:
        change = pick(mixture, count, at, N) - pick(natural, count, at, N)
        return interval_of(float(change[0]), change[1:], natural.level, natural.why or mixture.why)

    E, beta, slope = difference(_floor), difference(_exponent), difference(_slope)
    verdict, reason = _verdict(E, beta, slope)
    return Collapse(E, beta, slope, verdict, reason)


def _sets(fit: Fit, count: int) -> Array:
    return np.vstack([fit.values, fit.draws[:count]])


def _floor(fit: Fit, count: int, at: float, N: float | None) -> Array:
    """The loss with unlimited tokens: E, and the size term where there is one."""
    return fit.law.predict(_sets(fit, count), fit.points(N=N, D=1e300))[:, 0]


def _exponent(fit: Fit, count: int, at: float, N: float | None) -> Array:
    return _sets(fit, count)[:, fit.law.names.index("beta")]


def _slope(fit: Fit, count: int, at: float, N: float | None) -> Array:
    step = 1e-3
    up, down = (fit.law.predict(_sets(fit, count), fit.points(N=N, D=at * np.exp(side))) for side in (step, -step))
    return (np.log(up) - np.log(down))[:, 0] / (2 * step)


def _verdict(E: Interval, beta: Interval, slope: Interval) -> tuple[Verdict, str]:
    if None in (E.low, E.high, beta.low, beta.high, slope.low, slope.high):
        return "undecided", "there are no intervals to decide by"
    higher, slower = E.sign() > 0, beta.sign() < 0
    if higher or slower:
        what = " and ".join(["levels off higher"] * higher + ["falls more slowly"] * slower)
        return "flattens", f"the mixture's curve {what}, beyond its interval"
    if E.sign() < 0:
        return "does not flatten", "the mixture's curve levels off lower"
    if slope.sign() < 0:
        return "does not flatten", "at the largest budget the mixture's loss falls faster"
    return "undecided", "the intervals hold both a flatter and an equal curve"
