"""Runs a notebook's cells here and writes their outputs into it, without a Jupyter server.

    python benchmarks/notebook.py docs/tutorial.ipynb

A cell's output is what it prints and the value of its last line: as text, a frame as HTML too, a Plotly figure as SVG
(drawn by Chromium). tests/test_docs_run.py runs the cells in the same way.
"""

import ast
import contextlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells that hold code."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(notebook: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Each code cell, what it printed, and the value of its last line; in one namespace, in the current folder."""
    space: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(notebook), 1):
        source = ast.parse("".join(cell["source"]))
        last = source.body.pop() if source.body and isinstance(source.body[-1], ast.Expr) else None
        printed, value = io.StringIO(), None
        with contextlib.redirect_stdout(printed):
            exec(compile(source, f"cell {number}", "exec"), space)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), f"cell {number}", "eval"), space)
        yield cell, printed.getvalue(), value


def shown(value: Any) -> dict[str, list[str]]:
    """The value of a cell's last line, by media type."""
    if value is None:
        return {}
    if hasattr(value, "to_plotly_json"):
        import browser

        drawn = browser.svg(value)
        return {"image/svg+xml": [drawn]} if drawn else {"text/plain": ["a figure"]}
    found = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        found["text/html"] = value._repr_html_().splitlines(keepends=True)
    return found


def fill(notebook: dict[str, Any]) -> dict[str, Any]:
    """The notebook with the outputs of a run."""
    for number, (cell, printed, value) in enumerate(run(notebook), 1):
        outputs: list[dict[str, Any]] = []
        if printed:
            lines = printed.splitlines(keepends=True)
            outputs.append({"output_type": "stream", "name": "stdout", "text": lines})
        if data := shown(value):
            outputs.append({"output_type": "execute_result", "execution_count": number, "data": data, "metadata": {}})
        cell |= {"outputs": outputs, "execution_count": number}
    return notebook


def main() -> None:
    """Write it."""
    file = Path(sys.argv[1]).resolve()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        found = fill(json.loads(file.read_text(encoding="utf-8")))
    file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"wrote {file}")


if __name__ == "__main__":
    main()
