"""Three phases, one power law, or not to be told: the verdict on a measured curve with its evidence, and on a table.

Evidence: information criteria, a test on the largest n, and what a plateau would have shown. Thresholds are CHOSEN on
simulated curves (benchmarks/phases.py).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.phases.curves import FEWEST, Measured, Shape, fit_shape, noise_of, redraw
from synthmix.quantities import format_count
from synthmix.runs import read_runs
from synthmix.scaling import Fit, Runs, fit
from synthmix.scaling.quantiles import interval_of

RIVALS = ("power_law", "three_phase", "segments", "levels_off", "starts_flat")
#: BIC difference that counts as strong (Kass and Raftery 1995: 6 to 10 is strong).
STRONG = 6.0
#: A plateau is said to be absent only when one of this length (n2 / n1) would have shown. CHOSEN: the transitions
#: alone take a factor 30 (docs/three-phases.md).
VISIBLE = 30.0
__all__ = ["STRONG", "Detection", "detect_phases"]


@dataclass(frozen=True)
class Extrapolation:
    """Fitted without the largest n, asked to predict them: root mean square of ln(predicted / measured)."""

    held_out: int
    errors: dict[str, float]


def extrapolate(curve: Measured, share: float = 0.2) -> Extrapolation | None:
    """Hold out the largest fifth of the n; None when fewer than 8 different n would be left."""
    values = np.unique(curve.runs.D)
    count = max(2, round(share * len(values)))
    if len(values) - count < FEWEST:
        return None
    late = np.isin(curve.runs.D, values[-count:])
    rest, ahead = curve.where(~late), curve.where(late).runs
    errors = {}
    for name in ("power_law", "three_phase", "segments"):
        predicted = fit_shape(name, rest).predict(ahead)
        errors[name] = float(np.sqrt((np.log(predicted / ahead.loss) ** 2).mean()))
    return Extrapolation(int(late.sum()), errors)


def hidden_plateau(curve: Measured, line: Shape) -> float | None:
    """BIC by which a power law would lose, had a plateau of a factor 30 stood in the middle of these n.

    The curve is made from the fitted power law with the plateau put in, without noise; its misfit is set against the
    noise that was measured. None when the n do not span 30 times 3 on either side.
    """
    low, high = curve.ends
    if high - low < math.log(VISIBLE) + 2 * math.log(3):
        return None
    shape = fit_shape("three_phase", curve, {"gap": (0.0, 0.0)})
    theta = shape.theta.copy()
    names = shape.problem.law.names
    first, c = (low + high - math.log(VISIBLE)) / 2, shape.value("c")
    theta[names.index("B")] *= math.exp(-c * (first - shape.value("x1")))
    theta[names.index("x1")], theta[names.index("gap")] = first, math.log(VISIBLE)
    loss = shape.problem.law.predict(theta, curve.runs)
    noisy = replace(curve, runs=Runs(D=curve.runs.D, loss=loss))
    spread = noise_of(line, curve).total or 0.0
    m, least = len(curve.runs), (len(curve.runs) - line.free) * spread**2
    misfit = fit_shape("power_law", noisy).rss
    return float(m * math.log((least + misfit) / least) - 2 * math.log(m)) if least > 0 else math.inf


def level_within(curve: Measured, line: Shape) -> float:
    """BIC by which falling to a plateau begun a factor 3 before the last n beats the power law; below -2: excluded."""
    low, high = curve.ends
    flat = fit_shape("levels_off", curve, {"x1": (low, high - math.log(3))})
    return line.bic - flat.bic


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
        return Judgement("not_determined", reason, f"runs at {format_count(first * 1000)} and at n between")
    if facts.hidden < STRONG:
        reason = f"the noise of {facts.noise:.2%} (or too few n) would hide a plateau of a factor {VISIBLE:.0f}"
        return Judgement("not_determined", reason, "replicates with other seeds, or more n over the same range")
    if facts.level > -2 and not facts.floor_known:
        reason = f"from {span} the losses level off: a floor of the loss and a plateau look the same"
        tell = f"runs beyond {format_count(last * 10)}, runs on natural text alone, or the floor if it is known"
        return Judgement("not_determined", reason, tell)
    reason = f"one power law holds from {span}: no plateau of a factor {VISIBLE:.0f} or more lies within"
    return Judgement("power_law", f"{reason}; beyond these n nothing is excluded")


def _breaks(facts: Facts, span: str) -> Judgement:
    gains, n, n1, n2 = facts.gains, facts.n, facts.n1, facts.n2
    if n1.mid is None or n2.mid is None:
        return Judgement("not_determined", "the breakpoints are not determined", "more n")
    before, after = int((n < n1.mid).sum()), int((n > n2.mid).sum())
    if gains["levels_off"] <= STRONG or after < 2 or _open(n2.high, n[-1]):
        what = "a plateau, whose end the data do not reach" if facts.floor_known else "a plateau or a floor"
        reason = f"the first phase ends near {format_count(n1.mid)}, then the losses level off to the end: {what}"
        tell = f"runs beyond {format_count(10 * n[-1])}"
        if not facts.floor_known:
            tell += ", runs on natural text alone, or the floor if it is known"
        return Judgement("not_determined", reason, tell)
    if gains["starts_flat"] <= STRONG or before < 2 or (n1.low is not None and n1.low < n[0] / 3):
        reason = f"the losses are flat at first and fall from {format_count(n2.mid)} on: no first phase in the data"
        return Judgement("not_determined", reason, f"runs below {format_count(n[0] / 10)}")
    if facts.least_gap < np.log(3):
        reason = "the two breakpoints are not apart (n2 / n1 below 3 within the interval)"
        return Judgement("not_determined", reason, f"more n around {format_count(n1.mid)} and replicates")
    if facts.errors is not None and facts.errors["three_phase"] > max(2 * facts.errors["power_law"], 5 * facts.noise):
        reason = (
            f"three phases fit better (BIC by {gains['power_law']:.0f}) and extrapolate worse than a power law "
            f"({facts.errors['three_phase']:.1%} against {facts.errors['power_law']:.1%})"
        )
        return Judgement("not_determined", reason, f"runs beyond {format_count(10 * n[-1])}")
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


@dataclass(frozen=True)
class Detection:
    """What a curve shows.

    Attributes:
        verdict: ``three_phases``, ``power_law`` or ``not_determined``.
        reason: why, in a sentence or two.
        would_tell: the measurements that would change "not determined"; None otherwise.
        n1, n2: breakpoints of the closed form with intervals (k^beta / C over m, and over pi).
        segments: the same from the three-segment line, without intervals.
        bic: shape -> BIC less the best one's.
        extrapolation: errors on the largest n, held out; None where too few are left to fit.
        hidden: BIC by which a power law would lose to a plateau of a factor 30 here; None: too short a range.
        shapes: the fits; noise: spread of ln loss around the best shape.
        curve: the data.
    """

    verdict: str
    reason: str
    would_tell: str | None
    n1: Interval
    n2: Interval
    segments: tuple[float, float]
    bic: dict[str, float]
    extrapolation: Extrapolation | None
    hidden: float | None
    shapes: dict[str, Shape]
    noise: float | None
    curve: Measured

    def as_json(self) -> dict[str, Any]:
        """Strict JSON."""
        ahead = self.extrapolation
        line = self.shapes["three_phase"]
        return {
            "verdict": self.verdict,
            "reason": self.reason,
            "would_tell": self.would_tell,
            "n1": asdict(self.n1),
            "n2": asdict(self.n2),
            "segments": {"n1": self.segments[0], "n2": self.segments[1]},
            "bic": self.bic,
            "extrapolation": None if ahead is None else {"held_out": ahead.held_out, "rms_log_error": ahead.errors},
            "hidden_plateau_bic": self.hidden,
            "c": line.value("c"),
            "E": line.value("E"),
            "noise": self.noise,
            "points": len(self.curve.runs),
        }


def detect_phases(
    n: Any, loss: Any, *, floor: float | None = None, bootstrap: int = 400, level: float = 0.9, seed: int = 0
) -> Detection:
    """Judge one curve of losses (m,) at ``n`` samples or tokens (m,).

    Args:
        floor: L_inf where it is known (0 for the error rate of a learner that can be right on all items): it tells a
            plateau from a floor. None: fitted.
        bootstrap: resamples for the intervals.
        level: of the intervals.

    Raises:
        BadInput: fewer than 8 different n, values that are not positive, a floor not below the losses.
    """
    curve = Measured.of(n, loss, floor)
    shapes = {name: fit_shape(name, curve) for name in RIVALS}
    three, line = shapes["three_phase"], shapes["power_law"]
    draws = redraw(three, curve, bootstrap, seed)
    n1, n2 = (_breakpoint(curve, three, draws, level, gaps) for gaps in (False, True))
    ahead, hidden = extrapolate(curve), hidden_plateau(curve, line)
    best = min(shapes.values(), key=lambda shape: shape.bic)
    noise = noise_of(best, curve).total
    logs = np.unique(np.log(curve.runs.D * curve.unit))
    gap = draws[:, three.problem.law.names.index("gap")]
    facts = Facts(
        n=np.exp(logs),
        n1=n1,
        n2=n2,
        least_gap=float(np.quantile(gap, 0.05)),
        gains={name: shapes[name].bic - three.bic for name in RIVALS},
        level=level_within(curve, line),
        hidden=hidden,
        noise=noise or 0.0,
        errors=None if ahead is None else ahead.errors,
        floor_known=floor is not None,
    )
    said: Judgement = judge(facts)
    knots = shapes["segments"]
    first = curve.unit * math.exp(knots.value("x1"))
    return Detection(
        said.verdict, said.reason, said.would_tell, n1, n2, (first, first * math.exp(knots.value("gap"))),
        {name: shape.bic - best.bic for name, shape in shapes.items()}, ahead, hidden, shapes, noise, curve,
    )  # fmt: skip


def _breakpoint(curve: Measured, three: Shape, draws: np.ndarray, level: float, second: bool) -> Interval:
    names = three.problem.law.names
    logs = draws[:, names.index("x1")] + (draws[:, names.index("gap")] if second else 0.0)
    value = three.value("x1") + (three.value("gap") if second else 0.0)
    return interval_of(curve.unit * math.exp(value), curve.unit * np.exp(logs), level)


@dataclass(frozen=True)
class Detections:
    """What a table shows.

    Attributes:
        curves: label -> detection; the label of an only curve is "all".
        skipped: label -> why it was left out.
        joint: the closed form fitted to all shares of the largest model at once (laws of ``synthmix fit``), where the
            table has two shares or more; ``share`` is the synthetic one there.
    """

    curves: dict[str, Detection]
    skipped: dict[str, str]
    joint: Fit | None


def detect_in_table(
    path: str | Path | Sequence[str | Path],
    columns: str = "",
    *,
    mapping: Any = None,
    recipe: str | None = None,
    floor: float | None = None,
    bootstrap: int = 400,
    level: float = 0.9,
) -> Detections:
    """Judge every curve of whatever :func:`synthmix.read_runs` reads; columns n (or D) and loss.

    Raises:
        BadInput: see ``read_runs`` and ``detect_phases``; no curve with 8 different n.
    """
    table = read_runs(path, columns, mapping=mapping, recipe=recipe).sound
    if table.has("N") and not table.has("D"):  # a lone column n is the number of samples
        numbers = {("D" if name == "N" else name): column for name, column in table.numbers.items()}
        table = replace(table, numbers=numbers)
    runs = table.arrays()
    if not runs.has("D"):
        raise BadInput("has no column of samples or tokens", where="runs", key="columns", remedy="name it: D=COLUMN")
    names = np.array([name or "" for name in table.text("recipe")]) if table.has("recipe") and recipe is None else None
    labels = _labels(runs, names)
    groups = {label: runs.select(labels == label) for label in dict.fromkeys(labels.tolist())}
    found: dict[str, Detection] = {}
    skipped: dict[str, str] = {}
    for label, group in groups.items():
        if len(groups) > 1 and group.distinct("D") < FEWEST:
            skipped[label] = f"{group.distinct('D')} different n; {FEWEST} are needed"
            continue
        found[label] = detect_phases(group.D, group.loss, floor=floor, bootstrap=bootstrap, level=level)
    if not found:
        raise BadInput(f"none of its {len(groups)} curves has {FEWEST} different n", where="runs",
                       remedy="measure the loss along training, or train more budgets")  # fmt: skip
    return Detections(found, skipped, _joint(runs, bootstrap, level))


def _labels(runs: Runs, names: np.ndarray | None) -> np.ndarray:
    """One label a row, naming what differs between the curves."""
    parts = [] if names is None or len(set(names.tolist())) < 2 else [names.astype(str)]
    if runs.distinct("N") > 1:
        parts.append(np.array([f"N {value:g}" for value in runs.N]))
    if runs.distinct("share") > 1:
        parts.append(np.array([f"natural share {1 - value:.6g}" for value in runs.share]))
    if not parts:
        return np.full(len(runs), "all", dtype=object)
    return np.array([", ".join(row) for row in zip(*parts, strict=True)], dtype=object)


def _joint(runs: Runs, bootstrap: int, level: float) -> Fit | None:
    if runs.distinct("share") < 2:
        return None
    largest = runs.select(np.isclose(runs.N, runs.N.max())) if runs.has("N") else runs
    if largest.distinct("share") < 2 or largest.cells < 8 or largest.distinct("D") < 3:
        return None
    return fit("three_phase", largest, bootstrap=bootstrap, level=level, delta=None)
