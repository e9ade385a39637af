"""The page of ``synthmix stats``: what text says before anything is trained on it."""

from pathlib import Path
from typing import TYPE_CHECKING

from synthmix.report.sections import Section, write_page

if TYPE_CHECKING:
    from synthmix.statistics.types import Survey


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
