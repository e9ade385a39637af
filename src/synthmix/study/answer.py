"""The question's answer from the fits: expected losses, best share, speed-up, how far it extrapolates."""

import math

import numpy as np

from synthmix.config import Question, StudyConfig
from synthmix.errors import BadInput
from synthmix.results import Answer, Interval, Recipe, RecipeAnswer, RunRow, ShareCurve, SharePoint, Warn
from synthmix.scaling import BestShare, best_share, best_share_of_fits, best_share_of_law, speedup
from synthmix.scaling.quantiles import interval_of
from synthmix.study.fits import Fits, Reading, size_name


def answer_question(config: StudyConfig, recipes: list[Recipe], rows: list[RunRow], fits: Fits) -> Answer | None:
    """What each recipe is expected to give at the question's size and budget; None without question or fits."""
    asked = config.question
    if asked is None or not fits.readings:
        return None
    at = {"N": float(asked.params), "D": float(asked.tokens)}
    answers = []
    for recipe in recipes:
        reading = fits.readings.get(recipe.name)
        if reading is None:
            continue
        difference, gain = _against(config, recipe, reading, fits, asked)
        answers.append(
            RecipeAnswer(
                recipe=recipe.name,
                share=recipe.share,
                synthetic=recipe.synthetic,
                law=reading.fit.law.name,
                loss=reading.loss("mean", **at),
                new_run=reading.loss("new_run", **at),
                difference=difference,
                speedup=gain,
            )
        )
    laws = {id(reading.fit): (name, reading.fit) for name, reading in fits.readings.items()}
    names = {id(law): synthetic for synthetic, law in fits.families.items()}
    for key, (name, law) in laws.items():
        fits.warnings += [w.model_copy(update={"about": names.get(key, name)}) for w in law.warnings_at(**at)]
    return Answer(
        params=asked.params,
        tokens=asked.tokens,
        decades_params=math.log10(asked.params / max(row.params for row in rows)),
        decades_tokens=math.log10(asked.tokens / max(row.tokens for row in rows)),
        recipes=answers,
    )


def _against(
    config: StudyConfig, recipe: Recipe, reading: Reading, fits: Fits, asked: Question
) -> tuple[Interval, Interval]:
    """Difference of loss and speed-up against the natural text; read off one law where both lie in it, so that
    what the law does not know cancels."""
    level, at = config.fit.level, {"N": float(asked.params), "D": float(asked.tokens)}
    natural = fits.readings.get(config.mix.natural)
    if natural is not None and reading.share is not None:
        natural = Reading(reading.fit, 0.0)
    if recipe.name == config.mix.natural or natural is None:
        why = "this is the yardstick itself" if natural is not None else "the natural text alone has no law"
        undefined = Interval(value=None, level=level, why=why)
        return undefined, undefined
    mine, theirs = reading.at(**at), natural.at(**at)
    value = float((reading.fit.predict(**mine) - natural.fit.predict(**theirs))[0])
    ours, others = reading.fit.draw(**mine)[:, 0], natural.fit.draw(**theirs)[:, 0]
    count = min(len(ours), len(others))
    gain = speedup(
        natural.fit,
        reading.fit,
        tokens=at["D"],
        N=at["N"],
        natural_share=natural.share or 0.0,
        mixture_share=reading.share,
        level=level,
    )
    return interval_of(value, ours[:count] - others[:count], level, reading.fit.why), gain


def share_curves(config: StudyConfig, recipes: list[Recipe], rows: list[RunRow], fits: Fits) -> list[ShareCurve]:
    """Loss against the share of each synthetic source: at every measured (N, D), and at the question."""
    found = []
    natural = config.mix.natural
    for synthetic in config.mix.synthetic:
        names = {r.name: r.share for r in recipes if r.synthetic == synthetic or r.name == natural}
        mine = [row for row in rows if row.recipe in names]
        for params, tokens in sorted({(row.params, row.tokens) for row in mine}):
            cell = [row for row in mine if (row.params, row.tokens) == (params, tokens)]
            try:
                best = best_share(
                    [row.share for row in cell],
                    [row.loss for row in cell],
                    pair=[row.seed for row in cell],
                    noise=fits.noise.sd,
                    draws=config.fit.bootstrap,
                    level=config.fit.level,
                )
            except BadInput as error:
                message = f"No share curve at {size_name(params, tokens)}: {error}."
                fits.warnings.append(Warn(code="no_share_curve", message=message, about=synthetic))
                continue
            found.append(_curve(synthetic, params, tokens, cell, best, is_question=False))
        asked_best = _best_at_question(config, synthetic, names, fits)
        if asked_best is not None and config.question is not None:
            asked = config.question
            found.append(_curve(synthetic, asked.params, asked.tokens, [], asked_best, is_question=True))
            fits.warnings += [w.model_copy(update={"about": synthetic}) for w in asked_best.warnings]
    return found


def _best_at_question(config: StudyConfig, synthetic: str, names: dict[str, float], fits: Fits) -> BestShare | None:
    """Off the source's own law; else through one law a share."""
    if config.question is None:
        return None
    N, D, noise = float(config.question.params), float(config.question.tokens), fits.noise.sd
    if synthetic in fits.families:
        return best_share_of_law(fits.families[synthetic], noise=noise, level=config.fit.level, N=N, D=D)
    laws = {share: fits.readings[name].fit for name, share in names.items() if name in fits.readings}
    if len(laws) < 3:
        return None
    return best_share_of_fits(laws, N=N, D=D, noise=noise, level=config.fit.level)


def _curve(
    synthetic: str, params: int, tokens: int, cell: list[RunRow], best: BestShare, *, is_question: bool
) -> ShareCurve:
    """The curve at every second of its 201 shares, enough to draw."""
    return ShareCurve(
        synthetic=synthetic,
        params=params,
        tokens=tokens,
        measured=[SharePoint(share=row.share, loss=row.loss, seed=row.seed) for row in cell],
        shares=np.asarray(best.shares)[::2].tolist(),
        mean=np.asarray(best.mean)[::2].tolist(),
        low=np.asarray(best.low)[::2].tolist(),
        high=np.asarray(best.high)[::2].tolist(),
        best=best.best,
        flat=best.flat,
        is_question=is_question,
    )
