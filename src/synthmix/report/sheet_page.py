"""The page of a reading sheet: texts and questions, one offline file; it holds nothing of who wrote what."""

from collections.abc import Mapping, Sequence
from typing import Any

from synthmix.report.embedding import embedded
from synthmix.report.environment import environment
from synthmix.report.palette import THEMES, series


def sheet_page(
    sheet: str, items: Mapping[str, Sequence[str]], questions: Sequence[Mapping[str, Any]], problems: Sequence[Any]
) -> str:
    """The page as one HTML string.

    Args:
        sheet: its id. items: name -> the one or two texts that are shown, left and right.
        questions: about an item as a whole; problems: what can be ticked for each text.
    """
    from markupsafe import Markup

    data = {"sheet": sheet, "items": dict(items), "questions": list(questions), "problems": list(problems)}
    return str(
        environment()
        .get_template("sheet.html.j2")
        .render(
            sheet=sheet,
            count=len(items),
            two=any(len(texts) > 1 for texts in items.values()),
            questions=questions,
            problems=problems,
            colours={theme: series(1, theme) for theme in THEMES},
            data=Markup(embedded(data)),
        )
    )
