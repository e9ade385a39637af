"""What the site changes of its pages: docstrings name functions as Sphinx does, formulas are typeset as MathML, which
browsers draw without scripts or fonts of ours, columns of sentences are kept wide enough to be read, and a notebook is
a page, with the outputs that stand in it."""

import base64
import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files

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
    return re.sub(r"<th(?=[ >])", lambda _: '<th class="long"' if next(widths, 0) > _LONG else "<th", table[0])


def on_files(files: Files, config: Any) -> Files:
    """A page beside each notebook."""
    for file in [file for file in files if file.src_uri.endswith(".ipynb")]:
        text = "\n\n".join(_notebook(Path(str(file.abs_src_path)), file.name))
        files.append(File.generated(config, file.src_uri.removesuffix(".ipynb") + ".md", content=text))
    return files


def _notebook(path: Path, name: str) -> Iterator[str]:
    """Its cells and their outputs as Markdown."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    for number, cell in enumerate(cells):
        source = "".join(cell["source"])
        yield source if cell["cell_type"] == "markdown" else f"```python\n{source}\n```"
        if number == 0:
            yield f"[The notebook itself]({name}.ipynb), to run and to change."
        for output in cell.get("outputs", ()):
            data = output.get("data", {"text/plain": output.get("text", [])})
            if "image/svg+xml" in data:
                picture = base64.b64encode("".join(data["image/svg+xml"]).encode()).decode()
                yield f'<img alt="the figure of this cell" src="data:image/svg+xml;base64,{picture}">'
            elif "text/html" in data:
                table = re.search(r"<table.*</table>", "".join(data["text/html"]), re.DOTALL)
                yield re.sub(r' (?:border|class|style)="[^"]*"', "", table[0]) if table else ""
            else:
                yield "```text\n" + "".join(data["text/plain"]).rstrip() + "\n```"
