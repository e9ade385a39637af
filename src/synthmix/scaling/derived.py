"""Laws that follow from a fitted law: Chinchilla's data law at one size, its model law at one budget."""

from dataclasses import replace

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling.fitted import Fit
from synthmix.scaling.inputs import Array
from synthmix.scaling.law import Law
from synthmix.scaling.laws.power import CHINCHILLA, DATA, MODEL


def data_law_at(fit: Fit, N: float) -> Fit:
    """E + A N^-alpha becomes the E of a data law at this N; draws follow. ``runs`` and the objective stay the fit's."""
    return _slice(fit, ("A", "alpha"), ("B", "beta"), N, DATA)


def model_law_at(fit: Fit, D: float) -> Fit:
    """E + B D^-beta becomes the E of a model law at this D; draws follow."""
    return _slice(fit, ("B", "beta"), ("A", "alpha"), D, MODEL)


def _slice(fit: Fit, held: tuple[str, str], kept: tuple[str, str], at: float, law: Law) -> Fit:
    if fit.law.names != CHINCHILLA.names:
        raise BadInput("only the law chinchilla has a data law and a model law inside", where=f"law {fit.law.name}")

    def convert(theta: Array) -> Array:
        named = dict(zip(fit.law.names, np.moveaxis(theta, -1, 0), strict=True))
        floor = named["E"] + named[held[0]] * at ** -named[held[1]]
        return np.stack([floor, named[kept[0]], named[kept[1]]], axis=-1)

    return replace(fit, law=law, values=convert(fit.values), draws=convert(fit.draws))
