"""Low-level statistics of training and held-out text: unigram counts, coverage and divergence."""

from synthmix.statistics.coverage import Coverage, coverage
from synthmix.statistics.divergence import (
    jensen_shannon,
    kl_contributions,
    kl_test_train,
    kl_train_test,
    unigram_entropy,
)
from synthmix.statistics.mixtures import mixture_statistics, statistic
from synthmix.statistics.unigrams import count_unigrams, mixture_counts, recipe_counts

__all__ = [
    "Coverage",
    "count_unigrams",
    "coverage",
    "jensen_shannon",
    "kl_contributions",
    "kl_test_train",
    "kl_train_test",
    "mixture_counts",
    "mixture_statistics",
    "recipe_counts",
    "statistic",
    "unigram_entropy",
]
