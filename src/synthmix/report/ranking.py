"""A ranking of recipes, in words, tables and as a page."""

from pathlib import Path

from synthmix.quantities import format_count, listed, percent, plural
from synthmix.report.figures import Figure, View, dots
from synthmix.report.html import Section, write_page
from synthmix.results.ranking import RankCheck, Ranking
from synthmix.style import axis, label, layout, line, marks
from synthmix.table import Column, Table

SHOWN = 25  # recipes, and pairs, of a terminal; the page and --json have all
DRAWN = 40  # recipes of the figure
COLUMNS = [
    Column("place", kind=int),
    Column("group", kind=int, help="recipes of one group are not told apart from its first"),
    Column("recipe", kind=str),
    Column("runs", kind=int),
    Column("at", "largest cell", kind=str, align="left", help="the largest size and budget at which it was measured"),
    Column("measured", form=".4g", kind=float, help="the median of its runs there"),
    Column("behind", "behind the first", form=".3g", help="expected at the target, of the mean over seeds"),
    Column("best", "best of all", form=percent, kind=float, help="the probability that it is the best"),
    Column(
        "beats_first", "beats the first", form=percent, kind=float, help="that a run of it is better than one of it"
    ),
    Column("regret", form=".3g", kind=float, help="what choosing it is expected to lose against the best there is"),
    Column("single", "by one scale", kind=int, missing="", help="its place by the plain order at one scale"),
    Column("law", "by own law", kind=int, missing="", help="its place by a power law of its own in compute"),
]


def ranked_table(ranking: Ranking, most: int | None = None) -> Table:
    """A row a recipe, by place."""
    rows = [
        (
            *(one.place, one.group, one.recipe, one.runs, _cell(one.params, one.tokens), one.measured, one.behind),
            *(one.best, one.beats_first, one.regret, one.single, one.law),
        )
        for one in ranking.recipes[:most]
    ]
    left = len(ranking.recipes) - len(rows)
    level = f"behind: with its {ranking.level:.0%} interval"
    note = level if not left else f"{level}; {plural(left, 'recipe')} more, on the page and with --json"
    return Table("ranking", COLUMNS, rows, "Recipes at the target", note=note)


def pair_table(ranking: Ranking, most: int | None = None) -> Table:
    """A row a pair; for a terminal those of the first group, which are the question that is left."""
    pairs = ranking.pairs
    if most is not None:
        first = set(ranking.groups[0])
        pairs = [pair for pair in pairs if pair.better in first and pair.worse in first][:most]
    columns = [
        Column("better", kind=str),
        Column("worse", kind=str),
        Column("probability", form=percent, kind=float),
        Column("decided", "told apart", kind=bool),
        Column("single", "one scale agrees", kind=bool, missing=""),
        Column("law", "own laws agree", kind=bool, missing=""),
    ]
    rows = [(p.better, p.worse, p.probability, p.decided, p.single, p.law) for p in pairs]
    return Table("pairs", columns, rows, "Pairs" if most is None else "Pairs of the first group")


def check_tables(check: RankCheck) -> list[Table]:
    """What the method would have said of the largest scale from those below it, and the calibration of that."""
    columns = [
        Column("how", "", kind=str),
        Column("right", "pairs in order", form=percent, kind=float),
        Column("pairs"),
    ]
    rows = [
        ("this ranking, all pairs", check.right, check.pairs),
        ("this ranking, pairs told apart", check.decided_right, round(check.decided * check.pairs)),
        ("the plain order at one scale", check.single, check.single_pairs),
        ("own laws", check.law, check.law_pairs),
    ]
    at = _cell(check.params, check.tokens)
    title = f"Its own past: {plural(check.recipes, 'recipe')} at {at}, foretold from below"
    held = Table("check", columns, [row for row in rows if row[2]], title)
    head = [
        Column("low", "from", form=percent, kind=float),
        Column("high", "to", form=percent, kind=float),
        Column("expected", form=percent, kind=float),
        Column("right", form=percent, kind=float),
        Column("pairs"),
    ]
    bins = [(each.low, each.high, each.expected, each.right, each.pairs) for each in check.bins]
    note = "pairs by the probability of their order; pairs that share a recipe are not independent"
    return [held, Table("calibration", head, bins, "Calibration", note=note)]


def next_table(ranking: Ranking) -> Table:
    """The runs that would settle most."""
    columns = [
        Column("recipe", kind=str),
        Column("at", "at", kind=str, align="left"),
        Column("flops", "FLOPs", form=".2g"),
        Column("value", form=".3g", help="by how much it is expected to raise the score of what is then chosen"),
    ]
    rows = [(run.recipe, _cell(run.params, run.tokens), run.flops, run.value) for run in ranking.next_runs]
    return Table("next_runs", columns, rows, "One more run that would settle most")


def rank_headline(ranking: Ranking) -> str:
    """The answer in two sentences."""
    first, group = ranking.recipes[0], ranking.groups[0]
    at = f"{_cell(ranking.params, ranking.tokens)} by {ranking.metric}"
    told = f"{percent(ranking.decided)} of {plural(len(ranking.pairs), 'pair')} are told apart"
    lost = f"choosing it is expected to lose {ranking.regret:.2g} against the best"
    if len(group) == 1:
        return f"{first.recipe} is first at {at}, told apart from every other; {lost}. In all {told}."
    others = listed(group[1:4]) + (f" and {len(group) - 4} more" if len(group) > 4 else "")
    said = f"{first.recipe} is first at {at} and not told apart from {others}"
    return f"{said}; it is the best of all with {percent(first.best)}, and {lost}. In all {told}."


def rank_rests_on(ranking: Ranking) -> str:
    """What the probabilities rest on."""
    check = ranking.check
    beyond = "the target takes no more compute than the largest run"
    if ranking.decades > 1e-6:
        beyond = f"the target lies {ranking.decades:.2g} decades of compute beyond the largest run"
    if check is None:
        return f"No scale was foretold from another here, so the probabilities rest on published runs; {beyond}."
    at = _cell(check.params, check.tokens)
    said = f"Foretold from below, {percent(check.right)} of {check.pairs} pairs at {at} were in order"
    if check.single is not None:
        said += f" ({percent(check.single)} by the plain order at one scale)"
    if check.decided_right is not None:
        said += f", and {percent(check.decided_right)} of the {percent(check.decided)} that it would have told apart"
    return f"{said}; {beyond}."


def rank_sections(ranking: Ranking, most: int | None = None) -> list[Section]:
    """Everything, in the order of the page and of the terminal."""
    sections = [
        Section("recipes", "Recipes", "Recipes", [_figure(ranking)], [ranked_table(ranking, most)]),
        Section("next", "Next run", "Next run", tables=[next_table(ranking)] if ranking.next_runs else []),
        Section("pairs", "Pairs", "Pairs", tables=[pair_table(ranking, most)]),
    ]
    if ranking.check is not None:
        figures = [_calibration(ranking.check)]
        sections.insert(1, Section("past", "Its past", "Its own past", figures, check_tables(ranking.check)))
    return sections


def write_ranking(ranking: Ranking, path: Path) -> None:
    """Write the page, atomically.

    Raises:
        BadInput, Failure: ``path`` cannot be written to.
    """
    write_page(
        path,
        title="Ranking",
        eyebrow=f"{plural(len(ranking.recipes), 'recipe')} at {_cell(ranking.params, ranking.tokens)}",
        lead=rank_headline(ranking),
        under=[rank_rests_on(ranking), *(warning.message for warning in ranking.warnings)],
        sections=rank_sections(ranking),
        facts={
            "A scale's own part": f"{ranking.own:.0%} of what sets recipes apart at a scale is that scale's own",
            "Drift": f"the rest changes over {ranking.length:.3g} decades of compute",
            "Seed noise": "not known" if ranking.noise is None else f"{ranking.noise:.3g}, one run",
        },
        colours=1,
    )


def _cell(params: int, tokens: int) -> str:
    return f"{format_count(params)} parameters, {format_count(tokens)} tokens"


def _figure(ranking: Ranking) -> Figure:
    shown = ranking.recipes[:DRAWN]
    names = [f"{one.place}. {label(one.recipe)}" for one in shown]
    found = dots([one.behind for one in shown], names, "s0", "behind", "%{x:.3g}")
    left = len(ranking.recipes) - len(shown)
    return Figure(
        id="behind",
        title="How far behind the first each recipe is expected to be",
        caption=f"At the target, in units of {ranking.metric}; bars: {ranking.level:.0%} intervals."
        + (f" {left} more are in the table." if left else ""),
        summary="A dot with an interval for each recipe; every number is in the table below.",
        views=[
            View(
                "behind",
                [found],
                layout(
                    axis("behind the first", zeroline=True, zerolinecolor="@muted"),
                    axis("", autorange="reversed", type="category"),
                    showlegend=False,
                ),
            )
        ],
        height=140 + 24 * len(shown),
    )


def _calibration(check: RankCheck) -> Figure:
    expected, right = [each.expected for each in check.bins], [each.right for each in check.bins]
    ideal = line([0.5, 1.0], [0.5, 1.0], "muted", "as expected", dash="dot")
    return Figure(
        id="calibration",
        title="Expected against found",
        caption="Pairs by the probability of their order; on the dotted line as many were in order as expected.",
        summary="A dot a bin of probabilities; the numbers are in the table of calibration.",
        views=[
            View(
                "calibration",
                [ideal, marks(expected, right, "s0", "found", "%{y:.0%} of pairs, %{x:.0%} expected")],
                layout(axis("expected", tickformat=".0%"), axis("in order", tickformat=".0%"), showlegend=False),
            )
        ],
        height=360,
    )
