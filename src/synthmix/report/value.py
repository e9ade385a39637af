"""``synthmix value`` shown: scores with intervals, what they are made of, and mixtures over their shares."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from synthmix.interval import Interval, format_interval, level_text
from synthmix.names import name_of_file
from synthmix.quantities import format_count
from synthmix.report.figures import Figure, View, dots, ternary, triangle
from synthmix.report.html import Section, write_page
from synthmix.report.mixture_sentences import mixture_text
from synthmix.style import axis, band, label, layout, line
from synthmix.table import Column, Table

_TERMS = {
    "transfer": "loss on the reference of a closed-form learner of the dataset",
    "discrepancy": "distance (MMD) of the dataset from the reference",
    "complexity": "how hard its labels are for the model",
    "loss": "the model's loss on it",
    "balance": "sqrt(max(share, 1 - share) / items)",
    "ntk": "y' Theta^-1 y / items, the complexity without its root",
    "sample": "2 max(share, 1 - share) log(8 / .05) / items",
    "overlap": "share of its items that stand in the reference",
    "leak": "share of the reference's runs of eight words that stand in it",
}


def write_value(found: Mapping[str, Any], path: Path) -> None:
    """Write it.

    Args:
        found: ``scores``, ``mixture`` (or None) and ``baselines`` as ``synthmix value --json`` prints them, with
            ``reference`` and ``weights``.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    scores = sorted(found["scores"], key=lambda row: -row["score"])
    compared = found["comparison"]
    names = [row["name"] for row in compared["rows"]]
    best = next(row for row in scores if row["name"] == names[0])
    open_pairs = [{pair["one"], pair["other"]} for pair in compared["pairs"] if pair["said"] != "over"]
    rivals = [name for name in names[1:] if {names[0], name} in open_pairs]
    target = name_of_file(str(found["reference"]))
    lead = f"{best['name']} is worth most for {target}."
    if rivals:
        lead = f"{best['name']} scores highest for {target}, not clearly above {', '.join(rivals)}."
    if len(scores) == 1:
        lead = f"{best['name']} scores {best['score']:.4f} for {target}."
    curve = found.get("mixture")
    warnings = [f"{row['name']}: {warning}" for row in scores for warning in row["warnings"]]
    sections = [
        Section("scores", "Scores", "Scores", [score_figure(scores)], [score_table(found)]),
        Section("terms", "Terms", "What the scores are made of", [term_figure(scores)]),
    ]
    if len(scores) > 1 or compared["ranked_by"] == "base":
        title = "Which to take"
        sections.insert(0, Section("comparison", "Decision", title, tables=[comparison_table(compared)]))
    if curve:
        tables = [best_table(curve), mixtures_table(curve)]
        sections.append(
            Section("mixtures", "Mixtures", "Mixtures, from one pass over each", mixture_figures(curve), tables)
        )
    if found.get("baselines"):
        sections.append(Section("baselines", "Baselines", "What other methods say", tables=[others_table(found)]))
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
            "Intervals": f"{_interval(best).level:.0%}, from resampled items of the dataset and of the reference",
        },
        colours=max(len(best["terms"]) + 1, 3),
    )


def _interval(row: Mapping[str, Any]) -> Interval:
    """Around a row's score."""
    return Interval(**(row["interval"] or {"mid": row["score"], "covers": "sampling"}))


def score_table(found: Mapping[str, Any]) -> Table:
    """Score and terms of each dataset, best first."""
    scores = sorted(found["scores"], key=lambda row: -row["score"])
    terms = list(scores[0]["terms"])
    columns = [
        *(Column("dataset", "Dataset"), Column("score", "Score", ".4f")),
        *(Column(term, term, ".4f", help=_TERMS.get(term, "")) for term in terms),
        *(Column("items", "Items"), Column("seconds", "Seconds", ".2f")),
    ]
    rows = [
        (row["name"], _interval(row), *(row["terms"][term] for term in terms), row["documents"], row["seconds"])
        for row in scores
    ]
    formula = " - ".join(f"{weight:.4g} x {name}" for name, weight in found["weights"].items() if name in terms)
    told = [f"{name}: {_TERMS[name]}." for name in terms if name in _TERMS]
    level = level_text(_interval(scores[0]))
    note = f"score = - {formula} (higher is better; each term: lower is better), {level}s."
    return Table("scores", columns, rows, "Scores and their terms", note="\n".join([note, *told]))


def best_table(curve: Mapping[str, Any]) -> Table:
    """The best share of each dataset with its interval, and each dataset's score alone."""
    best = curve["best"]
    alone = {row["name"]: row["score"] for row in curve["mixtures"]}
    rows = [(name, Interval(**share), alone.get(name)) for name, share in best["intervals"].items()]
    columns = [
        Column("dataset", "Dataset"),
        Column("share", "Share", ".0%"),
        Column("alone", "Score alone", ".4f", kind=float),
    ]
    title = f"The best mixture of {curve['size']:,.0f} {curve['unit']}: score {best['score']:.4f}"
    gain = format_interval(Interval(**best["gain"]), "+.4f")
    note = f"Gain over the best dataset alone{_by(curve)}: {gain} {curve['worth_unit']}."
    return Table("best_mixture", columns, rows, title, note=note)


def _by(curve: Mapping[str, Any]) -> str:
    return "" if curve["worth_unit"] == "score" else ", by the loss that a small model is expected to have"


def mixtures_table(curve: Mapping[str, Any]) -> Table:
    """Mixtures that have a name, the best first."""
    columns = [
        *(Column("mixture", "Mixture"), Column("shares", "Shares", kind=str), Column("score", "Score", ".4f")),
        Column(
            "behind",
            f"Minus the best, {curve['worth_unit']}",
            "+.4f",
            help="above 0 is better; what both samples have in common cancels",
        ),
    ]
    rows = [
        (row["name"], mixture_text(row["shares"]), _interval(row), Interval(**row["behind"]))
        for row in sorted(curve["mixtures"], key=lambda row: -row["behind"]["mid"])
    ]
    return Table("mixtures", columns, rows, f"Mixtures of {curve['size']:,.0f} {curve['unit']}")


def comparison_table(compared: Mapping[str, Any]) -> Table:
    """Datasets at equal size, at the budget and over the base, in the order that was asked, and what follows."""
    unit = compared["unit"]
    shown = {"at_tokens": compared["tokens"] is not None, "over_base": compared["ranked_by"] == "base"}
    columns = [
        Column("dataset", "Dataset"),
        Column("tokens", unit.capitalize(), ",.0f"),
        Column("equal", f"At {format_count(compared['equal'])} {unit} of each", ".4f"),
    ]
    if shown["at_tokens"]:
        columns.append(Column("at_tokens", f"At {format_count(compared['tokens'])} {unit}", ".4f"))
    if shown["over_base"]:
        columns.append(Column("over_base", "Adds to the base", "+.4f"))
    rows = [
        (
            row["name"],
            row["tokens"],
            row["equal"],
            *([row["at_tokens"]] if shown["at_tokens"] else []),
            *([Interval(**row["over_base_interval"])] if shown["over_base"] else []),
        )
        for row in compared["rows"]
    ]
    by = {"base": "what each adds to the base", "tokens": "the score at the budget", "equal": "the score at equal size"}
    note = "\n".join([f"Ranked by {by[compared['ranked_by']]}.", *_limits(compared), *verdict_lines(compared)])
    return Table("comparison", columns, rows, "Which to take", note=note)


def _limits(compared: Mapping[str, Any]) -> list[str]:
    """What makes a comparison less sure, before its verdicts."""
    made = []
    if tiny := compared["tiny"]:
        held = "holds" if len(tiny) == 1 else "hold"
        made.append(
            f"{', '.join(tiny)} {held} less than a hundredth of the others and stand as they are at equal size."
        )
    if shift := compared["shift"]:
        made.append(
            "The reference is unlike every text on which the score was held to trained models, so that verdicts are "
            f"less sure: {shift}."
        )
    return made


def verdict_lines(compared: Mapping[str, Any]) -> list[str]:
    """A sentence a pair; of many datasets those of neighbours in the order only."""
    order = [row["name"] for row in compared["rows"]]
    beside = set(pairwise(order))
    made = []
    for pair in compared["pairs"]:
        one, other = pair["one"], pair["other"]
        if len(order) > 4 and (one, other) not in beside and (other, one) not in beside:
            continue
        sure = "" if pair["confidence"] is None else f" ({pair['confidence']:.0%} sure)"
        if pair["said"] == "over":
            said = f"{one} over {other}{sure}"
        elif pair["said"] == "level":
            said = f"{one} and {other}: level"
        elif pair["why"] == "leak":
            said = f"{one} or {other}: cannot tell: {one} holds half of the reference or more"
        else:
            size = f"{format_count(pair['tokens'])} {pair['unit']}"
            said = f"{one} or {other}: cannot tell{sure}: train on each, at {size}"
        if pair["worth"] is not None and pair["said"] != "level":
            worth = Interval(**pair["worth"])
            said += f"; the difference is worth {format_interval(worth, '+.2f')} {pair['worth_unit']} to a small model"
        made.append(said + ".")
    return made


def others_table(found: Mapping[str, Any]) -> Table:
    """Scores of other methods, each in its own units."""
    names = list(found["baselines"])
    held = {name: {row["name"]: row["score"] for row in found["baselines"][name]} for name in names}
    order = [row["name"] for row in sorted(found["scores"], key=lambda row: -row["score"])]
    columns = [Column("dataset", "Dataset"), *(Column(f"by {name}", name, ".4g") for name in names)]
    rows = [(dataset, *(held[name][dataset] for name in names)) for dataset in order]
    return Table("baselines", columns, rows, "Scores of other methods (each in its own units)")


def score_figure(scores: list[dict[str, Any]]) -> Figure:
    """A point with its interval a dataset, best on top."""
    rows = scores[::-1]
    found = [_interval(row) for row in rows]
    data = dots(found, list(range(len(rows))), "s1", "", "%{x:.4f}", showlegend=False)
    names = axis("", tickvals=list(range(len(rows))), ticktext=[label(row["name"], 32) for row in rows], showgrid=False)
    return Figure(
        id="scores",
        title="Score of each dataset",
        caption="Points are scores, bars their intervals; intervals of two datasets share the reference's noise, so a "
        "difference is surer than the bars suggest.",
        summary="One point with an interval for each dataset, the best on top.",
        views=[View("all", [data], layout(axis("score (higher is better)"), names, showlegend=False))],
        height=max(220, 90 + 34 * len(rows)),
    )


def term_figure(scores: list[dict[str, Any]]) -> Figure:
    """Bars by dataset, a view a term."""
    rows = scores[::-1]
    views = []
    for i, term in enumerate(scores[0]["terms"], start=1):
        bar = {
            "type": "bar",
            "orientation": "h",
            "x": [row["terms"][term] for row in rows],
            "y": list(range(len(rows))),
            "marker": {"color": f"@s{i}"},
            "hovertemplate": "%{x:.5f}<extra></extra>",
        }
        names = axis(
            "", tickvals=list(range(len(rows))), ticktext=[label(row["name"], 32) for row in rows], showgrid=False
        )
        views.append(View(term, [bar], layout(axis(f"{term} (lower is better)"), names, showlegend=False)))
    return Figure(
        id="terms",
        title="Each term",
        caption="The order of datasets is that of the scores: a term whose bars do not grow downwards disagrees.",
        summary="Bars of each term by dataset.",
        views=views,
        height=max(220, 90 + 34 * len(rows)),
    )


def mixture_figures(curve: Mapping[str, Any]) -> list[Figure]:
    """What is lost against the best mixture over the share of each dataset, a view each: of two the second's; of three
    the triangle too."""
    shown = curve["pools"][1:] if len(curve["pools"]) == 2 else curve["pools"]
    views, unit = [], curve["worth_unit"]
    for name in shown:
        rows = curve["along"][name]
        x = [100 * row["shares"][name] for row in rows]
        low, y, high = ([row["behind"][end] for row in rows] for end in ("low", "mid", "high"))
        curve_line = line(
            x, y, "s1", "", "%{x:.0f} %: %{y:.4f}", mode="lines+markers", marker={"size": 5}, showlegend=False
        )
        shape = layout(axis(f"share of {label(name, 40)}, %"), axis(f"minus the best, {unit}"), showlegend=False)
        views.append(View("worth" if len(shown) == 1 else name, [band(x, low, high, "s1", "worth"), curve_line], shape))
    rest = "" if len(shown) == 1 else " The others keep the proportions that they have in the best mixture."
    found = Figure(
        id="mixture",
        title="Worth over the share",
        caption=f"Mixtures of {curve['size']:,.0f} {curve['unit']} less the best{_by(curve)}; higher is better. The "
        f"band is the interval of each difference.{rest}",
        summary="A line with a band over the share of a dataset.",
        views=views,
    )
    return [surface_figure(curve), found] if len(curve["pools"]) == 3 else [found]


def surface_figure(curve: Mapping[str, Any]) -> Figure:
    """Worth of every mixture of three datasets."""
    rows, names = curve["curve"], curve["pools"]
    at = [[100 * row["shares"][name] for row in rows] for name in names]
    ground = ternary(
        "score",
        at,
        {
            "symbol": "hexagon",
            "size": 15,
            "color": [row["behind"]["mid"] for row in rows],
            "colorscale": "@sequential",
            "colorbar": {"title": {"text": curve["worth_unit"]}, "thickness": 12},
        },
        "%{a:.0f} / %{b:.0f} / %{c:.0f}%: %{marker.color:.4f}",
    )
    best = [[100 * curve["best"]["shares"][name]] for name in names]
    star = ternary("best", best, {"symbol": "star", "size": 15, "color": "@flag"}, "%{a:.0f} / %{b:.0f} / %{c:.0f}%")
    return Figure(
        id="mixtures",
        title="Worth of every mixture",
        caption=f"Mixtures of {curve['size']:,.0f} {curve['unit']}, less the best; each corner is one dataset alone.",
        summary="A triangle of the three datasets coloured by worth.",
        views=[View("worth", [ground, star], triangle(names))],
        height=520,
    )
