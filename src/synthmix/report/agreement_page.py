"""The page of a sheet's ratings: agreement, what the raters found, and the automatic measures, from its JSON alone."""

from pathlib import Path

from synthmix.interval import Interval
from synthmix.quantities import fixed, plural
from synthmix.report.agreement_text import RAISED, Found, agreement_rows, lead, outcome_rows, rho_rows, under
from synthmix.report.figures import Figure, Spec, View, axis, error_bars, label, layout
from synthmix.report.sections import Section, Shown, numbers, write_page


def write_agreement(found: Found, path: Path) -> None:
    """Write the page.

    Args:
        found: ``Agreement.model_dump()``, or its JSON read back.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    corpora = list(dict.fromkeys(row["corpus"] for row in found["outcomes"]))
    sections = [
        Section("outcomes", "What they found", "What the raters found", _outcome_figures(found), [_outcomes(found)]),
        Section("agreement", "Agreement", "How far the raters agree", _alpha_figures(found), _agreement(found)),
        Section("automatic", "Automatic measures", "What the measures say of it", _rho_figures(found), _rho(found)),
        Section("remarks", "Remarks", "Remarks", tables=_remarks(found)),
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


def _outcomes(found: Found) -> Shown:
    return numbers("", ["Text", "What", "Value", "Items"], outcome_rows(found), names=2)


def _agreement(found: Found) -> list[Shown]:
    tables = [numbers("", ["Question", "Alpha", "Equal answers", "Texts or items"], agreement_rows(found))]
    kappas = []
    for one in found["questions"]:
        for each in one["kappas"]:
            kappa = "one answer only" if each["kappa"] is None else fixed(each["kappa"], 2)
            kappas.append([one["words"], each["one"], each["other"], kappa, str(each["n"])])
    if kappas:
        tables.append(numbers("Two by two", ["Question", "Rater", "Rater", "Kappa", "Common"], kappas, names=3))
    return tables


def _rho(found: Found) -> list[Shown]:
    rows = rho_rows(found)
    return [numbers("", ["Measure", "With", "Spearman's rho", "Texts"], rows, names=2)] if rows else []


def _remarks(found: Found) -> list[Shown]:
    rows = [[f"Item {item}", rater, remark] for item, rater, remark in found["comments"]]
    return [Shown("", ["", "Rater", "Remark"], rows)] if rows else []


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
    caption = "An automatic measure that says what people say stands far from zero."
    return [Figure("rho", "Correlation", caption, "A dot with an interval for each measure.", views, 170 + 30 * most)]


def _dot(name: str, interval: Found, token: str, scale: float) -> Spec:
    own = Interval(**interval).scaled(scale)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": label(name, 40),
        "x": [own.mid],
        "y": [label(name, 40)],
        "error_x": error_bars([own], f"@{token}"),
        "marker": {"color": f"@{token}", "size": 10},
    }


def _rows(title: str, *, zero: bool = False) -> Spec:
    return layout(
        axis(title, zeroline=zero, zerolinecolor="@muted"),
        axis("", autorange="reversed", type="category"),
        showlegend=False,
    )
