"""Stand-alone pages in sections of figures and tables: one HTML file with everything inlined, as the report has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from synthmix.files import write_text
from synthmix.report.embedding import drawing, embedded
from synthmix.report.environment import environment
from synthmix.report.figures import Figure
from synthmix.report.palette import THEMES, scales, series


@dataclass(frozen=True)
class Shown:
    """A table as text; ``numeric``: columns that stand right."""

    title: str
    head: list[str]
    rows: list[list[str]]
    numeric: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """A section of a page: ``short`` is its name in the bar."""

    id: str
    short: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    tables: list[Shown] = field(default_factory=list)


def numbers(title: str, head: list[str], rows: list[list[str]], names: int = 1) -> Shown:
    """A table whose first ``names`` columns are text."""
    return Shown(title, head, rows, frozenset(range(names, len(head))))


def write_page(
    path: Path,
    *,
    title: str,
    eyebrow: str,
    lead: str,
    under: Sequence[str],
    sections: Sequence[Section],
    facts: Mapping[str, str],
    colours: int,
) -> None:
    """Render and write one page, atomically. ``colours``: how many series have a colour of their own (``@s<i>``).

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    drawn = [figure for section in sections for figure in section.figures]
    themes = {theme: {**series(colours, theme), **scales(theme)} for theme in THEMES}
    page = (
        environment()
        .get_template("sections.html.j2")
        .render(
            title=title,
            eyebrow=eyebrow,
            lead=lead,
            under=[line for line in under if line],
            parts=[section for section in sections if section.figures or section.tables],
            facts=facts,
            colours={theme: series(colours, theme) for theme in THEMES},
            data=Markup(embedded(drawing(drawn, themes))),
            plotly=Markup(get_plotlyjs()),
        )
    )
    write_text(path, page)
