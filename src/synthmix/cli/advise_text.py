"""Advice as text for the terminal: the page's sections."""

from synthmix.advice.page import eyebrow, sections
from synthmix.advice.schema import Advice
from synthmix.cli.plan_text import table
from synthmix.report.sections import Shown


def advice_text(advice: Advice) -> str:
    """The answer, then every section with something in it."""
    first = [eyebrow(advice), advice.headline, advice.confidence, advice.recommendation]
    blocks = ["\n".join(line for line in first if line)]
    for section in sections(advice):
        shown = [block for each in section.tables if (block := _block(each))]
        if shown:
            blocks.append("\n".join([section.title, *shown]))
    return "\n\n".join(blocks)


def _block(shown: Shown) -> str:
    if not shown.rows:
        return ""
    if len(shown.head) == 1:
        return "\n".join(f"  {row[0]}" for row in shown.rows)
    return table(shown.head, shown.rows)
