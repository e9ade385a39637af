"""Evidence: published effects of synthetic text as data, and the prior made of them."""

from synthmix.evidence.generation import generation_hours
from synthmix.evidence.model import EffectModel, fit_effects
from synthmix.evidence.prior import combine, kind_prior
from synthmix.evidence.table import Effect, Study, Throughput, effects, kinds, read_effects, studies, throughputs

__all__ = [
    "Effect",
    "EffectModel",
    "Study",
    "Throughput",
    "combine",
    "effects",
    "fit_effects",
    "generation_hours",
    "kind_prior",
    "kinds",
    "read_effects",
    "studies",
    "throughputs",
]
