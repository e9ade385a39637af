"""What shows whether a fit can be trusted: residuals, profile likelihoods, and the compute-optimal sizes it implies."""

import math

import numpy as np

from synthmix.config import StudyConfig
from synthmix.results import IsoFlop, ProfileCurve, Residual, RunRow, Statistic, Warn
from synthmix.scaling import compute_optimal, profile
from synthmix.study.fits import Fits, Reading

PROFILED = ("E", "alpha", "beta")  # of the law in (N, D): what extrapolation rests on
PROFILE_POINTS, CURVE_POINTS = 41, 40
UNSEEN = 0.002  # of a domain's tokens: at ten nats each, 0.02 nats a token, a seed's noise (CHOSEN)


def unseen_warnings(statistics: list[Statistic], natural: str) -> list[Warn]:
    """A held-out domain with tokens that the natural text never showed, and a mixture did: each such token costs a
    model without it some ten nats, so a difference of losses may be about typography and not about the text."""
    mass = {(each.recipe, each.domain): 1 - each.coverage_mass for each in statistics}
    found = []
    for domain in sorted({domain for _, domain in mass}):
        unseen = mass.get((natural, domain))
        others = [value for (recipe, at), value in mass.items() if at == domain and recipe != natural]
        if unseen is None or not others or max(unseen, *others) - min(unseen, *others) < UNSEEN:
            continue
        more, who = (unseen, natural) if unseen > min(others) else (max(others), "a mixture")
        message = (
            f"{more:.2%} of the tokens of '{domain}' never occur in the text of {who}, and {min(unseen, *others):.2%} "
            "in another's. Such tokens (line breaks, quotes) can decide a difference of losses: fold them away with "
            "normalize: [whitespace, punctuation] in every source, or look at the statistics."
        )
        found.append(Warn(code="unseen_tokens", message=message, about=domain))
    return found


def residuals(rows: list[RunRow], readings: dict[str, Reading]) -> list[Residual]:
    """Every run against the law that answers for its recipe."""
    found = []
    for row in rows:
        reading = readings.get(row.recipe)
        if reading is not None:
            predicted = float(reading.fit.predict(**reading.at(N=float(row.params), D=float(row.tokens)))[0])
            found.append(
                Residual(
                    recipe=row.recipe,
                    params=row.params,
                    tokens=row.tokens,
                    seed=row.seed,
                    residual=math.log(row.loss / predicted),
                )
            )
    return found


def profiles(fits: Fits) -> list[ProfileCurve]:
    """Profile likelihoods of E and the exponents of every recipe's own law."""
    found = []
    for recipe, law in fits.own.items():
        for name in PROFILED:
            one = profile(law, name, points=PROFILE_POINTS)
            finite = np.isfinite(one.excess)
            found.append(
                ProfileCurve(
                    recipe=recipe,
                    law=law.law.name,
                    parameter=name,
                    values=one.values[finite].tolist(),
                    excess=one.excess[finite].tolist(),
                    threshold=one.threshold,
                    interval=one.interval,
                )
            )
    return found


def isoflops(config: StudyConfig, rows: list[RunRow], fits: Fits) -> list[IsoFlop]:
    """Every recipe's own law along the least and the most FLOPs trained, and the question's."""
    trained = [6.0 * row.params * row.tokens for row in rows]
    budgets = {min(trained), max(trained)}
    if config.question is not None:
        budgets.add(6.0 * config.question.params * config.question.tokens)
    sizes = np.geomspace(min(r.params for r in rows) / 3, max(r.params for r in rows) * 30, CURVE_POINTS)
    found = []
    for recipe, law in fits.own.items():
        for flops in sorted(budgets):
            best = compute_optimal(law, flops)
            found.append(
                IsoFlop(
                    recipe=recipe,
                    flops=flops,
                    params=sizes.tolist(),
                    loss=law.predict(N=sizes, D=flops / 6.0 / sizes).tolist(),
                    best_params=best.N,
                    best_tokens=best.D,
                    best_loss=best.loss,
                )
            )
    return found
