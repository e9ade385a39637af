"""Share curves: loss against the share of each synthetic source, and the best share."""

from dataclasses import replace

import numpy as np

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.results import Recipe, RunRow, ShareCurve, SharePoint, Warn
from synthmix.scaling import BestShare, best_share, best_share_of_fits, best_share_of_law
from synthmix.study.fits import Fits, envelope, size_name


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
        said = [
            best_share_of_law(law, noise=noise, level=config.fit.level, N=N, D=D)
            for law in fits.families[synthetic].laws
        ]
        return _widened(said)
    laws = {share: fits.readings[name].fit for name, share in names.items() if name in fits.readings}
    if len(laws) < 3:
        return None
    return best_share_of_fits(laws, N=N, D=D, noise=noise, level=config.fit.level)


def _widened(said: list[BestShare]) -> BestShare:
    """The first law's curve and best share, with bands and intervals that hold what the others say."""
    first = said[0]
    flats = [each.flat for each in said if each.flat is not None]
    return replace(
        first,
        best=envelope([each.best for each in said]),
        flat=(min(low for low, _ in flats), max(high for _, high in flats)) if first.flat else None,
        low=np.min([each.low for each in said], axis=0),
        high=np.max([each.high for each in said], axis=0),
    )


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
