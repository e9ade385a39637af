"""The laws and the best shares of each held-out domain: whether the averaged loss speaks for all of them."""

from typing import Any

import numpy as np

from synthmix.decisions.determined import undetermined_law
from synthmix.decisions.fits import StudyFits, enough, source_runs, summary
from synthmix.errors import BadInput
from synthmix.results import DomainFound, DomainShare, FitSummary, HeldOut, Interval, Question, ShareCurve, Warn
from synthmix.results.decisions import UNDETERMINED
from synthmix.runs import RunsTable
from synthmix.scaling import Fit, best_share, best_share_of_law, fit, held_out

DRAWS = 300  # bootstrap resamples of a domain's law: its interval's ends move by a tenth of its width (CHOSEN)
MOST = 64  # domains times sources that are fitted; of more domains the first (CHOSEN: half a second each)


def domain_results(
    table: RunsTable, fits: StudyFits, curves: list[ShareCurve], question: Question | None
) -> list[DomainFound]:
    """One entry a held-out domain, in the order of the table.

    ``table``: without diverged runs. ``curves``: of the averaged loss: the best share of a domain is measured at the
    largest cell that a source has one at. Empty where there is one domain, which the average is.
    """
    metrics = [metric for metric in table.metrics if metric.name.startswith("loss.") and metric.domain]
    if len(metrics) < 2:
        return []
    most = max(1, MOST // max(1, len(fits.sources)))
    found = []
    for metric in metrics[:most]:
        here = table.uncut.select(np.isfinite(table.uncut.column(metric.name)))
        shares = [one for curve in largest(curves) if (one := _measured(here, metric.name, curve, fits)) is not None]
        laws, warnings = [], []
        for source, chosen in fits.sources.items():
            runs = source_runs(here, source)
            try:
                law = fit(chosen.fit.law, runs.arrays(metric.name), bootstrap=DRAWS, level=fits.level, delta=None)
            except BadInput as error:
                warnings.append(Warn(code="not_fitted", message=f"No law of {metric.domain}: {error}.", about=source))
                continue
            laws.append(summary(law, _check(law.law.name, runs, metric.name), synthetic=source))
            if question is not None:
                shares.append(_asked(law, source, question, fits.level))
        if not fits.sources and here.natural is not None:
            laws += _natural_law(here, metric.name, fits)
        found.append(DomainFound(domain=metric.domain or metric.name, laws=laws, shares=shares, warnings=warnings))
    return found


def largest(curves: list[ShareCurve]) -> list[ShareCurve]:
    """Of each source the curve at the largest compute."""
    chosen: dict[str, ShareCurve] = {}
    for curve in sorted(curves, key=lambda c: (c.params * c.tokens, c.params)):
        chosen[curve.synthetic] = curve
    return [chosen[name] for name in dict.fromkeys(curve.synthetic for curve in curves)]


def _measured(table: RunsTable, metric: str, curve: ShareCurve, fits: StudyFits) -> DomainShare | None:
    mine = source_runs(table, curve.synthetic)
    here = mine.select((mine.column("N") == curve.params) & (mine.column("D") == curve.tokens))
    try:
        best = best_share(
            here.column("share"), here.column(metric), pair=here.text("seed"), noise=table.noise(metric).sd,
            draws=DRAWS, level=fits.level,
        )  # fmt: skip
    except BadInput:  # the averaged loss has a curve there; a domain that not every run was scored on may have none
        return None
    return DomainShare(
        synthetic=curve.synthetic, params=curve.params, tokens=curve.tokens, law=None, best=best.best, gain=best.gain,
        flat=best.flat,
    )  # fmt: skip


def _asked(law: Fit, source: str, question: Question, level: float) -> DomainShare:
    place: dict[str, Any] = {
        "synthetic": source,
        "params": question.params,
        "tokens": question.tokens,
        "law": law.law.name,
    }
    if codes := undetermined_law(law):
        lost = Interval(mid=None, level=level, why=UNDETERMINED[codes[0]])
        return DomainShare(**place, best=lost, gain=lost, flat=None)
    best = best_share_of_law(law, level=level, N=float(question.params), D=float(question.tokens))
    return DomainShare(**place, best=best.best, gain=best.gain, flat=best.flat)


def _natural_law(table: RunsTable, metric: str, fits: StudyFits) -> list[FitSummary]:
    natural = table.of_recipe(str(table.natural))
    try:
        enough("chinchilla", natural.arrays(metric))
        law = fit("chinchilla", natural.arrays(metric), bootstrap=DRAWS, level=fits.level, delta=None)
    except BadInput:
        return []
    return [summary(law, _check("chinchilla", natural, metric), recipe=table.natural)]


def _check(law: str, runs: RunsTable, metric: str) -> HeldOut | None:
    try:
        return held_out(law, runs.arrays(metric), column="D", delta=None)
    except BadInput:
        return None
