"""The statistics of one recipe at one budget against one held-out domain, as the report shows them."""

from collections.abc import Mapping
from fractions import Fraction

import numpy as np

from synthmix.results import Statistic
from synthmix.statistics.coverage import Coverage, coverage
from synthmix.statistics.divergence import ALPHA, kl_test_train
from synthmix.statistics.unigrams import mixture_counts


def statistic(
    recipe: str,
    domain: str,
    train: np.ndarray,
    heldout: np.ndarray,
    *,
    alpha: float = ALPHA,
) -> Statistic:
    """From exact training counts (:func:`recipe_counts`) and held-out counts, both of shape (vocab_size,).

    Recipes are compared at equal budgets: a larger budget covers more whatever the recipe.
    """
    return _row(recipe, domain, train, heldout, coverage(train, heldout), int(train.sum()), alpha)


def mixture_statistics(
    recipe: str,
    domain: str,
    pools: Mapping[str, np.ndarray],
    shares: Mapping[str, float | Fraction],
    heldout: np.ndarray,
    train_tokens: int,
    *,
    alpha: float = ALPHA,
) -> Statistic:
    """The same from the pools' counts and the shares alone: what a uniform sample of ``train_tokens`` would show.

    Coverage is the expected one (Poisson, see :func:`coverage`); for the tokens of a run use :func:`statistic`.
    """
    train = mixture_counts(pools, shares, train_tokens)
    seen = coverage(train, heldout, expected=True)
    return _row(recipe, domain, train, heldout, seen, train_tokens, alpha)


def _row(
    recipe: str,
    domain: str,
    train: np.ndarray,
    heldout: np.ndarray,
    seen: Coverage,
    train_tokens: int,
    alpha: float,
) -> Statistic:
    """Coverage and divergence as one row of the results."""
    return Statistic(
        recipe=recipe,
        domain=domain,
        coverage_mass=seen.mass,
        coverage_types=seen.types,
        kl_test_train=kl_test_train(heldout, train, alpha=alpha),
        smoothing=f"additive {alpha:g} on train",
        train_tokens=train_tokens,
        test_tokens=int(heldout.sum()),
    )
