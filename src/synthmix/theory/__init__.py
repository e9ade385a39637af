"""Three phases of learning on mixtures, and the generalization bound: pure mathematics, no files, no torch."""

from synthmix.theory.curve import (
    Breakpoints,
    Curve,
    breakpoints,
    closed_form,
    exact,
    local_slope,
    memorise,
    phase_formulas,
    slopes,
)
from synthmix.theory.cutoffs import (
    generated,
    sampling_cutoff,
    sampling_cutoff_by_mass,
    top_p_cutoff,
    top_p_cutoff_approximate,
)
from synthmix.theory.setting import Setting

__all__ = [
    "Breakpoints",
    "Curve",
    "Setting",
    "breakpoints",
    "closed_form",
    "exact",
    "generated",
    "local_slope",
    "memorise",
    "phase_formulas",
    "sampling_cutoff",
    "sampling_cutoff_by_mass",
    "slopes",
    "top_p_cutoff",
    "top_p_cutoff_approximate",
]
