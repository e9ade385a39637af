"""What published runs say about synthetic text, each published statement beside ours: docs/results/published-runs.md.

    python benchmarks/published_runs.py [--print]

Writes the page and its figures (docs/results/published-runs/*.svg) from the published tables of runs and from the
evidence table; with ``--print`` the page goes to the terminal and nothing is written. Some four minutes of one core.

The published tables are those in golden/public_runs of a folder `shared` beside the checkout, or in SYNTHMIX_SHARED.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs" / "results" / "published-runs.md"
FIGURES = HERE / "docs" / "results" / "published-runs"
COLOURS = ("#3366aa", "#cc6633", "#338855", "#8855aa", "#888888")
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 640, 360, 64, 48, 36, 150


class Plot:
    """A small plot as SVG: lines, dots with intervals, a legend."""

    def __init__(self, title: str, x: tuple[float, float, str], y: tuple[float, float, str]) -> None:
        self.title, self.x, self.y = title, x, y
        self.parts: list[str] = []
        self.names: list[str] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        (x0, x1, _), (y0, y1, _) = self.x, self.y
        wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + (x - x0) / (x1 - x0) * wide, HEIGHT - BOTTOM - (y - y0) / (y1 - y0) * high

    def colour(self, name: str) -> str:
        if name not in self.names:
            self.names.append(name)
        return COLOURS[self.names.index(name) % len(COLOURS)]

    def line(self, xs: Sequence[float], ys: Sequence[float], name: str, *, dashed: bool = False) -> None:
        points = " ".join("{:.1f},{:.1f}".format(*self.at(x, y)) for x, y in zip(xs, ys, strict=True))
        dash = ' stroke-dasharray="5 4"' if dashed else ""
        self.parts.append(
            f'<polyline points="{points}" fill="none" stroke="{self.colour(name)}" stroke-width="2"{dash}/>'
        )

    def dots(
        self, xs: Sequence[float], ys: Sequence[float], name: str, ends: Sequence[tuple[float, float]] | None = None
    ) -> None:
        colour = self.colour(name)
        for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
            px, py = self.at(x, y)
            if ends is not None:
                low, high = self.at(x, ends[i][0])[1], self.at(x, ends[i][1])[1]
                self.parts.append(f'<path d="M{px:.1f} {low:.1f}V{high:.1f}" stroke="{colour}" stroke-width="1.5"/>')
            self.parts.append(f'<circle cx="{px:.1f}" cy="{py:.1f}" r="3.5" fill="{colour}"/>')

    def span(self, low: float, high: float, y: float, name: str) -> None:
        (a, py), (b, _) = self.at(low, y), self.at(high, y)
        self.parts.append(f'<path d="M{a:.1f} {py:.1f}H{b:.1f}" stroke="{self.colour(name)}" stroke-width="4" stroke-opacity=".45"/>')  # fmt: skip

    def text(self, ticks: Sequence[tuple[float, str]] | None = None) -> str:
        out = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
            f'<text x="{LEFT}" y="20" font-size="14" font-weight="bold">{escape(self.title)}</text>',
        ]
        (x0, x1, x_name), (y0, y1, y_name) = self.x, self.y
        for i in range(6):
            y = y0 + (y1 - y0) * i / 5
            px, py = self.at(x0, y)
            out.append(f'<path d="M{px} {py:.1f}H{WIDTH - RIGHT}" stroke="#dddddd"/><text x="{LEFT - 6}" y="{py + 4:.1f}" text-anchor="end">{y:.3g}</text>')  # fmt: skip
        marks = ticks or [(x0 + (x1 - x0) * i / 5, f"{x0 + (x1 - x0) * i / 5:.3g}") for i in range(6)]
        for x, label in marks:
            px, _ = self.at(x, y0)
            out.append(f'<text x="{px:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{escape(label)}</text>')
        out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">{escape(x_name)}</text>')  # fmt: skip
        out.append(f'<text transform="translate(14 {(HEIGHT - BOTTOM + TOP) / 2}) rotate(-90)" text-anchor="middle">{escape(y_name)}</text>')  # fmt: skip
        out += self.parts
        for i, name in enumerate(self.names):
            y = TOP + 10 + 18 * i
            out.append(f'<rect x="{WIDTH - RIGHT + 12}" y="{y - 8}" width="12" height="8" fill="{COLOURS[i % len(COLOURS)]}"/><text x="{WIDTH - RIGHT + 30}" y="{y}">{escape(name)}</text>')  # fmt: skip
        return "\n".join([*out, "</svg>"]) + "\n"


def figures(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Name -> what it shows, and its SVG."""
    made = {}
    data = found["The best share of each kind"]
    values = [v for each in data["shares"].values() for v in each.values()]
    floor = float(int(100 * min(*values, data["natural"])) - 1)
    plot = Plot("FinePhrase: macro score by share, 1.7B student", (0, 100, "synthetic share, %"), (floor, floor + 10, "macro score, points"))  # fmt: skip
    for i, (kind, each) in enumerate(data["shares"].items()):
        plot.line([0, *(100 * s for s in each)], [100 * data["natural"], *(100 * v for v in each.values())], kind)
        best = data["found"][kind].best
        plot.span(100 * (best.low or 0), 100 * (best.high or 0), floor + 0.2 + 0.2 * i, kind)
    made["shares"] = ("Scores by share; below, the 90 % interval of each best share.", plot.text())
    data = found["The generator's size and family"]
    plot = Plot("Generators of gemma-3 against 1B", (-0.5, 3.5, "generator"), (-2.5, 2.5, "points of macro score"))
    names = [name for name in data if name != "families"]
    plot.line([-0.5, 3.5], [0, 0], "no difference", dashed=True)
    for i, name in enumerate(names):
        mid, low, high, gaps = data[name]
        plot.dots([i + 0.12] * len(gaps), [100 * gap for gap in gaps], "each pair")
        plot.dots([i], [100 * mid], "mean, 90 %", [(100 * low, 100 * high)])
    made["generators"] = ("Differences from the 1B generator, everything else held.", plot.text([(i, name.upper()) for i, name in enumerate(names)]))  # fmt: skip
    along = found["The order along training: when one may stop"]["along"]
    plot = Plot("Pairs of recipes in their final order", (0, 21, "tokens, billions"), (0.7, 1.0, "part of the pairs"))
    plot.line([s * 2.1e-3 for s in along], [a for a, _ in along.values()], "all pairs")
    plot.line([s * 2.1e-3 for s in along], [c for _, c in along.values()], "clear pairs")
    made["training"] = ("How early the order of recipes stands.", plot.text())
    bins = found["The student's size"]["bins"]
    plot = Plot("Probability of an order, and how often it held", (0.5, 1.0, "expected"), (0.4, 1.0, "right"))
    plot.line([0.5, 1.0], [0.5, 1.0], "calibrated", dashed=True)
    plot.dots([e for _, _, e, _, _ in bins], [r for _, _, _, r, _ in bins], "rank")
    made["calibration"] = ("Orders at a larger student foretold from a smaller one.", plot.text())
    foretold = found["The published laws"]["foretold"]
    top = 0.05 * (1 + int(max(max(e, p) for _, _, e, p in foretold) / 0.05))
    plot = Plot("Loss of textbook mixtures if only natural tokens counted", (0, top, "foretold cost, nats"), (0, top, "measured cost, nats"))  # fmt: skip
    plot.line([0, top], [0, top], "equal", dashed=True)
    for share in (0.25, 0.5, 0.75):
        rows = [(p, e) for s, _, e, p in foretold if s == share]
        plot.dots([p for p, _ in rows], [e for _, e in rows], f"{share:.0%} textbooks")
    made["natural-tokens"] = ("GPT-2 124M on Dolma and Cosmopedia (arXiv 2412.14689).", plot.text())
    return made


HEAD = """# What published runs say about synthetic text

By `python benchmarks/published_runs.py`: every figure on this page is from that command. Data: FinePhrase's 300 runs (arXiv 2604.13977; students of .5B, 1.7B and 2.9B, 21B tokens), DCLM's 416 models,
mixtures of 7 and of 17 sources (arXiv 2507.09404, 2407.01492), and the [evidence table](../guides/add-evidence.md). The files are their authors' and not here.

**What is uncertain.** Replicates exist for two of FinePhrase's recipes only: nine seeds each at every student size. Their noise is borrowed by all other recipes, which were trained once. Intervals are at 90 %. Where generator, prompt and source were varied
together nothing is said of causes; where one alone was varied, the text says so. The 6.2B student is not among the runs. Four runs that were stopped early or trained on are left out.
"""


def page(parts: list[Any], made: dict[str, tuple[str, str]], more: list[str]) -> str:
    lines = [HEAD, "## Statements beside ours", "", "| about | published | ours | |", "|---|---|---|---|"]
    for part in parts:
        lines += [f"| {one.about} | {one.published} | {one.ours} | {one.verdict} |" for one in part.statements]
    places = {
        "The best share of each kind": "shares", "The generator's size and family": "generators",
        "The order along training: when one may stop": "training", "The student's size": "calibration",
        "The published laws": "natural-tokens",
    }  # fmt: skip
    for part in parts:
        lines += ["", f"## {part.title}", "", *part.text]
        if part.title in places:
            name = places[part.title]
            lines += ["", f"![{made[name][0]}](published-runs/{name}.svg)"]
    return "\n".join([*lines, "", *more]).rstrip() + "\n"


def prior_section() -> list[str]:
    """The prior made of the evidence table, on studies that it does not know."""
    import evidence_prior

    lines = ["## The prior on studies that it does not know", "", "Each study (then each tenth of the texts) left out, its effects foretold by the model of the others ([the model](../advise.md#without-a-study-published-effects)); log scores beside two simpler priors.", ""]  # fmt: skip
    for table in evidence_prior.tables():
        lines += [
            "| " + " | ".join(column.title or column.key for column in table.columns) + " |",
            "|---" * len(table.columns) + "|",
        ]
        for row in table.rows:
            cells = [
                f"{value:.2f}" if isinstance(value, float) else str(value) for value in row
            ]  # fmt: skip
            lines.append("| " + " | ".join(cells) + " |")
        lines.append("")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--print", action="store_true", dest="shown", help="to the terminal; nothing is written")
    shown = parser.parse_args().shown
    import evidence_rows
    import published_finephrase
    import published_mixtures

    if not evidence_rows.PUBLIC.is_dir():
        sys.exit(f"no published runs in {evidence_rows.PUBLIC}; name the folder with golden/ in SYNTHMIX_SHARED")
    start = time.perf_counter()
    parts: list[Any] = []
    sources: tuple[Callable[[], Any], ...] = (published_finephrase.sections, published_mixtures.sections)
    for source in sources:
        for part in source():
            parts.append(part)
            print(f"{time.perf_counter() - start:4.0f} s  {part.title}", file=sys.stderr, flush=True)
    made = figures({part.title: part.data for part in parts})
    text = page(parts, made, prior_section())
    if shown:
        print(text)
        return
    FIGURES.mkdir(exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    for name, (_, drawn) in made.items():
        (FIGURES / f"{name}.svg").write_text(drawn, encoding="utf-8")
    print(f"{PAGE.relative_to(HERE)}: {time.perf_counter() - start:.0f} s", file=sys.stderr)


if __name__ == "__main__":
    main()
