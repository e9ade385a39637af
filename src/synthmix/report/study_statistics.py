"""``synthmix stats --study`` shown: which statistic orders the recipes as their loss does, and where the loss lies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from synthmix.interval import Interval
from synthmix.quantities import format_count
from synthmix.report.figures import Figure, View, dots
from synthmix.report.html import Section, write_page
from synthmix.report.mixture_sentences import mixture_text
from synthmix.report.statistics import mean_rows, mixtures_table, share_figures
from synthmix.statistics.mixtures import MixtureRow, ShareRow
from synthmix.statistics.ranking import StatisticTable
from synthmix.style import Spec, axis, label, layout, line
from synthmix.table import Column, Table


class Rare(Protocol):
    """One recipe, domain and bin: :class:`synthmix.study.rare_tokens.RareRow`."""

    @property
    def recipe(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def bin(self) -> str: ...
    @property
    def nats(self) -> float | None: ...
    @property
    def of_tokens(self) -> float: ...
    @property
    def of_loss(self) -> float: ...
    @property
    def gain(self) -> float | None: ...


def rare_figures(rare: Sequence[Rare], recipes: list[str]) -> list[Figure]:
    """What tokens cost, and where the difference to natural text comes from, a view a held-out domain."""
    if not rare:
        return []
    domains, bins = list(dict.fromkeys(r.domain for r in rare)), list(dict.fromkeys(r.bin for r in rare))
    nats = [View(d, _lines(rare, recipes, d, bins), _by_bin(bins, "nats per token")) for d in domains]
    gains = [
        View(d, _bars(rare, recipes, d, bins), _by_bin(bins, "difference to natural text, nats", barmode="group"))
        for d in domains
    ]
    return [
        Figure("nats", "What a token costs by how often training showed it", "By each recipe's own counts, at the "
               "largest cell.", "A falling line for each recipe.", nats),
        Figure("gains", "Where the difference to natural text comes from", "By the natural text's counts; below zero "
               "the mixture is better. A recipe's bars add up to its difference.", "Bars by bin and recipe.", gains),
    ]  # fmt: skip


def _lines(rare: Sequence[Rare], recipes: list[str], domain: str, bins: list[str]) -> list[Spec]:
    return [
        line(
            [bins.index(r.bin) for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            [r.nats for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            f"s{i}",
            recipe,
            longest=40,
            mode="lines+markers",
        )
        for i, recipe in enumerate(recipes)
    ]


def _bars(rare: Sequence[Rare], recipes: list[str], domain: str, bins: list[str]) -> list[Spec]:
    return [
        {
            "type": "bar",
            "name": label(recipe, 40),
            "x": [bins.index(r.bin) for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            "y": [r.gain for r in rare if (r.recipe, r.domain) == (recipe, domain)],
            "marker": {"color": f"@s{i}"},
        }
        for i, recipe in enumerate(recipes)
        if any(r.gain is not None for r in rare if r.recipe == recipe)
    ]


def _by_bin(bins: list[str], title: str, **more: object) -> Spec:
    x = axis("times that training showed the token", tickvals=list(range(len(bins))), ticktext=bins)
    return layout(x, axis(title), **more)


_ROW = 24


class Mixtures(Protocol):
    """Statistics of a study's mixtures: :class:`synthmix.study.mixture_texts.StudyMixtures`."""

    @property
    def rows(self) -> list[MixtureRow]: ...
    @property
    def curves(self) -> list[ShareRow]: ...
    @property
    def sources(self) -> list[str]: ...


class NamedValue(Protocol):
    """Gain of the valuation score of one mixture: :class:`synthmix.study.value_curves.NamedValue`."""

    @property
    def name(self) -> str: ...
    @property
    def shares(self) -> dict[str, float]: ...
    @property
    def gain(self) -> Interval: ...


class ValueMixture(Protocol):
    """The best mixture by the valuation score: :class:`synthmix.study.value_curves.ValueMixture`."""

    @property
    def tokens(self) -> int: ...
    @property
    def mixture(self) -> dict[str, float]: ...
    @property
    def gain(self) -> Interval: ...
    @property
    def named(self) -> Sequence[NamedValue]: ...


def value_table(values: ValueMixture) -> Table:
    """What mixtures are expected to gain, from the sums of one pass over each corpus, the best first."""
    columns = [
        *(Column("mixture", "Mixture"), Column("shares", "Shares")),
        Column("gain", "Above natural text", "+.4f", help="expected loss, nats per token; higher is better"),
    ]
    rows: list[tuple[object, ...]] = [("best by the score", mixture_text(values.mixture), values.gain)]
    rows += [
        (each.name, mixture_text(each.shares), each.gain)
        for each in sorted(values.named, key=lambda each: -(each.gain.mid or 0.0))
    ]
    title = f"Gain that the score and the runs let expect of mixtures of {format_count(values.tokens)} tokens"
    return Table("value_of_mixtures", columns, rows, title)


def write_study_statistics(
    study: str,
    ranked: StatisticTable,
    rare: Sequence[Rare],
    mixed: Mixtures,
    values: ValueMixture | None,
    path: Path,
) -> None:
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
                "ranks",
                "Against loss",
                "Statistics against measured loss",
                [_correlations(ranked)],
                [ranking_table(ranked)],
            ),
            Section(
                "mixtures",
                "Mixtures",
                "Mixtures, from one count of each corpus",
                share_figures(mixed.curves, mixed.sources),
                [mixtures_table(mean_rows(mixed.rows)), *([value_table(values)] if values is not None else [])],
            ),
            Section(
                "rare",
                "Rare tokens",
                "Loss by training frequency",
                rare_figures(rare, recipes),
                [rare_table(rare)] if rare else [],
            ),
        ],
        facts={
            "Correlation": "mean over cells (size, budget) and held-out domains of the rank correlation over recipes; "
            "+1: what the statistic prefers has the lower loss",
            "Regret": "loss of the recipe that it would have chosen above the best one's, at the largest cell",
            "Counts": "exact, of the tokens that a run of the recipe reads",
            "Against natural": "from which tokens the difference to the natural text's loss comes, by the natural "
            "text's counts; the parts add up to it",
            "Mixtures": "expected of a uniform sample as large as the largest budget, whether a run has read it or not",
        },
        colours=max(len(recipes), len(mixed.sources), 2),
    )


def _correlations(ranked: StatisticTable) -> Figure:
    views = []
    for name in ("spearman", "kendall"):
        rows = [row for row in ranked.rows if getattr(row, name).mid is not None][::-1]
        found = [getattr(row, name) for row in rows]
        trace = dots(found, list(range(len(rows))), "s1", "", "%{x:.2f}", size=8)
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


def ranking_table(ranked: StatisticTable) -> Table:
    """The rank correlations, best first."""
    columns = [
        *(
            Column("statistic", "Statistic"),
            Column("chooses", "Would choose"),
            Column("regret", "Regret", ".4f", "nats"),
        ),
        *(Column("spearman", "Spearman", "+.2f"), Column("kendall", "Kendall", "+.2f"), Column("groups", "Groups")),
    ]
    rows = [(row.name, row.chooses or "none", row.regret, row.spearman, row.kendall, row.groups) for row in ranked.rows]
    note = f"{ranked.recipes} recipes, {ranked.level:.0%} intervals."
    return Table("statistics", columns, rows, "Statistics against measured loss", note=note)


def rare_table(rare: Sequence[Rare]) -> Table:
    """Loss by how often training showed a token."""
    columns = [
        *(Column("recipe", "Recipe"), Column("domain", "Held out"), Column("bin", "Seen in training", align="right")),
        *(Column("of_tokens", "Of tokens", ".2%"), Column("nats", "Nats", ".3f", kind=float)),
        *(Column("of_loss", "Of loss", ".2%"), Column("gain", "Against natural", "+.4f", kind=float, missing="")),
    ]
    rows = [(r.recipe, r.domain, r.bin, r.of_tokens, r.nats, r.of_loss, r.gain) for r in rare]
    note = "" if rows else "None: no two recipes of a cell kept their checkpoints (keep_checkpoints: true)."
    return Table("loss_by_frequency", columns, rows, "Loss by training frequency of the token", note=note)
