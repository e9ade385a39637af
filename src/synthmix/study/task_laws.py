"""From the runs' task scores to results: the law from loss to score, expected scores, the best shares by score."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from synthmix.config import StudyConfig
from synthmix.decisions.fits import RecipeLaw, StudyFits, envelope
from synthmix.errors import BadInput
from synthmix.results import (
    Interval,
    KindCurve,
    Recipe,
    ScorePoint,
    ShareCurve,
    TaskAnswer,
    TaskFound,
    TaskShare,
    Warn,
)
from synthmix.runs import RunsTable
from synthmix.runs.cells import Floats
from synthmix.runs.table import Metric
from synthmix.scaling import BestShare
from synthmix.scaling.quantiles import interval_of
from synthmix.scaling.share_summary import GRID
from synthmix.scaling.task_law import FORMULA, TaskFit, agreement, best_share_by_score, best_share_of_scores, fit_task

CURVE_POINTS = 60
FEWEST_SHARES = 3


@dataclass(frozen=True)
class Scored:
    """The runs that have a score on a task."""

    metric: Metric
    runs: RunsTable

    @property
    def scores(self) -> Floats:
        """(n,), one a run."""
        return self.runs.column(self.metric.name)

    @property
    def chance(self) -> float:
        """What guessing scores."""
        return self.metric.chance or 0.0

    @property
    def items(self) -> int:
        """Questions asked; one where it is not known."""
        return self.metric.items or 1


def scored_on(task: str, table: RunsTable) -> Scored:
    """The rows with a score on a task."""
    metric = table.metric(f"task.{task}")
    return Scored(metric, table.select(np.isfinite(table.column(metric.name))))


def task_results(
    config: StudyConfig,
    recipes: list[Recipe],
    table: RunsTable,
    fits: StudyFits,
    curves: list[ShareCurve],
    asked: Sequence[KindCurve],
    warnings: Sequence[Warn],
) -> list[TaskFound]:
    """One entry a task that any run has a score on, by name.

    ``curves``: loss against share as measured; ``asked``: difference against share at the question; ``warnings``: of
    the scores, by their tasks.
    """
    names = sorted(metric.task for metric in table.metrics if metric.task is not None)
    about = {name: [warning for warning in warnings if warning.about == name] for name in names}
    return [_found(config, recipes, scored_on(name, table), about[name], fits, curves, asked) for name in names]


def _found(
    config: StudyConfig,
    recipes: list[Recipe],
    scored: Scored,
    warnings: list[Warn],
    fits: StudyFits,
    curves: list[ShareCurve],
    asked: Sequence[KindCurve],
) -> TaskFound:
    runs = scored.runs
    shares = {name: runs.column(f"share.{name}") for name in config.mix.synthetic if name in runs.sources}
    law: TaskFit | None = None
    try:
        law = fit_task(
            runs.column("loss"),
            scored.scores,
            chance=scored.chance,
            shares=shares,
            group=runs.arrays().group,
            items=scored.items,
            bootstrap=config.fit.bootstrap,
            level=config.fit.level,
        )
    except BadInput as error:
        warnings.append(Warn(code="task_not_fitted", message=f"{error}.", about=scored.metric.task))
    found = measured_shares(config, scored, curves)
    answers: list[TaskAnswer] = []
    x = np.array([])
    if law is not None:
        answers = _answers(config, recipes, law, fits)
        found += asked_share(config, law, fits, asked)
        warnings += [w.model_copy(update={"about": scored.metric.task}) for w in law.warnings]
        losses = [*law.loss, *_asked_losses(config, fits)]
        x = np.linspace(min(losses) - 0.05, max(losses) + 0.05, CURVE_POINTS)
    low, mean, high = _band(law, x, config.fit.level)
    return TaskFound(
        task=scored.metric.task or "",
        metric=scored.metric.measure or "score",
        id=scored.metric.id,
        items=scored.items,
        chance=scored.chance,
        runs=len(runs),
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


def _answers(config: StudyConfig, recipes: list[Recipe], law: TaskFit, fits: StudyFits) -> list[TaskAnswer]:
    """Expected scores at the question; read with the same draws as the natural text's, so that what is not known of
    both cancels in the difference."""
    natural = fits.laws.get(config.mix.natural)
    if config.question is None or natural is None:
        return []
    answers = []
    for recipe in recipes:
        recipe_law = fits.laws.get(recipe.name)
        if recipe_law is None:
            continue
        base = natural if recipe_law.share is None else RecipeLaw(recipe_law.fit, 0.0, recipe_law.rivals)
        shares = {name: recipe.shares.get(name, 0.0) for name in law.offsets}
        score, difference = [], []
        for i, mine in enumerate(recipe_law.laws):
            value, draws = _asked(config, law, RecipeLaw(mine, recipe_law.share), shares)
            score.append(interval_of(value, draws, config.fit.level, law.why or mine.why))
            if i < len(base.laws):
                other, others = _asked(config, law, RecipeLaw(base.laws[i], base.share), {})
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


def _asked(
    config: StudyConfig, law: TaskFit, recipe_law: RecipeLaw, shares: dict[str, float]
) -> tuple[float, np.ndarray]:
    """Score at the question (value, draws) where ``recipe_law`` gives the loss."""
    assert config.question is not None
    at = recipe_law.at(N=float(config.question.params), D=float(config.question.tokens))
    loss = recipe_law.fit.predict(**at)
    return float(law.predict(loss, shares)[0]), law.draw(recipe_law.fit.draw(**at), shares)[:, 0]


def _asked_losses(config: StudyConfig, fits: StudyFits) -> list[float]:
    if config.question is None:
        return []
    at = {"N": float(config.question.params), "D": float(config.question.tokens)}
    return [float(recipe_law.fit.predict(**recipe_law.at(**at))[0]) for recipe_law in fits.laws.values()]


def _band(law: TaskFit | None, x: np.ndarray, level: float) -> tuple[list[float], list[float], list[float]]:
    if law is None:
        return [], [], []
    mean = law.predict(x)
    if law.why is not None:
        return mean.tolist(), mean.tolist(), mean.tolist()
    low, high = np.quantile(law.draw(x), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low.tolist(), mean.tolist(), high.tolist()


def measured_shares(config: StudyConfig, scored: Scored, curves: list[ShareCurve]) -> list[TaskShare]:
    """The best share by score at every (N, D) that has a share curve of the loss and three shares with a score."""
    runs, noise = scored.runs, _noise(scored)
    N, D = runs.column("N"), runs.column("D")
    recipes, synthetic = runs.text("recipe"), runs.text("synthetic")
    found = []
    for curve in curves:
        kind = [
            name == config.mix.natural or source == curve.synthetic
            for name, source in zip(recipes, synthetic, strict=True)
        ]
        here = np.flatnonzero((curve.params == N) & (curve.tokens == D) & np.array(kind))
        share, score = runs.column("share")[here], scored.scores[here]
        if len(np.unique(share)) < FEWEST_SHARES:  # scored_on warns of runs without a score
            continue
        seeds = [int(runs.text("seed")[i] or 0) for i in here]
        best = best_share_by_score(
            share.tolist(),
            score.tolist(),
            noise=noise,
            pair=seeds,
            draws=config.fit.bootstrap,
            level=config.fit.level,
        )
        points = [
            ScorePoint(share=r, score=s, seed=seed)
            for r, s, seed in zip(share.tolist(), score.tolist(), seeds, strict=True)
        ]
        place = (curve.synthetic, curve.params, curve.tokens)
        found.append(_beside(place, curve.best, curve.flat, best, points))
    return found


def asked_share(config: StudyConfig, law: TaskFit, fits: StudyFits, asked: Sequence[KindCurve]) -> list[TaskShare]:
    """The best share by the score expected at the question, of each source that has a law in its share."""
    if config.question is None:
        return []
    at = {"N": float(config.question.params), "D": float(config.question.tokens)}
    found = []
    for curve in asked:
        source = fits.sources.get(curve.kind)
        if curve.undetermined or source is None:
            continue
        shares = {curve.kind: GRID}
        said = []
        for mine in source.laws:
            measured = mine.runs.share
            said.append(
                best_share_of_scores(
                    law.predict(mine.predict(**at, share=GRID), shares),
                    law.draw(mine.draw(**at, share=GRID), shares),
                    noise=law.noise,
                    level=config.fit.level,
                    measured=(float(measured.min()), float(measured.max())),
                )
            )
        best = replace(
            said[0],
            best=envelope([each.best for each in said]),
            low=np.min([each.low for each in said], axis=0),
            high=np.max([each.high for each in said], axis=0),
        )
        place = (curve.kind, config.question.params, config.question.tokens)
        found.append(_beside(place, curve.best, curve.flat, best, None))
    return found


def _beside(
    place: tuple[str, int, int],
    by_loss: Interval,
    flat_loss: tuple[float, float] | None,
    best: BestShare,
    points: list[ScorePoint] | None,
) -> TaskShare:
    """The score's best share beside the loss's; ``points``: the runs measured, None at the question."""
    verdict = agreement(by_loss, flat_loss, best.best, best.flat)
    return TaskShare(
        synthetic=place[0],
        params=place[1],
        tokens=place[2],
        is_question=points is None,
        by_loss=by_loss,
        by_score=best.best,
        flat_loss=flat_loss,
        flat_score=best.flat,
        common=verdict.common,
        verdict=verdict.verdict,
        reason=verdict.reason,
        measured=points or [],
        shares=np.asarray(best.shares)[::2].tolist(),
        mean=np.asarray(best.mean)[::2].tolist(),
        low=np.asarray(best.low)[::2].tolist(),
        high=np.asarray(best.high)[::2].tolist(),
    )


def _noise(scored: Scored) -> float:
    """Standard deviation of one run's score: pooled over seeds; without replicates that of drawing the questions,
    which is an upper bound for runs that answer the same ones (CHOSEN)."""
    found = scored.runs.noise(scored.metric.name).sd
    if found:
        return found
    mean = float(np.clip(scored.scores.mean(), 0.01, 0.99))
    return float(np.sqrt(mean * (1 - mean) / scored.items))
