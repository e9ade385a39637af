"""Laws over a vector of shares: many sources at once, fitted with priors, with draws and intervals."""

from synthmix.scaling.mixtures.compare import MixtureComparison, MixtureScore, compare_mixtures
from synthmix.scaling.mixtures.fit import fewest_mixtures, fit_mixtures
from synthmix.scaling.mixtures.fitted import Calibration, MixtureFit
from synthmix.scaling.mixtures.law import MIXTURE_LAWS, MixtureLaw, find_mixture_law
from synthmix.scaling.mixtures.points import MixturePoints, MixtureRuns

__all__ = [
    "MIXTURE_LAWS",
    "Calibration",
    "MixtureComparison",
    "MixtureFit",
    "MixtureLaw",
    "MixturePoints",
    "MixtureRuns",
    "MixtureScore",
    "compare_mixtures",
    "fewest_mixtures",
    "find_mixture_law",
    "fit_mixtures",
]
