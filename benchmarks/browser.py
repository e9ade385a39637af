"""Pictures of pages, taken with Chromium without a screen and without the network."""

import html
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")


def browser() -> str | None:
    """The command of a Chromium that is installed."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def picture(
    page: Path, to: Path, width: int = 1200, height: int = 1000, *, wait: int = 20_000, colours: int = 0
) -> bool:
    """The top of a page as PNG, in light colours; False without a browser.

    ``colours``: so many at most, for a small file; 0: as they are. ``wait``: milliseconds of the page's own time.
    """
    command = browser()
    if command is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        more = [f"--user-data-dir={folder}/profile", f"--window-size={width},{height}"]
        more += [f"--virtual-time-budget={wait}", f"--screenshot={shot}", page.resolve().as_uri()]
        subprocess.run([command, *OPTIONS, *more], check=True, capture_output=True, timeout=300)
        if colours:
            from PIL import Image

            Image.open(shot).convert("RGB").quantize(colours, method=Image.Quantize.MAXCOVERAGE).save(to, optimize=True)
        else:
            to.write_bytes(shot.read_bytes())
    return True


def svg(figure: Any, width: int = 760, height: int = 420) -> str | None:
    """A Plotly figure as SVG, by its own script; None without a browser."""
    command = browser()
    if command is None:
        return None
    from plotly.offline import get_plotlyjs

    size = f"{{format: 'svg', width: {width}, height: {height}}}"
    draw = f"Plotly.newPlot('f', {figure.to_json()}).then(f => Plotly.toImage(f, {size}))"
    script = f"{draw}.then(url => {{ document.body.innerHTML = ''; document.body.textContent = url; }})"
    page = f"<!doctype html><body><div id='f'></div><script>{get_plotlyjs()}</script><script>{script}</script></body>"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figure.html"
        file.write_text(page, encoding="utf-8")
        more = [f"--user-data-dir={folder}/profile", "--virtual-time-budget=20000", "--dump-dom", file.as_uri()]
        ran = subprocess.run([command, *OPTIONS, *more], check=True, capture_output=True, text=True, timeout=300)
    found = re.search(r"data:image/svg\+xml,([^<]+)", ran.stdout)
    if found is None:
        raise SystemExit("Chromium drew no figure")
    return unquote(html.unescape(found[1]))
