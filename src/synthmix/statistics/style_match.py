"""The style-match confound: is a generator's gain larger on the domains whose style its text is close to?

A gain is natural text's loss minus the mixture's on one held-out domain, nats per token. Within each generator the
gains are set against the style distances to the domains (both centred on the generator's means, so that a generator
that is better everywhere does not look like a match): a negative slope says that the gain is partly one of style. The
interval comes from drawing domains again, since the generators share them; with few domains it is wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.interval import Interval, format_interval
from synthmix.quantities import fixed

RESAMPLES = 500


@dataclass(frozen=True)
class StylePoint:
    """One generator (at one share) on one held-out domain."""

    generator: str
    share: float
    domain: str
    distance: float
    gain: float


@dataclass(frozen=True)
class StyleMatch:
    """``slope``: nats of gain per unit of style distance; ``near`` and ``far``: mean gain on the nearer and the farther
    half of the domains; ``excess``: their difference, with interval."""

    slope: Interval
    near: float
    far: float
    excess: Interval
    domains: int
    sentence: str


def style_match(points: Sequence[StylePoint], *, level: float = 0.9, seed: int = 0) -> StyleMatch | None:
    """What the points say of the confound; None with fewer than two domains."""
    domains = sorted({point.domain for point in points})
    if len(domains) < 2:
        return None
    groups = sorted({(point.generator, point.share) for point in points})
    distance, gain = (np.full((len(groups), len(domains)), np.nan) for _ in range(2))
    for point in points:
        at = groups.index((point.generator, point.share)), domains.index(point.domain)
        distance[at], gain[at] = point.distance, point.gain
    slope, near, far = _slope(distance, gain), *_halves(distance, gain)
    rng, slopes, excesses = np.random.default_rng(seed), [], []
    for _ in range(RESAMPLES):
        columns = rng.integers(0, len(domains), len(domains))
        if len(np.unique(columns)) > 1:
            drawn = _slope(distance[:, columns], gain[:, columns])
            slopes += [drawn] if drawn is not None else []
            a, b = _halves(distance[:, columns], gain[:, columns])
            excesses.append(a - b)
    excess = _interval(near - far, excesses, level)
    return StyleMatch(_interval(slope, slopes, level), near, far, excess, len(domains), _sentence(excess, len(domains)))


def _slope(distance: np.ndarray, gain: np.ndarray) -> float | None:
    x = distance - np.nanmean(distance, axis=1, keepdims=True)
    y = gain - np.nanmean(gain, axis=1, keepdims=True)
    known = np.isfinite(x) & np.isfinite(y)
    spread = float((x[known] ** 2).sum())
    return float((x[known] * y[known]).sum() / spread) if spread > 0 else None


def _halves(distance: np.ndarray, gain: np.ndarray) -> tuple[float, float]:
    """Mean gain on each generator's nearer domains and on its farther ones."""
    middle = np.nanmedian(distance, axis=1, keepdims=True)
    near, far = distance <= middle, distance > middle
    if not far.any():
        return float(np.nanmean(gain)), float(np.nanmean(gain))
    return float(np.nanmean(gain[near])), float(np.nanmean(gain[far]))


def _interval(mid: float | None, draws: Sequence[float], level: float) -> Interval:
    if len(draws) < RESAMPLES // 10:
        return Interval(mid=mid, level=level, covers="sampling")
    low, high = np.percentile(draws, [50 * (1 - level), 50 * (1 + level)]).tolist()
    return Interval(low=low, mid=mid, high=high, level=level, covers="sampling")


def _sentence(excess: Interval, domains: int) -> str:
    more = format_interval(excess, lambda value: f"{fixed(value, 3, signed=True)} nats", level=False)
    more = f"gains on the domains nearest in style exceed those elsewhere by {more}"
    told = {1: "Part of the gain is style match", -1: "The gain is not one of style match"}
    unsure = f"Whether the gain is one of style match is not determined with {domains} domains"
    return f"{told.get(excess.sign(), unsure)}: {more}."
