"""Laws fitted to a study's runs, recipe by recipe: one in (N, D), and the data and model laws within it."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.quantities import format_count
from synthmix.results import FitSummary, HeldOut, Noise, Recipe, RunRow, Warn
from synthmix.scaling import Fit, Runs, SeedNoise, fit, held_out, seed_noise


@dataclass(frozen=True)
class Reading:
    """How a recipe's loss is read off: a law, and the share to give it where the law has one.

    ``rivals`` are other laws of the same runs: values are the law's, intervals hold what the rivals say as well.
    """

    fit: Fit
    share: float | None
    rivals: tuple[Fit, ...] = ()

    @property
    def laws(self) -> tuple[Fit, ...]:
        """The law and its rivals."""
        return (self.fit, *self.rivals)

    def at(self, **columns: Any) -> dict[str, Any]:
        """The columns with the share."""
        return columns if self.share is None else {**columns, "share": self.share}

    def loss(self, kind: Literal["mean", "new_run"], **columns: float) -> Interval:
        """Expected loss at one point."""
        return envelope([law.loss(kind=kind, **self.at(**columns)) for law in self.laws])


@dataclass
class Fits:
    """What was fitted.

    Attributes:
        noise: seed noise of the averaged loss.
        own: recipe -> its law in (N, D) by itself, where its runs determine one.
        readings: recipe -> the law that answers for it: its own, or that of its family.
        families: synthetic source -> the law in (N, D, share) of all its recipes, read at share 0.
    """

    noise: Noise
    own: dict[str, Fit] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    families: dict[str, Reading] = field(default_factory=dict)
    summaries: list[FitSummary] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)


def fit_recipes(config: StudyConfig, recipes: list[Recipe], rows: list[RunRow]) -> Fits:
    """Fit each recipe by itself. A law that its runs do not determine is left out, with a warning that says why."""
    noise = seed_noise(as_runs(rows))
    found = Fits(Noise(sd=noise.sd, cells=noise.cells, runs=noise.runs))
    for recipe in recipes:
        mine = [row for row in rows if row.recipe == recipe.name]
        if not mine:
            continue
        size, budget = max(row.params for row in mine), max(row.tokens for row in mine)
        joint = _fit("chinchilla", mine, recipe, config, noise, found)
        _fit("data", [r for r in mine if r.params == size], recipe, config, noise, found, params=size)
        _fit("model", [r for r in mine if r.tokens == budget], recipe, config, noise, found, tokens=budget)
        if joint is not None:
            found.own[recipe.name] = joint
            found.readings[recipe.name] = Reading(joint, None)
    return found


def envelope(said: list[Interval]) -> Interval:
    """The first interval, widened to hold what the others say: a bootstrap does not hold the choice of law, and
    laws that agree on the runs part beyond them (CHOSEN; 1-scaling.md asks to widen with the extrapolation)."""
    first = said[0]
    others = [each for each in said if each.mid is not None]
    if first.mid is None or len(others) < 2:
        return first
    lows, highs = [each.low for each in others], [each.high for each in others]
    points = [each.mid for each in others if each.mid is not None]
    return replace(
        first,
        low=None if None in lows else min([*(low for low in lows if low is not None), *points]),
        high=None if None in highs else max([*(high for high in highs if high is not None), *points]),
        why=first.why or next((each.why for each in others if each.why), None),
    )


def as_runs(rows: list[RunRow]) -> Runs:
    """Rows as arrays for the fitter; runs that differ in their seed alone are one group."""
    cells = {key: i for i, key in enumerate(dict.fromkeys((r.recipe, r.params, r.tokens) for r in rows))}
    return Runs(
        N=[r.params for r in rows],
        D=[r.tokens for r in rows],
        loss=[r.loss for r in rows],
        share=[r.share for r in rows],
        group=[cells[r.recipe, r.params, r.tokens] for r in rows],
    )


def summary(
    fitted: Fit, recipe: str | None, check: HeldOut | None, *, params: int | None = None, tokens: int | None = None
) -> FitSummary:
    """A fit as a row of the results."""
    return FitSummary(
        law=fitted.law.name,
        formula=fitted.law.formula,
        recipe=recipe,
        params=params,
        tokens=tokens,
        points=len(fitted.runs),
        parameters=fitted.intervals(),
        r2=fitted.r2,
        objective=fitted.objective,
        held_out=check,
        warnings=fitted.warnings,
    )


def _fit(
    law: str,
    rows: list[RunRow],
    recipe: Recipe,
    config: StudyConfig,
    noise: SeedNoise,
    found: Fits,
    *,
    params: int | None = None,
    tokens: int | None = None,
) -> Fit | None:
    runs = as_runs(rows)
    try:
        fitted = fit(law, runs, bootstrap=config.fit.bootstrap, level=config.fit.level, delta=None, noise=noise.sd_log)
    except BadInput as error:
        found.warnings.append(Warn(code="not_fitted", message=f"The {law} law: {error}.", about=recipe.name))
        return None
    check = None
    try:
        check = held_out(law, runs, column="N" if law == "model" else "D", delta=None)
    except BadInput as error:
        if law == "chinchilla":
            message = f"No held-out check of the {law} law: {error}."
            found.warnings.append(Warn(code="no_held_out_check", message=message, about=recipe.name))
    found.summaries.append(summary(fitted, recipe.name, check, params=params, tokens=tokens))
    return fitted


def size_name(params: int, tokens: int) -> str:
    """For messages."""
    return f"{format_count(params)} parameters, {format_count(tokens)} tokens"
