"""Runs chosen where they tell most, replayed on published tables: ``python benchmarks/replay.py [table ...]``.

Every row of a table can be bought at 6 N D. Runs are bought in batches (each as dear as all before) by
synthmix.design.acquire and synthmix.scaling.acquisition, or in another order: at random, space-filling (each the
farthest, in log N, log D and mixture, from all before it) or the cheapest first. After each batch the same law names
the best of the options; what counts is the cost, as a share of the whole table's, from which on the mixture that is
named stays within noise of the best. A replay differs in its random order, first runs and draws of the law.

``slimpajama``: 7 sources (arXiv 2507.09404); options are the 20 mixtures trained at 1.235B, their mean loss at 46B
tokens as measured the truth; one run's noise .3 % of the loss (none was repeated). Settings were chosen on it.
``slimpajama-parts``: in each replay a random 30 of the 60 mixtures. ``finephrase``: 213 recipes of a 1.7B student
(arXiv 2604.13977), their macro score at the last checkpoint the truth; noise that of replicates. Nothing was chosen
on it.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from synthmix.design.acquire import expected_losses, mixture_belief, recipe_belief
from synthmix.runs import read_runs
from synthmix.runs.mixtures import mixture_runs
from synthmix.scaling.acquisition import Belief, Points, choose_runs
from synthmix.scaling.mixtures import MixtureRuns, fit_mixtures

SHARED = Path(os.environ.get("SYNTHMIX_SHARED") or Path(__file__).parents[2] / "shared") / "golden" / "public_runs"
SLIM = "N=model_size,D=n_tokens,shares=weight_*,metrics=*_loss"
SEED_NOISE = 0.003  # of the loss: that of the public prior (synthmix.design.priors)
FIRST = 10  # runs at the cheapest place that has as many mixtures; a law of 7 sources needs as many
GRID = (0.0003, 0.001, 0.002, 0.0035, 0.006, 0.01, 0.018, 0.03, 0.055, 0.1, 0.2, 0.3)  # of the cost
DRAWS, END, GROWTH = 40, 0.2, 1.0
WITHIN = (1.0, 2.33)  # of one run's noise: one, and what two runs of one recipe lie apart in 90 % of cases
Array = np.ndarray
ORDERS = ("chosen", "random", "space-filling", "cheapest first")


@dataclass(frozen=True, eq=False)
class Published:
    """A table: costs (n,), places (n, 2) and mixtures (n,) of its rows; how far each option (m,) falls short of the
    best in truth, and one run's noise; ``believe(rows, candidates, seed)``; ``named(rows)``: the option that a law of
    these rows names."""

    costs: Array
    places: Array
    mixtures: Array
    shares: Array
    short: Array
    noise: float
    believe: Callable[[Array, Array, int], Belief]
    named: Callable[[Array], int | None]


@cache
def _slimpajama() -> MixtureRuns:
    runs = mixture_runs(read_runs(SHARED / "slimpajama_7_sources.csv.gz", SLIM, skip_bad=True))
    runs = runs.select(np.isfinite(runs.losses).all(axis=1))
    return MixtureRuns(points=runs.points, losses=runs.losses.mean(axis=1, keepdims=True), domains=("mean",))


def slimpajama(parts: bool, seed: int) -> Published:
    """The mean of the eight domains' losses."""
    runs = _slimpajama()
    if parts:
        kept = np.random.default_rng([seed, 3]).permutation(60)[:30]
        runs = runs.select(np.isin(runs.points.mixtures, kept))
    points = runs.points
    last = (0.99 * points.N.max() < points.N) & (0.99999 * points.D.max() < points.D)
    options, truth = points.select(last), runs.losses[last, 0]

    def believe(rows: Array, candidates: Array, seed: int) -> Belief:
        found = fit_mixtures("effective_tokens", runs.select(rows), draws=DRAWS, hold_out=False, seed=seed)
        return mixture_belief(found, options, points.select(candidates))

    def named(rows: Array) -> int | None:
        some = runs.select(rows)
        if len(np.unique(some.points.mixtures)) < FIRST:
            return None
        return int(np.argmin(expected_losses(fit_mixtures("effective_tokens", some, draws=0, hold_out=False), options)))

    places = np.column_stack([np.log10(points.N), np.log10(points.D)])
    short, noise = truth - truth.min(), SEED_NOISE * float(truth.min())
    costs = 6 * points.N * points.D
    return Published(costs, places, points.mixtures, points.shares, short, noise, believe, named)


@cache
def _finephrase() -> tuple[Array, Array, list[str], Array, Array]:
    """N, D, recipe, seed and macro score of every checkpoint."""
    import csv
    import gzip

    sizes, rows = {"-0.5b": 0.5e9, "-2.9b": 2.9e9, "": 1.7e9}, []
    with gzip.open(SHARED / "finephrase_runs.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            bare = re.sub(r"--data-seed=\d-seed=\d$", "", row["runname"])
            size = next(size for size in sizes if bare.endswith(size))
            rows.append(
                (sizes[size], float(row["steps"]) * 2.1e6, bare.removesuffix(size), float(row["agg_score_macro"]))
            )
    N, D, recipes, scores = zip(*rows, strict=True)
    return np.array(N), np.array(D), list(recipes), np.array(scores), np.arange(len(rows))


def finephrase(seed: int) -> Published:
    """Minus the logarithm of the macro score; recipes with one run or more to the end at 1.7B."""
    N, D, recipes, scores, _ = _finephrase()
    names = sorted(set(recipes))
    mixture = np.array([names.index(name) for name in recipes])
    shares = np.array([_parts(name, names) for name in names])[mixture]
    values, places = -np.log(np.maximum(scores, 1e-3)), np.column_stack([np.log10(N), np.log10(D)])
    last = (N == 1.7e9) & (D == 2.1e10)
    ends = sorted(set(mixture[last].tolist()))
    truth = np.array([scores[last & (mixture == each)].mean() for each in ends])
    first = np.array([int(np.flatnonzero(last & (mixture == each))[0]) for each in ends])
    options = Points(shares[first], places[first])
    groups = [scores[last & (mixture == each)] for each in ends]
    freedom = sum(len(group) - 1 for group in groups)
    noise = float(np.sqrt(sum(((group - group.mean()) ** 2).sum() for group in groups) / freedom))
    relative = noise / float(np.median(truth))

    def believe(rows: Array, candidates: Array, seed: int) -> Belief:
        runs, made = Points(shares[candidates], places[candidates]), Points(shares[rows], places[rows])
        return recipe_belief(options, runs, made, values[rows], relative)

    def named(rows: Array) -> int | None:
        return believe(rows, rows[:1], 0).best

    return Published(6 * N * D, places, mixture, shares, truth.max() - truth, noise, believe, named)


def _parts(name: str, names: list[str]) -> Array:
    """Shares (k,) of a recipe: ``mix-A-B`` is equal parts, ``mix-0.9-A-0.1-B`` as written, else one source."""
    known = _sources(tuple(names))
    found = np.zeros(len(known))
    for source, share in _read(name).items():
        found[known.index(source)] = share
    return found


@cache
def _sources(names: tuple[str, ...]) -> list[str]:
    return sorted({source for name in names for source in _read(name)})


def _read(name: str) -> dict[str, float]:
    if not name.startswith("mix-"):
        return {name: 1.0}
    parts = name.removeprefix("mix-").replace("qwen3-1.7b", "qwen3_1.7b").split("-")
    if re.fullmatch(r"[0-9.]+", parts[0]):
        return {source: float(share) for share, source in zip(parts[::2], parts[1::2], strict=True)}
    return {source: 1 / len(parts) for source in parts}


TABLES = {
    "slimpajama": partial(slimpajama, False),
    "slimpajama-parts": partial(slimpajama, True),
    "finephrase": finephrase,
}


def first_runs(table: Published, rng: np.random.Generator) -> list[int]:
    """Of the cheapest place with enough mixtures, some at random."""
    for cost in np.unique(np.round(table.costs, -15)):
        there = np.flatnonzero(np.isclose(table.costs, cost, rtol=1e-3))
        _, one = np.unique(table.mixtures[there], return_index=True)
        if len(one) >= FIRST:
            return rng.permutation(there[one])[:FIRST].tolist()
    raise ValueError("no place has as many mixtures")


def chosen_path(table: Published, seed: int) -> list[tuple[float, int | None]]:
    """Share of the cost, option named: after every batch, up to END."""
    have, full = first_runs(table, np.random.default_rng(seed)), table.costs.sum()
    path: list[tuple[float, int | None]] = []
    while True:
        rows = np.array(sorted(have))
        left = np.setdiff1d(np.arange(len(table.costs)), rows)
        belief = table.believe(rows, left, seed)
        spent = table.costs[have].sum()
        path.append((spent / full, belief.best))
        if spent > END * full:
            return path
        costs, places = table.costs[left], np.arange(len(left))
        picks = choose_runs([(belief, places)], costs, target="regret", spend=GROWTH * spent, count=40)
        picks = picks or choose_runs([(belief, places)], costs, target="regret", spend=np.inf, count=3)
        if not picks:
            return path
        have += left[[pick.run for pick in picks]].tolist()


def ordered_path(table: Published, order: Array) -> list[tuple[float, int | None]]:
    """The same of a fixed order, at the shares of GRID."""
    spent = np.cumsum(table.costs[order]) / table.costs.sum()
    counts = np.searchsorted(spent, GRID, side="right")
    return [
        (share, table.named(np.sort(order[:count])) if count else None)
        for share, count in zip(GRID, counts, strict=True)
    ]


def order_of(table: Published, kind: str, seed: int) -> Array:
    """All rows in this order."""
    rng = np.random.default_rng([seed, 1])
    count = len(table.costs)
    if kind == "random":
        return rng.permutation(count)
    if kind == "cheapest first":
        return np.lexsort([rng.random(count), np.round(table.costs, -15)])
    unique, at = np.unique(table.mixtures, return_index=True)
    each, apart = table.shares[at], np.searchsorted(unique, table.mixtures)
    near = ((each[:, None] - each[None]) ** 2).sum(axis=2)
    scaled = table.places / np.ptp(table.places, axis=0)
    order = [int(rng.integers(count))]
    nearest = np.full(count, np.inf)
    while len(order) < count and table.costs[order].sum() < 0.5 * table.costs.sum():
        far = ((scaled - scaled[order[-1]]) ** 2).sum(axis=1) + near[apart, apart[order[-1]]]
        nearest = np.minimum(nearest, far)
        nearest[order[-1]] = -1.0
        order.append(int(np.argmax(nearest + 1e-9 * rng.random(count))))
    return np.array(order)


def settled(table: Published, path: list[tuple[float, int | None]]) -> list[float]:
    """The share of the cost from which on the option that is named stays within noise of the best, for each of WITHIN;
    inf: not even at the end."""
    found = []
    for within in WITHIN:
        good = [named is not None and table.short[named] <= within * table.noise for _, named in path]
        place = len(good)
        while place > 0 and good[place - 1]:
            place -= 1
        found.append(path[place][0] if place < len(good) else np.inf)
    return found


def replay(name: str, kind: str, seed: int) -> list[float]:
    """One replay."""
    table = TABLES[name](seed)
    if kind == "chosen":
        return settled(table, chosen_path(table, seed))
    return settled(table, ordered_path(table, order_of(table, kind, seed)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", default=list(TABLES), choices=list(TABLES))
    parser.add_argument("--replays", type=int, default=200)
    parser.add_argument("--orders", default=",".join(ORDERS))
    parser.add_argument("--workers", type=int, default=1)
    asked = parser.parse_args()
    if not SHARED.is_dir():
        sys.exit(f"no published runs in {SHARED}; name the folder with golden/ in SYNTHMIX_SHARED")
    print("| table, order, within | replays | median cost (90 %) | mean | 90 % of replays | by 20 % | of random's |")
    print("|---|---|---|---|---|---|---|")
    for name in asked.tables:
        found: dict[str, Array] = {}
        for kind in sorted(asked.orders.split(","), key=lambda kind: kind != "random"):
            began = time.perf_counter()
            with ProcessPoolExecutor(asked.workers) as pool:
                found[kind] = np.array(list(pool.map(partial(replay, name, kind), range(asked.replays))))
            for place, within in enumerate(WITHIN):
                rows = {order: costs[:, place] for order, costs in found.items()}
                print(_row(f"{name}, {kind}, {within:g} sd", kind, rows), flush=True)
            print(f"<!-- {time.perf_counter() - began:.0f} s -->", file=sys.stderr, flush=True)


def _row(name: str, kind: str, found: dict[str, Array]) -> str:
    costs, rng = found[kind], np.random.default_rng(0)
    resampled = rng.choice(costs, (2000, len(costs)))
    middle = np.median(resampled, axis=1)
    ends = np.quantile(middle, [0.05, 0.95], method="nearest")
    cells = [name, str(len(costs)), f"{_share(np.median(costs))} ({_share(ends[0])} to {_share(ends[1])})"]
    cells += [_share(np.mean(np.minimum(costs, 1.0))), _share(np.quantile(costs, 0.9, method="nearest"))]
    cells += [f"{np.mean(costs <= END):.0%}"]
    if "random" in found and kind != "random":
        other = np.median(rng.choice(found["random"], (2000, len(found["random"]))), axis=1)
        with np.errstate(invalid="ignore"):
            low, high = np.nanquantile(middle / other, [0.05, 0.95], method="nearest")
        cells.append(f"{np.median(costs) / np.median(found['random']):.2g} ({low:.2g} to {high:.2g})")
    else:
        cells.append("1")
    return "| " + " | ".join(cells) + " |"


def _share(value: float) -> str:
    return f"{value:.2%}" if np.isfinite(value) else "never"


if __name__ == "__main__":
    main()
