"""The terms that laws of mixtures are made of: values, analytic derivatives by parameter and by share, priors.

Parameters are in coordinates in which a Gaussian prior is apt: what is positive is a logarithm (``log w_web``). N and D
are in units of the runs' geometric means, so that coefficients are of order one.

Shape letters: b laws at once (domains, draws), n points, k sources, p parameters.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np

from synthmix.scaling.mixtures.points import MixturePoints
from synthmix.scaling.runs import Array

#: Repetition: R* (arXiv 2305.16264), and the standard deviation of its logarithm (CHOSEN: refits lay between 5 and 30).
R_STAR, R_STAR_SPREAD = 15.4, 0.6
_TINY = 1e-300


class Units(NamedTuple):
    """What N and D are divided by."""

    N: float = 1.0
    D: float = 1.0


def units_of(points: MixturePoints) -> Units:
    """Geometric means of N and D; 1 for what is not known."""
    return Units(*(1.0 if x is None else float(np.exp(np.log(x).mean())) for x in (points.N, points.D)))


@dataclass(frozen=True)
class Prior:
    """A Gaussian prior on the parameters of one term, within bounds; an infinite ``sd`` leaves one to the data.

    ``about_mean``: parameters that are shrunk to their own mean and not to ``mean``, with their standard deviation.
    """

    mean: Array
    sd: Array
    low: Array
    high: Array
    about_mean: tuple[slice, float] | None = None


class MixtureTerm(Protocol):
    """One addend of a law of mixtures."""

    @property
    def formula(self) -> str: ...
    def names(self, points: MixturePoints) -> list[str]: ...
    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        """The prior of the p parameters; losses (n,) for their size."""
        ...

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        """Where the search begins, one or two (p,)."""
        ...

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        """Values (b, n) at parameters (b, p) and, with ``slopes``, their derivatives in blocks (b, n, some of p)."""
        ...

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        """Derivatives (b, n, k) by the shares; N, D and the unique tokens do not move."""
        ...


def _no_share(theta: Array, points: MixturePoints) -> Array:
    return np.zeros((len(theta), len(points), len(points.sources)))


@dataclass(frozen=True)
class Floor:
    """The irreducible loss E > 0."""

    @property
    def formula(self) -> str:
        return "E"

    def names(self, points: MixturePoints) -> list[str]:
        return ["log E"]

    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        # Below the lowest loss; how far is what the prior leaves open (CHOSEN: half of it, within a factor of two).
        top = float(np.log(losses.min()))
        return Prior(np.full(1, top - 0.7), np.full(1, 0.7), np.full(1, top - 6), np.full(1, top))

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        return [np.log([losses.min() * 0.5]), np.log([losses.min() * 0.85])]

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        value = np.exp(theta[:, :1]) * np.ones(len(points))
        return value, [value[..., None]] if slopes else []

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        return _no_share(theta, points)


@dataclass(frozen=True)
class ScalePower:
    """``A N^-alpha`` or ``B D^-b`` (arXiv 2203.15556); ``of_size``: ``B D^-b N^c``, c shrunk to 0."""

    column: Literal["N", "D"]
    part: float = 0.15
    of_size: bool = False

    @property
    def formula(self) -> str:
        return "A N^-alpha" if self.column == "N" else "B D^-b N^c" if self.of_size else "B D^-b"

    def names(self, points: MixturePoints) -> list[str]:
        return ["log A", "log alpha"] if self.column == "N" else ["log B", "log b", *(["c"] if self.of_size else [])]

    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        # Published exponents lie between .2 and .6 (CHOSEN: .35 within a factor of 1.6).
        size, rest = float(np.log(self.part * np.median(losses))), int(self.of_size)
        return Prior(
            np.r_[size, np.log(0.35), np.zeros(rest)], np.r_[1.5, 0.5, np.full(rest, 0.3)],
            np.r_[-12.0, -4.0, np.full(rest, -2.0)], np.r_[4.0, 1.1, np.full(rest, 2.0)],
        )  # fmt: skip

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        return [np.r_[np.log([0.1 * np.median(losses), 0.35]), np.zeros(int(self.of_size))]]

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        x = np.log(getattr(points, self.column) / getattr(units, self.column))
        power = np.exp(theta[:, 1:2])
        size = np.log(points.N / units.N) if self.of_size else np.zeros(len(points))
        value = np.exp(theta[:, :1] - power * x + (theta[:, 2:3] * size if self.of_size else 0.0))
        by = [value, -value * power * x, *([value * size] if self.of_size else [])]
        return value, [np.stack(by, axis=-1)] if slopes else []

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        return _no_share(theta, points)


@dataclass(frozen=True)
class EffectiveTokens:
    """``(w_0 + sum_i w_i f_i(x_i))^-beta``: the loss of a learner with so many effective tokens.

    x_i: tokens of source i, those that repeat counted as U + U R*(1 - exp(-(epochs - 1) / R*)) (arXiv 2305.16264).
    ``shape``: ``power`` f = x^g_i, diminishing returns of one source and an infinite slope at no token; ``log``
    f = t_i log(1 + x / t_i), diminishing returns with a finite slope; ``linear`` f = x. With a finite slope the best
    share of a source can be exactly zero. Every f is concave, so the loss is convex in the shares.
    """

    shape: Literal["power", "log", "linear"] = "power"

    @property
    def formula(self) -> str:
        inner = {"power": "x_i^g_i", "log": "t_i log(1 + x_i/t_i)", "linear": "x_i"}[self.shape]
        return f"(w_0 + sum_i w_i {inner})^-beta"

    def names(self, points: MixturePoints) -> list[str]:
        letter = {"power": "g", "log": "log t", "linear": ""}[self.shape]
        bend = [f"{letter}_{source}" for source in points.sources] if letter else []
        star = ["log R*"] if points.unique is not None else []
        return ["beta", "log w_0", *(f"log w_{source}" for source in points.sources), *bend, *star]

    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        k, rest = len(points.sources), int(points.unique is not None)
        bend = {"power": (0.6, 0.3, 0.02, 1.0), "log": (0.0, 1.5, -6.0, 6.0), "linear": (0.0, 1.0, 0.0, 0.0)}[
            self.shape
        ]
        count, free = 0 if self.shape == "linear" else k, np.full(k + 1, np.inf)
        return Prior(
            np.r_[0.3, np.zeros(k + 1), np.full(count, bend[0]), np.full(rest, np.log(R_STAR))],
            np.r_[0.5, free, np.full(count, bend[1]), np.full(rest, R_STAR_SPREAD)],
            np.r_[0.02, np.full(k + 1, -40.0), np.full(count, bend[2]), np.full(rest, -1.0)],
            np.r_[3.0, np.full(k + 1, 40.0), np.full(count, bend[3]), np.full(rest, 8.0)],
            about_mean=(slice(1, k + 2), 2.0),
        )

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        k, found = len(points.sources), []
        bend = {"power": np.full(k, 0.6), "log": np.zeros(k), "linear": np.zeros(0)}[self.shape]
        star = np.full(int(points.unique is not None), np.log(R_STAR))
        for beta, part in ((0.3, 0.4), (0.8, 0.12)):
            size = float(-np.log(part * np.median(losses)) / beta)  # of log(w_0 + sum), for that part of the loss
            found.append(np.r_[beta, size - 2.0, np.full(k, size), bend, star])
        return found

    def _parts(self, theta: Array, points: MixturePoints, units: Units) -> tuple[Array, Array, Array, Array]:
        """Tokens and d tokens / d log R* (1 or b, n, k), the addends (b, n, k), and their derivatives by tokens."""
        k = len(points.sources)
        tokens, star = effective_tokens(points, units, theta[:, -1] if points.unique is not None else None)
        w = np.exp(theta[:, None, 2 : k + 2])
        if self.shape == "power":
            g = theta[:, None, k + 2 : 2 * k + 2]
            part = w * np.exp(g * np.log(np.maximum(tokens, _TINY)))
            part = np.where(tokens > 0, part, 0.0)
            slope = g * part / np.maximum(tokens, _TINY)
        elif self.shape == "log":
            t = np.exp(theta[:, None, k + 2 : 2 * k + 2])
            part, slope = w * t * np.log1p(tokens / t), w / (1 + tokens / t)
        else:
            part, slope = w * tokens, w * np.ones_like(tokens)
        return tokens, star, part, slope

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        beta, w0 = theta[:, :1], np.exp(theta[:, 1:2])
        tokens, star, part, slope = self._parts(theta, points, units)
        total = w0 + part.sum(axis=-1)
        value = total**-beta
        if not slopes:
            return value, []
        outer = (-beta * value / total)[..., None]
        blocks = [(-np.log(total) * value)[..., None], outer * w0[..., None], outer * part]
        if self.shape == "power":
            blocks.append(outer * part * np.where(tokens > 0, np.log(np.maximum(tokens, _TINY)), 0.0))
        elif self.shape == "log":
            blocks.append(outer * (part - slope * tokens))
        if points.unique is not None:
            blocks.append(outer * (slope * star).sum(axis=-1, keepdims=True))
        return value, blocks

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        beta, w0 = theta[:, :1], np.exp(theta[:, 1:2])
        _, _, part, slope = self._parts(theta, points, units)
        total = w0 + part.sum(axis=-1)
        budget = 1.0 if points.D is None else (points.D / units.D)[None, :, None]
        if points.unique is not None:  # a further token of a source in its e-th epoch adds exp(-(e - 1) / R*)
            budget = budget * np.exp(-(points.epochs - 1) / np.exp(theta[:, -1])[:, None, None])
        found: Array = (-beta * total ** (-beta - 1))[..., None] * slope * budget
        return found


def effective_tokens(points: MixturePoints, units: Units, log_star: Array | None) -> tuple[Array, Array]:
    """Tokens of each source (1 or b, n, k) in ``units``, repeated ones discounted, and d tokens / d log R*."""
    tokens = points.shares[None] * (1.0 if points.D is None else (points.D / units.D)[:, None])
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

    def names(self, points: MixturePoints) -> list[str]:
        return [*(f"log C_{s}" for s in points.sources), *(f"log g_{s}" for s in points.sources)]

    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        k = len(points.sources)
        return Prior(
            np.zeros(2 * k), np.r_[np.full(k, np.inf), np.ones(k)], np.r_[np.full(k, -20.0), np.full(k, -4.0)],
            np.r_[np.full(k, 30.0), np.full(k, 2.0)], about_mean=(slice(0, k), 3.0),
        )  # fmt: skip

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        k = len(points.sources)
        return [np.r_[np.full(k, -np.log(part * np.median(losses))), np.full(k, -0.5)] for part in (0.3, 0.1)]

    def _parts(self, theta: Array, points: MixturePoints) -> tuple[Array, Array, Array]:
        k = len(points.sources)
        power = np.exp(theta[:, None, k:])
        logs = np.log(np.maximum(points.shares[None], _TINY))
        part = np.where(points.shares[None] > 0, np.exp(theta[:, None, :k] + power * logs), 0.0)
        return part, power, np.where(points.shares[None] > 0, logs, 0.0)

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        part, power, logs = self._parts(theta, points)
        total = np.maximum(part.sum(axis=-1), 1e-12)
        outer = (-1 / total**2)[..., None]
        return 1 / total, [outer * part, outer * part * power * logs] if slopes else []

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        part, power, _ = self._parts(theta, points)
        total = np.maximum(part.sum(axis=-1), 1e-12)
        found: Array = (-1 / total**2)[..., None] * part * power / np.maximum(points.shares[None], _TINY)
        return found


@dataclass(frozen=True)
class Exponential:
    """``exp(sum_i t_i r_i)`` (arXiv 2403.16952; its factor is in the t_i, since the shares add up to one)."""

    @property
    def formula(self) -> str:
        return "exp(sum_i t_i r_i)"

    def names(self, points: MixturePoints) -> list[str]:
        return [f"t_{source}" for source in points.sources]

    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        k = len(points.sources)
        bounds = np.full(k, -30.0), np.full(k, 8.0)
        return Prior(np.zeros(k), np.full(k, np.inf), *bounds, about_mean=(slice(0, k), 2.0))

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        return [np.full(len(points.sources), np.log(part * np.median(losses))) for part in (0.4, 0.15)]

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        value = np.exp(theta @ points.shares.T)
        return value, [value[..., None] * points.shares[None]] if slopes else []

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        found: Array = np.exp(theta @ points.shares.T)[..., None] * theta[:, None]
        return found


@dataclass(frozen=True)
class LinearShares:
    """``sum_i c_i r_i``: a token is worth the same whatever it is mixed with."""

    @property
    def formula(self) -> str:
        return "sum_i c_i r_i"

    def names(self, points: MixturePoints) -> list[str]:
        return [f"c_{source}" for source in points.sources]

    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        k, size = len(points.sources), float(np.median(losses))
        bounds = np.full(k, -10 * size), np.full(k, 10 * size)
        return Prior(np.zeros(k), np.full(k, np.inf), *bounds, about_mean=(slice(0, k), size))

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        return [np.full(len(points.sources), 0.5 * float(np.median(losses)))]

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        shares = np.broadcast_to(points.shares, (len(theta), *points.shares.shape))
        return theta @ points.shares.T, [shares] if slopes else []

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        return np.broadcast_to(theta[:, None], (len(theta), len(points), theta.shape[1]))


@dataclass(frozen=True)
class LogQuadratic:
    """``exp(a + sum_i b_i z_i + sum_ij c_ij z_i z_j)``, z_i = log(1 + r_i / floor): a quadratic of the log-loss."""

    floor: float = 0.01

    @property
    def formula(self) -> str:
        return "exp(a + sum_i b_i z_i + sum_ij c_ij z_i z_j)"

    def names(self, points: MixturePoints) -> list[str]:
        s = points.sources
        pairs = [f"c_{s[i]},{s[j]}" for i in range(len(s)) for j in range(i, len(s))]
        return ["a", *(f"b_{source}" for source in s), *pairs]

    def prior(self, points: MixturePoints, losses: Array) -> Prior:
        k = len(points.sources)
        pairs = k * (k + 1) // 2
        p = 1 + k + pairs
        # CHOSEN: a source moves the log-loss by tenths, a pair by hundredths.
        mean, sd = np.r_[np.log(np.median(losses)), np.zeros(p - 1)], np.r_[2.0, np.full(k, 0.5), np.full(pairs, 0.05)]
        return Prior(mean, sd, np.full(p, -20.0), np.full(p, 20.0))

    def starts(self, points: MixturePoints, losses: Array) -> list[Array]:
        k = len(points.sources)
        return [np.r_[np.log(0.6 * np.median(losses)), np.zeros(k + k * (k + 1) // 2)]]

    def evaluate(
        self, theta: Array, points: MixturePoints, units: Units, *, slopes: bool = True
    ) -> tuple[Array, list[Array]]:
        z = np.log1p(points.shares / self.floor)
        first, second = np.triu_indices(z.shape[1])
        features = np.concatenate([np.ones((len(z), 1)), z, z[:, first] * z[:, second]], axis=1)
        value = np.exp(np.clip(theta @ features.T, -30, 30))
        return value, [value[..., None] * features[None]] if slopes else []

    def by_share(self, theta: Array, points: MixturePoints, units: Units) -> Array:
        k = points.shares.shape[1]
        z = np.log1p(points.shares / self.floor)
        first, second = np.triu_indices(k)
        both = np.zeros((len(theta), k, k))
        both[:, first, second] = theta[:, 1 + k :]
        inner = theta[:, None, 1 : 1 + k] + np.einsum("bij,nj->bni", both + np.swapaxes(both, 1, 2), z)
        value, _ = self.evaluate(theta, points, units, slopes=False)
        found: Array = value[..., None] * inner / (points.shares + self.floor)[None]
        return found
