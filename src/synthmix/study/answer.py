"""The question's answer from the fits: expected losses, speed-up, how far it extrapolates."""

import math

from synthmix.config import Question, SampledCorpus, StudyConfig, WrittenCorpus
from synthmix.interval import Interval
from synthmix.results import Answer, Recipe, RecipeAnswer, RunRow
from synthmix.scaling import Fit, Generation, collapse_test, speedup
from synthmix.scaling.quantiles import interval_of
from synthmix.study.fits import Fits, Reading, envelope
from synthmix.training.shape import shape_for


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
        difference, gain, charged = _against(config, recipe, reading, fits, asked)
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
                charged=charged,
                collapse=_collapse(config, recipe, fits, at["N"]),
            )
        )
    laws = {id(reading.fit): (name, reading.fit) for name, reading in fits.readings.items()}
    names = {id(family.fit): synthetic for synthetic, family in fits.families.items()}
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
) -> tuple[Interval, Interval, Interval | None]:
    """Difference of loss, speed-up, and speed-up with the generation charged, against the natural text; read off one
    law where both lie in it, so that what the law does not know cancels."""
    level, at = config.fit.level, {"N": float(asked.params), "D": float(asked.tokens)}
    natural = fits.readings.get(config.mix.natural)
    if natural is not None and reading.share is not None:
        natural = Reading(reading.fit, 0.0, reading.rivals)
    if recipe.name == config.mix.natural or natural is None:
        why = "this is the yardstick itself" if natural is not None else "the natural text alone has no law"
        undefined = Interval(mid=None, level=level, why=why)
        return undefined, undefined, None
    pairs = list(zip(natural.laws, reading.laws, strict=False))
    differences = [_difference(theirs, ours, natural.at(**at), reading.at(**at), level) for theirs, ours in pairs]

    def gain(cost: Generation | None) -> Interval:
        return envelope(
            [
                speedup(
                    theirs,
                    ours,
                    tokens=at["D"],
                    N=at["N"],
                    natural_share=natural.share or 0.0,
                    mixture_share=reading.share,
                    generation=cost,
                    level=level,
                )
                for theirs, ours in pairs
            ]
        )

    cost = _generation(config, recipe)
    return envelope(differences), gain(None), gain(cost) if cost else None


def _difference(theirs: Fit, ours: Fit, natural: dict[str, float], mixed: dict[str, float], level: float) -> Interval:
    """Loss of the mixture minus that of the natural text, paired by resample."""
    value = float((ours.predict(**mixed) - theirs.predict(**natural))[0])
    draws, others = ours.draw(**mixed)[:, 0], theirs.draw(**natural)[:, 0]
    count = min(len(draws), len(others))
    return interval_of(value, draws[:count] - others[:count], level, ours.why or theirs.why)


def _generation(config: StudyConfig, recipe: Recipe) -> Generation | None:
    """What a generated token costs: a forward pass of prompt and output (2 FLOPs a parameter; a rewrite's prompt is
    taken to be as long as its output), used once (CHOSEN). Unknown for text that was brought along."""
    entry = config.corpora[recipe.synthetic] if recipe.synthetic else None
    if isinstance(entry, WrittenCorpus) and entry.params is not None:
        return Generation(2.0 * entry.params * 2, recipe.share)
    if not isinstance(entry, SampledCorpus):
        return None
    per_token = 2.0 * shape_for(entry.params).params * entry.length / (entry.length - entry.prompt)
    return Generation(per_token, recipe.share)


def _collapse(config: StudyConfig, recipe: Recipe, fits: Fits, N: float) -> str | None:
    """Verdict of the collapse test between the recipe's own law and the natural text's, at size N."""
    natural, mine = fits.own.get(config.mix.natural), fits.own.get(recipe.name)
    if natural is None or mine is None or recipe.name == config.mix.natural:
        return None
    found = collapse_test(natural, mine, N=N)
    return f"{found.verdict}: {found.reason}"
