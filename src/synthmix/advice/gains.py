"""What an option brings and costs: loss, tokens saved, generation, and what a synthetic token is worth."""

from collections.abc import Callable, Sequence

import numpy as np

from synthmix.advice.asked import Asked
from synthmix.advice.decide import NATURAL, Decision, Pick, difference, money_of, share_of
from synthmix.advice.found import Option, Range
from synthmix.advice.knowledge import Knowledge
from synthmix.advice.outlook import Outlook, Said, parameters, real_supply
from synthmix.advice.supply import budget_for, effective, repeats_draws
from synthmix.interval import Interval
from synthmix.scaling.inputs import Array
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.speedup import tokens_for
from synthmix.study.fits import envelope


def option(known: Knowledge, asked: Asked, looks: Sequence[Outlook], decision: Decision, pick: Pick) -> Option:
    """Everything about one option."""
    share, level = share_of(looks, pick), known.level
    source = next(iter(known.natural.shares))
    look = looks[pick.kind or 0]
    bought = 0.0 if pick.kind is None else float(look.bought(asked.tokens)[pick.place])
    said = look.said
    loss = [_loss(one, pick, level) for one in said]
    overhead = None
    if pick.kind is not None and look.kind.params is not None:  # a forward pass over prompt and output (study/answer)
        overhead = bought * 4.0 * look.kind.params / (6.0 * asked.params * asked.tokens)
    needed = [] if pick.kind is None else [_needed(one, look, asked, share) for one in said]
    yardstick = Interval(mid=None, level=level, why="this is the yardstick itself")
    speedup, saved, worth = yardstick, yardstick, yardstick
    charged = pays = None
    if pick.kind is not None:
        speedup = _over(needed, said, level, lambda raw: asked.tokens / raw)
        saved = _over(needed, said, level, lambda raw: asked.tokens - raw)
        worth = _over(needed, said, level, lambda raw: (asked.tokens - raw) / _paid(raw, share, look.unique))
        if overhead is not None:
            charged = speedup.scaled(1 / (1 + overhead))
        if asked.price_training is not None:
            pays = worth.scaled(asked.price_training)
    good = decision.natural_good if pick.kind is None else bool(decision.as_good[pick.kind][pick.place])
    shares = {} if share >= 1 else {source: 1 - share}
    if pick.kind is not None and share > 0:
        shares[look.kind.name] = share
    return Option(
        kind=None if pick.kind is None else look.kind.name,
        share=share,
        shares=shares,
        law=said[0].law.law.name,
        loss=envelope(loss),
        difference=yardstick if pick.kind is None else difference(looks, pick, NATURAL, level),
        above_best=difference(looks, pick, decision.best, level),
        as_good=good,
        bought=bought,
        money=money_of(looks, pick, asked.tokens),
        overhead=overhead,
        real_epochs=None if asked.real is None else (1 - share) * asked.tokens / asked.real,
        synthetic_epochs=share * asked.tokens / bought if bought > 0 else 0.0,
        speedup=speedup,
        charged=charged,
        tokens_saved=saved,
        worth=worth,
        pays_below=pays,
    )


def ranges(looks: Sequence[Outlook], decision: Decision, asked: Asked) -> list[Range]:
    """All that is as good as the best: real text alone, and runs of neighbouring shares of each kind."""
    none = {"low": 0.0, "high": 0.0, "money_low": 0.0, "money_high": 0.0}
    found = [Range(kind=None, **none)] if decision.natural_good else []
    for k, look in enumerate(looks):
        money = look.money(asked.tokens)
        places = np.flatnonzero(decision.as_good[k] & (look.shares > 0))
        for part in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            if len(part):
                first, last = part[0], part[-1]
                found.append(
                    Range(
                        kind=look.kind.name,
                        low=float(look.shares[first]),
                        high=float(look.shares[last]),
                        money_low=float(money[first]),
                        money_high=float(money[last]),
                    )
                )
    return found


def _loss(said: Said, pick: Pick, level: float) -> Interval:
    column = said.natural if pick.kind is None else said.loss[:, pick.place]
    return interval_of(float(column[0]), column[1:], level, said.law.why)


def _needed(said: Said, look: Outlook, asked: Asked, share: float) -> Array:
    """Training tokens (1 + draws,) at which the recipe reaches the loss of real text alone at the whole budget; inf
    where it never does. Equal to :func:`synthmix.scaling.speedup` where nothing is repeated."""
    theta = parameters(said.law, len(said.natural) - 1)
    repeats = repeats_draws(len(theta) - 1)
    if share == 0:
        return budget_for(effective(asked.tokens, real_supply(asked), repeats), 0.0, np.inf, np.inf, repeats)
    columns = {"N": float(asked.params), "share": share}
    goal = tokens_for(said.law.law, theta, said.natural, columns)
    return budget_for(goal, share, real_supply(asked), look.unique, repeats)


def _paid(raw: Array, share: float, unique: float) -> Array:
    return np.minimum(raw * share, unique) if share > 0 else np.full_like(raw, np.nan)


def _over(needed: list[Array], said: Sequence[Said], level: float, what: Callable[[Array], Array]) -> Interval:
    """``what(needed)`` with its interval; a recipe that never gets there is ordered below every other."""
    found = []
    for raw, one in zip(needed, said, strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(np.isfinite(raw), what(np.where(np.isfinite(raw), raw, 1.0)), -np.inf)
        never = "the recipe never reaches the loss of real text alone"
        if not np.isfinite(values[0]):
            found.append(Interval(mid=None, level=level, why=never))
        else:
            found.append(interval_of(float(values[0]), values[1:], level, one.law.why))
    return envelope(found)
