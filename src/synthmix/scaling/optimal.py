"""What a joint law says with one budget held: compute-optimal allocation, the law at one N or at one D."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.scaling.fitted import Fit
from synthmix.scaling.law import Law
from synthmix.scaling.laws.power import CHINCHILLA, DATA, MODEL
from synthmix.scaling.model_error import spread
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array, Inputs

_GOLDEN = (np.sqrt(5) - 1) / 2


@dataclass(frozen=True)
class Optimum:
    """Best use of ``flops``: N, D, their ratio and the loss there, each with an interval, and the exponent a with which
    the best N grows with compute there (that of D is 1 - a)."""

    flops: float
    N: Interval
    D: Interval
    tokens_per_parameter: Interval
    loss: Interval
    exponent: Interval


def compute_optimal(
    fit: Fit, flops: float, *, flops_per_token: float = 6.0, level: float | None = None, **columns: Any
) -> Optimum:
    """N and D that minimise the predicted loss with ``flops_per_token`` x N x D = ``flops``.

    By golden section in ln N for each resample, so for every law that has one valley along a budget. For Chinchilla it
    is N = G (C/6)^a, a = beta / (alpha + beta), at every budget; for another law a is its slope over the next decade.
    Other columns (share, ...) are held as given.

    Raises:
        BadInput: the law lacks N or D.
    """
    if not {"N", "D"} <= set(fit.law.columns):
        raise BadInput("has no optimal size: it needs N and D", where=f"law {fit.law.name}")
    if not flops > 0:
        raise BadInput(f"{flops!r} is not a positive number of FLOPs", key="flops")
    held = fit.points(**{**columns, "N": 1.0, "D": 1.0})
    others = {name: getattr(held, name) for name in fit.law.columns if name not in ("N", "D")}
    theta = np.vstack([fit.values, fit.draws])
    product = flops / flops_per_token

    def loss(log_n: Array, product: float = product) -> Array:
        N = np.exp(log_n)
        return fit.law.predict_each(theta, Inputs(N=N, D=product / N, **others))

    log_n = _valley(loss, np.zeros(len(theta)), np.full(len(theta), np.log(product)))
    a = _exponent(fit, theta, log_n, loss, product)
    N, value, level = np.exp(log_n), loss(log_n), level or fit.level
    edge = (log_n < 1e-3) | (log_n > np.log(product) - 1e-3)
    at = {**{name: float(column[0]) for name, column in others.items()}, "N": N[0], "D": product / N[0]}
    factor = fit.factor_at(**at)
    N, value = spread(np.where(edge, np.nan, N), factor), fit.widen(value, **at)
    # A slope does not grow with the distance as what it extrapolates does: the factor within the cuts' reach.
    odds = spread(np.where(edge, np.nan, a / (1 - a)), 1.0 if factor == 1.0 else fit.model_error.factor)
    a = odds / (1 + odds)
    why = fit.why or ("the loss falls to an end of the budget: no inner optimum" if edge[0] else None)
    return Optimum(
        flops,
        interval_of(N[0], N[1:], level, why),
        interval_of(product / N[0], product / N[1:], level, why),
        interval_of(product / N[0] ** 2, product / N[1:] ** 2, level, why),
        interval_of(value[0], value[1:], level, fit.why),
        interval_of(a[0], a[1:], level, why),
    )


def _exponent(fit: Fit, theta: Array, log_n: Array, loss: Any, product: float) -> Array:
    """d ln N / d ln C of each row of the parameters (1 + d, p): in closed form for Chinchilla, else over a decade."""
    if fit.law.names == CHINCHILLA.names:
        alpha, beta = (theta[:, fit.law.names.index(name)] for name in ("alpha", "beta"))
        return np.asarray(beta / (alpha + beta))
    more = 10 * product
    top = _valley(lambda x: loss(x, more), np.zeros(len(theta)), np.full(len(theta), np.log(more)))
    return np.asarray((top - log_n) / np.log(10))


def _valley(function: Any, low: Array, high: Array) -> Array:
    """Golden section, one valley each: 60 steps leave 3e-13 of the interval."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(60):
        down = at_left < at_right
        high, low = np.where(down, right, high), np.where(down, low, left)
        new = np.where(down, high - _GOLDEN * (high - low), low + _GOLDEN * (high - low))
        value = function(new)
        left, right = np.where(down, new, right), np.where(down, left, new)
        at_left, at_right = np.where(down, value, at_right), np.where(down, at_left, value)
    return (low + high) / 2


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

    return replace(fit, law=law, values=convert(fit.values), draws=convert(fit.draws), model=fit.model_error)
