"""What each generator's text did for the loss, and whether the gain follows the style: from a study's finished runs.

A gain is the natural text's loss minus the mixture's, nats per token, at the largest cell where both were trained; its
interval is that of :meth:`synthmix.runs.RunsTable.difference`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.statistics.style import StyleDistance, StyleMatch, StylePoint, style_distance, style_match
from synthmix.study.finished_study import FinishedStudy

DOCUMENTS = 2000


@dataclass(frozen=True)
class Gain:
    """``gain`` and ``gains`` by domain: nats; above zero the mixture is better."""

    generator: str
    share: float
    params: int
    tokens: int
    seeds: int
    gain: Interval
    gains: dict[str, float]


def generator_gains(text: FinishedStudy, *, level: float = 0.9) -> list[Gain]:
    """Every recipe of the natural text with one synthetic source, at the largest cell where both were trained.

    Raises:
        BadInput: no run of natural text alone.
    """
    table = text.table
    if table.natural is None:
        raise BadInput("holds no run of natural text alone", where=text.folder, remedy="train share 0 too")
    noise, found = table.noise(), []
    for recipe in text.recipes:
        source = table.synthetic(recipe)
        both = None if source is None else table.of_recipe(recipe, table.natural)
        cell = None if both is None else both.largest_cell(recipe)
        if source is None or both is None or cell is None:
            continue
        gain = both.difference(table.natural, recipe, cell, level=level, noise=noise)
        gains = {d: both.difference(table.natural, recipe, cell, f"loss.{d}").mid or 0.0 for d in text.domains}
        seeds = both.count(recipe, cell)
        share = table.share(recipe)
        found.append(Gain(source, share, int(cell.N), int(cell.D), seeds, gain, gains))
    return found


def study_styles(text: FinishedStudy, *, level: float = 0.9) -> dict[tuple[str, str], StyleDistance]:
    """Style distance of each synthetic corpus to each held-out domain; those with too little text are left out."""
    texts, found = dict[str, list[str]](), dict[tuple[str, str], StyleDistance]()
    for recipe in text.recipes:
        name = text.table.synthetic(recipe)
        if name is not None and name not in texts:
            texts[name] = list(text.corpus(text.record(recipe), name).texts("train", limit=DOCUMENTS))
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
        return "Whether bigger is better is not determined: no share was trained with both ends of the order."
    told = []
    for share in sorted(shares):
        a, b = (next(g for g in gains if g.generator == name and g.share == share) for name in (weak, strong))
        told.append(_told(a, b, share))
    return f"Is bigger better here? {strong} against {weak}: " + "; ".join(told) + "."


def _told(weak: Gain, strong: Gain, share: float) -> str:
    difference = (strong.gain.mid or 0.0) - (weak.gain.mid or 0.0)
    at = f"at {share:.0%} {difference:+.3f} nats"
    if not (weak.gain.bounded and strong.gain.bounded):
        return f"{at}, without a measure of noise"
    reach = float(np.hypot(weak.gain.half_width or 0.0, strong.gain.half_width or 0.0))
    verdict = "yes" if difference > reach else "no, worse" if difference < -reach else "not determined"
    return f"{at} ({difference - reach:+.3f} to {difference + reach:+.3f}): {verdict}"
