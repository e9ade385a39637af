"""What an option brings and costs: loss, tokens saved, generation, and what a synthetic token is worth."""

from collections.abc import Callable, Sequence

import numpy as np

from synthmix.decisions.choose import NATURAL, Choice, Pick, clear, difference, money_of, share_of
from synthmix.decisions.determined import undetermined_law
from synthmix.decisions.fits import StudyFits, envelope
from synthmix.decisions.predict import (
    LawPrediction,
    Prediction,
    allowed_at,
    asked,
    natural_losses,
    natural_supply,
    parameters,
)
from synthmix.decisions.supply import Parts, budget_for, effective, repeats_draws
from synthmix.quantities import format_share
from synthmix.results import Collapse, Interval, Measured, Option, Question, Range
from synthmix.runs import RunsTable
from synthmix.scaling import Fit, collapse_test
from synthmix.scaling.model_error import spread
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.runs import Array
from synthmix.scaling.speedup import tokens_for

YARDSTICK = "this is the yardstick itself"
NEVER = "the recipe never reaches the loss of natural text alone"
OUTSIDE = "outside the budgets that were measured"


def option(
    table: RunsTable,
    fits: StudyFits,
    question: Question,
    found: Sequence[Prediction],
    choice: Choice,
    pick: Pick,
    measured: Measured | None,
    noise: float,
) -> Option:
    """Everything about one option; without values where it is not determined. ``noise``: one run's, nats."""
    level = fits.level
    if pick.at is None:
        return natural_option(table, fits, question, choice, found, measured)
    one = found[pick.at]
    share, codes = share_of(found, pick), choice.undetermined[pick.at][pick.place]
    parts = {kind.name: float(one.parts[kind.name][pick.place]) for kind in one.kinds}
    natural_part = 1 - sum(parts.values())
    bought = float(one.bought(question.tokens)[pick.place])
    generation = one.generation(question.tokens)
    overhead = None if generation is None else float(generation[pick.place]) / _training(question)
    name = one.recipe or recipe_named(table, one.name, share)
    blank = Interval(mid=None, level=level, why="not determined")
    loss = new_run = against = above = speedup = saved = worth = blank
    charged = pays = None
    if not codes:
        loss = _loss(one, pick.place, level)
        new_run = _new_run(one, pick.place, question, level)
        against = difference(found, pick, NATURAL, level)
        above = difference(found, pick, choice.best, level)
        speedup, saved, worth = _tokens(table, one, pick.place, question, level)
        charged = speedup.scaled(1 / (1 + overhead)) if overhead is not None else None
        pays = worth.scaled(question.price_training) if question.price_training else None
    sources = {source: part for source, part in {_natural_source(table): natural_part, **parts}.items() if part > 1e-12}
    return Option(
        recipe=name,
        kind=one.kind.name if one.kind else None,
        share=share,
        shares=sources,
        law=one.laws[0].fit.law.name,
        undetermined=codes,
        measured=measured,
        loss=loss,
        new_run=new_run,
        difference=against,
        above_best=above,
        sign=clear(against, noise),
        as_good=bool(choice.as_good[pick.at][pick.place]),
        allowed=one.allowed is None or bool(one.allowed[pick.place]),
        bought=bought,
        money=money_of(found, pick, question.tokens),
        overhead=overhead,
        natural_epochs=None if question.natural is None else natural_part * question.tokens / question.natural,
        synthetic_epochs=share * question.tokens / bought if bought > 0 else 0.0,
        speedup=speedup,
        charged=charged,
        tokens_saved=saved,
        worth=worth,
        pays_below=pays,
        collapse=collapse_of(fits, table, name, question.params),
    )


def natural_option(
    table: RunsTable,
    fits: StudyFits,
    question: Question,
    choice: Choice,
    found: Sequence[Prediction],
    measured: Measured | None,
) -> Option:
    """Natural text alone, by the law of the first source, else by its own."""
    level, name = fits.level, table.natural or "natural text"
    laws = [(law.base, law.natural) for law in found[0].laws] if found else []
    codes = list(found[0].undetermined) if found else ["no_law"]
    if not laws and name in fits.own:
        laws = [(fits.own[name], natural_losses(fits.own[name], None, question))]
        codes = undetermined_law(fits.own[name])
    yardstick = Interval(mid=None, level=level, why=YARDSTICK)
    blank = Interval(mid=None, level=level, why="not determined")
    intervals = [interval_of(float(column[0]), _possible(column[1:]), level, law.why) for law, column in laws]
    return Option(
        recipe=name,
        kind=None,
        share=0.0,
        shares={_natural_source(table): 1.0},
        law=laws[0][0].law.name if laws else None,
        undetermined=codes,
        measured=measured,
        loss=envelope(intervals) if intervals and not codes else blank,
        new_run=envelope([_with_noise(law, column, level, question) for law, column in laws])
        if laws and not codes
        else blank,
        difference=yardstick,
        above_best=difference(found, NATURAL, choice.best, level),
        as_good=choice.natural_good,
        allowed=bool(allowed_at(question, 1.0, [])),
        natural_epochs=None if question.natural is None else question.tokens / question.natural,
        speedup=yardstick,
        tokens_saved=yardstick,
        worth=yardstick,
    )


def with_costs(options: Sequence[Option], question: Question | None) -> list[Option]:
    """GPU-hours and money of every option by the question's price list; as they are where there is none.

    Every option is trained on the whole budget, so that they differ in their text; ``net`` sets the price of the text
    against the training that reaching the loss of natural text alone would save.
    """
    if question is None or question.prices is None:
        return list(options)
    hours = question.prices.hours(_training(question))
    training = hours * question.prices.gpu_hour
    each_token = question.prices.training(question.params) / 1e6
    found = []
    for one in options:
        saved = one.tokens_saved
        net = None
        if one.determined and not one.is_natural and saved.mid is not None:
            ends = [None if end is None else end * each_token - one.money for end in (saved.low, saved.mid, saved.high)]
            net = Interval(low=ends[0], mid=ends[1], high=ends[2], level=saved.level, why=saved.why)
        costs = {"gpu_hours": hours, "training_money": training, "total_money": training + one.money, "net": net}
        found.append(one.model_copy(update=costs))
    return found


def recipe_named(table: RunsTable, kind: str, share: float) -> str:
    """The study's own name of a recipe that it trained, else ``30% hq``."""
    for recipe in table.recipes:
        if table.synthetic(recipe) == kind and abs(table.share(recipe) - share) < 1e-9:
            return recipe
    return f"{format_share(share)} {kind}"


def collapse_of(fits: StudyFits, table: RunsTable, recipe: str, params: float) -> Collapse | None:
    """The collapse test between the recipe's own law and the natural text's, at a size."""
    natural, mine = fits.own.get(table.natural or ""), fits.own.get(recipe)
    if natural is None or mine is None or recipe == table.natural:
        return None
    found = collapse_test(natural, mine, N=float(params))
    return Collapse(verdict=found.verdict, reason=found.reason)


def ranges(found: Sequence[Prediction], choice: Choice, question: Question) -> list[Range]:
    """All that is as good as the best: natural text alone, and runs of neighbouring shares of each source."""
    none = {"low": 0.0, "high": 0.0, "money_low": 0.0, "money_high": 0.0}
    ends = [Range(kind=None, **none)] if choice.natural_good else []
    for k, one in enumerate(found):
        money = one.money(question.tokens)
        places = np.flatnonzero(choice.as_good[k] & (one.shares > 0))
        for part in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
            if len(part):
                first, last = part[0], part[-1]
                low, high = float(one.shares[first]), float(one.shares[last])
                cost = float(money[first]), float(money[last])
                ends.append(Range(kind=one.name, low=low, high=high, money_low=cost[0], money_high=cost[1]))
    return ends


def _natural_source(table: RunsTable) -> str:
    if table.natural is None:
        return "natural"
    return next(iter(table.shares(table.natural)), table.natural)


def _training(question: Question) -> float:
    return 6.0 * question.params * question.tokens


def _possible(losses: Array) -> Array:
    """No loss lies below zero."""
    return np.maximum(losses, 0.0)


def _loss(one: Prediction, place: int, level: float) -> Interval:
    intervals = []
    for law in one.laws:
        column = law.loss[:, place]
        intervals.append(interval_of(float(column[0]), _possible(column[1:]), level, law.fit.why))
    return envelope(intervals)


def _new_run(one: Prediction, place: int, question: Question, level: float) -> Interval:
    return envelope([_with_noise(law.fit, law.loss[:, place], level, question) for law in one.laws])


def _with_noise(law: Fit, column: Array, level: float, question: Question) -> Interval:
    """One new run: the draws of the mean with a run's noise."""
    draws = _possible(column[1:]) * np.exp(law.run_noise(len(column) - 1, **asked(question, 0.0)))
    found = interval_of(float(column[0]), draws, level, law.why)
    return Interval(low=found.low, mid=found.mid, high=found.high, level=level, covers="new run", why=found.why)


def _tokens(
    table: RunsTable, one: Prediction, place: int, question: Question, level: float
) -> tuple[Interval, Interval, Interval]:
    """Speed-up, tokens saved, and what a synthetic token is worth in tokens saved."""
    needed = [_needed(one, law, place, question) for law in one.laws]
    share = float(one.shares[place])
    unique = sum(min(one.unique[kind.name], np.inf) for kind in one.kinds)
    speedup = _over(needed, one.laws, level, lambda raw: question.tokens / raw)
    budgets = table.column("D")
    reach = float(budgets.max() / budgets.min())
    if speedup.mid is not None and not 1 / reach <= speedup.mid <= reach:
        blank = Interval(mid=None, level=level, why=OUTSIDE)
        return blank, blank, blank
    saved = _over(needed, one.laws, level, lambda raw: question.tokens - raw)
    worth = _over(needed, one.laws, level, lambda raw: (question.tokens - raw) / _paid(raw, share, unique))
    return speedup, saved, worth


def _needed(one: Prediction, law: LawPrediction, place: int, question: Question) -> Array:
    """Training tokens (1 + d,) at which the recipe reaches the loss of natural text alone at the whole budget; inf
    where it never does. Equal to :func:`synthmix.scaling.speedup` where nothing is repeated."""
    theta = parameters(law.fit)[: len(law.natural)]
    repeats = repeats_draws(len(theta) - 1)
    share = float(one.shares[place])
    if share == 0:
        whole = effective(question.tokens, natural_supply(question), repeats)
        return budget_for(whole, [(1.0, np.inf)], repeats)
    columns = {"N": float(question.params), "share": share}
    # Paired by resample, then widened: the law's own error is that of the ratio, not of each loss by itself.
    goals = natural_losses(law.base, 0.0 if law.base is law.fit else None, question, len(theta) - 1, widened=False)
    goal = spread(
        tokens_for(law.fit.law, theta, goals, columns), law.fit.factor_at(**columns, D=float(question.tokens))
    )
    parts: Parts = [
        (1 - share, natural_supply(question)),
        *((float(one.parts[kind.name][place]), one.unique[kind.name]) for kind in one.kinds),
    ]
    return budget_for(goal, parts, repeats)


def _paid(raw: Array, share: float, unique: float) -> Array:
    return np.minimum(raw * share, unique) if share > 0 else np.full_like(raw, np.nan)


def _over(needed: list[Array], laws: Sequence[LawPrediction], level: float, what: Callable[[Array], Array]) -> Interval:
    """``what(needed)`` with its interval; a recipe that never gets there is ordered below every other."""
    found = []
    for raw, law in zip(needed, laws, strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            values = np.where(np.isfinite(raw), what(np.where(np.isfinite(raw), raw, 1.0)), -np.inf)
        if not np.isfinite(values[0]):
            found.append(Interval(mid=None, level=level, why=NEVER))
        else:
            found.append(interval_of(float(values[0]), values[1:], level, law.fit.why))
    return envelope(found)
