"""What a sheet's ratings say, in words and rows: for the terminal and for the page, from its JSON alone."""

from collections.abc import Mapping
from typing import Any

from synthmix.interval import Interval, decimals, format_interval
from synthmix.quantities import fixed, listed, percent, plural

RAISED = {"quality": "Quality", "preferred": "Judged the better text"}  # what measures are correlated with
Found = Mapping[str, Any]


def lead(found: Found) -> str:
    """The first finding, in a sentence."""
    preferred = [row for row in found["outcomes"] if row["measure"] == "preferred"]
    if preferred:
        parts = [f"{row['corpus']} in {brief(row['value'], share=True)}" for row in preferred]
        beside = "its source" if found["kind"] == "pair" else "a text of the source"
        return f"Judged the better text beside {beside}: {listed(parts)}; {found['level']:.0%} intervals"
    grades = [row for row in found["outcomes"] if row["measure"] == "quality"]
    if not grades:
        return "No quality was rated"
    named = [f"{row['corpus']} {brief(row['value'])}" for row in grades]
    return f"Quality of 5: {listed(named)}"


def under(found: Found) -> list[str]:
    """What stands below it: recognition, agreement, and a leaning to one side."""
    lines = []
    for row in found["outcomes"]:
        if row["measure"] == "recognised" and row["corpus"] != "source":
            lines.append(f"Who wrote it was told rightly for {row['corpus']} in {brief(row['value'], share=True)}.")
    agreed = [f"{one['words'].lower()}: {brief(one['alpha'])}" for one in found["questions"][:3]]
    if len(found["raters"]) > 1:
        lines.append(f"Agreement of {plural(len(found['raters']), 'rater')} (alpha): {'; '.join(agreed)}.")
    else:
        lines.append("One rater: agreement needs two.")
    leaning = found["leftward"]
    if leaning is not None and leaning["low"] is not None and not leaning["low"] <= 0.5 <= leaning["high"]:
        share = brief(leaning, share=True)
        lines.append(f"The left text was preferred in {share}, though sides are drawn by lot: raters lean to one side.")
    return lines


def brief(interval: Found, *, share: bool = False) -> str:
    """``0.62 (0.41 to 0.78)`` or ``62% (41% to 78%)``; the reason where there is no value."""
    own = Interval(**interval)
    if own.mid is None:
        return own.why or "undefined"
    digits = min(decimals(own, 2), 2)
    return format_interval(own, percent if share else lambda value: fixed(value, digits), level=False)


def outcome_rows(found: Found) -> list[list[str]]:
    """What the raters found: corpus, what, value, items."""
    return [
        [row["corpus"], row["words"], brief(row["value"], share=row["share"]), str(row["n"])]
        for row in found["outcomes"]
    ]


def agreement_rows(found: Found) -> list[list[str]]:
    """Each question: alpha, share of equal answers, units with two answers or more."""
    return [
        [
            one["words"],
            brief(one["alpha"]),
            "" if one["equal"] is None else percent(one["equal"]),
            str(one["units"]),
        ]
        for one in found["questions"]
    ]


def rho_rows(found: Found) -> list[list[str]]:
    """Each correlation: measure, with what, rho, texts."""
    return [[row["label"], RAISED[row["with_"]], brief(row["rho"]), str(row["n"])] for row in found["correlations"]]
