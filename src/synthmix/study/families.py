"""One law for all shares of a synthetic source: recipes share their noise and their exponents, so that differences
between them, and the best share, are known far better than the losses themselves."""

from synthmix.config import StudyConfig
from synthmix.errors import BadInput
from synthmix.results import Recipe, RunRow, Warn
from synthmix.scaling import Comparison, Fit, Runs, compare, fit, held_out
from synthmix.study.fits import Fits, Reading, as_runs, summary

# Laws in (N, D, share) that can say "none": a quadratic in the share (scaling/laws) and the three-phase candidate. The
# mixture laws of Shukor et al. cannot: their term in h^gamma, gamma < 1, makes the first grain of any source pay.
CANDIDATES = ("joint_quadratic", "three_phase_size")
FEWEST_SHARES = 3


def fit_families(config: StudyConfig, recipes: list[Recipe], rows: list[RunRow], fits: Fits) -> None:
    """Choose, per synthetic source, the law in (N, D, share) that best predicts the largest runs, and fit it.

    Its readings replace those of the recipes by themselves, and the other laws are kept as rivals that widen their
    intervals. The natural text is read off the first source's law.
    A source whose runs determine no such law keeps its recipes' own, with a warning.
    """
    natural = config.mix.natural
    for synthetic in config.mix.synthetic:
        shares = {r.name: r.share for r in recipes if r.synthetic == synthetic or r.name == natural}
        mine = [row for row in rows if row.recipe in shares]
        if len({row.share for row in mine}) < FEWEST_SHARES:
            message = f"Fewer than {FEWEST_SHARES} shares were measured, so each recipe has a law of its own."
            fits.warnings.append(Warn(code="no_joint_law", message=message, about=synthetic))
            continue
        runs = as_runs(mine)
        try:
            ranking, (law, *rivals) = fit_shares(runs, bootstrap=config.fit.bootstrap, level=config.fit.level)
            check = held_out(ranking.winner, runs, column="D", delta=None)
        except BadInput as error:
            message = f"No law in size, tokens and share: {error}. Each recipe has a law of its own."
            fits.warnings.append(Warn(code="no_joint_law", message=message, about=synthetic))
            continue
        fits.families[synthetic] = Reading(law, 0.0, tuple(rivals))
        fits.summaries.insert(0, summary(law, None, check))
        fits.warnings += _disagreement(config, ranking, fits.families[synthetic], synthetic)
        for name, share in shares.items():
            if name != natural or len(fits.families) == 1:
                fits.readings[name] = Reading(law, share, tuple(rivals))


def fit_shares(runs: Runs, *, bootstrap: int, level: float) -> tuple[Comparison, list[Fit]]:
    """The candidates by their error on the largest runs, held out, and their fits, the best first.

    Raises:
        BadInput: the runs determine none of them.
    """
    ranking = compare(runs, list(CANDIDATES), delta=None, level=level)
    return ranking, [fit(score.law, runs, bootstrap=bootstrap, level=level, delta=None) for score in ranking.scores]


def _disagreement(config: StudyConfig, ranking: Comparison, family: Reading, synthetic: str) -> list[Warn]:
    """How the law was chosen, and what each candidate says at the question."""
    scores = ", ".join(f"{score.law} {score.extrapolation:.1%}" for score in ranking.scores)
    message = f"Chosen by its error on the largest runs, held out: {scores}" + (
        "." if ranking.decided else "; the margin is within what the runs can tell."
    )
    found = [Warn(code="law_choice", message=message, about=synthetic)]
    asked = config.question
    if asked is None or not family.rivals:
        return found
    measured = family.fit.runs.share
    highest = float(measured[measured < 1].max())
    said = []
    for law in family.laws:
        mixed, alone = (law.predict(N=float(asked.params), D=float(asked.tokens), share=r)[0] for r in (highest, 0.0))
        said.append(f"{law.law.name} {mixed - alone:+.3f}")
    message = f"At the question, {highest:.0%} synthetic differs from the natural text by, in nats: {', '.join(said)}."
    return [*found, Warn(code="laws_side_by_side", message=message, about=synthetic)]
