"""What the site changes of its pages: docstrings name functions as Sphinx does, formulas are typeset as MathML, which
browsers draw without scripts or fonts of ours, and columns of sentences are kept wide enough to be read."""

import re
from html import unescape
from typing import Any

from latex2mathml.converter import convert

_ROLE = re.compile(r":(?:func|class|mod|attr|meth|data):(?=<code>)")
_FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_ROW, _CELL = re.compile(r"<tr>(.*?)</tr>", re.DOTALL), re.compile(r"<t[hd][^>]*>(.*?)</t[hd]>", re.DOTALL)
_LONG = 50  # characters: a cell of so many is a sentence


def on_page_content(html: str, **_: Any) -> str:
    """A page's HTML without the roles before names, with its formulas drawn and its columns of sentences marked."""
    return _FORMULA.sub(_drawn, _TABLE.sub(_marked, _ROLE.sub("", html)))


def _drawn(formula: re.Match[str]) -> str:
    display = "block" if formula[1] == "div" else "inline"
    return convert(unescape(formula[2]).strip(), display=display)


def _marked(table: re.Match[str]) -> str:
    """The table with class ``long`` on the heads of columns that hold a sentence."""
    rows = [[re.sub(r"<[^>]+>", "", cell) for cell in _CELL.findall(row)] for row in _ROW.findall(table[0])]
    longest = [max(map(len, column)) for column in zip(*rows, strict=True)]
    widths = iter(longest)
    return re.sub(r"<th(?=[ >])", lambda _: '<th class="long"' if next(widths) > _LONG else "<th", table[0])
