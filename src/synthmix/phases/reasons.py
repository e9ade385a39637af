"""From the evidence to a verdict and to words. Thresholds are CHOSEN on simulated curves (benchmarks/phases.py)."""

from dataclasses import dataclass

import numpy as np

from synthmix.interval import Interval
from synthmix.phases.evidence import STRONG, VISIBLE
from synthmix.quantities import format_count


@dataclass(frozen=True)
class Facts:
    """What the verdict rests on.

    Attributes:
        n: different n (m,), ascending.
        n1, n2: breakpoints of the closed form, with intervals.
        least_gap: 5 % quantile of ln(n2 / n1) over the resamples.
        gains: shape -> its BIC less the closed form's; positive: the closed form is better.
        level: BIC by which a plateau begun within the data beats the power law.
        hidden: BIC by which a power law would lose to a plateau in the middle of the data; None: too short a range.
        noise: spread of ln loss.
        errors: root mean square ln-errors on the largest n, held out; None: too few n.
        floor_known: whether L_inf was given.
    """

    n: np.ndarray
    n1: Interval
    n2: Interval
    least_gap: float
    gains: dict[str, float]
    level: float
    hidden: float | None
    noise: float
    errors: dict[str, float] | None
    floor_known: bool


@dataclass(frozen=True)
class Judgement:
    """The verdict, why, and what would tell if it cannot be told."""

    verdict: str
    reason: str
    would_tell: str | None = None


def judge(facts: Facts) -> Judgement:
    """The verdict.

    Three phases need a gain of 6 in BIC over a power law, over a curve that ends on its plateau and over one that
    begins on it, both breakpoints inside the data with two n beyond each, and an extrapolation no worse than the
    power law's.
    """
    first, last = facts.n[0], facts.n[-1]
    span = f"{format_count(first)} to {format_count(last)}"
    gains = facts.gains
    if gains["power_law"] > STRONG:
        return _breaks(facts, span)
    if facts.hidden is None:
        reason = f"n from {span} are less than the {9 * VISIBLE:.0f}-fold range in which a plateau would show"
        return Judgement("cannot_tell", reason, f"runs at {format_count(first * 1000)} and at n between")
    if facts.hidden < STRONG:
        reason = f"the noise of {facts.noise:.2%} (or too few n) would hide a plateau of a factor {VISIBLE:.0f}"
        return Judgement("cannot_tell", reason, "replicates with other seeds, or more n over the same range")
    if facts.level > -2 and not facts.floor_known:
        reason = f"from {span} the losses level off: a floor of the loss and a plateau look the same"
        tell = f"runs beyond {format_count(last * 10)}, runs on real text alone, or the floor if it is known"
        return Judgement("cannot_tell", reason, tell)
    reason = f"one power law holds from {span}: no plateau of a factor {VISIBLE:.0f} or more lies within"
    return Judgement("power_law", f"{reason}; beyond these n nothing is excluded")


def _breaks(facts: Facts, span: str) -> Judgement:
    gains, n, n1, n2 = facts.gains, facts.n, facts.n1, facts.n2
    if n1.mid is None or n2.mid is None:
        return Judgement("cannot_tell", "the breakpoints are not determined", "more n")
    before, after = int((n < n1.mid).sum()), int((n > n2.mid).sum())
    if gains["levels_off"] <= STRONG or after < 2 or _open(n2.high, n[-1]):
        what = "a plateau, whose end the data do not reach" if facts.floor_known else "a plateau or a floor"
        reason = f"the first phase ends near {format_count(n1.mid)}, then the losses level off to the end: {what}"
        tell = f"runs beyond {format_count(10 * n[-1])}"
        if not facts.floor_known:
            tell += ", runs on real text alone, or the floor if it is known"
        return Judgement("cannot_tell", reason, tell)
    if gains["starts_flat"] <= STRONG or before < 2 or (n1.low is not None and n1.low < n[0] / 3):
        reason = f"the losses are flat at first and fall from {format_count(n2.mid)} on: no first phase in the data"
        return Judgement("cannot_tell", reason, f"runs below {format_count(n[0] / 10)}")
    if facts.least_gap < np.log(3):
        reason = "the two breakpoints are not apart (n2 / n1 below 3 within the interval)"
        return Judgement("cannot_tell", reason, f"more n around {format_count(n1.mid)} and replicates")
    if facts.errors is not None and facts.errors["three_phase"] > max(2 * facts.errors["power_law"], 5 * facts.noise):
        reason = (
            f"three phases fit better (BIC by {gains['power_law']:.0f}) and extrapolate worse than a power law "
            f"({facts.errors['three_phase']:.1%} against {facts.errors['power_law']:.1%})"
        )
        return Judgement("cannot_tell", reason, f"runs beyond {format_count(10 * n[-1])}")
    ahead = ""
    if facts.errors is not None:
        ahead = (
            f"; on the largest n, held out, {facts.errors['three_phase']:.1%} off against "
            f"{facts.errors['power_law']:.1%}"
        )
    reason = f"three phases beat one power law by {gains['power_law']:.0f} in BIC over n from {span}{ahead}"
    return Judgement("three_phases", reason)


def _open(end: float | None, last: float) -> bool:
    return end is None or end > last
