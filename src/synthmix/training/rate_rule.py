"""Do the best learning rates of several sizes fall as a power of the width, and is the rule used that power?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.training.estimate import estimate
from synthmix.training.tuning import Optimum


@dataclass(frozen=True)
class Rule:
    """rate = c width^-p over the sizes: ``exponent`` p, and ``exponent_params`` the same over N.

    ``factor``: c where p is one, as in the rule used; ``used`` its factor.
    """

    exponent: Interval
    exponent_params: Interval
    factor: Interval
    used: float

    @property
    def exponent_inside(self) -> bool | None:
        """Whether one over the width is within the exponent's interval."""
        return self.exponent.holds(1.0)

    @property
    def factor_inside(self) -> bool | None:
        """Whether the factor used is within the factor's interval."""
        return self.factor.holds(self.used)


def fit_rule(optima: Sequence[Optimum], *, used: float, level: float = 0.9) -> Rule:
    """The power of the width (and of N) that the best rates follow, sizes weighted by how surely theirs is known.

    Raises:
        BadInput: fewer than two sizes of different width with a best rate.
    """
    known = [optimum for optimum in optima if optimum.rate is not None]
    if len({optimum.width for optimum in known}) < 2:
        raise BadInput(
            f"{len(known)} of {len(optima)} sizes have a best rate, and a rule needs two of different width",
            key="params",
            remedy="add a size, or sweep further",
        )
    logs = np.array(
        [[np.log(o.rate.mid or np.nan), *o.log_draws] for o in known if o.rate is not None]
    )  # (sizes, 1 + draws)
    spread = np.nanstd(logs[:, 1:], axis=1) if np.isfinite(logs[:, 1:]).any(axis=1).all() else np.ones(len(known))
    weights = 1 / np.maximum(spread, 0.01) ** 2
    weights /= weights.sum()
    widths = np.log([optimum.width for optimum in known])
    sizes = np.log([optimum.params for optimum in known])
    factors = weights @ (logs + widths[:, None])
    return Rule(
        exponent=_of(-_slopes(widths, logs, weights), level),
        exponent_params=_of(-_slopes(sizes, logs, weights), level),
        factor=estimate(factors[0], factors[1:], level, np.exp),
        used=used,
    )


def _slopes(x: np.ndarray, y: np.ndarray, weights: np.ndarray) -> np.ndarray:
    away = x - weights @ x
    return (weights * away) @ (y - weights @ y) / (weights @ away**2)


def _of(values: np.ndarray, level: float) -> Interval:
    return estimate(values[0], values[1:], level, np.asarray)
