"""A page's outline: its headings, words, tables and figures in order, numbers as ``#``, for one snapshot a page."""

import os
import re
import shutil
import subprocess
import tempfile
from difflib import unified_diff
from html.parser import HTMLParser
from pathlib import Path

SNAPSHOTS = Path(__file__).parent / "snapshots"
WRITE = "SYNTHMIX_SNAPSHOTS"  # set to "write", the snapshots are written instead of compared
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
QUIETLY = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--virtual-time-budget=5000",
    "--host-resolver-rules=MAP * ~NOTFOUND",  # what asks for the network fails, and the console says so
)
_NUMBER = re.compile(
    r"(?<![\w.])[+\N{MINUS SIGN}-]?\d[\d.,]*(?:e[+-]?\d+)?(?:[kMBT]\b|[%\N{MULTIPLICATION SIGN}]|(?!\w))"
)
_BLOCKS = {"h1", "h2", "h3", "p", "li", "dt", "dd", "figcaption", "button", "label", "a", "summary", "option"}
_VOID = {"meta", "input", "br", "link", "img", "hr", "path", "circle", "line", "rect"}


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.open: list[str] = []
        self.cells: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        about = dict(attributes)
        if tag in _BLOCKS or tag == "table" or tag == "section":
            self.flush()
        if tag == "section":
            self.lines.append(f"== {about.get('id')}")
        if about.get("data-figure"):
            self.flush()
            self.lines.append(f"[figure {about['data-figure']}]")
        if tag == "tr":
            self.cells = []
        if tag in ("small", "br"):
            self.text += " "
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass
        if tag in ("td", "th"):
            self.cells.append(normal(self.text))
            self.text = ""
        elif tag == "tr":
            self.add("| " + " | ".join(self.cells))
        elif tag in _BLOCKS and not {"td", "th"} & set(self.open):
            self.flush({"h1": "# ", "h2": "## ", "h3": "### ", "li": "- "}.get(tag, ""))

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & set(self.open):
            self.text += data

    def flush(self, before: str = "") -> None:
        if not {"td", "th"} & set(self.open):
            if said := normal(self.text):
                self.add(before + said)
            self.text = ""

    def add(self, line: str) -> None:
        """Rows that differ in their numbers alone stand once."""
        if not self.lines or self.lines[-1] != line:
            self.lines.append(line)


def normal(text: str) -> str:
    """White space folded, numbers as ``#``."""
    return _NUMBER.sub("#", " ".join(text.split()))


def outline(page: str) -> str:
    """The outline of a page, a line an element."""
    parser = _Outline()
    parser.feed(page)
    parser.flush()
    return "\n".join(parser.lines) + "\n"


def check_page(name: str, page: str) -> None:
    """Hold a page's outline against ``snapshots/NAME.txt``; where there is a Chromium, open the page in it too."""
    check_text(name, outline(page))
    twice = re.findall(r".{0,40}&amp;(?:lt|gt|amp|quot|#\w+);.{0,20}", without_scripts(page))
    assert not twice, f"{name}: escaped twice: {twice}"
    check_opens(name, page)


def without_scripts(page: str) -> str:
    """What is shown of a page, with its elements."""
    return re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)


def check_opens(name: str, page: str) -> None:
    """Where there is a Chromium, the page opens in it without an error and without the network."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is not None and "</html>" in page:  # not a section of one
        _check_in(browser, name, page)


def _check_in(browser: str, name: str, page: str) -> None:
    """Every figure is drawn, and the console says nothing: no error, nothing that the page's own policy refuses."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(page, encoding="utf-8")
        options = [*QUIETLY, "--dump-dom", "--enable-logging=stderr", "--v=0", f"--user-data-dir={folder}/profile"]
        ran = subprocess.run(
            [browser, *options, file.as_uri()], capture_output=True, text=True, timeout=300, check=True
        )
    console = [line for line in ran.stderr.splitlines() if ":CONSOLE" in line]
    assert not console, f"{name}: " + "\n".join(console)
    figures, drawn = without_scripts(page).count('data-figure="'), ran.stdout.count("js-plotly-plot")
    assert drawn >= figures, f"{name}: {drawn} of {figures} figures are drawn"


def check_text(name: str, found: str) -> None:
    """Hold a text against ``snapshots/NAME.txt``."""
    file = SNAPSHOTS / f"{name}.txt"
    if os.environ.get(WRITE) == "write":
        file.parent.mkdir(exist_ok=True)
        file.write_text(found, encoding="utf-8")
    held = file.read_text(encoding="utf-8")
    changed = list(unified_diff(held.splitlines(), found.splitlines(), "held", "found", n=1, lineterm=""))
    assert not changed, f"{WRITE}=write writes {file.name} anew, if this is meant:\n" + "\n".join(changed)
