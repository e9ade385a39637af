"""Which of many recipes, measured at few scales, is best at a target: probabilities of orders, and their own past."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from synthmix.errors import BadInput
from synthmix.interval import Interval
from synthmix.quantities import listed, parse_count, parsed
from synthmix.results import Warn
from synthmix.results.ranking import CalibrationBin, RankCheck, RankedPair, RankedRecipe, Ranking, RankNext
from synthmix.runs import Cell, RunsTable, read_runs
from synthmix.scaling.across_scales import (
    Floats,
    Measurements,
    Posterior,
    across_scales,
    decided,
    median_and_noise,
    run_values,
)

DRAWS = 4000
CANDIDATES = 8  # recipes of which a further run is considered: those most likely to be the best
BINS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
NEXT = 3


@dataclass(frozen=True)
class Scores:
    """What was measured: n (recipe, cell) pairs with their runs' scores, higher is better; k recipes, c cells.

    Attributes:
        recipes, cells: (n,) places in ``names`` and in ``at``, which goes by compute. groups: n arrays, a score a run.
    """

    names: list[str]
    at: list[Cell]
    recipes: npt.NDArray[np.intp]
    cells: npt.NDArray[np.intp]
    groups: list[Floats]

    @cached_property
    def _summary(self) -> tuple[Floats, float]:
        return median_and_noise(self.groups)

    @property
    def values(self) -> Floats:
        """(n,) median of the runs."""
        return self._summary[0]

    @property
    def sd(self) -> float:
        """Seed noise of one run, of the runs that are here; NaN: none was repeated."""
        return self._summary[1]

    @property
    def counts(self) -> npt.NDArray[np.intp]:
        """(n,) runs."""
        return np.array([len(group) for group in self.groups], dtype=np.intp)

    @property
    def noise(self) -> Floats:
        """(n,) seed variance of the medians; 0 where it is not known."""
        return np.zeros(len(self.groups)) if np.isnan(self.sd) else self.sd**2 / self.counts

    @property
    def places(self) -> Floats:
        """(c,) log10 compute of the cells."""
        return np.log10([cell.compute for cell in self.at])

    def below(self, compute: float) -> "Scores | None":
        """What was measured with less compute; None where that is nothing."""
        kept = [place for place, cell in enumerate(self.at) if cell.compute < compute * (1 - 1e-9)]
        return self.only(kept) if kept else None

    def only(self, kept: Sequence[int]) -> "Scores":
        """What was measured at some of the cells, by their places."""
        rows = np.flatnonzero(np.isin(self.cells, kept)).tolist()
        names = list(dict.fromkeys(self.names[self.recipes[row]] for row in rows))
        return Scores(
            names=names,
            at=[self.at[place] for place in kept],
            recipes=np.array([names.index(self.names[self.recipes[row]]) for row in rows], dtype=np.intp),
            cells=np.array([list(kept).index(self.cells[row]) for row in rows], dtype=np.intp),
            groups=[self.groups[row] for row in rows],
        )

    def measured(self, target: float) -> Measurements:
        """For a ``target``, log10 of its compute."""
        return Measurements(self.recipes, self.cells, self.values, self.noise, self.places, target)

    def posterior(self, target: float) -> Posterior:
        """At ``target``, log10 of its compute."""
        return across_scales(self.measured(target))

    def grid(self) -> Floats:
        """(k, c) values, NaN where there is none."""
        found = np.full((len(self.names), len(self.at)), np.nan)
        found[self.recipes, self.cells] = self.values
        return found


def rank(
    runs: Any,
    *,
    params: int | str | None = None,
    tokens: int | str | None = None,
    metric: str | None = None,
    recipes: Sequence[str] | None = None,
    columns: str | Mapping[str, str] = "",
    mapping: Any = None,
    skip_bad: bool = False,
    level: float = 0.9,
    seed: int = 0,
) -> Ranking:
    """Order recipes (or data sets) at a target from runs at few scales, with the probability of every order.

    >>> synthmix.rank("runs.csv", params="7B", tokens="140B", metric="task.core").recipes[0]     # doctest: +SKIP

    Args:
        runs, columns, mapping, skip_bad: as for :func:`synthmix.read_runs`; N, D and each run's recipe must be known.
        params, tokens: the target; None: those of the largest cell with two recipes.
        metric: of the table; None: the first that it has.
        recipes: only these are ordered; the others still say how large spread and noise are.
        level: of intervals, and the part of the pairs told apart that is expected to be ordered rightly.
        seed: of the draws.

    Raises:
        BadInput: fewer than two recipes, a metric or recipe that is not there, or one that never differs.
    """
    table = read_runs(runs, columns, mapping=mapping, skip_bad=skip_bad)
    if not 0.5 < level < 1:
        raise BadInput("is not between 0.5 and 1", key="--level")
    measured = _metric(table, metric)
    last, warnings = _last_of_each_run(table)
    scores = table_scores(table.select(last), measured.name)
    chosen = _chosen(scores, recipes)
    cell = _target(scores, params, tokens)
    target = float(np.log10(cell.compute))
    posterior = scores.posterior(target)
    better = posterior.better()[np.ix_(chosen, chosen)]
    told = decided(better, level)
    draws = posterior.draws(DRAWS, seed=seed)[:, chosen]
    grid = scores.grid()[chosen]
    laws = _laws(grid, scores.places, target, measured.unit)
    expected = posterior.weights @ posterior.means[:, chosen]
    order = np.argsort(-expected, kind="stable")
    decades = target - float(scores.places.max())
    check = _check(scores, measured.unit, level)
    warnings += _warned(scores, decades, check)
    names = [scores.names[place] for place in chosen]
    groups = _groups(order, told)
    return Ranking(
        metric=measured.name,
        higher_is_better=measured.higher_is_better,
        params=round(cell.N),
        tokens=round(cell.D),
        decades=decades,
        level=level,
        recipes=_recipes(scores, chosen, order, groups, better, draws, grid, laws, posterior.spread, level, measured),
        pairs=_pairs(names, better, told, grid, laws),
        groups=[[names[i] for i in group] for group in groups],
        regret=float((draws.max(1) - draws[:, order[0]]).mean() * posterior.spread),
        check=check,
        next_runs=_next(scores, posterior, chosen, draws, target),
        own=float(posterior.weights @ posterior.own),
        length=float(posterior.weights @ posterior.lengths),
        noise=None if np.isnan(scores.sd) else scores.sd,
        warnings=warnings,
    )


def _metric(table: RunsTable, name: str | None) -> Any:
    there = {metric.name: metric for metric in table.metrics}
    if name is None:
        return table.metrics[0]
    if name not in there:
        raise BadInput(f"no metric '{name}'", key="--metric", remedy=f"the table has {listed(list(there))}")
    return there[name]


def table_scores(table: RunsTable, metric: str) -> Scores:
    """Medians of replicates by recipe and cell.

    Raises:
        BadInput: no recipes, no second one, or a metric that never differs.
    """
    for column in ("N", "D"):
        if not table.has(column):
            raise BadInput(f"has no {column}", where="runs", key="columns", remedy=f"name it: --columns {column}=...")
    if not table.has("recipe"):
        raise BadInput("has no recipes to rank", where="runs", key="columns", remedy="name them: --columns recipe=...")
    values = table.column(metric) * (1.0 if _metric(table, metric).higher_is_better else -1.0)
    n, d, names = table.column("N"), table.column("D"), table.text("recipe")
    found: dict[tuple[str, Cell], list[float]] = {}
    for row in np.flatnonzero(np.isfinite(values) & np.isfinite(n) & np.isfinite(d)).tolist():
        if (name := names[row]) is not None:
            found.setdefault((name, Cell(float(n[row]), float(d[row]))), []).append(float(values[row]))
    at = sorted({cell for _, cell in found}, key=lambda cell: (cell.compute, cell))
    known = list(dict.fromkeys(name for name, _ in found))
    if len(known) < 2:
        raise BadInput(f"has {len(known)} recipes with '{metric}'", where="runs", remedy="rank two or more")
    scores = Scores(
        names=known,
        at=at,
        recipes=np.array([known.index(name) for name, _ in found], dtype=np.intp),
        cells=np.array([at.index(cell) for _, cell in found], dtype=np.intp),
        groups=[np.array(group) for group in found.values()],
    )
    if np.ptp(scores.values) == 0:
        said = f"'{metric}' is {abs(scores.values[0]):g} everywhere"
        raise BadInput(said, where="runs", remedy="choose another --metric")
    return scores


def _last_of_each_run(table: RunsTable) -> tuple[npt.NDArray[np.bool_], list[Warn]]:
    """(n,) whether a row is the one with the most tokens of its training run at its size; a warning of the others."""
    kept = np.ones(len(table), dtype=bool)
    if not table.has("group", "N", "D"):
        return kept, list(table.warnings)
    most: dict[tuple[Any, ...], int] = {}
    d, n = table.column("D"), table.column("N")
    groups, seeds, names = table.text("group"), table.text("seed"), table.text("recipe")
    for row, group in enumerate(groups):
        if group is None:
            continue
        key = (group, seeds[row], names[row], n[row])
        other = most.get(key)
        if other is None or d[row] > d[other]:
            most[key] = row
            if other is not None:
                kept[other] = False
        else:
            kept[row] = False
    left = int((~kept).sum())
    message = f"{left} checkpoints are left out: of one training run at one size only the last counts"
    return kept, [*table.warnings, *([Warn(code="checkpoints", message=message)] if left else [])]


def _chosen(scores: Scores, recipes: Sequence[str] | None) -> list[int]:
    if recipes is None:
        return list(range(len(scores.names)))
    for name in recipes:
        if name not in scores.names:
            raise BadInput(
                f"no runs of the recipe {name!r}", key="--recipe", remedy=f"it has {listed(scores.names[:20])}"
            )
    chosen = [scores.names.index(name) for name in dict.fromkeys(recipes)]
    if len(chosen) < 2:
        raise BadInput("one recipe is no ranking", key="--recipe", remedy="name two or more, or leave it out")
    return chosen


def _target(scores: Scores, params: int | str | None, tokens: int | str | None) -> Cell:
    if (params is None) != (tokens is None):
        key = "--params" if params is None else "--tokens"
        raise BadInput("is missing", key=key, remedy="name both, or neither for the largest measured")
    if params is not None:
        return Cell(float(parsed(parse_count, params, "--params")), float(parsed(parse_count, tokens, "--tokens")))
    shared = [cell for place, cell in enumerate(scores.at) if (scores.cells == place).sum() > 1]
    return (shared or scores.at)[-1]


def _laws(grid: Floats, places: Floats, target: float, unit: str) -> Floats:
    """(k,) what each recipe's own line through its scores against log10 compute says at the target; of losses a power
    law (the logarithm of the loss). NaN below two scales."""
    found = np.full(len(grid), np.nan)
    losses = unit in ("nats", "bits") and bool(np.all(grid[np.isfinite(grid)] < 0))
    for place, row in enumerate(grid):
        known = np.isfinite(row)
        if len(set(places[known])) < 2:
            continue
        y = -np.log(-row[known]) if losses else row[known]
        slope, intercept = np.polyfit(places[known], y, 1)
        found[place] = intercept + slope * target
    return found


def _single(grid: Floats, first: int, second: int) -> bool | None:
    """Whether the first is above the second at the largest cell that both were measured at."""
    both = np.flatnonzero(np.isfinite(grid[first]) & np.isfinite(grid[second]))
    if len(both) == 0 or grid[first, both[-1]] == grid[second, both[-1]]:
        return None
    return bool(grid[first, both[-1]] > grid[second, both[-1]])


def _by_law(laws: Floats, first: int, second: int) -> bool | None:
    if not np.isfinite(laws[[first, second]]).all() or laws[first] == laws[second]:
        return None
    return bool(laws[first] > laws[second])


def _groups(order: npt.NDArray[np.intp], told: npt.NDArray[np.bool_]) -> list[list[int]]:
    """In order, a new group wherever a recipe is told apart from the first of the group."""
    groups: list[list[int]] = []
    for place in order.tolist():
        if groups and not told[groups[-1][0], place]:
            groups[-1].append(place)
        else:
            groups.append([place])
    return groups


def _recipes(
    scores: Scores,
    chosen: list[int],
    order: npt.NDArray[np.intp],
    groups: list[list[int]],
    better: Floats,
    draws: Floats,
    grid: Floats,
    laws: Floats,
    spread: float,
    level: float,
    metric: Any,
) -> list[RankedRecipe]:
    first = int(order[0])
    best = np.bincount(draws.argmax(1), minlength=len(chosen)) / len(draws)
    behind = (draws[:, [first]] - draws) * spread
    regret = (draws.max(1, keepdims=True) - draws).mean(0) * spread
    tails = np.quantile(behind, [(1 - level) / 2, (1 + level) / 2], axis=0)
    group_of = {place: number for number, group in enumerate(groups, 1) for place in group}
    with_first = [int(np.flatnonzero(np.isfinite(grid[i]) & np.isfinite(grid[first])).max(initial=-1)) for i in order]
    cell = max(with_first)
    singles = _places({i: grid[i, cell] for i in order.tolist() if cell >= 0 and np.isfinite(grid[i, cell])})
    by_law = _places({i: laws[i] for i in order.tolist() if np.isfinite(laws[i])})
    found = []
    for number, i in enumerate(order.tolist(), 1):
        mine = np.flatnonzero(scores.recipes == chosen[i])
        largest = mine[np.argmax(scores.cells[mine])]
        at = scores.at[scores.cells[largest]]
        middle = 0.0 if i == first else float(behind[:, i].mean())
        found.append(
            RankedRecipe(
                recipe=scores.names[chosen[i]],
                place=number,
                group=group_of[i],
                runs=int(scores.counts[mine].sum()),
                params=round(at.N),
                tokens=round(at.D),
                measured=float(scores.values[largest]) * (1.0 if metric.higher_is_better else -1.0),
                behind=Interval(mid=middle, low=float(tails[0, i]), high=float(tails[1, i]), level=level),
                best=float(best[i]),
                beats_first=0.5 if i == first else float(better[i, first]),
                regret=float(regret[i]),
                single=singles.get(i),
                law=by_law.get(i),
            )
        )
    return found


def _places(values: dict[int, float]) -> dict[int, int]:
    ordered = sorted(values, key=lambda i: -values[i])
    return {i: place for place, i in enumerate(ordered, 1)}


def _pairs(
    names: list[str], better: Floats, told: npt.NDArray[np.bool_], grid: Floats, laws: Floats
) -> list[RankedPair]:
    found = []
    for a, b in combinations(range(len(names)), 2):
        if better[a, b] < better[b, a]:
            a, b = b, a
        found.append(
            RankedPair(
                better=names[a],
                worse=names[b],
                probability=float(better[a, b]),
                decided=bool(told[a, b]),
                single=_single(grid, a, b),
                law=_by_law(laws, a, b),
            )
        )
    return sorted(found, key=lambda pair: -pair.probability)


def check_at(scores: Scores, held: Scores, cell: Cell, unit: str, level: float) -> RankCheck | None:
    """How well ``scores`` foretell the order that ``held`` measured at ``cell``; None: no pair is in both."""
    target = float(np.log10(cell.compute))
    there = {
        held.names[recipe]: float(group.mean())
        for recipe, place, group in zip(held.recipes, held.cells, held.groups, strict=True)
        if held.at[place] == cell
    }
    mine = [place for place, name in enumerate(scores.names) if name in there]
    if len(mine) < 2:
        return None
    better = scores.posterior(target).better()[np.ix_(mine, mine)]
    told = decided(better, level)
    grid = scores.grid()[mine]
    laws = _laws(grid, scores.places, target, unit)
    truth = [there[scores.names[place]] for place in mine]
    sure, right, kept, single, law = [], [], [], [], []
    for a, b in combinations(range(len(mine)), 2):
        if truth[a] == truth[b]:
            continue
        wins = truth[a] > truth[b]
        sure.append(max(better[a, b], better[b, a]))
        right.append((better[a, b] >= better[b, a]) == wins)
        kept.append(bool(told[a, b]))
        single.append(None if (said := _single(grid, a, b)) is None else said == wins)
        law.append(None if (said := _by_law(laws, a, b)) is None else said == wins)
    if not sure:
        return None
    p, ok, claimed = np.array(sure), np.array(right), np.array(kept)
    bins = []
    for low, high in pairwise(BINS):
        inside = (p >= low) & ((p < high) | (high == 1.0))
        if inside.any():
            bins.append(
                CalibrationBin(
                    low=low,
                    high=high,
                    expected=float(p[inside].mean()),
                    right=float(ok[inside].mean()),
                    pairs=int(inside.sum()),
                )
            )
    plain, lawful = [s for s in single if s is not None], [s for s in law if s is not None]
    return RankCheck(
        params=round(cell.N),
        tokens=round(cell.D),
        recipes=len(mine),
        pairs=len(p),
        right=float(ok.mean()),
        decided=float(claimed.mean()),
        decided_right=float(ok[claimed].mean()) if claimed.any() else None,
        single=float(np.mean(plain)) if plain else None,
        single_pairs=len(plain),
        law=float(np.mean(lawful)) if lawful else None,
        law_pairs=len(lawful),
        brier=float(np.mean((p - ok) ** 2)),
        bins=bins,
    )


def _check(scores: Scores, unit: str, level: float) -> RankCheck | None:
    """The largest size foretold from less compute, at the budget with the most recipes that were measured there too."""
    compute = np.array([cell.compute for cell in scores.at])
    seen = np.isfinite(scores.grid())

    def shared(place: int) -> int:
        below = compute < compute[place] * (1 - 1e-9)
        return int((seen[:, place] & seen[:, below].any(1)).sum())

    able = [place for place in range(len(scores.at)) if shared(place) > 1]
    if not able:
        return None
    best = max(able, key=lambda place: (scores.at[place].N, shared(place), compute[place]))
    below = scores.below(scores.at[best].compute)
    return None if below is None else check_at(below, scores, scores.at[best], unit, level)


def _next(scores: Scores, posterior: Posterior, chosen: list[int], draws: Floats, target: float) -> list[RankNext]:
    one = 0.0 if np.isnan(scores.sd) else scores.sd**2
    values = run_values(scores.measured(target), posterior, one)
    likely = np.argsort(-np.bincount(draws.argmax(1), minlength=len(chosen)), kind="stable")[:CANDIDATES]
    shared = [place for place in range(len(scores.at)) if (scores.cells == place).sum() > 1]
    found = [
        RankNext(
            recipe=scores.names[chosen[i]],
            params=round(scores.at[place].N),
            tokens=round(scores.at[place].D),
            flops=scores.at[place].compute,
            value=float(values[chosen[i], place]),
        )
        for i in likely.tolist()
        for place in shared
    ]
    return sorted((run for run in found if run.value > 0), key=lambda run: -run.value)[:NEXT]


def _warned(scores: Scores, decades: float, check: RankCheck | None) -> list[Warn]:
    warnings = []
    if np.isnan(scores.sd):
        message = "no run was repeated with another seed, so seed noise is part of what is taken to be a scale's own"
        warnings.append(Warn(code="no_replicates", message=message))
    if check is None:
        message = (
            "no recipe pair was measured at two scales: the probabilities rest on published runs alone (the prior)"
        )
        warnings.append(Warn(code="no_check", message=message))
    if decades > 1.5:
        message = f"the target lies {decades:.1f} decades of compute beyond the largest run"
        warnings.append(Warn(code="far", message=message))
    return warnings
