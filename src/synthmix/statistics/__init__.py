"""What the text itself says: counts, coverage, divergence, Zipf and Heaps, generators and tokenizers compared."""

from synthmix.statistics.compare import (
    Comparison,
    Coverage,
    compare_ngrams,
    compare_unigrams,
    coverage,
    jensen_shannon,
    kl_contributions,
    kl_test_train,
    kl_train_test,
    top_contributions,
    unigram_entropy,
)
from synthmix.statistics.count import TextCounts, count_text, count_unigrams, count_words, mixture_counts, recipe_counts
from synthmix.statistics.mixtures import mixture_rows, mixture_statistics, seen_probability, share_curve, statistic
from synthmix.statistics.ngrams import NgramCounts
from synthmix.statistics.ranking import Measure, StatisticTable, statistic_table
from synthmix.statistics.survey import survey
from synthmix.statistics.text_laws import Heaps, Zipf, heaps_of, zipf
from synthmix.statistics.types import Options, Survey

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
    "mixture_rows",
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
