"""What would change the answer: prices, natural tokens, budgets and sizes at which the recipe would be another."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.decisions.choose import Choice, choose, money_of, share_of
from synthmix.decisions.economics import recipe_named
from synthmix.decisions.fits import StudyFits
from synthmix.decisions.predict import Prediction, predictions
from synthmix.results import Option, Question, Sensitivity
from synthmix.runs import RunsTable

STEPS, DRAWS = 21, 200  # of the coarse look that is taken at every value tried
MOVED = 0.15  # a share that moves by less is the same answer (CHOSEN)
TRIED = 10 ** (0.25 * np.arange(1, 9))  # quarters of a decade, two decades each way
SEVERAL = "several kinds"


@dataclass(frozen=True)
class Ground:
    """What every coarse look needs."""

    table: RunsTable
    fits: StudyFits
    noise: float
    spread: float


def sensitivity(
    ground: Ground, question: Question, found: Sequence[Prediction], choice: Choice, best: Option
) -> list[Sensitivity]:
    """All that was looked for; what was not found has no value."""
    rows = [_price(ground, question, found, choice, place) for place, one in enumerate(found) if one.kind is not None]
    if best.kind is not None:
        rows.append(_worth(question, best, shown=not choice.natural_good))
    now = _look(ground, question)
    rows += _scan("tokens", question.tokens, ground, question, now)
    rows += _scan("params", question.params, ground, question, now)
    natural = question.natural if question.natural is not None else question.tokens
    rows += _scan("natural", natural, ground, question, now, up=question.natural is not None)
    if question.budget_money is not None:
        rows += _scan("budget_money", question.budget_money, ground, question, now)
    return rows


def _price(ground: Ground, question: Question, found: Sequence[Prediction], choice: Choice, place: int) -> Sensitivity:
    """The price of one kind at which the cheapest of the good options is another."""
    one = found[place]
    assert one.kind is not None
    about, now = one.kind.name, one.kind.price

    def row(value: float | None, code: str, then: str | None = None) -> Sensitivity:
        return Sensitivity(what="price", about=about, now=now, value=value, code=code, recipe_then=then)

    top = choice.tops[place]
    good = choice.as_good[place] & (one.shares > 0)
    if all(choice.undetermined[place][i] for i in np.flatnonzero(one.shares > 0)):
        return row(None, "not_determined")
    if not good.any():
        return row(None, "worse_at_every_share")
    if choice.natural_good or top is None:
        return row(0.0, "natural_as_good", ground.table.natural)
    bought = float(one.bought(question.tokens)[top.place])
    others = [pick for k, pick in enumerate(choice.tops) if pick is not None and k != place]
    others = [pick for pick in others if choice.as_good[pick.at or 0][pick.place]]
    if not others or bought == 0 or not choice.as_good[place][top.place]:
        return row(None, "no_other_as_good")
    rival = min(others, key=lambda pick: money_of(found, pick, question.tokens))
    value = money_of(found, rival, question.tokens) / bought * 1e6
    other = found[rival.at or 0]
    name = other.recipe or recipe_named(ground.table, other.name, share_of(found, rival))
    return row(value, "other_as_good_and_cheaper", name)


def _worth(question: Question, best: Option, *, shown: bool) -> Sensitivity:
    """What a synthetic token is worth in training saved; ``shown``: the gain is beyond the noise."""
    code = "if_shown" if shown else "if_gain_is_real"
    if best.pays_below is not None and best.pays_below.mid is not None:
        now = next(kind.price for kind in question.kinds if kind.name == best.kind)
        value = max(best.pays_below.mid, 0.0)
        return Sensitivity(what="price against training", about=best.kind, now=now, value=value, code=code)
    if best.worth.mid is None:
        return Sensitivity(what="worth", about=best.kind, now=None, value=None, code="worth_not_known")
    return Sensitivity(what="worth", about=best.kind, now=None, value=best.worth.mid, code=code)


def _scan(
    what: str,
    at: float,
    ground: Ground,
    question: Question,
    now: tuple[str, float, str],
    *,
    up: bool = True,
) -> list[Sensitivity]:
    """The nearest smaller and larger value at which the recipe is another."""
    rows = []
    for factors in (1 / TRIED, TRIED) if up else (1 / TRIED,):
        for factor in factors:
            value = float(at * factor)
            whole = value if what == "budget_money" else max(1, round(value))
            there = _look(ground, question.model_copy(update={what: whole}))
            if now[0] != there[0] or abs(now[1] - there[1]) > MOVED:
                rows.append(
                    Sensitivity(
                        what=what, now=at, value=value, code="another_recipe", recipe_now=now[2], recipe_then=there[2]
                    )
                )
                break
    if not rows:
        code = "same_recipe" if up else "same_recipe_below"
        rows.append(Sensitivity(what=what, now=at, value=None, code=code, recipe_now=now[2]))
    return rows


def _look(ground: Ground, question: Question) -> tuple[str, float, str]:
    """Source, share and name of the recipe that would be recommended, by a coarse look."""
    found = predictions(ground.table, ground.fits, question, steps=STEPS, draws=DRAWS)
    chosen = choose(found, question.tokens, ground.noise, ground.fits.level, ground.spread).recommended
    if chosen.at is None:
        return "", 0.0, ground.table.natural or "natural text"
    one, share = found[chosen.at], share_of(found, chosen)
    return one.name, share, one.recipe or recipe_named(ground.table, one.name, share)
