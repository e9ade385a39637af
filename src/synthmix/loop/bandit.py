"""Which arm to write from next, and when to stop: the mathematics alone, without files.

An arm is a way to get text: a kind, a generator and its seeds, or a pool that can be bought. A round of it costs
something and changes the value of what there is by a gain that is measured with a known error. CHOSEN: the marginal
value of arm k at x tokens is a falling curve,

    m_k(x) = a_k (1 + x / h_k)^-g,    x = n_k + r (n - n_k),

with n_k tokens of its own text, n of all arms', r the part of other arms' text that counts as its own. a_k may be
negative. Given h, g, r and the scale of the errors a round's gain is linear in a_k, so that its posterior is normal and
known in closed form; the four are integrated over a grid (r, g and the scale are common to all arms, h is each arm's).
The form itself may be off by a part of each gain (FORM), which adds to the errors and to what is predicted.
The prior of a_k is normal, its mean and width taken from the first rounds of all arms (empirical Bayes).

The arm that is chosen has the highest upper quantile of its next round's gain per cost, the level rising with the
rounds: Bayes-UCB (Kaufmann, Cappe and Garivier, AISTATS 2012) per unit of cost. Each arm is looked at once before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

SHARED = (0.0, 0.3, 1.0)  # r: part of the other arms' text that counts as an arm's own
FALLS = (1.0, 2.0)  # g: value without bound (logarithmic), and with one
ERRORS = (0.5, 1.0, 2.0)  # scale of the stated errors, as a standard deviation
HALVES = tuple(np.geomspace(0.01, 10.0, 10))  # h, in units of the tokens that the whole budget buys
FORM = 0.05  # part of a gain by which the curve may be off, a standard deviation
HIGHEST = 0.9  # level of the upper quantile, at most


@dataclass(frozen=True)
class Round:
    """What a round brought: ``tokens`` written by ``arm``, what they ``cost``, and the ``gain`` of the value with its
    ``error``, a standard deviation."""

    arm: int
    tokens: float
    cost: float
    gain: float
    error: float


@dataclass(frozen=True)
class Outlook:
    """The distribution of a gain: a mixture of normals with ``weights``, ``means`` and ``spreads`` (m,)."""

    weights: np.ndarray
    means: np.ndarray
    spreads: np.ndarray

    @property
    def mean(self) -> float:
        """Of the mixture."""
        return float(self.weights @ self.means)

    def below(self, value: float) -> float:
        """The probability that the gain is at most ``value``."""
        from scipy.special import ndtr

        spreads = np.maximum(self.spreads, 1e-300)
        return float(self.weights @ ndtr((value - self.means) / spreads))

    def quantile(self, level: float) -> float:
        """The gain that is not exceeded with probability ``level``; by bisection, to a relative 1e-9 of its range."""
        far = 12 * float(self.spreads.max()) + 1e-300
        low, high = float(self.means.min()) - far, float(self.means.max()) + far
        for _ in range(60):
            middle = (low + high) / 2
            if self.below(middle) < level:
                low = middle
            else:
                high = middle
        return (low + high) / 2


class Beliefs:
    """What is known of every arm's curve after some rounds.

    Args:
        arms: how many there are.
        rounds: in their order, those without tokens left out.
        scale: tokens that the whole budget buys, about: the unit of h.
    """

    def __init__(self, arms: int, rounds: Sequence[Round], scale: float) -> None:
        self.arms, self.scale = arms, max(scale, 1.0)
        self.rounds = [each for each in rounds if each.tokens > 0]
        self.written = np.zeros(arms)
        self._before: list[np.ndarray] = []
        for each in self.rounds:
            self._before.append(self.written.copy())
            self.written[each.arm] += each.tokens
        self._h = np.array(HALVES) * self.scale
        self._prior_mean, self._prior_spread = self._prior()

    def _prior(self) -> tuple[float, float]:
        """Mean and standard deviation of a_k, gain per token, from the first round of each arm."""
        first: dict[int, Round] = {}
        for each in self.rounds:
            first.setdefault(each.arm, each)
        if not first:
            return 0.0, 1.0
        rates = np.array([each.gain / each.tokens for each in first.values()])
        noise = float(np.median([each.error / each.tokens for each in first.values()]))
        mean = float(np.mean(rates))
        return mean, max(2 * float(rates.std()), abs(mean), noise, 1e-300)

    def _features(self, arm: int, before: np.ndarray, tokens: float) -> np.ndarray:
        """(r, g, h) integral of (1 + x/h)^-g over a round: its gain in units of a_k."""
        shared = np.array(SHARED)[:, None]
        start = before[arm] + shared * (before.sum() - before[arm])  # (r, 1)
        low, high = self._h + start, self._h + start + tokens  # (r, h)
        made = [self._h * np.log(high / low) if g == 1 else self._h**2 * (1 / low - 1 / high) for g in FALLS]
        return np.stack(made, axis=1)

    @cached_property
    def _fitted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Posterior weights (arm, r, g, error, h), and mean and variance of a_k at each, of the same shape."""
        shape = (self.arms, len(SHARED), len(FALLS), len(ERRORS), len(HALVES))
        logs, means = np.zeros(shape), np.full(shape, self._prior_mean)
        variances = np.full(shape, self._prior_spread**2)
        scales = np.array(ERRORS)[:, None] ** 2
        typical = max((abs(each.gain) for each in self.rounds), default=0.0)
        for arm in range(self.arms):
            mine = [i for i, each in enumerate(self.rounds) if each.arm == arm]
            if not mine:
                continue
            f = np.stack([self._features(arm, self._before[i], self.rounds[i].tokens) for i in mine])[:, :, :, None]
            y = np.array([self.rounds[i].gain for i in mine])[:, None, None, None, None]
            error = np.maximum([self.rounds[i].error for i in mine], 1e-3 * typical + 1e-300)
            form = FORM * np.array([self.rounds[i].gain for i in mine])
            noise = error[:, None, None] ** 2 * scales + form[:, None, None] ** 2  # (t, error, 1)
            noise = noise[:, None, None]  # (t, r, g, error, h)
            left = y - f * self._prior_mean
            precision = 1 / self._prior_spread**2 + (f**2 / noise).sum(axis=0)
            pulled = (f * left / noise).sum(axis=0)
            means[arm] = self._prior_mean + pulled / precision
            variances[arm] = 1 / precision
            logs[arm] = -0.5 * (
                np.log(noise).sum(axis=0)
                + np.log(precision * self._prior_spread**2)
                + (left**2 / noise).sum(axis=0)
                - pulled**2 / precision
            )
        top = logs.max(axis=-1, keepdims=True)
        own = np.exp(logs - top)
        joint = (np.log(own.mean(axis=-1)) + top[..., 0]).sum(axis=0)  # (r, g, error): evidence of all arms
        common = np.exp(joint - joint.max())
        common /= common.sum()
        return common[None, ..., None] * own / own.sum(axis=-1, keepdims=True), means, variances

    def outlook(self, arm: int, tokens: float) -> Outlook:
        """On the gain of the next ``tokens`` of an arm: of the curve, not of the error with which it is measured."""
        weights, means, variances = (each[arm] for each in self._fitted)
        f = np.broadcast_to(self._features(arm, self.written, tokens)[:, :, None], weights.shape)
        spreads = np.sqrt(variances + (FORM * means) ** 2) * f
        return Outlook(weights.ravel(), (means * f).ravel(), spreads.ravel())


@dataclass(frozen=True)
class Offer:
    """The next round of an arm: so many ``tokens`` at a ``cost``."""

    arm: int
    tokens: float
    cost: float


@dataclass(frozen=True)
class Judged:
    """An offer with what is believed of it.

    Attributes:
        gain: expected. low, high: its interval, from 1 - confidence to confidence (each end one-sided).
        index: what arms are chosen by: the upper quantile of the gain per unit of cost.
        pays: the probability that the gain is worth more than the round costs.
    """

    offer: Offer
    gain: float
    low: float
    high: float
    index: float
    pays: float


def judge(beliefs: Beliefs, offers: Sequence[Offer], *, price: float = 0.0, confidence: float = 0.9) -> list[Judged]:
    """Every offer, the one to take first.

    Args:
        price: the gain that one unit of cost must bring to be worth it; 0: any gain is.
        confidence: of the interval.
    """
    rounds = len(beliefs.rounds)
    level = min(1 - 1 / (rounds + 3), HIGHEST)
    seen = {each.arm for each in beliefs.rounds}
    found = []
    for offer in offers:
        outlook = beliefs.outlook(offer.arm, offer.tokens)
        cost = max(offer.cost, 1e-300)
        index = outlook.quantile(level) / cost
        low, high = outlook.quantile(1 - confidence), outlook.quantile(confidence)
        found.append(Judged(offer, outlook.mean, low, high, index, 1 - outlook.below(price * offer.cost)))
    return sorted(found, key=lambda each: (each.offer.arm in seen, -each.index, each.offer.arm))


def worth_it(judged: Sequence[Judged], *, confidence: float) -> bool:
    """Whether any arm may still be worth its price: not one of them is below it with that confidence. Arms that were
    never looked at count as such."""
    return any(each.pays > 1 - confidence for each in judged)
