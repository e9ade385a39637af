"""The pictures of the gallery: every kind of page that a command writes, in docs/images/gallery/.

    python benchmarks/gallery.py [NAME...]

Each page is made by the command that docs/gallery.md shows beside its picture, on the small files of the page "Your
first study on your own three files" (whose study is trained first) and on made-up runs; under three minutes on two busy
cores. The pages are opened in Chromium, 1200 x 900, and pictures have 256 colours at most, so that all are below 1 MB.
"""

import argparse
import contextlib
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
GALLERY, PICTURES = ROOT / "docs" / "gallery.md", ROOT / "docs" / "images" / "gallery"
FIRST, RANK = (ROOT / "docs" / "guides" / name for name in ("first-study-on-your-files.md", "rank.md"))


def blocks(page: Path) -> list[tuple[str, str]]:
    """Mark and text of a page's fenced blocks that have a mark."""
    found = re.findall(r"^<!-- (.*?) -->\n```\w+\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)
    return [(mark, text) for mark, text in found]


def call(line: str) -> None:
    """One command line of a page."""
    words = shlex.split(line)
    program = [sys.executable, "-m", "synthmix"] if words[0] == "synthmix" else [sys.executable]
    ran = subprocess.run([*program, *words[1:]], capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{line}\n{ran.stdout}{ran.stderr}")


def prepare() -> None:
    """The files that the gallery's commands name, in the current folder."""
    for mark, text in (*blocks(FIRST), *blocks(RANK)):
        if mark.startswith("run: "):
            Path(mark.removeprefix("run: ")).write_text(text, encoding="utf-8")
    call("python make_files.py")


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="of pictures; unset: all")
    names = parser.parse_args().names
    import browser

    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        prepare()
        for mark, text in blocks(GALLERY):
            made = re.search(r"makes the picture (\S+) of (\S+)", mark)
            if made is None:
                continue
            name, page = made.groups()
            for line in text.splitlines():
                call(line)
            if names and name not in names:
                continue
            to = PICTURES / f"{name}.png"
            if not browser.picture(Path(page), to, 1200, 900, colours=256):
                raise SystemExit("no Chromium is installed")
            print(f"wrote {to}: {to.stat().st_size / 1000:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
