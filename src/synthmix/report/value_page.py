"""The page of ``synthmix value``: scores with intervals, what they are made of, and mixtures over their shares."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthmix.report.figures_value import mixture_figure, score_figure, surface_figure, term_figure
from synthmix.report.sections import Section, numbers, write_page


def write_value(found: Mapping[str, Any], path: Path) -> None:
    """Write it.

    Args:
        found: ``scores``, ``mixture`` (or None) and ``baselines`` as ``synthmix value --json`` prints them, with
            ``reference`` and ``weights``.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    scores = sorted(found["scores"], key=lambda row: -row["score"])
    best = scores[0]
    rivals = [row["name"] for row in scores[1:] if _apart(best, row) is False]
    target = Path(str(found["reference"])).name.split(".")[0]
    lead = f"{best['name']} is worth most for {target}."
    if rivals:
        lead = f"{best['name']} scores highest for {target}, within the noise of {', '.join(rivals)}."
    if len(scores) == 1:
        lead = f"{best['name']} scores {best['score']:.4f} for {target}."
    curve = found.get("mixture")
    warnings = [f"{row['name']}: {warning}" for row in scores for warning in row["warnings"]]
    sections = [
        Section("scores", "Scores", "Scores", [score_figure(scores)], [_table(scores)]),
        Section("terms", "Terms", "What the scores are made of", [term_figure(scores)]),
    ]
    if curve:
        figures = [mixture_figure(curve)] if len(curve["pools"]) == 2 else [surface_figure(curve)]
        sections.append(
            Section("mixtures", "Mixtures", "Every mixture, from one pass over each", figures, [_best(curve)])
        )
    if found.get("baselines"):
        sections.append(Section("baselines", "Baselines", "What other methods say", tables=[_others(found, scores)]))
    write_page(
        path,
        title="Value of datasets",
        eyebrow="What is this data worth, before training on it?",
        lead=lead,
        under=["Higher is better; every term counts against the score.", *warnings],
        sections=sections,
        facts={
            "Reference": str(found["reference"]),
            "Weights": ", ".join(f"{weight:.4g} x {name}" for name, weight in found["weights"].items()),
            "Intervals": f"{best['level']:.0%}, from resampled items of the dataset and of the reference",
        },
        colours=max(len(best["terms"]) + 1, 3),
    )


def _apart(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool | None:
    """Whether the intervals do not touch; None where there are none."""
    if one["interval"] is None or other["interval"] is None:
        return None
    return bool(other["interval"][1] < one["interval"][0])


def score_rows(scores: list[dict[str, Any]]) -> list[list[str]]:
    """Name, score, interval, each term, items and seconds of each dataset, as text: for the page and for terminals."""
    terms = list(scores[0]["terms"])
    return [
        [
            row["name"],
            f"{row['score']:.4f}",
            "-" if row["interval"] is None else "{:.4f} to {:.4f}".format(*row["interval"]),
            *(f"{row['terms'][term]:.4f}" for term in terms),
            f"{row['documents']:,}",
            f"{row['seconds']:.2f}",
        ]
        for row in scores
    ]


def _table(scores: list[dict[str, Any]]) -> Any:
    head = ["dataset", "score", "interval", *scores[0]["terms"], "items", "seconds"]
    return numbers("Scores and their terms", head, score_rows(scores))


def _best(curve: Mapping[str, Any]) -> Any:
    best = curve["best"]
    rows = [
        [name, f"{share:.0%}", "{:.0%} to {:.0%}".format(*best["intervals"][name])]
        for name, share in best["shares"].items()
    ]
    return numbers("The best mixture", ["dataset", "share", "interval"], rows)


def _others(found: Mapping[str, Any], scores: list[dict[str, Any]]) -> Any:
    names = list(found["baselines"])
    held = {name: {row["name"]: row["score"] for row in found["baselines"][name]} for name in names}
    rows = [[row["name"], *(f"{held[name][row['name']]:.4g}" for name in names)] for row in scores]
    return numbers("Scores of other methods (each in its own units)", ["dataset", *names], rows)
