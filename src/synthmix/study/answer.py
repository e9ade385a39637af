"""The question's answer from the fits: expected losses, best share, speed-up, how far it extrapolates."""

import math

import numpy as np

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.results import Answer, Interval, Recipe, RecipeAnswer, RunRow, ShareCurve, SharePoint, Warn
from synthmix.scaling import BestShare, best_share, best_share_of_fits, speedup
from synthmix.scaling.quantiles import interval_of
from synthmix.study.fits import Fits, size_name


def answer_question(config: StudyConfig, recipes: list[Recipe], rows: list[RunRow], fits: Fits) -> Answer | None:
    """What each recipe is expected to give at the question's size and budget; None without question or fits."""
    asked = config.question
    natural = fits.joint.get(config.mix.natural)
    if asked is None or not fits.joint:
        return None
    at = {"N": float(asked.params), "D": float(asked.tokens)}
    answers = []
    for recipe in recipes:
        law = fits.joint.get(recipe.name)
        if law is None:
            continue
        why = "the natural text alone was not measured, so there is nothing to compare with"
        difference = gain = Interval(value=None, level=config.fit.level, why=why)
        if natural is not None:
            difference = interval_of(
                float((law.predict(**at) - natural.predict(**at))[0]),
                (law.draw(**at) - natural.draw(**at))[:, 0],
                config.fit.level,
            )
            gain = speedup(natural, law, tokens=at["D"], N=at["N"], level=config.fit.level)
        if recipe.name == config.mix.natural:
            difference = gain = Interval(value=None, level=config.fit.level, why="this is the yardstick itself")
        answers.append(
            RecipeAnswer(
                recipe=recipe.name,
                share=recipe.share,
                synthetic=recipe.synthetic,
                law=law.law.name,
                loss=law.loss(kind="mean", **at),
                new_run=law.loss(kind="new_run", **at),
                difference=difference,
                speedup=gain,
            )
        )
        fits.warnings += [w.model_copy(update={"about": recipe.name}) for w in law.warnings_at(**at)]
    return Answer(
        params=asked.params,
        tokens=asked.tokens,
        decades_params=math.log10(asked.params / max(row.params for row in rows)),
        decades_tokens=math.log10(asked.tokens / max(row.tokens for row in rows)),
        recipes=answers,
    )


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
        laws = {share: fits.joint[name] for name, share in names.items() if name in fits.joint}
        asked = config.question
        if asked is not None and len(laws) >= 3:
            best = best_share_of_fits(
                laws, N=float(asked.params), D=float(asked.tokens), noise=fits.noise.sd, level=config.fit.level
            )
            found.append(_curve(synthetic, asked.params, asked.tokens, [], best, is_question=True))
            fits.warnings += [w.model_copy(update={"about": synthetic}) for w in best.warnings]
    return found


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
