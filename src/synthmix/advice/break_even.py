"""Three ways to one effect: generate text, buy or filter more natural text, or go through what there is more often."""

from collections.abc import Callable, Sequence

import numpy as np

from synthmix.decisions.predict import natural_supply
from synthmix.decisions.supply import REPEATS, budget_for, effective
from synthmix.evidence.generation import generation_hours
from synthmix.interval import Interval
from synthmix.results import Kind, Question
from synthmix.results.evidence import BreakEven, Combined, KindPrior

#: The data term B D^-beta of natural text, nats per token (Besiroglu et al., arXiv 2404.10102; FOUND).
DATA, POWER = 2085.43, 0.36585
NOT_BETTER = "the effect may be none or worse"
NEVER = "no budget of natural text reaches it"


def of_priors(question: Question, priors: Sequence[KindPrior]) -> list[BreakEven]:
    """Each kind at the share of its highest expected effect on a loss."""
    found = []
    for kind, prior in zip(question.kinds, priors, strict=True):
        one = prior.of("nats")
        share = one.share.mid or 0.0
        if share > 0:
            found.append(_break_even(question, kind, prior.published, share, one.effect, "prior"))
    return found


def of_together(question: Question, together: Sequence[Combined]) -> list[BreakEven]:
    """Each kind's best recipe by a study's runs and the published effects together."""
    kinds = {kind.name: kind for kind in question.kinds}
    return [
        _break_even(question, kinds[one.kind], kinds[one.kind].like or one.kind, one.share, one.both, "together")
        for one in together
        if one.kind in kinds and one.share > 0
    ]


def _break_even(
    question: Question, kind: Kind, published: str | None, share: float, effect: Interval, basis: str
) -> BreakEven:
    tokens = min(share * question.tokens, question.limit(kind))
    money = tokens * kind.price / 1e6
    params = None if kind.params is None else float(kind.params)
    hours = generation_hours(tokens, published, params, effect.level)
    prices = question.prices
    there = natural_supply(question)
    now = float(effective(np.array(float(question.tokens)), there, np.array(REPEATS)))
    more = _of_effect(effect, lambda gain: _more_tokens(question, there, now, gain))
    natural = _of_effect(effect, lambda gain: _natural_tokens(question, there, now, gain))
    free = Interval(mid=None, level=effect.level, why="the synthetic text costs nothing")
    price = free if money == 0 else _price(natural, money)
    raw = None if more.mid is None else (question.tokens + more.mid) / there
    return BreakEven(
        kind=kind.name,
        share=share,
        tokens=tokens,
        basis="prior" if basis == "prior" else "together",
        effect=effect,
        hours=hours,
        hours_money=None if prices is None else hours.scaled(prices.gpu_hour),
        money=money,
        natural_tokens=natural,
        natural_price=price,
        more_tokens=more,
        more_money=None if question.price_training is None else more.scaled(question.price_training / 1e6),
        epochs=raw if raw is not None and np.isfinite(there) else None,
    )


def _of_effect(effect: Interval, what: Callable[[float], float | None]) -> Interval:
    """``what`` of the gain (nats, above 0) at the estimate and both ends; a gain of 0 or below needs nothing; an end
    that no natural text reaches is not known."""
    if effect.mid is None:
        return Interval(mid=None, level=effect.level, why="no effect is known")
    ends = [None if end is None else (0.0 if end >= 0 else what(-end)) for end in (effect.high, effect.mid, effect.low)]
    if ends[1] is None:
        return Interval(mid=None, level=effect.level, why=NEVER)
    return Interval(low=ends[0], mid=ends[1], high=ends[2], level=effect.level)


def _goal(now: float, gain: float) -> float | None:
    """Effective tokens of natural text whose loss is by ``gain`` lower than that of ``now``; None: below the floor."""
    term = DATA * now**-POWER - gain
    return None if term <= 0 else float((term / DATA) ** (-1 / POWER))


def _more_tokens(question: Question, there: float, now: float, gain: float) -> float | None:
    goal = _goal(now, gain)
    if goal is None:
        return None
    raw = float(budget_for(np.array([goal]), [(1.0, there)], np.array([REPEATS]))[0])
    return None if not np.isfinite(raw) else max(raw - question.tokens, 0.0)


def _natural_tokens(question: Question, there: float, now: float, gain: float) -> float | None:
    """New tokens: first those that stand in for repeats within the budget, then a longer budget of new text."""
    goal = _goal(now, gain)
    if goal is None:
        return None
    if not np.isfinite(there) or there >= question.tokens:
        return max(goal - question.tokens, 0.0)
    whole = float(question.tokens)
    if goal > whole:  # all repeats replaced is not enough: the budget grows by new text
        return goal - there
    low, high = there, whole
    for _ in range(60):
        middle = (low + high) / 2
        short = float(effective(np.array(whole), middle, np.array(REPEATS))) < goal
        low, high = (middle, high) if short else (low, middle)
    return high - there


def _price(natural: Interval, money: float) -> Interval:
    """Money per million natural tokens at which they cost as much; the more of them are needed, the lower it is."""
    ends = [None if not end else money / end * 1e6 for end in (natural.high, natural.mid, natural.low)]
    if ends[1] is None:
        return Interval(mid=None, level=natural.level, why=natural.why or NOT_BETTER)
    return Interval(low=ends[0] or 0.0, mid=ends[1], high=ends[2], level=natural.level)
