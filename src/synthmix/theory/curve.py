"""The learning curve of a setting: exact, in closed form, by phase, and simulated.

Exact: L(n) = L_inf + sum_i p_i (a i^-alpha - b i^-lambda) (1 - q_i)^n over as many items as there are. DERIVED (shared
with no published code; it reproduces the five published terms of phase 1). The first 2^16 items are summed one by one.
Beyond, the summand is smooth on a logarithmic scale and sums become integrals (Euler-Maclaurin about half integers,
Gauss-Legendre on panels a factor 2 wide, split at the cutoff). Where n q_i < 1e-6, (1 - q_i)^n is 1 - n q_i and the
endless rest is Hurwitz's zeta function. Memory is bounded whatever the number of items.

Closed form: two incomplete gamma functions for each power of the rank. DERIVED for this project: with s = p(x) as
variable, the sum over ranks of p x^-e e^(-n q) up to the cutoff becomes an integral of s^(c-1) e^(-s n),
c = (beta + e - 1) / beta, over s from p(k + 1/2) to infinity, and beyond the cutoff over s from 0 to p(k + 1/2) with
pi n for n. The half places the cutoff between two ranks (sum against integral).

Phases: where they begin, what their formulas say, how steep the curve is. Breakpoints FOUND (Wang et al., arXiv
2511.13640, with the factor C that the paper drops); phases 2 and 3 DERIVED.

Simulated: :func:`memorise`, a learner that remembers what it has seen, on samples really drawn.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import gamma

from synthmix.errors import BadInput
from synthmix.theory.incomplete_gamma import head, tail
from synthmix.theory.setting import Array, Setting, power_sum

_HEAD = 1 << 16
_BLOCK = 1 << 13
_LINEAR = 1e-6
_FINE, _COARSE = (np.polynomial.legendre.leggauss(nodes) for nodes in (20, 12))
RAPID, PLATEAU, TAIL = 1, 2, 3
_CHUNK = 1 << 20
_FAR = float(1 << 62)


@dataclass(frozen=True)
class Curve:
    """Test error at each n.

    Attributes:
        n: samples (m,).
        excess: L - L_inf (m,).
        floor: L_inf.
        error: estimated absolute error of ``excess`` (m,); rounding is counted as 1e-15 of it.
    """

    n: Array
    excess: Array
    floor: float
    error: Array

    @property
    def loss(self) -> Array:
        """L (m,)."""
        return self.floor + self.excess


def exact(setting: Setting, n: Any) -> Curve:
    """The exact curve at ``n`` samples (m,), real numbers >= 0.

    Raises:
        BadInput: an n that is negative or not finite.
    """
    at = np.atleast_1d(np.asarray(n, dtype=np.float64))
    if at.ndim != 1 or not len(at) or not np.isfinite(at).all() or (at < 0).any():
        raise BadInput("is not a list of finite numbers of samples", where="three phases", key="n")
    head = min(float(_HEAD), setting.items)
    total = np.zeros(len(at))
    for start in range(1, int(head) + 1, _BLOCK):
        total += _terms(setting, at, np.arange(start, min(start + _BLOCK, head + 1))).sum(axis=1)
    error = 1e-15 * total
    far = _far_enough(setting, float(at.max()))
    for first, last in ((head + 1, min(setting.k, far)), (max(head, setting.k) + 1, far)):
        if first <= last:
            part, doubt = _integrated(setting, at, first, last)
            total, error = total + part, error + doubt
    if far < setting.items:
        part, doubt = _linear(setting, at, far + 1)
        total, error = total + part, error + doubt
    return Curve(at, total, setting.floor, error)


def _terms(setting: Setting, n: Array, ranks: Any) -> Array:
    """Summands (m, ranks)."""
    with np.errstate(divide="ignore", invalid="ignore"):  # q = 1: seen by the first sample
        logs = np.log1p(-np.minimum(setting.shown(ranks), 1.0))
        unseen = np.exp(np.where(n[:, None] > 0, n[:, None] * logs, 0.0))
    return np.asarray(setting.natural(ranks) * setting.gain(ranks) * unseen)


def _far_enough(setting: Setting, n: float) -> float:
    """A rank from which on n q is below 1e-6, past the head and the cutoff; or the last item."""
    rank = max(float(_HEAD), setting.k if math.isfinite(setting.k) else 1.0)
    while rank < setting.items and n * float(setting.shown(rank + 1)) > _LINEAR:
        rank *= 2
    return min(rank, setting.items)


def _integrated(setting: Setting, n: Array, first: float, last: float) -> tuple[Array, Array]:
    """Sum over ranks first..last and its estimated error."""
    if last - first < _BLOCK:
        return _terms(setting, n, np.arange(first, last + 1)).sum(axis=1), np.zeros(len(n))
    edges = np.array([first - 0.5, last + 0.5])
    logs = np.log(edges)
    panels = max(1, math.ceil((logs[1] - logs[0]) / math.log(2)))
    inner = np.linspace(logs[0], logs[1], panels + 1)
    fine, coarse = (_quadrature(setting, n, inner, *rule) for rule in (_FINE, _COARSE))
    slope, third = np.zeros(len(n)), np.zeros(len(n))
    for edge, sign in zip((first - 0.5, last + 0.5), (-1, 1), strict=True):
        # Inside the part only: the summand jumps at the cutoff.
        steps = edge * (1 - sign * 1e-12) - sign * np.arange(4)
        f = _terms(setting, n, steps)
        derivative = sign * (11 * f[:, 0] - 18 * f[:, 1] + 9 * f[:, 2] - 2 * f[:, 3]) / 6
        slope += sign * derivative
        third += np.abs(f[:, 0] - 3 * f[:, 1] + 3 * f[:, 2] - f[:, 3])
    return fine - slope / 24, np.abs(fine - coarse) + third / 24


def _quadrature(setting: Setting, n: Array, panels: Any, nodes: Any, weights: Any) -> Array:
    half = np.diff(panels) / 2
    points: Array = np.exp((panels[:-1] + half)[:, None] + half[:, None] * nodes).ravel()
    scaled = (half[:, None] * weights).ravel() * points
    return np.asarray(_terms(setting, n, points) @ scaled)


def _linear(setting: Setting, n: Array, first: float) -> tuple[Array, Array]:
    """Sum over all ranks from ``first`` on, with (1 - q)^n = 1 - n q."""
    shown = [(setting.pi * setting.C, setting.beta)]
    if setting.k >= setting.items:
        shown.append(((1 - setting.pi) * setting.synthetic_C, setting.synthetic_exponent))
    total, largest = np.zeros(len(n)), 0.0
    for factor, power in ((setting.a, setting.alpha), (-setting.b, setting.lam)):
        if factor:
            still = factor * setting.moment(power, first)
            learned = sum(
                factor * share * setting.C * power_sum(setting.beta + power + extra, first, setting.items)
                for share, extra in shown
                if share
            )
            total += still - n * learned
            largest += abs(still)
    return total, 0.5 * (n * float(setting.shown(first))) ** 2 * largest


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
    tail: the power law of pi n, "as if only the natural samples counted". Meant for n well inside its phase.
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


def memorise(setting: Setting, n: Any, *, seed: int = 0, kept: int = 1 << 24) -> Array:
    """Natural mass not yet seen after ``n`` samples (m,), ascending whole numbers, one run of one learner.

    Args:
        setting: a = 1, alpha = 0, b = 0, synthetic frequencies of the natural exponent.
        seed: of the samples.
        kept: ranks whose being seen is kept; rarer items count as unseen, which adds less than their mass.

    Raises:
        BadInput: another learner, or an n that does not ascend.
    """
    at = np.atleast_1d(np.asarray(n, dtype=np.int64))
    if setting.a != 1 or setting.alpha or setting.b or setting.synthetic_exponent != setting.beta:
        raise BadInput("only the memoriser (a = 1, alpha = 0, b = 0) is simulated", where="memoriser")
    if (np.diff(at) <= 0).any() or at[0] < 0:
        raise BadInput("must ascend", where="memoriser", key="n")
    rng = np.random.default_rng(seed)
    kept = int(min(kept, setting.items))
    seen = np.zeros(kept + 1, dtype=bool)
    mass, done, out = 0.0, 0, []
    for goal in at:
        while done < goal:
            count = int(min(_CHUNK, goal - done))
            ranks = _draw(setting, rng, count)
            ranks = np.unique(ranks[ranks <= kept])
            new = ranks[~seen[ranks]]
            seen[new] = True
            mass += float(setting.natural(new).sum())
            done += count
        out.append(1 - mass)
    return np.array(out)


def _draw(setting: Setting, rng: np.random.Generator, count: int) -> np.ndarray:
    natural = rng.binomial(count, setting.pi)
    synthetic = _zipf(setting.beta, setting.k, rng, count - natural)
    return np.concatenate([_zipf(setting.beta, setting.items, rng, natural), synthetic])


def _zipf(beta: float, most: float, rng: np.random.Generator, count: int) -> np.ndarray:
    """``count`` ranks <= ``most`` with frequencies i^-beta (rejection of what lies beyond)."""
    if math.isfinite(most) and most <= 1e6:
        cumulative = np.cumsum(np.arange(1, most + 1) ** -beta)
        return 1 + np.searchsorted(cumulative / cumulative[-1], rng.random(count), side="right")
    found = rng.zipf(beta, count)
    found[found < 0] = np.int64(_FAR)  # past 2^63 numpy wraps
    wrong = np.flatnonzero(found > most)
    while len(wrong):
        found[wrong] = rng.zipf(beta, len(wrong))
        wrong = wrong[found[wrong] > most]
    return np.asarray(found)
