"""Laws over a vector of shares: named sums of terms, and which of them there are."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.mixtures.points import MixturePoints, Points
from synthmix.scaling.mixtures.terms import (
    EffectiveTokens,
    Exponential,
    Floor,
    Floors,
    LinearShares,
    LogQuadratic,
    MixtureTerm,
    Reciprocal,
    ScalePower,
    Units,
)
from synthmix.scaling.runs import Array


@dataclass(frozen=True)
class MixtureLaw:
    """A law over a vector of shares.

    Attributes:
        name: on the command line and in files.
        terms: of the shares (and of D, where one holds it).
        of_tokens: what is added where D varies: ``power`` B D^-b; ``start``, for terms that see D themselves, the same
            as a part of what the first tokens do (warm-up), B D^-b N^c where N varies too.
        source: where the formula is from.
    """

    name: str
    terms: tuple[MixtureTerm, ...]
    of_tokens: Literal["power", "start"] = "power"
    source: str = ""

    def of(self, points: MixturePoints) -> "BoundLaw":
        """The law with the terms that these points bear."""
        n, d = (x is not None and float(np.ptp(np.log(x))) > 1e-9 for x in (points.N, points.D))
        scale = [ScalePower("N")] if n else []
        if d:
            scale.append(ScalePower("D") if self.of_tokens == "power" else ScalePower("D", 0.05, of_size=n))
        return BoundLaw(self.name, (*self.terms, *scale))


@dataclass(frozen=True)
class BoundLaw:
    """A law with the terms that some runs bear; evaluated for b parameter vectors at once."""

    name: str
    terms: tuple[MixtureTerm, ...]

    def names(self, points: Points) -> list[str]:
        """p parameter names."""
        return [name for term in self.terms for name in term.names(points)]

    @property
    def convex(self) -> bool:
        """Whether the loss is convex in the shares whatever the parameters, so that a minimum is the minimum."""
        return all(
            isinstance(term, Floor | Floors | EffectiveTokens | Exponential | LinearShares | ScalePower)
            for term in self.terms
        )

    @property
    def formula(self) -> str:
        """The law in one line; x_i are the tokens of source i, r_i its share."""
        return "L = " + " + ".join(term.formula for term in self.terms)

    def evaluate(self, theta: Array, points: Points, units: Units) -> tuple[Array, Array]:
        """Losses (b, n) and their derivatives (b, n, p) at parameters (b, p)."""
        total, blocks = np.zeros((len(theta), len(points))), []
        for term, inside in self._split(theta, points):
            value, slopes = term.evaluate(inside, points, units)
            total += value
            blocks += slopes
        return total, np.concatenate(blocks, axis=-1)

    def predict(self, theta: Array, points: Points, units: Units) -> Array:
        """Losses (b, n)."""
        total = np.zeros((len(theta), len(points)))
        for term, inside in self._split(theta, points):
            total += term.evaluate(inside, points, units, slopes=False)[0]
        return total

    def by_share(self, theta: Array, points: Points, units: Units) -> Array:
        """Derivatives (b, n, k) of the losses by the shares."""
        total = np.zeros((len(theta), len(points), len(points.sources)))
        for term, inside in self._split(theta, points):
            total += term.by_share(inside, points, units)
        return total

    def _split(self, theta: Array, points: Points) -> list[tuple[MixtureTerm, Array]]:
        counts = np.cumsum([len(term.names(points)) for term in self.terms])
        return list(zip(self.terms, np.split(theta, counts[:-1], axis=1), strict=True))


_OURS = "CHOSEN, after the additive law of arXiv 2507.09404 and, for repetition, arXiv 2305.16264"
_FLOORS = "CHOSEN: effective_tokens with an irreducible loss of each source"
#: Name -> law.
MIXTURE_LAWS = {
    law.name: law
    for law in (
        MixtureLaw("effective_tokens", (Floor(), EffectiveTokens("offset")), "start", _OURS),
        MixtureLaw("effective_tokens_floors", (Floors(), EffectiveTokens("offset")), "start", _FLOORS),
        MixtureLaw("effective_tokens_power", (Floor(), EffectiveTokens("power")), "start", "CHOSEN: all t_i = 0"),
        MixtureLaw("effective_tokens_linear", (Floor(), EffectiveTokens("linear")), "start", _OURS),
        MixtureLaw("additive", (Floor(), Reciprocal()), source="arXiv 2507.09404"),
        MixtureLaw("exponential", (Floor(), Exponential()), source="arXiv 2403.16952"),
        MixtureLaw("linear_shares", (LinearShares(),), source="a comparison"),
        MixtureLaw("log_quadratic", (LogQuadratic(),), source="a comparison"),
    )
}


def find_mixture_law(law: str | MixtureLaw) -> MixtureLaw:
    """A law by its name, or the law itself.

    Raises:
        BadInput: there is none of that name.
    """
    if isinstance(law, MixtureLaw):
        return law
    if law not in MIXTURE_LAWS:
        raise BadInput(f"no law of mixtures '{law}'", key="law", remedy=f"choose one of {', '.join(MIXTURE_LAWS)}")
    return MIXTURE_LAWS[law]
