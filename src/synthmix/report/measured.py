"""Without a question, the comparison that the runs themselves allow: means over seeds at the largest common cell."""

from synthmix.interval import Interval
from synthmix.results import Answer, RecipeAnswer, Results, RunRow

_LEVEL = 0.9


def largest_cell(results: Results) -> tuple[int, int] | None:
    """The (params, tokens) at which most recipes were trained, the natural text among them; the largest if tied.

    None when the natural text alone was never trained beside another recipe.
    """
    cells: dict[tuple[int, int], dict[str, float]] = {}
    for run in results.runs:
        cells.setdefault((run.params, run.tokens), {})[run.recipe] = run.share
    fit = {cell: len(found) for cell, found in cells.items() if len(found) > 1 and 0 in found.values()}
    return max(fit, key=lambda cell: (fit[cell], cell)) if fit else None


def at_cell(results: Results, cell: tuple[int, int]) -> dict[str, list[RunRow]]:
    """Runs of one cell by recipe, in the study's order of recipes."""
    found: dict[str, list[RunRow]] = {recipe.name: [] for recipe in results.recipes}
    for run in results.runs:
        if (run.params, run.tokens) == cell:
            found.setdefault(run.recipe, []).append(run)
    return {name: runs for name, runs in found.items() if runs}


def measured_answer(results: Results) -> Answer | None:
    """The measured cell in the shape of an answer: no law, no extrapolation, intervals from the pooled seed noise.

    Intervals are t * sd * sqrt(1/n) of a mean of n seeds, sqrt(1/n + 1/m) of a difference and sqrt(1/n + 1) of a
    new run (Student's t with the replicates' degrees of freedom); without replicates there are none.
    """
    cell = largest_cell(results)
    if cell is None:
        return None
    by_recipe = at_cell(results, cell)
    natural = next(runs for runs in by_recipe.values() if runs[0].share == 0)
    base = _mean(natural)
    rows = []
    for name, runs in by_recipe.items():
        mean, n = _mean(runs), len(runs)
        same = runs is natural
        rows.append(
            RecipeAnswer(
                recipe=name,
                share=runs[0].share,
                synthetic=runs[0].synthetic,
                law="measured",
                loss=_interval(results, mean, 1 / n),
                new_run=_interval(results, mean, 1 / n + 1),
                difference=_interval(results, mean - base, 0.0 if same else 1 / n + 1 / len(natural)),
                speedup=Interval(mid=None, why="measured at one budget only"),
            )
        )
    return Answer(params=cell[0], tokens=cell[1], decades_params=0.0, decades_tokens=0.0, recipes=rows)


def measured_difference(results: Results, mine: list[RunRow], theirs: list[RunRow]) -> Interval:
    """Mean loss of ``mine`` minus that of ``theirs``, runs of one cell; the interval as in :func:`measured_answer`."""
    return _interval(results, _mean(mine) - _mean(theirs), 1 / len(mine) + 1 / len(theirs))


def _mean(runs: list[RunRow]) -> float:
    return sum(run.loss for run in runs) / len(runs)


def _interval(results: Results, value: float, variance: float) -> Interval:
    noise = results.noise
    if noise.sd is None or noise.runs <= noise.cells:
        return Interval(mid=value, level=_LEVEL, why="no replicates")
    from scipy.special import stdtrit

    half = float(stdtrit(noise.runs - noise.cells, (1 + _LEVEL) / 2)) * noise.sd * variance**0.5
    return Interval(mid=value, low=value - half, high=value + half, level=_LEVEL)
