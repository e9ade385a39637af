"""What stands beside the decision: residuals, profile likelihoods, isoFLOP curves, curves of laws and of shares."""

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import numpy as np

from synthmix.corpus import Corpus, lost_text
from synthmix.decisions.determined import undetermined_law
from synthmix.decisions.fits import RecipeLaw, StudyFits, source_runs
from synthmix.errors import BadInput
from synthmix.results import (
    Curve,
    IsoFlop,
    ProfileCurve,
    Question,
    Residual,
    RunRow,
    ShareCurve,
    SharePoint,
    Statistic,
    Warn,
)
from synthmix.runs import RunsTable
from synthmix.scaling import best_share, compute_optimal, profile

PROFILED = ("E", "alpha", "beta")  # of the law in (N, D): what extrapolation rests on
PROFILE_POINTS, CURVE_POINTS = 41, 40
REACH = 4.0  # how far beyond the measured budgets and sizes a curve is drawn
UNSEEN = 0.002  # of a domain's tokens: at ten nats each, 0.02 nats a token, a seed's noise (CHOSEN)


def lost_warnings(corpora: Mapping[str, Corpus]) -> list[Warn]:
    """Corpora of whose text the tokenizer lost something: what was lost is in no loss and in no statistic of tokens."""
    return [
        Warn(code="lost_text", message=f"The tokenizer loses text of '{name}': {said}.", about=name)
        for name, corpus in corpora.items()
        if (said := lost_text(corpus.meta.lost, corpus.name))
    ]


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


def residuals(rows: list[RunRow], laws: Mapping[str, RecipeLaw]) -> list[Residual]:
    """Every run against the law that predicts its recipe."""
    found = []
    for row in rows:
        law = laws.get(row.recipe)
        if law is not None:
            predicted = float(law.fit.predict(**law.at(N=float(row.params), D=float(row.tokens)))[0])
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


def profiles(fits: StudyFits) -> list[ProfileCurve]:
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


def isoflops(question: Question | None, rows: list[RunRow], fits: StudyFits) -> list[IsoFlop]:
    """Every recipe's own law along the least and the most FLOPs trained, and the question's."""
    trained = [6.0 * row.params * row.tokens for row in rows]
    budgets = {min(trained), max(trained)}
    if question is not None:
        budgets.add(6.0 * question.params * question.tokens)
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


def curves_of(laws: Mapping[str, RecipeLaw], rows: list[RunRow]) -> list[Curve]:
    """Loss against tokens at every size, and against parameters at every budget, of every recipe whose law is
    determined; no band reaches below zero."""
    found = []
    for recipe, law in laws.items():
        if undetermined_law(law.fit):
            continue
        mine = [row for row in rows if row.recipe == recipe]
        sizes, budgets = sorted({r.params for r in mine}), sorted({r.tokens for r in mine})
        for fixed in sizes:
            found.append(_curve(recipe, law, "tokens", fixed, budgets))
        for fixed in budgets:
            found.append(_curve(recipe, law, "params", fixed, sizes))
    return found


def _curve(recipe: str, law: RecipeLaw, along: Literal["tokens", "params"], fixed: int, span: list[int]) -> Curve:
    x = np.geomspace(span[0] / 1.3, span[-1] * REACH, CURVE_POINTS)
    other = np.full_like(x, fixed)
    at = law.at(N=other, D=x) if along == "tokens" else law.at(N=x, D=other)
    mean, (low, high) = law.fit.predict(**at), law.fit.interval(kind="mean", **at)
    if not np.isfinite(low).all():
        low = high = mean
    return Curve(
        recipe=recipe,
        law=law.fit.law.name,
        along=along,
        fixed=fixed,
        x=x.tolist(),
        mean=mean.tolist(),
        low=np.maximum(low, 0.0).tolist(),
        high=high.tolist(),
    )


def share_curves(
    table: RunsTable, sources: Iterable[str], fits: StudyFits, *, bootstrap: int
) -> tuple[list[ShareCurve], list[Warn]]:
    """Loss against the share of each synthetic source, at every measured (N, D), and why there is none where so."""
    found: list[ShareCurve] = []
    warnings: list[Warn] = []
    for source in sources:
        if source not in table.text("synthetic"):
            continue
        mine = source_runs(table, source)
        for at in sorted(mine.cells):
            cell = mine.at(at)
            shares, losses, seeds = cell.column("share"), cell.column("loss"), cell.text("seed")
            try:
                best = best_share(shares, losses, pair=seeds, noise=fits.noise.sd, draws=bootstrap, level=fits.level)
            except BadInput as error:
                message = f"No share curve at {at}: {error}."
                warnings.append(Warn(code="no_share_curve", message=message, about=source))
                continue
            points = zip(shares.tolist(), losses.tolist(), seeds, strict=True)
            found.append(
                ShareCurve(
                    synthetic=source,
                    params=int(at.N),
                    tokens=int(at.D),
                    measured=[SharePoint(share=s, loss=loss, seed=int(seed or 0)) for s, loss, seed in points],
                    shares=np.asarray(best.shares)[::2].tolist(),  # every second of its 201, enough to draw
                    mean=np.asarray(best.mean)[::2].tolist(),
                    low=np.maximum(np.asarray(best.low)[::2], 0.0).tolist(),
                    high=np.asarray(best.high)[::2].tolist(),
                    best=best.best,
                    flat=best.flat,
                )
            )
    return found, warnings
