"""Whether a law determines a prediction at all. What is not determined is marked so, and never given a number (CHOSEN).

An option is determined when its law has half as many distinct points again as parameters, no exponent at a bound, no
combination of parameters that the runs cannot tell apart, an interval of its difference narrower than the spread of the
losses that were measured, and no prediction below zero.
"""

import numpy as np

from synthmix.decisions.fits import POINTS_PER_PARAMETER
from synthmix.results import Interval
from synthmix.scaling import Fit
from synthmix.scaling.runs import Array

IMPOSSIBLE = 0.05  # of the draws below zero (CHOSEN)


def undetermined_law(fit: Fit) -> list[str]:
    """Codes of what the runs leave open about a law, wherever it is asked."""
    free = len(fit.law.names) - len(fit.fixed)
    found = []
    if fit.runs.cells < POINTS_PER_PARAMETER * free:
        found.append("few_points")
    if at_bound(fit):
        found.append("exponent_at_bound")
    if any(warning.code == "not_identified" for warning in fit.warnings):
        found.append("not_identified")
    if fit.why is not None:
        found.append("no_interval")
    return found


def at_bound(fit: Fit) -> list[str]:
    """Names of exponents whose fitted value is an end of their range."""
    found = []
    for k, parameter in enumerate(fit.law.parameters):
        if parameter.meaning == "exponent" and parameter.name not in fit.fixed:
            ends = (parameter.low, parameter.high)
            if any(np.isfinite(end) and np.isclose(fit.values[k], end, rtol=1e-6, atol=1e-12) for end in ends):
                found.append(parameter.name)
    return found


def undetermined_at(difference: Interval, losses: Array, spread: float) -> list[str]:
    """Codes of what is left open at one option.

    Args:
        difference: from natural text alone. losses: (1 + draws,) nats per token. spread: of the measured losses, nats.
    """
    found = []
    if difference.low is None or difference.high is None:
        found.append("no_interval")
    elif difference.high - difference.low > spread:
        found.append("wide")
    if float(np.mean(losses < 0)) > IMPOSSIBLE or losses[0] < 0:
        found.append("impossible")
    return found
