"""Three phases, one power law, or not to be told: the verdict on one measured curve, with its evidence."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from synthmix.interval import Interval
from synthmix.phases.curves import Measured, Shape, fit_shape, noise_of, redraw
from synthmix.phases.evidence import (
    RIVALS,
    STRONG,
    Extrapolation,
    extrapolate,
    hidden_plateau,
    level_within,
)
from synthmix.phases.reasons import Facts, Judgement, judge
from synthmix.scaling.quantiles import interval_of


@dataclass(frozen=True)
class Detection:
    """What a curve shows.

    Attributes:
        verdict: ``three_phases``, ``power_law`` or ``cannot_tell``.
        reason: why, in a sentence or two.
        would_tell: the measurements that would change "cannot tell"; None otherwise.
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


__all__ = ["STRONG", "Detection", "detect_phases"]
