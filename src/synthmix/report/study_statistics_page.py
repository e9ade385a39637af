"""The page of a study's statistics: which orders the recipes as their loss does, and where the loss lies."""

from collections.abc import Sequence
from pathlib import Path

from synthmix.interval import format_interval
from synthmix.report.figures import Figure, View, axis, error_bars, label, layout
from synthmix.report.rare_tokens import Rare, rare_figures, rare_table
from synthmix.report.sections import Section, Shown, numbers, write_page
from synthmix.statistics.ranking import StatisticTable

_ROW = 24


def write_study_statistics(study: str, ranked: StatisticTable, rare: Sequence[Rare], path: Path) -> None:
    """Write the page.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    recipes = list(dict.fromkeys(row.recipe for row in rare))
    write_page(
        path,
        title=f"{study}: statistics and loss",
        eyebrow="Which statistic of the text would have chosen the right mixture?",
        lead=ranked.sentence,
        under=[
            ranked.detail,
            f"{ranked.recipes} recipes; {ranked.level:.0%} intervals from drawing recipes and cells again.",
        ],
        sections=[
            Section(
                "ranks", "Against loss", "Statistics against measured loss", [_correlations(ranked)], [_table(ranked)]
            ),
            Section("rare", "Rare tokens", "Loss by training frequency", rare_figures(rare, recipes), rare_table(rare)),
        ],
        facts={
            "Correlation": "mean over cells (size, budget) and held-out domains of the rank correlation over recipes; "
            "+1: what the statistic prefers has the lower loss",
            "Regret": "loss of the recipe that it would have chosen above the best one's, at the largest cell",
            "Counts": "exact, of the tokens that a run of the recipe reads",
            "Against natural": "from which tokens the difference to the natural text's loss comes, by the natural "
            "text's counts; the parts add up to it",
        },
        colours=max(len(recipes), 2),
    )


def _correlations(ranked: StatisticTable) -> Figure:
    views = []
    for name in ("spearman", "kendall"):
        rows = [row for row in ranked.rows if getattr(row, name).mid is not None][::-1]
        found = [getattr(row, name) for row in rows]
        trace = {
            "type": "scatter",
            "mode": "markers",
            "x": [one.mid for one in found],
            "y": list(range(len(rows))),
            "marker": {"color": "@s1", "size": 8},
            "error_x": error_bars(found, "@s1"),
            "hovertemplate": "%{x:.2f}<extra></extra>",
        }
        names = [label(row.name, 44) for row in rows]
        y = axis("", tickvals=list(range(len(rows))), ticktext=names, ticks="", showgrid=False)
        x = axis("rank correlation with measured loss", range=[-1.05, 1.05])
        line = {"type": "line", "x0": 0, "x1": 0, "y0": -0.5, "y1": len(rows) - 0.5, "line": {"color": "@rule"}}
        views.append(View(name.capitalize(), [trace], layout(x, y, showlegend=False, shapes=[line])))
    return Figure(
        id="correlations",
        title="Which statistics order the recipes as their loss does",
        caption="Right of zero: what the statistic prefers does have the lower loss. Bars are intervals.",
        summary="A dot and an interval for each statistic; the numbers are in the table.",
        views=views,
        height=120 + _ROW * len(ranked.rows),
    )


def _table(ranked: StatisticTable) -> Shown:
    rows = [
        [
            row.name,
            row.chooses or "none",
            "n/a" if row.regret is None else f"{row.regret:.4f}",
            format_interval(row.spearman, "+.2f", level=False),
            format_interval(row.kendall, "+.2f", level=False),
            str(row.groups),
        ]
        for row in ranked.rows
    ]
    return numbers("", ["Statistic", "Would choose", "Regret", "Spearman", "Kendall", "Groups"], rows, names=2)
