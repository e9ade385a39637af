"""How many times fewer tokens a mixture needs than the natural text for the same loss.

Per resample: speed-up = D_natural(L) / D_mixture(L), where D(L) inverts the fitted law; for E + B D^-beta that is
(B / (L - E))^(1/beta). A law never reaches a loss at or below its asymptote: then the number is undefined, and said so.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.scaling.fitted import Fit
from synthmix.scaling.law import Law
from synthmix.scaling.model_error import spread
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array, Inputs

_FEWEST, _MOST = -3.0, 40.0  # log10 of the tokens searched: beyond 1e40 is never
_HALVINGS = 46  # to 1e-12 decades


@dataclass(frozen=True)
class Generation:
    """What synthetic tokens cost.

    Attributes:
        flops_per_token: to generate one synthetic token, for example 2 x the generator's parameters, times
            (prompt + output) / output tokens (CHOSEN: forward FLOPs only).
        share: synthetic share of the mixture.
        reuse: number of trainings (and epochs) that the same synthetic tokens serve.
    """

    flops_per_token: float
    share: float
    reuse: float = 1.0


def tokens_for(law: Law, theta: Array, loss: Array, columns: dict[str, Any]) -> Array:
    """Tokens (K,) at which row k of the parameters (K, p) reaches ``loss`` (K,); inf where it never does.

    By bisection in log D, so for every law that falls with D. ``columns``: the other columns (N, share, ...).
    """
    count = len(theta)

    def at(logs: Array) -> Array:
        given = {name: columns[name] for name in law.columns if name != "D"}
        return law.predict_each(theta, Inputs(**given, D=10.0**logs))

    low, high = np.full(count, _FEWEST), np.full(count, _MOST)
    never, always = at(high) >= loss, at(low) <= loss
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        above = at(middle) > loss
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    tokens = 10.0**high
    tokens[always] = 0.0
    tokens[never] = np.inf
    return tokens


def speedup(
    natural: Fit,
    mixture: Fit,
    *,
    tokens: float | None = None,
    loss: float | None = None,
    N: float | None = None,
    natural_share: float = 0.0,
    mixture_share: float | None = None,
    generation: Generation | None = None,
    level: float | None = None,
) -> Interval:
    """Speed-up of a mixture against the natural text, with its percentile interval.

    Args:
        natural, mixture: data laws, or laws in (N, D) or (N, D, share); the same Fit twice for a joint law, whose
            resamples are then paired.
        tokens: compare at the loss that the natural text reaches with this budget.
        loss: compare at this loss (nats per token). Give one of the two.
        N: model size, for laws in N.
        natural_share, mixture_share: for laws in the share.
        generation: charge the generation: FLOPs of 6 N D for both trainings, and the synthetic tokens' on top; the
            result is then a ratio of FLOPs. Needs N.

    Returns:
        value None with ``why`` when one of the two never reaches the loss; ends None where too many resamples do not.
    """
    if (tokens is None) == (loss is None):
        raise BadInput("needs a budget or a loss, one of the two", where="speedup", key="tokens, loss")
    if generation is not None and N is None:
        raise BadInput("the cost of generation is compared with that of training, which needs N", key="N")
    here = {"N": N, "share": natural_share}
    there = {"N": N, "share": mixture_share}
    count = min(len(natural.draws), len(mixture.draws))
    ours = np.vstack([mixture.values, mixture.draws[:count]])
    theirs = np.vstack([natural.values, natural.draws[:count]])
    if tokens is None:
        goal = np.full(count + 1, float(loss or 0.0))
    else:
        x = natural.points(**here, D=tokens)
        goal = natural.law.predict(theirs, x)[:, 0]
    needed = [
        tokens_for(fit.law, theta, goal, _held(fit, columns))
        for fit, theta, columns in ((natural, theirs, here), (mixture, ours, there))
    ]
    if tokens is not None:
        needed[0] = np.full(count + 1, float(tokens))
    ratio, at = _ratio(*needed), float(needed[0][0])
    if 0 < at < np.inf:  # the law's own error, the larger of the two
        ratio = spread(ratio, max(natural.factor_at(**here, D=at), mixture.factor_at(**there, D=at)))
    if generation is not None and N is not None:
        ratio = ratio / (1 + generation.share * generation.flops_per_token / (6 * N * generation.reuse))
    at = level or natural.level
    if np.isfinite(ratio[0]):
        return interval_of(ratio[0], ratio[1:], at, natural.why or mixture.why)
    who = "neither reaches" if np.isinf(needed[0][0]) and np.isinf(needed[1][0]) else "never reaches"
    name = "" if who.startswith("neither") else ("the natural text " if np.isinf(needed[0][0]) else "the mixture ")
    return Interval(
        mid=None, level=at, why=f"{name}{who} a loss of {goal[0]:.4g}: its fitted asymptote is not below it"
    )


def _held(fit: Fit, columns: dict[str, Any]) -> dict[str, Any]:
    """The law's columns other than D: as given, or constant in the runs."""
    x = fit.points(**columns, D=1.0)
    return {name: float(getattr(x, name)[0]) for name in fit.law.columns if name != "D"}


def _ratio(natural: Array, mixture: Array) -> Array:
    """natural / mixture with the limits in place: a mixture that never gets there counts 0 unless it is the value."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = natural / mixture
    ratio[~np.isfinite(natural) & ~np.isfinite(mixture)] = np.nan
    never = np.isfinite(natural) & ~np.isfinite(mixture)
    ratio[never] = -np.inf  # ordered below every speed-up, and never shown as a number
    return ratio
