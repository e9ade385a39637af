"""The ratings of a sheet shown: agreement, what the raters found, and the automatic measures, from its JSON alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthmix.interval import Form, Interval, decimals, format_interval
from synthmix.quantities import fixed, listed, percent, plural
from synthmix.report.figures import Figure, View, dots
from synthmix.report.html import Section, write_page
from synthmix.style import Spec, axis, label, layout
from synthmix.table import Cell, Column, Table

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
    return (own.why or "undefined") if own.mid is None else format_interval(own, _form(own, share=share), level=False)


def _form(own: Interval, *, share: bool) -> Form:
    digits = min(decimals(own, 2), 2)
    return percent if share else lambda value: fixed(value, digits)


def _cell(interval: Found, *, share: bool = False) -> Cell:
    own = Interval(**interval)
    return Cell(own, form=_form(own, share=share))


def write_agreement(found: Found, path: Path) -> None:
    """Write the page.

    Args:
        found: ``Agreement.model_dump()``, or its JSON read back.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    corpora = list(dict.fromkeys(row["corpus"] for row in found["outcomes"]))
    sections = [
        Section(
            "outcomes", "What they found", "What the raters found", _outcome_figures(found), [outcome_table(found)]
        ),
        Section("agreement", "Agreement", "How far the raters agree", _alpha_figures(found), agreement_tables(found)),
        Section(
            "automatic",
            "Automatic measures",
            "What the measures say of it",
            _rho_figures(found),
            [rho_table(found)] if found["correlations"] else [],
        ),
        Section("remarks", "Remarks", "Remarks", tables=[_remarks(found)] if found["comments"] else []),
    ]
    write_page(
        path,
        title="Texts as people read them",
        eyebrow="What do people say of the texts when they do not know who wrote them?",
        lead=lead(found),
        under=under(found),
        sections=sections,
        facts={
            "Sheet": f"{found['sheet']}, {plural(found['items'], 'item')}, order and sides drawn by lot",
            "Raters": ", ".join(f"{one['name']} ({plural(one['items'], 'item')})" for one in found["raters"]),
            "Intervals": f"{found['level']:.0%}, items drawn again: they cover other texts, not other raters",
            "Alpha": "Krippendorff's, ordinal: 1 is full agreement, 0 what chance gives",
            "Kappa": "Cohen's; of quality with quadratic weights",
            "Correlations": "Spearman's, over the models' texts as they were shown; not corrected for their number",
        },
        colours=max(len(corpora), 2),
    )


def _outcome_figures(found: Found) -> list[Figure]:
    corpora = list(dict.fromkeys(row["corpus"] for row in found["outcomes"]))
    views = []
    for measure in dict.fromkeys(row["measure"] for row in found["outcomes"]):
        rows = [row for row in found["outcomes"] if row["measure"] == measure]
        scale = 100 if rows[0]["share"] else 1
        dots = [_dot(row["corpus"], row["value"], f"s{corpora.index(row['corpus'])}", scale) for row in rows]
        words = rows[0]["words"] + (" (%)" if rows[0]["share"] else "")
        views.append(View(rows[0]["words"], dots, _rows(words)))
    if not views:
        return []
    caption = "Means over items with their intervals."
    summary = "A dot with an interval for each corpus; every number is in the table below."
    return [Figure("outcomes", "By corpus", caption, summary, views, height=170 + 34 * len(corpora))]


def _alpha_figures(found: Found) -> list[Figure]:
    rows = [one for one in found["questions"] if one["alpha"]["mid"] is not None]
    if not rows:
        return []
    view = View(
        "alpha", [_dot(one["words"], one["alpha"], "s0", 1) for one in rows], _rows("Krippendorff's alpha", zero=True)
    )
    caption = "1: full agreement. 0: what answers dealt out by chance would give."
    return [Figure("alpha", "Agreement by question", caption, "A dot for each question.", [view], 170 + 34 * len(rows))]


def _rho_figures(found: Found) -> list[Figure]:
    views = []
    for with_ in dict.fromkeys(row["with_"] for row in found["correlations"]):
        rows = [r for r in found["correlations"] if r["with_"] == with_ and r["rho"]["mid"] is not None]
        dots = [_dot(row["label"], row["rho"], "s1", 1) for row in rows]
        views.append(View(RAISED[with_], dots, _rows(f"Spearman's rho with: {RAISED[with_].lower()}", zero=True)))
    most = max((len(view.data) for view in views), default=0)
    if not most:
        return []
    caption = "An automatic measure that agrees with the raters lies far from zero."
    return [Figure("rho", "Correlation", caption, "A dot with an interval for each measure.", views, 170 + 30 * most)]


def _dot(name: str, interval: Found, token: str, scale: float) -> Spec:
    own = Interval(**interval).scaled(scale)
    return dots([own], [label(name, 40)], token, name, size=10, longest=40)


def _rows(title: str, *, zero: bool = False) -> Spec:
    return layout(
        axis(title, zeroline=zero, zerolinecolor="@muted"),
        axis("", autorange="reversed", type="category"),
        showlegend=False,
    )


def outcome_table(found: Found) -> Table:
    """What the raters found: corpus, what, value, items."""
    columns = [
        Column("text", "Text"),
        Column("what", "What"),
        Column("value", "Value", kind=Interval),
        Column("items", "Items"),
    ]
    rows = [
        (row["corpus"], row["words"], _cell(row["value"], share=row["share"]), row["n"]) for row in found["outcomes"]
    ]
    return Table("outcomes", columns, rows)


def agreement_tables(found: Found) -> list[Table]:
    """Each question: alpha, share of equal answers, units with two answers or more; and the raters two by two."""
    columns = [
        *(Column("question", "Question"), Column("alpha", "Alpha", kind=Interval)),
        *(Column("equal", "Equal answers", percent, kind=float, missing=""), Column("units", "Texts or items")),
    ]
    rows = [(one["words"], _cell(one["alpha"]), one["equal"], one["units"]) for one in found["questions"]]
    tables = [Table("agreement", columns, rows)]
    kappas = [
        (one["words"], each["one"], each["other"], each["kappa"], each["n"])
        for one in found["questions"]
        for each in one["kappas"]
    ]
    if kappas:
        columns = [
            *(Column("question", "Question"), Column("one", "Rater"), Column("other", "Rater")),
            *(Column("kappa", "Kappa", ".2f", kind=float, missing="one answer only"), Column("common", "Common")),
        ]
        tables.append(Table("kappas", columns, kappas, "Two by two"))
    return tables


def rho_table(found: Found) -> Table:
    """Each correlation: measure, with what, rho, texts."""
    columns = [
        *(Column("measure", "Measure"), Column("with", "With")),
        *(Column("rho", "Spearman's rho", kind=Interval), Column("texts", "Texts")),
    ]
    rows = [(row["label"], RAISED[row["with_"]], _cell(row["rho"]), row["n"]) for row in found["correlations"]]
    return Table("correlations", columns, rows)


def _remarks(found: Found) -> Table:
    rows = [(f"Item {item}", rater, remark) for item, rater, remark in found["comments"]]
    return Table("remarks", [Column("item", ""), Column("rater", "Rater"), Column("remark", "Remark")], rows)
