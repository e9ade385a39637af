"""What would change the answer: prices, real tokens, budgets and sizes at which the recipe would be another."""

from collections.abc import Sequence

import numpy as np

from synthmix.advice.asked import Asked
from synthmix.advice.decide import Decision, Pick, decide, money_of, share_of
from synthmix.advice.found import Flip, Option
from synthmix.advice.knowledge import Knowledge
from synthmix.advice.outlook import Outlook, outlooks
from synthmix.quantities import format_count, format_share

STEPS, DRAWS = 21, 200  # of the coarse look that is taken at every value tried
MOVED = 0.15  # a share that moves by less is the same answer (CHOSEN)
TRIED = 10 ** (0.25 * np.arange(1, 9))  # quarters of a decade, two decades each way


def flips(known: Knowledge, asked: Asked, looks: Sequence[Outlook], decision: Decision, best: Option) -> list[Flip]:
    """All that was looked for; what was not found says so."""
    found = [_price(asked, looks, decision, place) for place in range(len(looks))]
    if best.kind is not None:
        found.append(_worth(asked, best, shown=not decision.natural_good))
    now = _look(known, asked)
    found += _scan("tokens", asked.tokens, known, asked, now)
    found += _scan("params", asked.params, known, asked, now)
    real = asked.real if asked.real is not None else asked.tokens
    found += _scan("real", real, known, asked, now, up=asked.real is not None)
    if asked.budget_money is not None:
        found += _scan("budget_money", asked.budget_money, known, asked, now)
    return found


def _price(asked: Asked, looks: Sequence[Outlook], decision: Decision, place: int) -> Flip:
    """The price of one kind at which the cheapest of the good options is another."""
    look = looks[place]
    what = f"price of {look.kind.name}"
    good = decision.as_good[place] & (look.shares > 0)
    if not good.any():
        return Flip(what=what, now=look.kind.price, value=None, then="worse than the best at every share: at no price")
    top = Pick(place, int(np.argmin(look.said[0].difference[0])))
    bought = float(look.bought(asked.tokens)[top.place])
    if decision.natural_good:
        then = "above it, nothing is paid for: real text alone is as good within the noise; at 0 it may be mixed in"
        return Flip(what=what, now=look.kind.price, value=0.0, then=then)
    others = [
        Pick(k, int(np.argmin(other.said[0].difference[0])))
        for k, other in enumerate(looks)
        if k != place and decision.as_good[k][int(np.argmin(other.said[0].difference[0]))]
    ]
    if not others or bought == 0 or not decision.as_good[place][top.place]:
        return Flip(what=what, now=look.kind.price, value=None, then="no other recipe is as good, whatever the price")
    rival = min(others, key=lambda pick: money_of(looks, pick, asked.tokens))
    value = money_of(looks, rival, asked.tokens) / bought * 1e6
    name = looks[rival.kind or 0].kind.name
    share = format_share(share_of(looks, rival))
    return Flip(what=what, now=look.kind.price, value=value, then=f"above it, {share} {name} is as good and cheaper")


def _worth(asked: Asked, best: Option, *, shown: bool) -> Flip:
    """What a synthetic token is worth in training saved; ``shown``: the gain is beyond the noise."""
    sure = "" if shown else ", if the expected gain is real"
    if best.pays_below is not None and best.pays_below.mid is not None:
        value = max(best.pays_below.mid, 0.0)
        then = f"above it, training longer on real text reaches the same loss for less{sure}"
        now = next(kind.price for kind in asked.kinds if kind.name == best.kind)
        return Flip(what=f"price of {best.kind} against training", now=now, value=value, then=then)
    if best.worth.mid is None:
        return Flip(what=f"worth of {best.kind}", now=None, value=None, then=f"not known: {best.worth.why}")
    then = (
        f"training tokens saved by one token of {best.kind}{sure}: above the cost of training on so many it does not "
        "pay (--price-training makes it a price)"
    )
    return Flip(what=f"worth of {best.kind}", now=None, value=best.worth.mid, then=then)


def _scan(
    what: str, at: float, known: Knowledge, asked: Asked, now: tuple[str | None, float], *, up: bool = True
) -> list[Flip]:
    """The nearest smaller and larger value at which the recipe is another."""
    names = {"tokens": "budget", "params": "size", "real": "real tokens", "budget_money": "money for synthetic text"}
    found = []
    for factors in (1 / TRIED, TRIED) if up else (1 / TRIED,):
        for factor in factors:
            value = at * factor
            whole = value if what == "budget_money" else max(1, round(value))
            there = _look(known, asked.model_copy(update={what: whole}))
            if _other(now, there):
                shown = f"{value:.3g}" if what == "budget_money" else format_count(value)
                then = f"at {shown}: {_said(there)} (now {_said(now)})"
                found.append(Flip(what=names[what], now=at, value=value, then=then))
                break
    if not found:
        then = f"{_said(now)} from a hundredth{' to a hundred times' if up else ''} of it"
        found.append(Flip(what=names[what], now=at, value=None, then=f"no change: {then}"))
    return found


def _look(known: Knowledge, asked: Asked) -> tuple[str | None, float]:
    """Kind and share that would be recommended, by a coarse look."""
    looks = outlooks(known, asked, steps=STEPS, draws=DRAWS)
    chosen = decide(looks, asked.tokens, known.noise, known.level).recommended
    return (None if chosen.kind is None else looks[chosen.kind].kind.name), share_of(looks, chosen)


def _other(now: tuple[str | None, float], there: tuple[str | None, float]) -> bool:
    return now[0] != there[0] or abs(now[1] - there[1]) > MOVED


def _said(found: tuple[str | None, float]) -> str:
    return "real text alone" if found[0] is None else f"{format_share(found[1])} {found[0]}"
