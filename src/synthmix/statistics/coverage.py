"""Coverage: how much of the held-out text's vocabulary the training text has shown."""

from typing import NamedTuple

import numpy as np


class Coverage(NamedTuple):
    """Shares in [0, 1]: of the held-out tokens (``mass``) and of the distinct held-out ids (``types``)."""

    mass: float
    types: float


def coverage(train: np.ndarray, test: np.ndarray, *, at_least: int = 1, expected: bool = False) -> Coverage:
    """Share of the held-out mass and types that training shows ``at_least`` times.

    Args:
        train: counts in training, shape (vocab_size,): exact ones, or expectations with ``expected``.
        test: counts in the held-out text, shape (vocab_size,).
        expected: ``train`` holds means lambda; each id then counts with P(Poisson(lambda) >= at_least) (DERIVED: the
            limit of drawing tokens independently; real text clumps, so this overstates coverage a little).

    Raises:
        ValueError: an empty held-out text.
    """
    total, types = test.sum(), np.count_nonzero(test)
    if not total:
        raise ValueError("the held-out text is empty")
    seen = _poisson_tail(train, at_least) if expected else (train >= at_least).astype(np.float64)
    return Coverage(float(seen @ test / total), float(seen @ (test > 0) / types))


def _poisson_tail(means: np.ndarray, at_least: int) -> np.ndarray:
    from scipy.special import pdtrc

    return np.ones(len(means)) if at_least == 0 else pdtrc(at_least - 1, means)
