"""What sets the generator's cutoff k: how many samples were drawn, top-p, top-k, temperature.

DERIVED; each is held against simulation in tests/theory/test_cutoffs.py.
"""

import math

from scipy.special import gamma

from synthmix.errors import BadInput
from synthmix.theory.setting import Setting, power_sum


def sampling_cutoff(beta: float, samples: float) -> float:
    """Rank that is expected once among ``samples`` items drawn from p: (C samples)^(1/beta).

    Finite sampling has no sharp edge: items near this rank are there or not by chance.
    """
    _check(beta, samples, 1, math.inf, "samples")
    return max(1.0, (samples / power_sum(beta, 1)) ** (1 / beta))


def sampling_cutoff_by_mass(beta: float, samples: float) -> float:
    """Sharp cutoff that loses as much natural mass as ``samples`` drawn items are expected to miss.

    sum p_i (1 - p_i)^s = C k^(1-beta) / (beta - 1) gives k = (C s)^(1/beta) Gamma(c + 1)^(-1/(beta-1)), c = 1 - 1/beta:
    a quarter above :func:`sampling_cutoff` at beta = 1.5.
    """
    return sampling_cutoff(beta, samples) * float(gamma(2 - 1 / beta)) ** (-1 / (beta - 1))


def top_p_cutoff(beta: float, top_p: float) -> float:
    """The smallest k with sum over i <= k of p_i >= top_p, exactly (bisection on Hurwitz's zeta function)."""
    _check(beta, top_p, 0, 1, "top_p")
    if top_p == 1:
        return math.inf
    lost, low, high = (1 - top_p) / (1 / power_sum(beta, 1)), 1.0, 1.0
    while power_sum(beta, high + 1) > lost:
        low, high = high, high * 2
        if high > 1e300:
            raise BadInput(f"keeps {top_p:g} only with more than 1e300 items at beta {beta:g}", key="top_p")
    while high - low > 1 and high - low > 1e-12 * high:
        middle = math.floor((low + high) / 2)
        low, high = (middle, high) if power_sum(beta, middle + 1) > lost else (low, middle)
    return low if power_sum(beta, low + 1) <= lost else high


def top_p_cutoff_approximate(beta: float, top_p: float) -> float:
    """((beta - 1)(1 - top_p) / C)^(-1/(beta-1)): the sum taken for an integral; good for large k."""
    _check(beta, top_p, 0, 1, "top_p")
    return math.inf if top_p == 1 else ((beta - 1) * (1 - top_p) * power_sum(beta, 1)) ** (-1 / (beta - 1))


def generated(
    setting: Setting,
    *,
    temperature: float | None = None,
    top_k: float | None = None,
    top_p: float | None = None,
    samples: float | None = None,
) -> Setting:
    """``setting`` with the cutoff and the exponent of a generator that has learned p and is sampled like this.

    Temperature first, as samplers do (p' ~ p^(1/temperature): exponent beta / temperature, narrowed and not cut), then
    top-k, top-p of what is left, and finite sampling of it; the tightest cutoff holds.

    Raises:
        BadInput: a value outside its range.
    """
    exponent, k = setting.beta, setting.k
    if temperature is not None:
        _check(setting.beta, temperature, 0, math.inf, "temperature")
        exponent = setting.beta / temperature
    if top_k is not None:
        _check(setting.beta, top_k, 1, math.inf, "top_k")
        k = min(k, top_k)
    if exponent <= 1 and math.isinf(k):
        problem = f"{temperature:g} makes the exponent {exponent:g}: without a cutoff its frequencies do not add up"
        raise BadInput(problem, key="temperature", remedy="give --k or --top-k as well, or lower it")
    if top_p is not None:
        k = min(k, _kept(exponent, k, top_p))
    if samples is not None:
        _check(setting.beta, samples, 1, math.inf, "samples")
        # Expected once among the samples of what is left: (C' s)^(1/exponent), C' = p'_1.
        k = min(k, max(1.0, (samples / power_sum(exponent, 1, k)) ** (1 / exponent)))
    return setting.replace(k=k, synthetic_beta=None if exponent == setting.beta else exponent)


def _kept(exponent: float, k: float, top_p: float) -> float:
    """The smallest rank with a share top_p of the mass of ranks 1..k."""
    if math.isinf(k):
        return top_p_cutoff(exponent, top_p)
    _check(2.0, top_p, 0, 1, "top_p")
    goal, low, high = top_p * power_sum(exponent, 1, k), 0.0, math.floor(k)
    while high - low > 1:
        middle = math.floor((low + high) / 2)
        low, high = (middle, high) if power_sum(exponent, 1, middle) < goal else (low, middle)
    return float(high)


def _check(beta: float, value: float, low: float, high: float, key: str) -> None:
    if not beta > 1:
        raise BadInput(f"is {beta:g}", key="beta", remedy="give one above 1")
    if not low <= value <= high or value == 0 or (math.isinf(value) and key != "top_k"):
        ends = f"above {low:g}" if math.isinf(high) else f"above {low:g}, at most {high:g}"
        raise BadInput(
            f"is {value:g}", key=key, remedy=f"give one {ends if low == 0 else ends.replace('above', 'from')}"
        )
