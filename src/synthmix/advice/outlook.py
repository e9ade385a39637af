"""What the laws say of every share of a kind at the question, with repeats where text is short."""

from dataclasses import dataclass

import numpy as np

from synthmix.advice.asked import Asked, Kind
from synthmix.advice.knowledge import KindLaws, Knowledge
from synthmix.advice.supply import effective, effective_mixture, repeats_draws
from synthmix.scaling import Fit, Inputs
from synthmix.scaling.inputs import Array

STEPS = 101  # shares on the curve, one percent apart


@dataclass(frozen=True)
class Said:
    """One law's losses at the question: the value first, then the draws: (1 + draws, shares), nats per token.

    ``natural``: of real text alone (1 + draws,), under the same limits.
    """

    law: Fit
    loss: Array
    natural: Array

    @property
    def difference(self) -> Array:
        """Loss minus that of real text alone, paired by draw."""
        return self.loss - self.natural[:, None]


@dataclass(frozen=True)
class Outlook:
    """One kind at the question. ``shares`` (m,) lie between the shares trained; ``even`` marks the evenly spaced ones,
    the others are those trained."""

    kind: Kind
    shares: Array
    even: np.ndarray
    said: tuple[Said, ...]
    unique: float  # synthetic tokens that can be had

    def bought(self, tokens: float) -> Array:
        """Unique synthetic tokens of each share."""
        return np.minimum(self.shares * tokens, self.unique)

    def money(self, tokens: float) -> Array:
        """Their price."""
        return self.bought(tokens) * self.kind.price / 1e6


def outlook(laws: KindLaws, kind: Kind, asked: Asked, *, steps: int = STEPS, draws: int | None = None) -> Outlook:
    """A kind's outlook on a grid of shares and on the trained ones, from the first ``draws`` draws."""
    unique = asked.limit(kind)
    grid = np.linspace(laws.shares[0], laws.shares[-1], steps) if unique >= 1 else np.zeros(1)
    trained = [share for share in laws.shares if np.abs(grid - share).min() > 1e-9 and unique >= 1]
    shares = np.sort(np.r_[grid, trained])
    said = tuple(_said(law, asked, shares, unique, draws) for law in laws.laws)
    return Outlook(kind, shares, np.isin(shares, grid), said, unique)


def outlooks(known: Knowledge, asked: Asked, *, steps: int = STEPS, draws: int | None = None) -> list[Outlook]:
    """Of all kinds that are asked about."""
    return [outlook(known.kinds[kind.name], kind, asked, steps=steps, draws=draws) for kind in asked.kinds]


def parameters(law: Fit, draws: int | None = None) -> Array:
    """The fitted parameters, then those of the draws: (1 + draws, p)."""
    return np.vstack([law.values, law.draws[:draws]])


def real_supply(asked: Asked) -> float:
    """Unique real tokens."""
    return np.inf if asked.real is None else float(asked.real)


def _said(law: Fit, asked: Asked, shares: Array, unique: float, draws: int | None) -> Said:
    theta = parameters(law, draws)
    repeats = repeats_draws(len(theta) - 1)
    budget, real = float(asked.tokens), real_supply(asked)
    tokens = effective_mixture(budget, shares[None, :], real, unique, repeats[:, None])
    loss = _losses(law, theta, asked.params, tokens, np.broadcast_to(shares, tokens.shape))
    alone = effective(budget, real, repeats)[:, None]
    natural = _losses(law, theta, asked.params, alone, np.zeros_like(alone))
    return Said(law, loss, natural[:, 0])


def _losses(law: Fit, theta: Array, params: float, tokens: Array, shares: Array) -> Array:
    """Losses (k, m): row k of the parameters at its own tokens and shares (k, m)."""
    given = {"N": np.full(tokens.size, float(params)), "D": tokens.ravel(), "share": shares.ravel()}
    x = Inputs(**{name: given[name] for name in law.law.columns})
    return law.law.predict_each(np.repeat(theta, tokens.shape[1], axis=0), x).reshape(tokens.shape)
