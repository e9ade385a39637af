"""The page: context for the templates, and the one file with everything inlined."""

from pathlib import Path

from synthmix.errors import BadInput
from synthmix.files import write_text
from synthmix.report import sentences
from synthmix.report.cards import cards
from synthmix.report.figures import THEMES, colours, recipe_token, scales
from synthmix.report.filters import FILTERS
from synthmix.report.fit_figures import disagreements
from synthmix.report.html import drawing, embedded, environment
from synthmix.report.limits import says, says_not
from synthmix.report.study_figures import figures
from synthmix.report.tables import page_tables, write_tables
from synthmix.results import Results


def write_report(results: Results, folder: Path) -> Path:
    """Write ``folder/report.html`` and ``folder/tables/*.csv|parquet``; the page last, each file atomically.

    The same results give the same bytes.

    Raises:
        BadInput: there are no runs yet, or the folder cannot be written to.
        Failure: the disk is full.
    """
    page = render(results)
    write_tables(results, folder / "tables")
    path = folder / "report.html"
    write_text(path, page)
    return path


def render(results: Results) -> str:
    """The page as one HTML string, plotly.js included.

    Raises:
        BadInput: there are no runs yet.
    """
    if not results.runs:
        raise BadInput(
            "there is nothing to report yet: no run has finished",
            where=results.study,
            remedy="run the study first (synthmix study run)",
        )
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    templates = environment()
    templates.filters |= FILTERS
    decision = results.decision
    drawn = {figure.id: figure for figure in figures(results)}
    themes = {theme: {**colours(results, theme), **scales(theme)} for theme in THEMES}
    return templates.get_template("page.html.j2").render(
        r=results,
        decision=decision,
        words=sentences,
        claim=NO_DECISION if decision is None else sentences.answer(decision),
        cards=cards(results),
        figures=drawn,
        says=says(results),
        says_not=says_not(results),
        notes=_warnings(results),
        disagreements=disagreements(results),
        tables=page_tables(results),
        colours={theme: colours(results, theme) for theme in THEMES},
        token=lambda name: recipe_token(results, name),
        data=Markup(embedded(drawing(drawn.values(), themes))),
        plotly=Markup(get_plotlyjs()),
    )


NO_DECISION = "Written by an earlier version: write the answer again with synthmix study report FILE."


def headline(results: Results) -> str:
    """The report's answer in one to three sentences: what was measured, what is predicted, how confident that is."""
    return NO_DECISION if results.decision is None else sentences.headline(results.decision)


def _warnings(results: Results) -> dict[str, list[tuple[str, str]]]:
    """Code -> (about, message) of the study's and the fits' warnings; a message once, with all that it is about."""
    found: dict[str, dict[str, dict[str, list[str]]]] = {}
    for warning in results.warnings:
        found.setdefault(warning.code, {}).setdefault(warning.message, {}).setdefault(warning.about or "", [])
    for fit in results.fits:
        for warning in fit.warnings:
            about = found.setdefault(warning.code, {}).setdefault(warning.message, {})
            about.setdefault(f"{fit.law} law", []).append(fit.recipe or "all recipes")
    return {
        code: [(_about(about, len(results.recipes)), message) for message, about in messages.items()]
        for code, messages in sorted(found.items())
    }


def _about(about: dict[str, list[str]], recipes: int) -> str:
    """``chinchilla law (docs, hq); data law``: the recipes are named unless they are all there are."""
    named = {law: dict.fromkeys(names) for law, names in about.items() if law}
    return "; ".join(f"{law} ({', '.join(names)})" if 0 < len(names) < recipes else law for law, names in named.items())
