"""What each generator's text did for the loss, and whether the gain follows the style: from a study's finished runs.

A gain is the natural text's loss minus the mixture's, nats per token, at the largest cell where both were trained. Runs
of one seed see the same natural text in the same order, so gains are taken seed by seed. Interval: Student's t over
seeds where there are two or more; else from the pooled seed noise of the study's replicated cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.statistics.style import StyleDistance, StyleMatch, StylePoint, style_distance, style_match
from synthmix.store import RunRecord
from synthmix.study.text_found import StudyText

DOCUMENTS = 2000


@dataclass(frozen=True)
class Gain:
    """``gain`` and ``gains`` by domain: nats; above zero the mixture is better. An interval without noise is None."""

    generator: str
    share: float
    params: int
    tokens: int
    seeds: int
    gain: Interval | None
    value: float
    gains: dict[str, float]


def generator_gains(text: StudyText, *, level: float = 0.9) -> list[Gain]:
    """Every recipe of the natural text with one synthetic source, at the largest cell.

    Raises:
        BadInput: no run of natural text alone.
    """
    single = {r.spec.recipe for r in text.records if _synthetic(text, r) is not None}
    natural = {(r.params, r.tokens, r.spec.seed): r for r in text.records if not _synthetics(text, r)}
    if not natural:
        raise BadInput("holds no run of natural text alone", where=text.folder, remedy="train share 0 too")
    sd, freedom = _noise(text)
    found = []
    for recipe in (name for name in text.recipes if name in single):
        mine = [r for r in text.records if r.spec.recipe == recipe and (r.params, r.tokens, r.spec.seed) in natural]
        if not mine:
            continue
        cell = max(((r.params, r.tokens) for r in mine), key=lambda c: (c[0] * c[1], c))
        pairs = [(natural[*cell, r.spec.seed], r) for r in mine if (r.params, r.tokens) == cell]
        gains = {d: float(np.mean([a.losses[d].nats - b.losses[d].nats for a, b in pairs])) for d in text.domains}
        each = [float(np.mean([a.losses[d].nats - b.losses[d].nats for d in text.domains])) for a, b in pairs]
        name = _synthetic(text, mine[0])
        assert name is not None
        share = float(mine[0].spec.shares[name])
        value = float(np.mean(each))
        estimate = _estimate(each, sd, freedom, level)
        found.append(Gain(name, share, *cell, len(each), estimate, value, gains))
    return found


def study_styles(text: StudyText, *, level: float = 0.9) -> dict[tuple[str, str], StyleDistance]:
    """Style distance of each synthetic corpus to each held-out domain; those with too little text are left out."""
    texts, found = dict[str, list[str]](), dict[tuple[str, str], StyleDistance]()
    names = {name: r for r in text.records if (name := _synthetic(text, r)) is not None}
    for name, record in names.items():
        texts[name] = list(text.corpus(record, name).texts("train", limit=DOCUMENTS))
    for domain, held in text.domains.items():
        from synthmix.corpus.corpus import Corpus

        theirs = list(Corpus.open(held.folder).texts("heldout", held.domain, limit=DOCUMENTS))
        for name, mine in texts.items():
            try:
                found[name, domain] = style_distance(mine, theirs, level=level)
            except BadInput:  # too few passages: the pair stays without a distance
                continue
    return found


def confound(
    gains: Sequence[Gain], styles: Mapping[tuple[str, str], StyleDistance], *, level: float = 0.9
) -> tuple[list[StylePoint], StyleMatch | None]:
    """Gains beside style distances (Jensen-Shannon above its floor), and what they say of each other."""
    points = [
        StylePoint(g.generator, g.share, domain, max((style.js.mid or 0.0) - style.floor, 0.0), g.gains[domain])
        for g in gains
        for domain in g.gains
        if (style := styles.get((g.generator, domain))) is not None
    ]
    return points, style_match(points, level=level)


def bigger_is_better(gains: Sequence[Gain], order: Sequence[str]) -> str:
    """A plain sentence on the weakest and the strongest of ``order`` at the largest share that both were trained at.

    Raises:
        BadInput: a name in ``order`` that has no run.
    """
    known = {g.generator for g in gains}
    for name in order:
        if name not in known:
            raise BadInput(f"no run has text of {name}", key="--order", remedy=f"there are {', '.join(sorted(known))}")
    weak, strong = order[0], order[-1]
    shares = {g.share for g in gains if g.generator == weak} & {g.share for g in gains if g.generator == strong}
    if weak == strong or not shares:
        return "Whether bigger is better cannot be told: no share was trained with both ends of the order."
    told = []
    for share in sorted(shares):
        a, b = (next(g for g in gains if g.generator == name and g.share == share) for name in (weak, strong))
        told.append(_told(a, b, share))
    return f"Is bigger better here? {strong} against {weak}: " + "; ".join(told) + "."


def _told(weak: Gain, strong: Gain, share: float) -> str:
    difference = strong.value - weak.value
    at = f"at {share:.0%} {difference:+.3f} nats"
    if weak.gain is None or strong.gain is None:
        return f"{at}, without a measure of noise"
    reach = float(np.hypot(weak.gain.half_width or 0.0, strong.gain.half_width or 0.0))
    verdict = "yes" if difference > reach else "no, worse" if difference < -reach else "cannot tell"
    return f"{at} ({difference - reach:+.3f} to {difference + reach:+.3f}): {verdict}"


def _synthetics(text: StudyText, record: RunRecord) -> list[str]:
    return [n for n, s in record.spec.shares.items() if s and text.corpus(record, n).meta.kind == "synthetic"]


def _synthetic(text: StudyText, record: RunRecord) -> str | None:
    """The one synthetic source of a record; None where there is none, or several."""
    found = _synthetics(text, record)
    return found[0] if len(found) == 1 else None


def _noise(text: StudyText) -> tuple[float | None, int]:
    """Pooled standard deviation of the averaged loss over seeds, and its degrees of freedom."""
    cells: dict[tuple[str, int, int], list[float]] = {}
    for r in text.records:
        loss = float(np.mean([r.losses[d].nats for d in text.domains]))
        cells.setdefault((r.spec.recipe, r.params, r.tokens), []).append(loss)
    several = [values for values in cells.values() if len(values) > 1]
    freedom = sum(len(values) - 1 for values in several)
    if not freedom:
        return None, 0
    return float(np.sqrt(sum(np.var(v, ddof=1) * (len(v) - 1) for v in several) / freedom)), freedom


def _estimate(each: Sequence[float], sd: float | None, freedom: int, level: float) -> Interval | None:
    from scipy.stats import t

    value = float(np.mean(each))
    if len(each) > 2:
        reach = float(np.std(each, ddof=1) / np.sqrt(len(each)) * t.ppf(0.5 + level / 2, len(each) - 1))
    elif sd is not None:
        reach = float(sd * np.sqrt(2 / len(each)) * t.ppf(0.5 + level / 2, freedom))
    else:
        return None
    return Interval(low=value - reach, mid=value, high=value + reach, level=level)
