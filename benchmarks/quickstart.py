"""What the finished quickstart says, for the documentation: its table and its report's picture.

    make quickstart && python benchmarks/quickstart.py

Rewrites the part of docs/results/quickstart.md between its two marks (cost, losses, laws, answer, from
``results.json``), the page's figure and, where Chromium is installed, docs/images/quickstart-report.png, the top of
``report.html``. The first mark holds the hash of the study file, and tests/test_docs.py fails when the study has
changed since.
"""

import argparse
import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from synthmix.interval import Interval
from synthmix.quantities import fixed, format_count, percent
from synthmix.results import Results

ROOT = Path(__file__).parents[1]
STUDY = ROOT / "examples" / "quickstart.yaml"
PAGE = ROOT / "docs" / "results" / "quickstart.md"
PICTURE = ROOT / "docs" / "images" / "quickstart-report.png"
BEGIN, END = "<!-- measured: examples/quickstart.yaml {} -->", "<!-- end of what was measured -->"


def study_hash() -> str:
    """Of the study file without its comments and blank lines."""
    lines = (line.split("#")[0].rstrip() for line in STUDY.read_text(encoding="utf-8").splitlines())
    return hashlib.blake2b("\n".join(line for line in lines if line).encode(), digest_size=6).hexdigest()


def losses(results: Results) -> Iterator[str]:
    """Mean losses over seeds: a row a size and budget, a column a recipe."""
    names = [recipe.name for recipe in results.recipes]
    yield f"| N | D | {' | '.join(names)} |"
    yield "|---" * (2 + len(names)) + "|"
    for n, d in sorted({(run.params, run.tokens) for run in results.runs}):
        cell = [
            [run.loss for run in results.runs if (run.params, run.tokens, run.recipe) == (n, d, name)] for name in names
        ]
        means = " | ".join(fixed(sum(each) / len(each), 3) if each else "" for each in cell)
        yield f"| {format_count(n)} | {format_count(d)} | {means} |"


def laws(results: Results) -> Iterator[str]:
    """The laws of all recipes together, and Chinchilla's of each."""
    yield "| law | of | runs | exponent of N | exponent of D | held-out error | warnings |"
    yield "|---" * 7 + "|"
    for fit in results.fits:
        if fit.recipe is not None and fit.law != "chinchilla":
            continue
        about = fit.recipe or "all mixtures"
        alpha, beta = (_exponent(fit.parameters.get(name)) for name in ("alpha", "beta"))
        error = f"{percent(fit.held_out.mean_abs_relative_error)}" if fit.held_out else "none"
        codes = ", ".join(f"`{code}`" for code in dict.fromkeys(warning.code for warning in fit.warnings)) or "none"
        yield f"| `{fit.law}` | {about} | {fit.points} | {alpha} | {beta} | {error} | {codes} |"


def _exponent(value: Interval | None) -> str:
    if value is None or value.mid is None:
        return ""
    return f"{value.mid:.2f}" + (f" ({value.low:.2f} to {value.high:.2f})" if value.bounded else "")


def measured(results: Results) -> str:
    """The whole block."""
    from synthmix.report import headline
    from synthmix.report.sentences import recommendation

    decision, spent, noise = results.decision, results.spent, results.noise
    if decision is None:
        raise SystemExit("the study has no decision; run it again")
    lines = [
        f"{len(results.runs)} models and their generator, {format_count(spent.tokens)} tokens, "
        f"{spent.flops:.2g} FLOPs.",
        "",
        *losses(results),
        "",
        f"Seed noise: {noise.sd:.2g} nats (standard deviation, {noise.cells} replicated cells, {noise.runs} runs)."
        if noise.sd is not None
        else "No cell was replicated.",
        "",
        *laws(results),
        "",
        f"> {headline(results)}",
        ">",
        f"> {recommendation(decision)}",
    ]
    return "\n".join(lines)


def write_page(results: Results) -> None:
    """Put the block into the page, between its marks."""
    text = PAGE.read_text(encoding="utf-8")
    marks = re.escape(BEGIN).replace(r"\{\}", "[0-9a-f]*"), re.escape(END)
    block = f"{BEGIN.format(study_hash())}\n\n{measured(results)}\n\n{END}"
    changed, count = re.subn(f"{marks[0]}.*?{marks[1]}", lambda _: block, text, flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{PAGE}: its two marks are missing")
    PAGE.write_text(changed, encoding="utf-8")


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=STUDY.parent / "studies" / "quickstart", help="its folder")
    folder = parser.parse_args().study
    results = Results.model_validate_json((folder / "results.json").read_bytes())
    import browser
    import result_figures

    write_page(results)
    result_figures.main()
    print(f"wrote {PAGE}")
    taken = browser.picture(folder / "report.html", PICTURE)
    print(f"wrote {PICTURE}" if taken else "no picture: no Chromium is installed")


if __name__ == "__main__":
    main()
