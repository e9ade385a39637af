"""The terms that laws of mixtures are made of: values, analytic derivatives by parameter and by share, priors.

Parameters are in coordinates in which a Gaussian prior is apt: what is positive is a logarithm (``log w_web``). N and D
are in units of the runs' geometric means, so that coefficients are of order one.

Shape letters: b laws at once (domains, draws), n points, k sources, p parameters.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np

from synthmix.scaling.mixtures.points import Points
from synthmix.scaling.runs import Array

#: Repetition: R* (arXiv 2305.16264), and the standard deviation of its logarithm (CHOSEN: refits lay between 5 and 30).
R_STAR, R_STAR_SPREAD = 15.4, 0.6
_TINY = 1e-300


class Units(NamedTuple):
    """What N and D are divided by."""

    N: float = 1.0
    D: float = 1.0


def units_of(points: Points) -> Units:
    """Geometric means of N and D; 1 for what is not known."""
    return Units(*(1.0 if x is None else float(np.exp(np.log(x).mean())) for x in (points.N, points.D)))


class Alike(NamedTuple):
    """Parameters (their places) that are shrunk to their own mean, with standard deviation ``sd``; the mean itself has
    a prior of ``mean`` and ``of_mean``, infinite: none."""

    inside: slice
    sd: float
    mean: float = 0.0
    of_mean: float = np.inf


#: The offset's logarithm, in shares times D over its unit: about the sources' own mean, of which little is known before
#: (CHOSEN: some tables have a slope at no token that is as good as infinite, others one that is not), and bounds.
OFFSET = Alike(slice(0), 1.5, -5.0, 4.0)
OFFSET_START, OFFSET_BOUNDS = -7.0, (-14.0, 3.0)


@dataclass(frozen=True)
class Prior:
    """A Gaussian prior on the parameters of one term, within bounds; an infinite ``sd`` leaves one to the data.

    ``alike``: parameters that are shrunk to their own mean and not to ``mean``.
    """

    mean: Array
    sd: Array
    low: Array
    high: Array
    alike: tuple[Alike, ...] = ()


class MixtureTerm(Protocol):
    """One addend of a law of mixtures."""

    @property
    def formula(self) -> str: ...
    def names(self, points: Points) -> list[str]: ...
    def prior(self, points: Points, losses: Array) -> Prior:
        """The prior of the p parameters; losses (n,) for their size."""
        ...

    def starts(self, points: Points, losses: Array) -> list[Array]:
        """Where the search begins, one or two (p,)."""
        ...

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        """Values (b, n) at parameters (b, p) and, with ``slopes``, their derivatives in blocks (b, n, some of p)."""
        ...

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        """Derivatives (b, n, k) by the shares; N, D and the unique tokens do not move."""
        ...


def _along(theta: Array, points: Points) -> Array:
    """(b, n) sum of parameter times share."""
    found: Array = np.einsum("bk,bnk->bn", theta, points.grid) if len(points.grid) > 1 else theta @ points.grid[0].T
    return found


def _no_share(theta: Array, points: Points) -> Array:
    return np.zeros((len(theta), len(points), len(points.sources)))


@dataclass(frozen=True)
class Floor:
    """The irreducible loss E > 0."""

    @property
    def formula(self) -> str:
        return "E"

    def names(self, points: Points) -> list[str]:
        return ["log E"]

    def prior(self, points: Points, losses: Array) -> Prior:
        # Below the lowest loss; how far is what the prior leaves open (CHOSEN: half of it, within a factor of two).
        top = float(np.log(losses.min()))
        return Prior(np.full(1, top - 0.7), np.full(1, 0.7), np.full(1, top - 6), np.full(1, top))

    def starts(self, points: Points, losses: Array) -> list[Array]:
        return [np.log([losses.min() * 0.5]), np.log([losses.min() * 0.85])]

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        value = np.exp(theta[:, :1]) * np.ones(len(points))
        return value, [value[..., None]] if slopes else []

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        return _no_share(theta, points)


@dataclass(frozen=True)
class Floors:
    """``sum_i E_i r_i``, E_i > 0: the irreducible loss where sources differ in it, linear in the shares.

    The E_i are shrunk to their own mean (CHOSEN: a factor of 1.2), which has the prior of :class:`Floor`.
    """

    spread: float = 0.2

    @property
    def formula(self) -> str:
        return "sum_i E_i r_i"

    def names(self, points: Points) -> list[str]:
        return [f"log E_{source}" for source in points.sources]

    def prior(self, points: Points, losses: Array) -> Prior:
        k, top = len(points.sources), float(np.log(losses.min()))
        # A source alone may end above the lowest loss of all mixtures.
        bounds = np.full(k, top - 6), np.full(k, top + 1.5)
        shrunk = Alike(slice(0, k), self.spread, top - 0.7, 0.7)
        return Prior(np.full(k, top - 0.7), np.full(k, np.inf), *bounds, (shrunk,))

    def starts(self, points: Points, losses: Array) -> list[Array]:
        return [np.full(len(points.sources), np.log(part * losses.min())) for part in (0.5, 0.85)]

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        floors = np.exp(theta)
        return _along(floors, points), [floors[:, None] * points.grid] if slopes else []

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        return np.broadcast_to(np.exp(theta)[:, None], (len(theta), len(points), theta.shape[1]))


@dataclass(frozen=True)
class ScalePower:
    """``A N^-alpha`` or ``B D^-b`` (arXiv 2203.15556); ``of_size``: ``B D^-b N^c``, c shrunk to 0."""

    column: Literal["N", "D"]
    part: float = 0.15
    of_size: bool = False

    @property
    def formula(self) -> str:
        return "A N^-alpha" if self.column == "N" else "B D^-b N^c" if self.of_size else "B D^-b"

    def names(self, points: Points) -> list[str]:
        return ["log A", "log alpha"] if self.column == "N" else ["log B", "log b", *(["c"] if self.of_size else [])]

    def prior(self, points: Points, losses: Array) -> Prior:
        # Published exponents lie between .2 and .6 (CHOSEN: .35 within a factor of 1.6).
        size, rest = float(np.log(self.part * np.median(losses))), int(self.of_size)
        return Prior(
            np.r_[size, np.log(0.35), np.zeros(rest)], np.r_[1.5, 0.5, np.full(rest, 0.3)],
            np.r_[-12.0, -4.0, np.full(rest, -2.0)], np.r_[4.0, 1.1, np.full(rest, 2.0)],
        )  # fmt: skip

    def starts(self, points: Points, losses: Array) -> list[Array]:
        return [np.r_[np.log([0.1 * np.median(losses), 0.35]), np.zeros(int(self.of_size))]]

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        x: Array = np.log(getattr(points, self.column) / getattr(units, self.column))
        power = np.exp(theta[:, 1:2])
        size = np.log(points.N / units.N) if self.of_size and points.N is not None else np.zeros(len(points))
        value = np.exp(theta[:, :1] - power * x + (theta[:, 2:3] * size if self.of_size else 0.0))
        by = [value, -value * power * x, *([value * size] if self.of_size else [])]
        return value, [np.stack(by, axis=-1)] if slopes else []

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        return _no_share(theta, points)


@dataclass(frozen=True)
class EffectiveTokens:
    """``(w_0 + sum_i w_i f_i(x_i))^-beta``: the loss of a learner with so many effective tokens.

    x_i: tokens of source i, those that repeat counted as U + U R*(1 - exp(-(epochs - 1) / R*)) (arXiv 2305.16264).
    ``shape``: ``offset`` f = (x + t_i)^g_i - t_i^g_i, diminishing returns of one source and a finite slope at no token,
    so that its best share can be exactly zero (small g_i: a logarithm); ``power`` f = x^g_i, the same with t_i = 0 and
    an infinite slope at no token; ``linear`` f = x. Every f is concave, so the loss is convex in the shares.
    """

    shape: Literal["offset", "power", "linear"] = "offset"

    @property
    def formula(self) -> str:
        inner = {
            "power": "x_i^g_i",
            "offset": "((x_i + t_i)^g_i - t_i^g_i)",
            "linear": "x_i",
        }
        return f"(w_0 + sum_i w_i {inner[self.shape]})^-beta"

    @property
    def _bends(self) -> tuple[str, ...]:
        return {"power": ("g",), "offset": ("g", "log t"), "linear": ()}[self.shape]

    def names(self, points: Points) -> list[str]:
        bend = [f"{letter}_{source}" for letter in self._bends for source in points.sources]
        star = ["log R*"] if points.unique is not None else []
        return ["beta", "log w_0", *(f"log w_{source}" for source in points.sources), *bend, *star]

    def prior(self, points: Points, losses: Array) -> Prior:
        k, rest = len(points.sources), int(points.unique is not None)
        bends = {"g": (0.6, 0.3, 0.02, 1.0), "log t": (0.0, np.inf, *OFFSET_BOUNDS)}  # mean, standard deviation, bounds
        mean, sd, low, high = (
            np.concatenate([np.full(k, bends[letter][place]) for letter in self._bends] or [np.zeros(0)])
            for place in range(4)
        )
        return Prior(
            np.r_[0.3, np.zeros(k + 1), mean, np.full(rest, np.log(R_STAR))],
            np.r_[0.5, np.full(k + 1, np.inf), sd, np.full(rest, R_STAR_SPREAD)],
            np.r_[0.02, np.full(k + 1, -40.0), low, np.full(rest, -1.0)],
            np.r_[3.0, np.full(k + 1, 40.0), high, np.full(rest, 8.0)],
            (
                Alike(slice(1, k + 2), 2.0),
                *([OFFSET._replace(inside=slice(2 * k + 2, 3 * k + 2))] if "log t" in self._bends else []),
            ),
        )

    def starts(self, points: Points, losses: Array) -> list[Array]:
        k, found = len(points.sources), []
        bends = {"g": 0.6, "log t": OFFSET_START}
        bend = np.concatenate([np.full(k, bends[letter]) for letter in self._bends] or [np.zeros(0)])
        star = np.full(int(points.unique is not None), np.log(R_STAR))
        for beta, part in ((0.3, 0.4), (0.8, 0.12)):
            size = float(-np.log(part * np.median(losses)) / beta)  # of log(w_0 + sum), for that part of the loss
            found.append(np.r_[beta, size - 2.0, np.full(k, size), bend, star])
        return found

    def _parts(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> "_Parts":
        k = len(points.sources)
        tokens, star = effective_tokens(points, units, theta[:, -1] if points.unique is not None else None)
        w = np.exp(theta[:, None, 2 : k + 2])
        first, second = theta[:, None, k + 2 : 2 * k + 2], theta[:, None, 2 * k + 2 : 3 * k + 2]
        bends: list[Array] = []
        if self.shape == "linear":
            part, slope = w * tokens, w * np.ones_like(tokens)
        elif self.shape == "power":
            logs = np.log(np.maximum(tokens, _TINY))
            part = np.where(tokens > 0, w * np.exp(first * logs), 0.0)
            slope = first * part / np.maximum(tokens, _TINY) if slopes else part
            bends = [part * np.where(tokens > 0, logs, 0.0)] if slopes else []
        else:
            t = np.exp(second)
            logs = np.log(tokens + t)
            upper, lower = w * np.exp(first * logs), w * np.exp(first * second)
            part, slope = upper - lower, first * upper / (tokens + t)
            bends = [upper * logs - lower * second, t * slope - first * lower] if slopes else []
        return _Parts(star, part, slope, bends)

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        beta, w0 = theta[:, :1], np.exp(theta[:, 1:2])
        found = self._parts(theta, points, units, slopes=slopes)
        total = w0 + found.part.sum(axis=-1)
        value = total**-beta
        if not slopes:
            return value, []
        outer = (-beta * value / total)[..., None]
        blocks = [(-np.log(total) * value)[..., None], outer * w0[..., None], outer * found.part]
        blocks += [outer * bend for bend in found.bends]
        if points.unique is not None:
            blocks.append(outer * (found.slope * found.star).sum(axis=-1, keepdims=True))
        return value, blocks

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        beta, w0 = theta[:, :1], np.exp(theta[:, 1:2])
        parts = self._parts(theta, points, units)
        total = w0 + parts.part.sum(axis=-1)
        budget = 1.0 if points.D is None else (points.D / units.D)[None, :, None]
        if points.unique is not None:  # a further token of a source in its e-th epoch adds exp(-(e - 1) / R*)
            budget = budget * np.exp(-(points.epochs - 1) / np.exp(theta[:, -1])[:, None, None])
        found: Array = (-beta * total ** (-beta - 1))[..., None] * parts.slope * budget
        return found


class _Parts(NamedTuple):
    """d tokens / d log R* (1 or b, n, k), the addends (b, n, k), their derivatives by tokens and by each bend."""

    star: Array
    part: Array
    slope: Array
    bends: list[Array]


def effective_tokens(points: Points, units: Units, log_star: Array | None) -> tuple[Array, Array]:
    """Tokens of each source (1 or b, n, k) in ``units``, repeated ones discounted, and d tokens / d log R*."""
    tokens = points.grid * (1.0 if points.D is None else (points.D / units.D)[:, None])
    if log_star is None or not points.repeats:
        return tokens, np.zeros_like(tokens)
    again = points.epochs - 1  # 0 where a source is not gone through once
    star = np.exp(log_star)[:, None, None]
    unique, kept = tokens / (again + 1), np.exp(-again / star)
    return unique * (1 + star * (1 - kept)), unique * (star * (1 - kept) - again * kept)


@dataclass(frozen=True)
class Reciprocal:
    """``1 / sum_i C_i r_i^g_i``: the additive law of arXiv 2507.09404; its best mixture cannot depend on N or D."""

    @property
    def formula(self) -> str:
        return "1 / sum_i C_i r_i^g_i"

    def names(self, points: Points) -> list[str]:
        return [*(f"log C_{s}" for s in points.sources), *(f"log g_{s}" for s in points.sources)]

    def prior(self, points: Points, losses: Array) -> Prior:
        k = len(points.sources)
        return Prior(
            np.zeros(2 * k), np.r_[np.full(k, np.inf), np.ones(k)], np.r_[np.full(k, -20.0), np.full(k, -4.0)],
            np.r_[np.full(k, 30.0), np.full(k, 2.0)], alike=(Alike(slice(0, k), 3.0),),
        )  # fmt: skip

    def starts(self, points: Points, losses: Array) -> list[Array]:
        k = len(points.sources)
        return [np.r_[np.full(k, -np.log(part * np.median(losses))), np.full(k, -0.5)] for part in (0.3, 0.1)]

    def _parts(self, theta: Array, points: Points) -> tuple[Array, Array, Array]:
        k = len(points.sources)
        power = np.exp(theta[:, None, k:])
        logs = np.log(np.maximum(points.grid, _TINY))
        part = np.where(points.grid > 0, np.exp(theta[:, None, :k] + power * logs), 0.0)
        return part, power, np.where(points.grid > 0, logs, 0.0)

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        part, power, logs = self._parts(theta, points)
        total = np.maximum(part.sum(axis=-1), 1e-12)
        outer = (-1 / total**2)[..., None]
        return 1 / total, [outer * part, outer * part * power * logs] if slopes else []

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        part, power, _ = self._parts(theta, points)
        total = np.maximum(part.sum(axis=-1), 1e-12)
        found: Array = (-1 / total**2)[..., None] * part * power / np.maximum(points.grid, _TINY)
        return found


@dataclass(frozen=True)
class Exponential:
    """``exp(sum_i t_i r_i)`` (arXiv 2403.16952; its factor is in the t_i, since the shares add up to one)."""

    @property
    def formula(self) -> str:
        return "exp(sum_i t_i r_i)"

    def names(self, points: Points) -> list[str]:
        return [f"t_{source}" for source in points.sources]

    def prior(self, points: Points, losses: Array) -> Prior:
        k = len(points.sources)
        bounds = np.full(k, -30.0), np.full(k, 8.0)
        return Prior(np.zeros(k), np.full(k, np.inf), *bounds, alike=(Alike(slice(0, k), 2.0),))

    def starts(self, points: Points, losses: Array) -> list[Array]:
        return [np.full(len(points.sources), np.log(part * np.median(losses))) for part in (0.4, 0.15)]

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        value = np.exp(_along(theta, points))
        return value, [value[..., None] * points.grid] if slopes else []

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        found: Array = np.exp(_along(theta, points))[..., None] * theta[:, None]
        return found


@dataclass(frozen=True)
class LinearShares:
    """``sum_i c_i r_i``: a token is worth the same whatever it is mixed with."""

    @property
    def formula(self) -> str:
        return "sum_i c_i r_i"

    def names(self, points: Points) -> list[str]:
        return [f"c_{source}" for source in points.sources]

    def prior(self, points: Points, losses: Array) -> Prior:
        k, size = len(points.sources), float(np.median(losses))
        bounds = np.full(k, -10 * size), np.full(k, 10 * size)
        return Prior(np.zeros(k), np.full(k, np.inf), *bounds, alike=(Alike(slice(0, k), size),))

    def starts(self, points: Points, losses: Array) -> list[Array]:
        return [np.full(len(points.sources), 0.5 * float(np.median(losses)))]

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        shares = np.broadcast_to(points.grid, (len(theta), *points.grid.shape[1:]))
        return _along(theta, points), [shares] if slopes else []

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        return np.broadcast_to(theta[:, None], (len(theta), len(points), theta.shape[1]))


@dataclass(frozen=True)
class LogQuadratic:
    """``exp(a + sum_i b_i z_i + sum_ij c_ij z_i z_j)``, z_i = log(1 + r_i / floor): a quadratic of the log-loss."""

    floor: float = 0.01

    @property
    def formula(self) -> str:
        return "exp(a + sum_i b_i z_i + sum_ij c_ij z_i z_j)"

    def names(self, points: Points) -> list[str]:
        s = points.sources
        pairs = [f"c_{s[i]},{s[j]}" for i in range(len(s)) for j in range(i, len(s))]
        return ["a", *(f"b_{source}" for source in s), *pairs]

    def prior(self, points: Points, losses: Array) -> Prior:
        k = len(points.sources)
        pairs = k * (k + 1) // 2
        p = 1 + k + pairs
        # CHOSEN: a source moves the log-loss by tenths, a pair by hundredths.
        mean, sd = np.r_[np.log(np.median(losses)), np.zeros(p - 1)], np.r_[2.0, np.full(k, 0.5), np.full(pairs, 0.05)]
        return Prior(mean, sd, np.full(p, -20.0), np.full(p, 20.0))

    def starts(self, points: Points, losses: Array) -> list[Array]:
        k = len(points.sources)
        return [np.r_[np.log(0.6 * np.median(losses)), np.zeros(k + k * (k + 1) // 2)]]

    def evaluate(self, theta: Array, points: Points, units: Units, *, slopes: bool = True) -> tuple[Array, list[Array]]:
        z = np.log1p(points.grid / self.floor)
        first, second = np.triu_indices(z.shape[-1])
        features = np.concatenate([np.ones((*z.shape[:2], 1)), z, z[..., first] * z[..., second]], axis=-1)
        value = np.exp(np.clip(np.matmul(features, theta[..., None])[..., 0], -30, 30))
        return value, [value[..., None] * features] if slopes else []

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        k = len(points.sources)
        z = np.log1p(points.grid / self.floor)
        first, second = np.triu_indices(k)
        both = np.zeros((len(theta), k, k))
        both[:, first, second] = theta[:, 1 + k :]
        inner = theta[:, None, 1 : 1 + k] + np.matmul(z, both + np.swapaxes(both, 1, 2))
        value, _ = self.evaluate(theta, points, units, slopes=False)
        found: Array = value[..., None] * inner / (points.grid + self.floor)
        return found
