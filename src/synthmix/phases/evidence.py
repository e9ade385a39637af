"""What the shapes say against each other: information criteria, a test on the largest n, what would have shown."""

import math
from dataclasses import dataclass, replace

import numpy as np

from synthmix.phases.curves import FEWEST, Measured, Shape, fit_shape, noise_of
from synthmix.scaling import Runs

RIVALS = ("power_law", "three_phase", "segments", "levels_off", "starts_flat")
#: BIC difference that counts as strong (Kass and Raftery 1995: 6 to 10 is strong).
STRONG = 6.0
#: A plateau is said to be absent only when one of this length (n2 / n1) would have shown. CHOSEN: the transitions
#: alone take a factor 30 (docs/three-phases.md).
VISIBLE = 30.0


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
