"""What published runs say about synthetic text, each published statement beside ours: docs/results/published-runs.md.

    python benchmarks/published_runs.py [--print]

Writes the page and its figures (docs/results/published-runs/*.svg) from the published tables of runs and from the
evidence table; with ``--print`` the page goes to the terminal and nothing is written. Some four minutes of one core.

The published tables are those in golden/public_runs of a folder `shared` beside the checkout, or in SYNTHMIX_SHARED.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
PAGE = HERE / "docs" / "results" / "published-runs.md"
FIGURES = HERE / "docs" / "results" / "published-runs"


def figures(found: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Name -> what it shows, and its SVG."""
    from plots import Plot

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
