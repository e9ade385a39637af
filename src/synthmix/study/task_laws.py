"""From the runs' task scores to results: the law from loss to score, the question's scores, the best shares."""

import numpy as np

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.results import Recipe, RunRow, ShareCurve, TaskAnswer, TaskFound, Warn
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.task_law import FORMULA, TaskFit
from synthmix.scaling.task_law_fit import fit_task
from synthmix.store import RunRecord
from synthmix.study.fits import Fits, Reading, envelope
from synthmix.study.task_rows import Scored, scored_on
from synthmix.study.task_shares import asked_share, measured_shares

CURVE_POINTS = 60


def task_results(
    config: StudyConfig,
    recipes: list[Recipe],
    rows: list[RunRow],
    records: list[RunRecord],
    fits: Fits,
    curves: list[ShareCurve],
) -> list[TaskFound]:
    """One entry a task that any of ``records`` (parallel to ``rows``) has a score on, by name."""
    names = sorted({name for record in records for name in record.tasks})
    return [_found(config, recipes, *scored_on(name, rows, records), fits, curves) for name in names]


def _found(
    config: StudyConfig,
    recipes: list[Recipe],
    scored: Scored,
    warnings: list[Warn],
    fits: Fits,
    curves: list[ShareCurve],
) -> TaskFound:
    mixtures = {recipe.name: recipe for recipe in recipes}
    shares = {
        source: [mixtures[row.recipe].shares.get(source, 0.0) for row in scored.rows] for source in config.mix.synthetic
    }
    law: TaskFit | None = None
    try:
        law = fit_task(
            [row.loss for row in scored.rows],
            scored.scores,
            chance=scored.chance,
            shares=shares,
            group=scored.group,
            items=scored.items,
            bootstrap=config.fit.bootstrap,
            level=config.fit.level,
        )
    except BadInput as error:
        warnings.append(Warn(code="task_not_fitted", message=f"{error}.", about=scored.task))
    found = measured_shares(config, scored, curves)
    answers: list[TaskAnswer] = []
    x = np.array([])
    if law is not None:
        answers = _answers(config, recipes, law, fits)
        found += asked_share(config, law, fits, curves)
        warnings += [w.model_copy(update={"about": scored.task}) for w in law.warnings]
        losses = [*law.loss, *_asked_losses(config, fits)]
        x = np.linspace(min(losses) - 0.05, max(losses) + 0.05, CURVE_POINTS)
    low, mean, high = _band(law, x, config.fit.level)
    return TaskFound(
        task=scored.task,
        metric=scored.metric,
        items=scored.items,
        chance=scored.chance,
        runs=len(scored.rows),
        formula=FORMULA,
        parameters=law.parameters() if law else {},
        r2=law.r2 if law else None,
        loss=x.tolist(),
        mean=mean,
        low=low,
        high=high,
        answers=answers,
        shares=found,
        warnings=warnings,
    )


def _answers(config: StudyConfig, recipes: list[Recipe], law: TaskFit, fits: Fits) -> list[TaskAnswer]:
    """Expected scores at the question; read with the same draws as the natural text's, so that what is not known of
    both cancels in the difference."""
    natural = fits.readings.get(config.mix.natural)
    if config.question is None or natural is None:
        return []
    answers = []
    for recipe in recipes:
        reading = fits.readings.get(recipe.name)
        if reading is None:
            continue
        base = natural if reading.share is None else Reading(reading.fit, 0.0, reading.rivals)
        shares = {name: recipe.shares.get(name, 0.0) for name in law.offsets}
        score, difference = [], []
        for i, mine in enumerate(reading.laws):
            value, draws = _asked(config, law, Reading(mine, reading.share), shares)
            score.append(interval_of(value, draws, config.fit.level, law.why or mine.why))
            if i < len(base.laws):
                other, others = _asked(config, law, Reading(base.laws[i], base.share), {})
                both = min(len(draws), len(others))
                why = law.why or mine.why or base.laws[i].why
                difference.append(interval_of(value - other, draws[:both] - others[:both], config.fit.level, why))
        against = envelope(difference)
        if recipe.name == config.mix.natural:
            against = Interval(mid=None, level=config.fit.level, why="this is the yardstick itself")
        answers.append(
            TaskAnswer(
                recipe=recipe.name,
                share=recipe.share,
                synthetic=recipe.synthetic,
                score=envelope(score),
                difference=against,
            )
        )
    return answers


def _asked(config: StudyConfig, law: TaskFit, reading: Reading, shares: dict[str, float]) -> tuple[float, np.ndarray]:
    """Score at the question (value, draws) where ``reading`` gives the loss."""
    assert config.question is not None
    at = reading.at(N=float(config.question.params), D=float(config.question.tokens))
    loss = reading.fit.predict(**at)
    return float(law.predict(loss, shares)[0]), law.draw(reading.fit.draw(**at), shares)[:, 0]


def _asked_losses(config: StudyConfig, fits: Fits) -> list[float]:
    if config.question is None:
        return []
    at = {"N": float(config.question.params), "D": float(config.question.tokens)}
    return [float(reading.fit.predict(**reading.at(**at))[0]) for reading in fits.readings.values()]


def _band(law: TaskFit | None, x: np.ndarray, level: float) -> tuple[list[float], list[float], list[float]]:
    if law is None:
        return [], [], []
    mean = law.predict(x)
    if law.why is not None:
        return mean.tolist(), mean.tolist(), mean.tolist()
    low, high = np.quantile(law.draw(x), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low.tolist(), mean.tolist(), high.tolist()
