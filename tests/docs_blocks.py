"""Code blocks of the documentation, and what a page says of running them.

The line before a fence may be ``<!-- run -->`` (it is run), ``<!-- run: FILE -->`` (it is written to FILE, for blocks
after it) or ``<!-- not run: REASON -->``. Blocks of a page run in order, in one folder.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = ("sh", "bash", "console", "python", "yaml", "jinja")
_FENCE = re.compile(r"^```(\w*)\s*$")
_MARK = re.compile(r"^<!-- (run|not run)(?:: (.*?))? -->$")


@dataclass(frozen=True)
class Block:
    """One fenced block. ``mark``: run, not run, or nothing was said; ``about``: the file, or the reason."""

    page: Path
    line: int
    language: str
    text: str
    mark: str
    about: str

    @property
    def name(self) -> str:
        """For messages: page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found, said, opened = [], "", None
    lines = page.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines, 1):
        fence = _FENCE.match(line)
        if opened is None and (fence is None or not line.startswith("```")):
            said = line.strip() or said
            continue
        if opened is None and fence is not None:
            mark = _MARK.match(said)
            opened = (number, fence[1], mark)
        elif opened is not None and line.startswith("```"):
            start, language, mark = opened
            text = "\n".join(lines[start : number - 1]) + "\n"
            kind, about = (mark[1], mark[2] or "") if mark else ("", "")
            found.append(Block(page, start, language, text, kind, about))
            opened, said = None, ""
    assert opened is None, f"{page}: a fence is not closed"
    return found


def shell_lines(text: str, language: str) -> Iterator[str]:
    """Command lines of a shell block: continued lines joined, comments dropped; of a console those after ``$``."""
    joined = re.sub(r"\\\n\s*", " ", text)
    for line in joined.splitlines():
        if language == "console":
            if not line.startswith("$ "):
                continue
            line = line[2:]
        words = shlex.split(line, comments=True)
        if words:
            yield shlex.join(words)


def synthmix_calls(page: Path) -> list[list[str]]:
    """Arguments of every ``synthmix`` (and ``-m synthmix``) command on a page, indented ones included."""
    found = []
    for block in blocks(page):
        if block.language in ("sh", "bash", "console", ""):
            language = "console" if "\n$ " in "\n" + block.text else "sh"
            try:
                found += [shlex.split(line) for line in shell_lines(block.text, language)]
            except ValueError:  # a drawing or a table, no shell
                assert not re.search(r"^synthmix ", block.text, re.M), f"{block.name} cannot be read as shell"
    indented = re.findall(r"^ {4}(synthmix .*)$", page.read_text(encoding="utf-8"), re.M)
    found += [shlex.split(line, comments=True) for line in indented]
    calls = []
    for words in found:
        if words[:1] == ["synthmix"]:
            calls.append(words[1:])
        elif "synthmix" in words and words[words.index("synthmix") - 1] == "-m":
            calls.append(words[words.index("synthmix") + 1 :])
    return calls
