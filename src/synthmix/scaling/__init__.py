"""Scaling laws: fit, compare and read off what they say. Takes arrays, returns result objects; no torch, no paths."""

from synthmix.scaling.derived import data_law_at, model_law_at
from synthmix.scaling.fit import fit
from synthmix.scaling.fitted import Fit
from synthmix.scaling.held_out import held_out
from synthmix.scaling.inputs import Inputs
from synthmix.scaling.law import Law
from synthmix.scaling.laws import LAWS
from synthmix.scaling.noise import SeedNoise, seed_noise
from synthmix.scaling.parameter import Parameter
from synthmix.scaling.runs import Runs
from synthmix.scaling.share import BestShare, best_share, best_share_of_fits
from synthmix.scaling.speedup import Generation, speedup
from synthmix.scaling.terms import Constant, Power, SharePolynomial

__all__ = [
    "LAWS",
    "BestShare",
    "Constant",
    "Fit",
    "Generation",
    "Inputs",
    "Law",
    "Parameter",
    "Power",
    "Runs",
    "SeedNoise",
    "SharePolynomial",
    "best_share",
    "best_share_of_fits",
    "data_law_at",
    "fit",
    "held_out",
    "model_law_at",
    "seed_noise",
    "speedup",
]
