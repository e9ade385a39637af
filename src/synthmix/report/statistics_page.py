"""Stand-alone pages of what text says: one HTML file with everything inlined, in the light and dark of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmix.files import write_text
from synthmix.report.environment import environment
from synthmix.report.figures import Figure
from synthmix.report.page import PLOTLY, embedded
from synthmix.report.palette import THEMES, scales, series

if TYPE_CHECKING:
    from synthmix.statistics.surveyed import Survey


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

    drawing: dict[str, Any] = {
        "themes": {theme: {**series(colours, theme), **scales(theme)} for theme in THEMES},
        "config": PLOTLY,
        "figures": {
            figure.id: [{"data": v.data, "layout": {**v.layout, "height": figure.height}} for v in figure.views]
            for section in sections
            for figure in section.figures
        },
    }
    page = (
        environment()
        .get_template("statistics.html.j2")
        .render(
            title=title,
            eyebrow=eyebrow,
            lead=lead,
            under=[line for line in under if line],
            parts=[section for section in sections if section.figures or section.tables],
            facts=facts,
            colours={theme: series(colours, theme) for theme in THEMES},
            data=Markup(embedded(drawing)),
            plotly=Markup(get_plotlyjs()),
        )
    )
    write_text(path, page)


def write_statistics(found: "Survey", path: Path) -> None:
    """The page of a survey.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    from synthmix.report.figures_text import contribution_figure, heaps_figure, rank_figure, share_figures
    from synthmix.report.statistics_tables import lead, text_tables

    tables = text_tables(found)
    headline, under = lead(found)
    sections = [
        Section("against", "Against", "Each text against each", tables=tables["against"]),
        Section("shares", "Mixtures", "Mixtures, from the pools' counts alone", figures=share_figures(found)),
        Section("costs", "Costs", "What costs most", figures=contribution_figure(found)),
        Section(
            "curves", "Zipf, Heaps", "Rank and growth", [rank_figure(found), *heaps_figure(found)], tables["texts"]
        ),
        Section("smoothing", "Smoothing", "How much the smoothing matters", tables=tables["smoothing"]),
        Section("overlap", "Overlap", "Training texts against each other", tables=tables["overlap"]),
    ]
    write_page(
        path,
        title="Text statistics",
        eyebrow="What does the text itself say?",
        lead=headline,
        under=under,
        sections=sections,
        facts=_facts(found),
        colours=len(found.texts),
    )


def _facts(found: "Survey") -> dict[str, str]:
    level = f"{found.level:.0%}"
    return {
        "Samples": f"the first {found.tokens:,} tokens of each training text (a uniform sample of its documents)",
        "Vocabulary": f"{found.vocab_size:,} ids; words are lower-cased runs of letters and digits",
        "n-grams": "within documents; smoothed over those that occur in either text",
        "KL(test ‖ train)": "nats that a code of the training text wastes on each held-out token",
        "Zipf": f"discrete maximum likelihood above the chosen x_min, {level} likelihood interval, p by 100 samples",
        "Heaps": f"slope over the last decade, {level} jackknife interval over ten segments",
        "Mixtures": "expected coverage of a uniform sample: each count thinned binomially",
        "Near-duplicates": "Jaccard similarity of token 5-grams of 0.8 or more, MinHash candidates, exact check",
    }
