"""A finished study made from a formula, with known answers and no training."""

import random
from collections.abc import Iterable

from synthmix.results import CorpusRow, Domain, Noise, Recipe, Results, RunRow, Spent, Statistic

SIZES = (100_000, 300_000, 1_000_000)
BUDGETS = (1_000_000, 3_000_000, 9_000_000)
SHARES = (1 / 3, 2 / 3, 1.0)
SD = 0.004  # of the log-loss
# Kind -> slope and curvature of the loss in the share: its best share is -slope / (2 curvature).
HELPS = {"hq": (-0.4, 0.6)}  # best at a third, 0.067 nats
Sources = dict[str, tuple[float, float]]


def truth(N: float, D: float, slope: float = 0.0, bend: float = 0.0, share: float = 0.0) -> float:
    """Chinchilla's law plus a parabola in the share: one of the laws that are fitted."""
    return 1.9 + 38 * N**-0.34 + 260 * D**-0.36 + slope * share + bend * share**2


def make_results(
    sources: Sources | None = None,
    *,
    sd: float = SD,
    shares: Iterable[float] = SHARES,
    sizes: Iterable[int] = SIZES,
    natural: bool = True,
    seeds: int = 2,
    **change: object,
) -> Results:
    """The study. ``seeds`` of the smallest size; ``natural`` False: no run on natural text alone."""
    sources = HELPS if sources is None else sources
    recipes = [Recipe(name="web", shares={"web": 1.0}, synthetic=None, share=0.0)] if natural else []
    for name in sources:
        for share in shares:
            parts = {"web": 1 - share, name: share} if share < 1 else {name: 1.0}
            recipes.append(Recipe(name=f"{share:.0%} {name}", shares=parts, synthetic=name, share=share))
    rng, runs = random.Random(1), []
    for N in sizes:
        for D in BUDGETS:
            for recipe in recipes:
                for seed in range(seeds if min(sizes) == N else 1):
                    parabola = sources[recipe.synthetic] if recipe.synthetic else (0.0, 0.0)
                    loss = truth(N, D, *parabola, recipe.share) * (1 + rng.gauss(0, sd))
                    runs.append(_run(len(runs), recipe, N, D, seed, loss))
    fields: dict[str, object] = {
        "study": "made",
        "version": "0.1.0",
        "averaging": "plain mean",
        "context": 128,
        "domains": [Domain(name="wiki", whole=True, documents=9, tokens=9000, bytes=36_000)],
        "corpora": [_corpus("web", "natural"), *(_corpus(name, "synthetic") for name in sources)],
        "recipes": recipes,
        "runs": runs,
        "noise": Noise(sd=SD * 4 if seeds > 1 else None, cells=9 if seeds > 1 else 0, runs=18 if seeds > 1 else 0),
        "fits": [],
        "curves": [],
        "share_curves": [],
        "statistics": [
            Statistic(recipe=r.name, domain="wiki", coverage_mass=0.99, coverage_types=0.9, kl_test_train=0.3,
                      smoothing="add 0.5", train_tokens=9000, test_tokens=9000)
            for r in recipes
        ],
        "spent": Spent(runs=len(runs), tokens=1, flops=sum(r.flops for r in runs), run_seconds=1.0, stage_seconds={},
                       device="CPU"),
        "versions": {},
        "protocol": {},
        "warnings": [],
    }  # fmt: skip
    return Results.model_validate({**fields, **change})


def _run(place: int, recipe: Recipe, N: int, D: int, seed: int, loss: float) -> RunRow:
    return RunRow(
        id=f"{place:016x}", recipe=recipe.name, synthetic=recipe.synthetic, share=recipe.share, params=N,
        params_total=2 * N, tokens=D, seed=seed, loss=loss, losses={"wiki": loss, "code": loss + 0.1},
        bits={"wiki": loss / 3, "code": loss / 3}, flops=12.0 * N * D, seconds=D / 40_000, tokens_per_second=40_000.0,
        epochs=recipe.shares,
    )  # fmt: skip


def _corpus(name: str, kind: str) -> CorpusRow:
    return CorpusRow.model_validate(
        {"name": name, "kind": kind, "documents": 9, "train_tokens": 10_000_000, "bytes": 9, "origin": "made",
         "license": "none", "removed": {}}
    )  # fmt: skip
