"""What the text itself says: counts, coverage, divergence, Zipf and Heaps, generators and tokenizers compared."""

from synthmix.statistics.compare import Comparison, compare_ngrams, compare_unigrams, top_contributions
from synthmix.statistics.count import TextCounts, count_text
from synthmix.statistics.coverage import Coverage, coverage
from synthmix.statistics.divergence import (
    jensen_shannon,
    kl_contributions,
    kl_test_train,
    kl_train_test,
    unigram_entropy,
)
from synthmix.statistics.heaps import Heaps, heaps_of
from synthmix.statistics.mixtures import mixture_statistics, statistic
from synthmix.statistics.ngrams import NgramCounts
from synthmix.statistics.ranking import Measure, StatisticTable, statistic_table
from synthmix.statistics.survey import survey
from synthmix.statistics.surveyed import Options, Survey
from synthmix.statistics.thinning import seen_probability, share_curve
from synthmix.statistics.unigrams import count_unigrams, mixture_counts, recipe_counts
from synthmix.statistics.words import count_words
from synthmix.statistics.zipf import Zipf, zipf

__all__ = [
    "Comparison",
    "Coverage",
    "Heaps",
    "Measure",
    "NgramCounts",
    "Options",
    "StatisticTable",
    "Survey",
    "TextCounts",
    "Zipf",
    "compare_ngrams",
    "compare_unigrams",
    "count_text",
    "count_unigrams",
    "count_words",
    "coverage",
    "heaps_of",
    "jensen_shannon",
    "kl_contributions",
    "kl_test_train",
    "kl_train_test",
    "mixture_counts",
    "mixture_statistics",
    "recipe_counts",
    "seen_probability",
    "share_curve",
    "statistic",
    "statistic_table",
    "survey",
    "top_contributions",
    "unigram_entropy",
    "zipf",
]
