"""What ``synthmix value`` says on a terminal."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from synthmix.cli.plan_text import table
from synthmix.report.value_page import score_rows

MEANINGS = {
    "transfer": "loss on the reference of a closed-form learner of the dataset",
    "discrepancy": "distance (MMD) of the dataset from the reference",
    "complexity": "how hard its labels are for the model",
    "loss": "the model's loss on it",
    "balance": "sqrt(max(share, 1 - share) / items)",
    "overlap": "share of its items that stand in the reference",
}


def value_text(found: Mapping[str, Any], weights: Mapping[str, float], written: Sequence[Path]) -> str:
    """A table of scores, best first, then the best mixture, baselines and warnings."""
    scores = sorted(found["scores"], key=lambda row: -row["score"])
    terms = list(scores[0]["terms"])
    head = ["dataset", "score", f"{scores[0]['level']:.0%} interval", *terms, "items", "s"]
    rows = score_rows(scores)
    formula = " - ".join(f"{weight:.4g} x {name}" for name, weight in weights.items() if name in terms)
    lines = [table(head, rows), "", f"score = - {formula} (higher is better; each term: lower is better)"]
    lines += [f"  {name}: {MEANINGS[name]}" for name in terms if name in MEANINGS]
    if found.get("mixture"):
        lines += ["", *mixture_lines(found["mixture"])]
    for name, made in found.get("baselines", {}).items():
        ordered = sorted(made, key=lambda row: -row["score"])
        lines.append(f"{name}: " + " > ".join(f"{row['name']} ({row['score']:.4g})" for row in ordered))
    lines += [f"{row['name']}: {warning}" for row in scores for warning in row["warnings"]]
    lines += [f"written: {path}" for path in written]
    return "\n".join(lines)


def mixture_lines(curve: Mapping[str, Any]) -> list[str]:
    """The best share with its interval, and how flat the curve is there."""
    best = curve["best"]
    parts = [
        "{:.0%} {} ({:.0%} to {:.0%})".format(share, name, *best["intervals"][name])
        for name, share in best["shares"].items()
    ]
    values = [row["score"] for row in curve["curve"]]
    top = max(values)
    corners = [row for row in curve["curve"] if max(row["shares"].values()) > 1 - 1e-9]
    alone = ", ".join(
        f"{next(name for name, share in row['shares'].items() if share > 0.5)} {row['score']:.4f}" for row in corners
    )
    return [
        f"best mixture of {curve['size']:,.0f} {curve['unit']}: {', '.join(parts)}: score {top:.4f}",
        f"alone: {alone}",
    ]
