"""Recipes of several synthetic kinds at once: as measured where the study trained them, for no law of shares holds
them; where it did not, that this is not known, and the recipe that would tell."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from synthmix.advice.asked import Asked
from synthmix.advice.decide import Decision
from synthmix.advice.found import Flip
from synthmix.advice.found_beside import Several
from synthmix.advice.knowledge import Knowledge
from synthmix.advice.outlook import Outlook
from synthmix.quantities import listed
from synthmix.report.measured import at_cell, measured_difference
from synthmix.results import Recipe, RunRow

WHAT = "several kinds at once"


def several_kinds(known: Knowledge, asked: Asked) -> list[Several]:
    """Every measured recipe of two or more of the kinds that are asked about, the lowest difference first."""
    kinds = {kind.name for kind in asked.kinds}
    sources = set(known.natural.shares)
    recipes = [
        recipe
        for recipe in known.results.recipes
        if recipe.synthetic is None and len(set(recipe.shares) & kinds) > 1 and set(recipe.shares) <= kinds | sources
    ]
    found = [one for recipe in recipes if (one := _one(known, asked, recipe)) is not None]
    return sorted(found, key=lambda each: each.difference.mid or 0.0)


def _one(known: Knowledge, asked: Asked, recipe: Recipe) -> Several | None:
    """At the largest size and budget that real text alone was trained at too."""
    cells = [_cells(known, name) for name in (recipe.name, known.natural.name)]
    common = cells[0] & cells[1]
    if not common:
        return None
    cell = max(common, key=lambda each: (each[0] * each[1], each))
    runs = at_cell(known.results, cell)
    mine, alone = runs[recipe.name], runs[known.natural.name]
    others = {name: rows for name, rows in runs.items() if _single(rows[0]) and name != recipe.name}
    rival = min(others, key=lambda name: fmean(row.loss for row in others[name]))
    above = measured_difference(known.results, mine, others[rival])
    worse = above.mid is not None and above.mid > known.noise and above.low is not None and above.low > 0
    bought = {kind: min(recipe.shares.get(kind.name, 0.0) * asked.tokens, asked.limit(kind)) for kind in asked.kinds}
    return Several(
        recipe=recipe.name,
        shares=dict(recipe.shares),
        money=sum(tokens * kind.price / 1e6 for kind, tokens in bought.items()),
        params=cell[0],
        tokens=cell[1],
        runs=len(mine),
        difference=measured_difference(known.results, mine, alone),
        rival=rival,
        above_rival=above,
        as_good=not worse,
    )


def several_unknown(asked: Asked, several: Sequence[Several]) -> list[Flip]:
    """Where two kinds or more are asked about and none was measured with another: that the answer may lie there."""
    if len(asked.kinds) < 2 or several:
        return []
    names = listed([kind.name for kind in asked.kinds])
    then = f"not known: no run of this study mixes two of {names}, and a law of one kind says nothing of two at once"
    return [Flip(what=WHAT, now=None, value=None, then=then)]


def to_train(known: Knowledge, several: Sequence[Several], looks: Sequence[Outlook], decision: Decision) -> str:
    """The recipe to train to know of two kinds at once, where two are as good as the best and no run mixed them."""
    tops = [(look, int(np.argmin(look.said[0].difference[0]))) for look in looks]
    good = [(look, top) for (look, top), mask in zip(tops, decision.as_good, strict=True) if mask[top]]
    good = [(look, top) for look, top in good if look.shares[top] > 0][:2]
    if len(good) < 2 or several:
        return ""
    parts = [f"{look.kind.name}: {round(50 * look.shares[top])}%" for look, top in good]
    source = next(iter(known.natural.shares))
    names = listed([look.kind.name for look, _ in good])
    recipe = f"{{{source}: rest, {', '.join(parts)}}}"
    return f"no run mixes {names}; whether both do better than one, a recipe in mix.recipes would tell: both: {recipe}"


def _cells(known: Knowledge, recipe: str) -> set[tuple[int, int]]:
    return {(row.params, row.tokens) for row in known.results.runs if row.recipe == recipe}


def _single(row: RunRow) -> bool:
    """Real text alone, or a recipe of one synthetic kind."""
    return row.synthetic is not None or row.share == 0
