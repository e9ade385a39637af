"""Scaling laws: fit, compare and read off what they say. Takes arrays, returns result objects; no torch, no paths."""

from synthmix.scaling.collapse import Collapse, collapse_test
from synthmix.scaling.compare import compare
from synthmix.scaling.fit import fit
from synthmix.scaling.fitted import Fit
from synthmix.scaling.held_out import held_out
from synthmix.scaling.isoflop import IsoFlopMinima, isoflop_minima
from synthmix.scaling.law import Constant, Law, Parameter, Power, SharePolynomial
from synthmix.scaling.laws import LAWS
from synthmix.scaling.noise import PooledNoise, SeedNoise, pooled_noise, seed_noise
from synthmix.scaling.objectives import ObjectiveOptima, across_objectives
from synthmix.scaling.optimal import Optimum, compute_optimal, data_law_at, model_law_at
from synthmix.scaling.profile import Profile, profile
from synthmix.scaling.ranking import Comparison, Score
from synthmix.scaling.runs import Inputs, Runs
from synthmix.scaling.share import best_share, best_share_of_fits, best_share_of_law, share_shift
from synthmix.scaling.share_summary import BestShare
from synthmix.scaling.speedup import Generation, speedup

__all__ = [
    "LAWS",
    "BestShare",
    "Collapse",
    "Comparison",
    "Constant",
    "Fit",
    "Generation",
    "Inputs",
    "IsoFlopMinima",
    "Law",
    "ObjectiveOptima",
    "Optimum",
    "Parameter",
    "PooledNoise",
    "Power",
    "Profile",
    "Runs",
    "Score",
    "SeedNoise",
    "SharePolynomial",
    "across_objectives",
    "best_share",
    "best_share_of_fits",
    "best_share_of_law",
    "collapse_test",
    "compare",
    "compute_optimal",
    "data_law_at",
    "fit",
    "held_out",
    "isoflop_minima",
    "model_law_at",
    "pooled_noise",
    "profile",
    "seed_noise",
    "share_shift",
    "speedup",
]
