"""The figures of the pages of results, drawn from the pages' own tables: docs/results/figures/*.svg.

    python benchmarks/result_figures.py

A test draws them again and compares, so that a figure cannot lag behind its table.
"""

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
RESULTS = DOCS / "results"
FIGURES = RESULTS / "figures"
_NUMBER = r"[+\-\u2212]?\d*\.?\d+"


def table(page: str, first: str) -> list[dict[str, str]]:
    """Rows of the table of ``docs/results/PAGE.md`` whose head begins with ``first``."""
    lines = (RESULTS / f"{page}.md").read_text(encoding="utf-8").splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith(first)), None)
    if start is None:
        raise SystemExit(f"docs/results/{page}.md: no table begins with {first}")
    head = _cells(lines[start])
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(head, _cells(line), strict=True)))
    return rows


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split(" | ")]


def numbers(cell: str) -> list[float]:
    """All numbers of a cell: value, low, high of ``1.2 (1.1 to 1.3)``."""
    return [float(found.replace("\N{MINUS SIGN}", "-")) for found in re.findall(_NUMBER, cell.replace(",", ""))]


def quickstart() -> str:
    """Loss against the synthetic share at the largest budget."""
    from plots import Plot

    rows = [row for row in table("quickstart", "| N | D |") if row["D"] == "1.8M"]
    names = [name for name in rows[0] if name not in ("N", "D")]
    shares = [numbers(name)[0] if numbers(name) else 0.0 for name in names]
    plot = Plot(
        "Loss by share, 1.8M tokens", (0, 50, "synthetic share, %"), (2.8, 3.4, "held-out loss, nats per token")
    )
    for row in rows:
        losses = [float(row[name]) for name in names]
        plot.line(shares, losses, f"N = {row['N']}")
        plot.dots(shares, losses, f"N = {row['N']}")
    return plot.text()


def first_study() -> str:
    """Differences from natural text alone, with twice their standard errors."""
    from plots import Plot

    plot = Plot("Difference from natural text alone", (0.2, 1.1, "synthetic share, %"), (-0.1, 0.4, "nats per token"))
    plot.line([0.2, 1.1], [0, 0], "no difference", dashed=True)
    for move, row in zip((-0.01, 0.01), table("first-study", "| | 1/3 | 2/3 | 1 |"), strict=True):
        found = [numbers(row[name]) for name in ("1/3", "2/3", "1")]
        shares = [share + move for share in (1 / 3, 2 / 3, 1.0)]
        values, ends = [value for value, _ in found], [(value - 2 * sd, value + 2 * sd) for value, sd in found]
        plot.line(shares, values, row[""])
        plot.dots(shares, values, row[""], ends)
    return plot.text([(1 / 3, "33"), (2 / 3, "67"), (1.0, "100")])


def second_study() -> str:
    """Losses that were predicted, and measured."""
    from plots import rows

    found = []
    for row in table("second-study", "| mixture | shares | predicted loss |"):
        mid, low, high = numbers(row["predicted loss"])
        mean, sd = numbers(row["measured loss"])
        name = row["mixture"]
        found += [(name, "predicted", mid, low, high), ("", "measured", mean, mean - sd, mean + sd)]
    ends = [20 * end for *_, low, high in found for end in (low, high)]
    name = "nats per token; 90 % intervals; sd of three seeds"
    return rows("Predicted, then measured", (math.floor(min(ends)) / 20, math.ceil(max(ends)) / 20, name), found)


def own_text() -> str:
    """Loss against the share of rewrites, 225k parameters."""
    from plots import Plot

    rows = [row for row in table("own-text", "| N | D |") if row["N"] == "225k"]
    plot = Plot("Loss by share, 225k parameters", (0, 100, "share of rewrites, %"), (4.8, 6.3, "nats per token"))
    shares, names = (0, 100 / 3, 200 / 3, 100), ("human", "1/3 rewritten", "2/3 rewritten", "rewritten")
    for row in rows:
        plot.line(shares, [float(row[name]) for name in names], f"{row['D']} tokens")
        plot.dots(shares, [float(row[name]) for name in names], f"{row['D']} tokens")
    return plot.text()


def generated_text() -> str:
    """Words of the source that rewrites keep."""
    from plots import rows

    measures = {row["measure"]: row for row in table("generated-text", "| measure | source (595)")}
    found = [
        (writer, measure, *numbers(cell)[:3])
        for measure in ("Words kept (%)", "Names added (%)")
        for writer, cell in measures[measure].items()
        if len(numbers(cell)) >= 3
    ]
    return rows(
        "What rewrites keep of their source, and what they add", (0, 80, "per cent, 95 % intervals"), _ordered(found)
    )


def statistics() -> str:
    """Rank correlation of each statistic with the measured loss."""
    from plots import rows

    found = [
        (row["statistic"].replace("`", ""), "", *numbers(row["Spearman"])[:3])
        for row in table("statistics", "| statistic | Spearman |")
    ]
    return rows("Statistics against the losses of the first study", (-1, 1, "Spearman, 90 % intervals"), found)


def generations() -> str:
    """Error rate by generation."""
    from plots import Plot

    plot = Plot("Models trained on their own text", (0, 5, "generation"), (0, 0.25, "error rate"))
    rows = table("three-phases", "| real share | text | generation |")
    for share, text in dict.fromkeys((row["real share"], row["text"]) for row in rows):
        mine = [row for row in rows if (row["real share"], row["text"]) == (share, text)]
        if text == "replace" or share == "0":
            name = f"{float(share):.0%}" + (", accumulated" if text == "accumulate" else " natural text")
            found = [float(row["generation"]) for row in mine], [float(row["error rate"]) for row in mine]
            plot.line(*found, name)
            plot.dots(*found, name)
    return plot.text()


def _ordered(found: list[tuple[str, str, float, float, float]]) -> list[tuple[str, str, float, float, float]]:
    """By group as they come, within one the largest first."""
    groups = list(dict.fromkeys(group for _, group, *_ in found))
    return sorted(found, key=lambda one: (groups.index(one[1]), -one[2]))


DRAWN: dict[str, Callable[[], str]] = {
    "quickstart": quickstart,
    "first-study": first_study,
    "second-study": second_study,
    "own-text": own_text,
    "generated-text": generated_text,
    "statistics": statistics,
    "generations": generations,
}


def figures() -> Iterator[tuple[Path, str]]:
    """Each figure's file and what should stand in it."""
    for name, draw in DRAWN.items():
        yield FIGURES / f"{name}.svg", draw()


def main() -> None:
    """Write them."""
    FIGURES.mkdir(exist_ok=True)
    for path, text in figures():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}")


if __name__ == "__main__":
    main()
