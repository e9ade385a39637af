"""Advice from a finished study."""

from pathlib import Path

import numpy as np

from synthmix.advice.asked import Asked
from synthmix.advice.curves import kind_curves
from synthmix.advice.decide import NATURAL, Decision, Pick, decide
from synthmix.advice.evidence import evidence
from synthmix.advice.flips import flips
from synthmix.advice.found import Advice
from synthmix.advice.gains import option, ranges
from synthmix.advice.knowledge import DRAWS, Knowledge, learn
from synthmix.advice.next_runs import next_runs
from synthmix.advice.outlook import Outlook, outlooks
from synthmix.advice.scores import study_scores
from synthmix.advice.several import several_kinds, several_unknown, to_train
from synthmix.advice.trust import distance, doubts, headline, sureness
from synthmix.progress import Progress
from synthmix.results import Results

NO_RUN = "no run of this ladder's form fits in the cost allowed, or the noise is unknown"


def advise_from(
    results: Results,
    asked: Asked,
    *,
    where: Path = Path("study"),
    draws: int = DRAWS,
    next_flops: float | None = None,
    texts: Path | None = None,
    progress: Progress | None = None,
) -> Advice:
    """What a study's laws, statistics and scores say of the question.

    Args:
        where: named in messages.
        draws: resamples of each law.
        next_flops: the most that one of the next runs may cost; None: what the whole study cost.
        texts: the study whose texts are read for its valuation scores (they are kept in its folder); None: no scores.

    Raises:
        BadInput: the study lacks the runs that the question needs (:func:`synthmix.advice.knowledge.learn`).
    """
    known = learn(results, asked, where, draws=draws, progress=progress)
    looks = outlooks(known, asked)
    decision = decide(looks, asked.tokens, known.noise, known.level)
    best = option(known, asked, looks, decision, decision.best)
    recommended = option(known, asked, looks, decision, decision.recommended)
    curves = kind_curves(known, looks)
    said, note = study_scores(texts, curves, progress=progress)
    several = several_kinds(known, asked)
    found = doubts(known, asked, looks, curves, best, said)
    far = distance(known, asked)
    runs = next_runs(known, asked, looks, decision, most_flops=next_flops)
    return Advice(
        asked=asked,
        basis="study",
        study=results.study,
        headline=headline(asked, recommended, best, curves),
        sureness=sureness(found, is_open=_open(looks, decision)),
        recommended=recommended,
        best=best,
        alternatives=ranges(looks, decision, asked),
        options=[option(known, asked, looks, decision, pick) for pick in _shown(known, looks, decision)],
        curves=curves,
        flips=[*flips(known, asked, looks, decision, best), *several_unknown(asked, several)],
        decades_params=far[0],
        decades_tokens=far[1],
        doubts=found,
        several=several,
        evidence=evidence(known),
        scores=said,
        scores_note=note,
        next_runs=runs,
        next_runs_note=to_train(known, several, looks, decision) if runs else NO_RUN,
    )


def _open(looks: list[Outlook], decision: Decision) -> bool:
    """Real text alone and some mixture are both as good as the best."""
    mixtures = [(good & (look.shares > 0)).any() for look, good in zip(looks, decision.as_good, strict=True)]
    return decision.natural_good and any(mixtures)


def _shown(known: Knowledge, looks: list[Outlook], decision: Decision) -> list[Pick]:
    """Real text alone, every trained share of each kind, its best share, and its cheapest one that is good."""
    found = [NATURAL]
    for k, look in enumerate(looks):
        trained = np.isin(look.shares, known.kinds[look.kind.name].shares)
        places = set(np.flatnonzero(trained & (look.shares > 0)).tolist())
        places.add(int(np.argmin(look.said[0].difference[0])))
        good = np.flatnonzero(decision.as_good[k] & (look.shares > 0))
        if len(good) and not decision.natural_good:
            places.add(int(good[0]))
        found += [Pick(k, place) for place in sorted(places) if look.shares[place] > 0]
    return found
