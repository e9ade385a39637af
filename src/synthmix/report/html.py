"""Stand-alone pages: one HTML file with everything inlined, in sections of figures and tables."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmix.files import write_text
from synthmix.report.figures import Figure
from synthmix.style import THEMES, scales, series
from synthmix.table import Table

_LARGEST = 500_000  # characters of a table that a page holds as CSV
PLOTLY = {"responsive": True, "displaylogo": False, "modeBarButtons": [["zoom2d", "pan2d", "resetScale2d", "toImage"]]}


@dataclass(frozen=True)
class Section:
    """A section of a page: ``short`` is its name in the bar."""

    id: str
    short: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


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
    refresh: float | None = None,
) -> None:
    """Render and write one page, atomically. ``colours``: how many series have a colour of their own (``@s<i>``);
    ``refresh``: seconds after which a browser loads it again. Without a figure the page holds no plotly.js.

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
            data=Markup(embedded(drawing(drawn, themes, downloads(t for s in sections for t in s.tables), title))),
            plotly=Markup(get_plotlyjs() if drawn else ""),
            refresh=refresh,
        )
    )
    write_text(path, page)


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


def environment() -> Any:
    """The Jinja environment of the templates in this room."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("synthmix.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def downloads(tables: Iterable[Table]) -> dict[str, str]:
    """Name -> CSV of the tables that a page offers: those with a name and rows, none above half a megabyte."""
    found = {table.name: table.csv() for table in tables if table.name and table.rows}
    return {name: text for name, text in found.items() if len(text) <= _LARGEST}


def drawing(
    figures: Iterable[Figure],
    themes: Mapping[str, Mapping[str, Any]],
    tables: Mapping[str, str] | None = None,
    name: str = "",
) -> dict[str, Any]:
    """What the page's script draws and offers: every figure's views, in the colours of each theme, and tables as CSV.

    ``name``: what the names of downloaded files begin with.
    """
    return {
        "themes": themes,
        "name": "".join(c if c.isalnum() else "-" for c in name).strip("-") or "synthmix",
        "tables": dict(tables or {}),
        "config": PLOTLY,
        "figures": {
            figure.id: [
                {"data": view.data, "layout": {**view.layout, "height": figure.height}} for view in figure.views
            ]
            for figure in figures
        },
    }


def embedded(value: Any) -> str:
    """Strict JSON that is safe inside a script element: no ``<``, no NaN (a number that is not finite becomes null)."""
    text = json.dumps(_finite(value), allow_nan=False, separators=(",", ":"), ensure_ascii=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
