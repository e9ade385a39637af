"""The closed form of the curve: two incomplete gamma functions for each power of the rank.

DERIVED for this project: with s = p(x) as variable, the sum over ranks of p x^-e e^(-n q) up to the cutoff becomes an
integral of s^(c-1) e^(-s n), c = (beta + e - 1) / beta, over s from p(k + 1/2) to infinity, and beyond the cutoff over
s from 0 to p(k + 1/2) with pi n for n. The half places the cutoff between two ranks (sum against integral).
"""

import math
from typing import Any

import numpy as np
from scipy.special import gamma

from synthmix.errors import BadInput
from synthmix.theory.incomplete_gamma import head, tail
from synthmix.theory.setting import Array, Setting


def closed_form(setting: Setting, n: Any) -> Array:
    """L - L_inf at ``n`` (m,), n > 0: for each (g, e) of (a, alpha) and (-b, lambda)

        g C^((1-e)/beta) Gamma(c) / beta { (m n)^-c Q(c, m n / n1) + (pi n)^-c P(c, pi n / n1) },

    m = pi + (1 - pi) / Z, n1 = (k + 1/2)^beta / C. Docs/three-phases.md says where it lies within 1 % of the sum.

    Raises:
        BadInput: synthetic frequencies of another exponent (temperature): there is no closed form for them.
    """
    at = np.atleast_1d(np.asarray(n, dtype=np.float64))
    if setting.synthetic_exponent != setting.beta:
        raise BadInput("has no closed form", where="three phases", key="temperature", remedy="use the exact curve")
    if math.isfinite(setting.items):
        raise BadInput("a finite number has no closed form", where="three phases", key="items",
                       remedy="use the exact curve")  # fmt: skip
    total = np.zeros(len(at))
    for factor, power in ((setting.a, setting.alpha), (-setting.b, setting.lam)):
        if factor:
            total += factor * _part(setting, at, power)
    return total


def _part(setting: Setting, n: Array, power: float) -> Array:
    beta, C = setting.beta, setting.C
    c = np.array((beta + power - 1) / beta)
    amount = C ** ((1 - power) / beta) / beta
    if math.isinf(setting.k):
        return np.asarray(amount * gamma(c) * n**-c)
    n1 = (setting.k + 0.5) ** beta / C
    speed = setting.pi + (1 - setting.pi) / setting.Z
    inside, outside = tail(c, speed * n / n1)[0], head(c, setting.pi * n / n1)[0]
    return np.asarray(amount * gamma(c) * n1**-c * (inside + outside))
