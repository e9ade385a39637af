"""What methods gave on a task, kept as JSON: a method's new scores replace its old ones."""

from typing import Any

from benchmarks.valuation.truth import KEPT, WORK
from synthmix.files import read_json, write_json, write_text

Results = dict[str, dict[str, Any]]
BEGIN, END = "<!-- tables -->", "<!-- end of tables -->"


def load(task: str) -> Results:
    """By method: what :func:`.measure` gave; this checkout's own runs before what was committed."""
    for folder in (WORK, KEPT):
        path = folder / f"scores-{task}.json"
        if path.exists():
            found: Results = read_json(path)
            return found
    return {}


def save(task: str, results: Results, *, final: bool = False) -> None:
    """``final``: beside the results page, with scores of six digits and without terms."""
    if final:
        results = {method: _short(found) for method, found in results.items()}
    write_json((KEPT if final else WORK) / f"scores-{task}.json", results)


def write_page(tables: str) -> None:
    """Put the tables between their marks on the results page; the text around them is written by hand."""
    page = KEPT.with_suffix(".md")
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    write_text(page, f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}")


def _short(found: dict[str, Any]) -> dict[str, Any]:
    if "refused" in found:
        return found
    made = {key: value for key, value in found.items() if key != "terms"}
    made["scores"] = [{name: float(f"{value:.6g}") for name, value in row.items()} for row in found["scores"]]
    return made | {key: float(f"{found[key]:.4g}") for key in ("fit_seconds", "score_seconds", "seconds", "peak_mb")}
