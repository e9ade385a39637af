"""The three phases of a world: where they begin, what their formulas say, how steep the curve is.

Breakpoints FOUND (Wang et al., arXiv 2511.13640, with the factor C that the paper drops); phases 2 and 3 DERIVED.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.theory.closed import closed_form
from synthmix.theory.exact import exact
from synthmix.theory.setting import Array, Setting

RAPID, PLATEAU, TAIL = 1, 2, 3


@dataclass(frozen=True)
class Breakpoints:
    """``n1`` = k^beta / C ends the rapid phase, ``n2`` = n1 / pi the plateau; infinite where there is none."""

    n1: float
    n2: float

    def phase(self, n: Any) -> np.ndarray:
        """1 (rapid learning), 2 (plateau) or 3 (tail learning) at each n."""
        at = np.asarray(n, dtype=np.float64)
        return np.asarray(1 + (at >= self.n1).astype(int) + (at >= self.n2).astype(int))


def breakpoints(setting: Setting) -> Breakpoints:
    """Samples at which the last item the generator knows, and then the first that it does not, have been seen.

    The generator's cutoff in ``setting`` may be infinite: then both are.
    """
    if math.isinf(setting.k):
        return Breakpoints(math.inf, math.inf)
    n1 = setting.k**setting.beta / setting.C
    return Breakpoints(n1, n1 / setting.pi if setting.pi > 0 else math.inf)


def slopes(setting: Setting) -> dict[str, float]:
    """d ln(L - L_inf) / d ln n of phases 1 and 3, and 0 of the plateau, in the limit of wide phases.

    (1 - alpha - beta) / beta with the a-term, which decays slowest where lambda >= alpha or b = 0; else the b-term's.
    """
    power = setting.alpha if setting.b == 0 else min(setting.alpha, setting.lam)
    steep = (1 - power - setting.beta) / setting.beta
    return {"rapid": steep, "plateau": 0.0, "tail": steep}


def phase_formulas(setting: Setting, n: Any) -> dict[str, Array]:
    """L - L_inf as each phase alone has it, at ``n`` (m,): ``rapid``, ``plateau`` and ``tail``.

    rapid: a power law of m n, m = pi + (1 - pi) / Z, less its part beyond the cutoff, plus the plateau;
    plateau: what the generator has lost, sum over i > k of p_i (a i^-alpha - b i^-lambda);
    tail: the power law of pi n, "as if only the real samples counted". Meant for n well inside its phase.
    """
    at = np.atleast_1d(np.asarray(n, dtype=np.float64))
    whole = setting.replace(k=math.inf, pi=1.0, synthetic_beta=None)
    lost = _lost(setting)
    if math.isinf(setting.k):
        return {"rapid": closed_form(whole, at)}
    speed = setting.pi + (1 - setting.pi) / setting.Z
    beyond = _beyond(setting)
    found = {"rapid": closed_form(whole, speed * at) - beyond + lost, "plateau": np.full(len(at), lost)}
    if setting.pi > 0:
        found["tail"] = closed_form(whole, setting.pi * at)
    return found


def local_slope(setting: Setting, n: Any) -> Array:
    """d ln(L - L_inf) / d ln n of the exact curve at ``n`` (m,), by central differences of 1 % in n."""
    at = np.atleast_1d(np.asarray(n, dtype=np.float64))
    step = 0.01
    both = exact(setting, np.concatenate([at * math.exp(step), at * math.exp(-step)])).excess
    return np.asarray(np.diff(np.log(both).reshape(2, -1)[::-1], axis=0)[0] / (2 * step))


def _lost(setting: Setting) -> float:
    """What is still to be gained on the items that the generator has lost."""
    parts = [setting.a * setting.moment(setting.alpha, setting.k + 1)]
    parts += [-setting.b * setting.moment(setting.lam, setting.k + 1)] if setting.b else []
    return sum(parts)


def _beyond(setting: Setting) -> float:
    """The same as integrals over ranks beyond k + 1/2: what the power law of phase 1 counts too much."""
    edge, total = setting.k + 0.5, 0.0
    for factor, power in ((setting.a, setting.alpha), (-setting.b, setting.lam)):
        total += factor * setting.C * edge ** (1 - power - setting.beta) / (setting.beta + power - 1)
    return total
