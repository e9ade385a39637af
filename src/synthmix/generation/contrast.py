"""Differences between sets of texts, paired by their sources where they share them: far narrower than two intervals."""

import math
from collections.abc import Mapping
from itertools import combinations

import numpy as np
from pydantic import BaseModel, ConfigDict

from synthmix.interval import Interval

Values = Mapping[str, Mapping[str, float]]  # measure -> source (or block) -> value
MIN_PAIRED = 10


class Difference(BaseModel):
    """``one`` minus ``other`` with Student's 95 % interval. ``paired``: over ``n`` sources that both were made from;
    else Welch's, ``n`` the smaller count. Not corrected for how many differences are looked at."""

    model_config = ConfigDict(frozen=True)

    one: str
    other: str
    measure: str
    difference: Interval
    n: int
    paired: bool

    @property
    def beyond(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.difference.sign() != 0


def differences(sets: Mapping[str, Values]) -> list[Difference]:
    """Every measure of every two sets that both have it, with two values or more each."""
    found = []
    for one, other in combinations(sets, 2):
        for measure in sets[one]:
            if measure in sets[other]:
                a, b = sets[one][measure], sets[other][measure]
                contrast = _paired(a, b) or _unpaired(a, b)
                if contrast is not None:
                    value, half, n, paired = contrast
                    apart = Interval(low=value - half, mid=value, high=value + half, level=0.95, covers="sampling")
                    found.append(
                        Difference(one=one, other=other, measure=measure, difference=apart, n=n, paired=paired)
                    )
    return found


def _paired(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[float, float, int, bool] | None:
    common = [key for key in a if key in b]
    if len(common) < MIN_PAIRED:
        return None
    apart = np.array([a[key] - b[key] for key in common])
    return float(apart.mean()), _t(len(apart) - 1) * float(apart.std(ddof=1)) / math.sqrt(len(apart)), len(apart), True


def _unpaired(a: Mapping[str, float], b: Mapping[str, float]) -> tuple[float, float, int, bool] | None:
    first, second = np.array([*a.values()]), np.array([*b.values()])
    if min(len(first), len(second)) < 2:
        return None
    errors = np.array([own.var(ddof=1) / len(own) for own in (first, second)])
    freedom = np.array([len(first) - 1, len(second) - 1])
    total = float(errors.sum())  # Welch (1947) and Satterthwaite (1946)
    degrees = total**2 / float((errors**2 / freedom).sum()) if total else float(freedom.min())
    half = _t(degrees) * math.sqrt(total)
    return float(first.mean() - second.mean()), half, int(freedom.min()) + 1, False


def _t(degrees: float) -> float:
    from scipy.stats import t

    return float(t.ppf(0.975, degrees))
