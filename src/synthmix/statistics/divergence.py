"""Divergences between unigram distributions, in nats; the direction is in the name, the smoothing an argument.

Smoothing: additive (Lidstone), (c + alpha) / (n + alpha V), on the side that stands in the denominator of the
logarithm and so must not be zero; alpha = 0.5 (Krichevsky and Trofimov 1981) is CHOSEN.
"""

import numpy as np

ALPHA = 0.5


def kl_test_train(test: np.ndarray, train: np.ndarray, *, alpha: float = ALPHA) -> float:
    """KL(test || train): the nats per token that a unigram code of the training text wastes on the held-out text.

    Args:
        test, train: counts (or expected counts), shape (vocab_size,); ``train`` is smoothed, ``test`` is not.

    Raises:
        ValueError: different vocabularies, or an empty ``test``. Infinite without smoothing where an id is unseen.
    """
    return float(kl_contributions(test, train, alpha=alpha).sum())


def kl_train_test(train: np.ndarray, test: np.ndarray, *, alpha: float = ALPHA) -> float:
    """KL(train || test), ``test`` smoothed: large when training is about what the held-out text never says."""
    return float(kl_contributions(train, test, alpha=alpha).sum())


def kl_contributions(p: np.ndarray, q: np.ndarray, *, alpha: float = ALPHA) -> np.ndarray:
    """Each id's term p ln(p/q) of KL(p || q), nats, shape (vocab_size,); ``q`` is smoothed. They add up to the KL.

    Raises:
        ValueError: as :func:`kl_test_train`.
    """
    p_hat, q_hat = _normalised(p, q), (q + alpha) / (q.sum() + alpha * len(q))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(p_hat > 0, p_hat * (np.log(p_hat) - np.log(q_hat)), 0.0)


def jensen_shannon(a: np.ndarray, b: np.ndarray) -> float:
    """Jensen-Shannon divergence in nats, in [0, ln 2], of the unsmoothed distributions (Lin 1991); symmetric.

    Raises:
        ValueError: different vocabularies, or an empty side.
    """
    a_hat, b_hat = _normalised(a, b), _normalised(b, a)
    middle = (a_hat + b_hat) / 2
    return unigram_entropy(middle) - (unigram_entropy(a_hat) + unigram_entropy(b_hat)) / 2


def unigram_entropy(counts: np.ndarray) -> float:
    """Entropy of the unigram distribution in nats: the loss of the best model that ignores the context."""
    p = counts[counts > 0] / counts.sum()
    return float(-(p * np.log(p)).sum())


def _normalised(p: np.ndarray, other: np.ndarray) -> np.ndarray:
    if p.shape != other.shape:
        raise ValueError(f"vocabularies of {len(p)} and {len(other)} ids")
    total = p.sum()
    if not total:
        raise ValueError("an empty text has no distribution")
    return p / total
