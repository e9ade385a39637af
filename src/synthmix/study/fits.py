"""Laws fitted to a study's runs: one in (N, D) per recipe, and the data and model laws within it."""

from dataclasses import dataclass, field

import numpy as np

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.quantities import format_count
from synthmix.results import Curve, FitSummary, HeldOut, Noise, Recipe, RunRow, Warn
from synthmix.scaling import Fit, Runs, SeedNoise, fit, held_out, seed_noise

CURVE_POINTS = 40
REACH = 4.0  # how far beyond the measured budgets and sizes a curve is drawn


@dataclass
class Fits:
    """What was fitted. ``joint``: recipe -> law in (N, D), where the runs determine one."""

    noise: Noise
    joint: dict[str, Fit] = field(default_factory=dict)
    summaries: list[FitSummary] = field(default_factory=list)
    curves: list[Curve] = field(default_factory=list)
    warnings: list[Warn] = field(default_factory=list)


def fit_recipes(config: StudyConfig, recipes: list[Recipe], rows: list[RunRow]) -> Fits:
    """Fit each recipe by itself. A law that its runs do not determine is left out, with a warning that says why."""
    noise = _noise(rows)
    found = Fits(Noise(sd=noise.sd, cells=noise.cells, runs=noise.runs))
    for recipe in recipes:
        mine = [row for row in rows if row.recipe == recipe.name]
        if not mine:
            continue
        size, budget = max(row.params for row in mine), max(row.tokens for row in mine)
        at_size, at_budget = [r for r in mine if r.params == size], [r for r in mine if r.tokens == budget]
        joint = _fit("chinchilla", mine, recipe, config, noise.sd_log, found)
        _fit("data", at_size, recipe, config, noise.sd_log, found, params=size)
        _fit("model", at_budget, recipe, config, noise.sd_log, found, tokens=budget)
        if joint is not None:
            found.joint[recipe.name] = joint
            found.curves += _curves(joint, recipe.name, mine)
    return found


def _noise(rows: list[RunRow]) -> SeedNoise:
    cells = {key: i for i, key in enumerate(dict.fromkeys((r.recipe, r.params, r.tokens) for r in rows))}
    return seed_noise(
        Runs(
            N=[r.params for r in rows],
            D=[r.tokens for r in rows],
            loss=[r.loss for r in rows],
            share=[r.share for r in rows],
            group=[cells[r.recipe, r.params, r.tokens] for r in rows],
        )
    )


def _fit(
    law: str,
    rows: list[RunRow],
    recipe: Recipe,
    config: StudyConfig,
    noise: float | None,
    found: Fits,
    *,
    params: int | None = None,
    tokens: int | None = None,
) -> Fit | None:
    runs = Runs(N=[r.params for r in rows], D=[r.tokens for r in rows], loss=[r.loss for r in rows])
    try:
        fitted = fit(law, runs, bootstrap=config.fit.bootstrap, level=config.fit.level, delta=None, noise=noise)
    except BadInput as error:
        found.warnings.append(Warn(code="not_fitted", message=f"The {law} law: {error}.", about=recipe.name))
        return None
    found.summaries.append(
        FitSummary(
            law=fitted.law.name,
            formula=fitted.law.formula,
            recipe=recipe.name,
            params=params,
            tokens=tokens,
            points=len(rows),
            parameters=fitted.intervals(),
            r2=fitted.r2,
            objective=fitted.objective,
            held_out=_held_out(law, runs, found, recipe),
            warnings=fitted.warnings,
        )
    )
    return fitted


def _held_out(law: str, runs: Runs, found: Fits, recipe: Recipe) -> HeldOut | None:
    try:
        return held_out(law, runs, column="N" if law == "model" else "D", delta=None)
    except BadInput as error:
        if law == "chinchilla":
            message = f"No held-out check of the {law} law: {error}."
            found.warnings.append(Warn(code="no_held_out_check", message=message, about=recipe.name))
        return None


def _curves(joint: Fit, recipe: str, rows: list[RunRow]) -> list[Curve]:
    """Loss against tokens at every size, and against parameters at every budget."""
    sizes, budgets = sorted({r.params for r in rows}), sorted({r.tokens for r in rows})
    found = []
    for along, fixed_values, reach in (("tokens", sizes, budgets), ("params", budgets, sizes)):
        x = np.geomspace(reach[0] / 1.3, reach[-1] * REACH, CURVE_POINTS)
        for fixed in fixed_values:
            other = np.full_like(x, fixed)
            N, D = (other, x) if along == "tokens" else (x, other)
            mean, (low, high) = joint.predict(N=N, D=D), joint.interval(kind="mean", N=N, D=D)
            if not np.isfinite(low).all():
                low = high = mean
            found.append(
                Curve(
                    recipe=recipe,
                    law=joint.law.name,
                    along="tokens" if along == "tokens" else "params",
                    fixed=fixed,
                    x=x.tolist(),
                    mean=mean.tolist(),
                    low=low.tolist(),
                    high=high.tolist(),
                )
            )
    return found


def size_name(params: int, tokens: int) -> str:
    """For messages."""
    return f"{format_count(params)} parameters, {format_count(tokens)} tokens"
