"""Is advice right, and do the next runs narrow it? On simulated studies whose truth is known.

python benchmarks/advice.py [STUDIES]      prints two Markdown tables; two and a half minutes of one core for 120

Each study: 3 sizes x 4 budgets x 4 shares of one kind, two seeds at the smallest size, 1 % noise, drawn from the law
that is fitted (so a law's own error is not in it), a question one decade beyond in N and D. The three next runs are
then trained (drawn) and the study is asked again, beside three random candidates that cost as much (half to all of
the dearest of them), and beside the three that tell most whatever they cost.
"""

import sys
from pathlib import Path

import numpy as np

from synthmix.advice.asked import Asked, ask
from synthmix.advice.candidates import candidates, recipe_name
from synthmix.advice.decide import decide
from synthmix.advice.gains import ranges
from synthmix.advice.knowledge import Knowledge, learn
from synthmix.advice.next_runs import next_runs
from synthmix.advice.outlook import Outlook, outlooks
from synthmix.markdown import markdown_table
from synthmix.results import Noise, Recipe, Results, RunRow, Spent
from synthmix.study import families

SIZES, BUDGETS, SHARES = (
    (100_000, 300_000, 1_000_000),
    (1_000_000, 3_000_000, 9_000_000, 27_000_000),
    (0, 1 / 3, 2 / 3, 1),
)
QUESTION, SD, DRAWS = (10_000_000, 270_000_000), 0.01, 300


class Truth:
    """Chinchilla with a parabola in the share, in E and in B: best share 0 to 60 %, worth 0 to 0.1 nats."""

    def __init__(self, rng: np.random.Generator) -> None:
        best, gain = rng.uniform(0, 0.6), rng.uniform(0, 0.1)
        bend = gain / max(best, 0.1) ** 2
        self.e = (1.9, -2 * bend * best, bend)
        self.b = (260.0, rng.normal(0, 10.0), rng.normal(0, 10.0))

    def loss(self, N: float, D: float, share: float) -> float:
        parts = [c[0] + c[1] * share + c[2] * share**2 for c in (self.e, self.b)]
        return float(parts[0] + 38 * N**-0.34 + parts[1] * D**-0.36)

    def differences(self, shares: np.ndarray) -> np.ndarray:
        """From real text alone, at the question."""
        return np.array([self.loss(*QUESTION, share) for share in shares]) - self.loss(*QUESTION, 0.0)


def row(truth: Truth, rng: np.random.Generator, place: int, cell: tuple[int, int], share: float, name: str) -> RunRow:
    """One run, drawn."""
    loss = truth.loss(*cell, share) * float(np.exp(SD * rng.standard_normal()))
    return RunRow(
        id=str(place), recipe=name, synthetic="hq" if share else None, share=share, params=cell[0],
        params_total=cell[0], tokens=cell[1], seed=place, loss=loss, losses={"all": loss}, bits={"all": loss},
        flops=6.0 * cell[0] * cell[1], seconds=1.0, tokens_per_second=1.0, epochs={},
    )  # fmt: skip


def study(truth: Truth, rng: np.random.Generator) -> Results:
    """A finished study."""
    rows = [
        row(truth, rng, 8 * i + seed, (N, D), share, f"{share:.0%} hq" if share else "web")
        for i, (N, D, share) in enumerate((N, D, share) for N in SIZES for D in BUDGETS for share in SHARES)
        for seed in range(2 if SIZES[0] == N else 1)
    ]
    return results_of(rows)


def results_of(rows: list[RunRow]) -> Results:
    """Results that hold these runs."""
    recipes = {r.recipe: Recipe(name=r.recipe, shares={"web": 1 - r.share, "hq": r.share} if r.share else {"web": 1},
                                synthetic=r.synthetic, share=r.share) for r in rows}  # fmt: skip
    flops = sum(r.flops for r in rows)
    spent = Spent(runs=len(rows), tokens=1, flops=flops, run_seconds=1, stage_seconds={}, device="")
    return Results(
        study="simulated", version="", averaging="", context=1, domains=[], corpora=[], recipes=list(recipes.values()),
        runs=rows, noise=Noise(sd=SD * 2.7, cells=16, runs=32), fits=[], curves=[], share_curves=[], answer=None,
        statistics=[], spent=spent, versions={}, protocol={}, warnings=[],
    )  # fmt: skip


def looked(results: Results, asked: Asked) -> tuple[Knowledge, list[Outlook]]:
    """The study, asked."""
    known = learn(results, asked, Path("simulated"), draws=DRAWS)
    return known, outlooks(known, asked)


def gain_at(looks: list[Outlook], share: float) -> tuple[float, float]:
    """Expected gain at a share, and its standard deviation over the draws."""
    place = int(np.argmin(np.abs(looks[0].shares - share)))
    column = looks[0].said[0].difference[:, place]
    return float(column[0]), float(column[1:].std())


def main(count: int) -> None:
    """Simulate, ask, train the next runs, ask again."""
    families.CANDIDATES = ("joint_quadratic",)
    asked = ask(*QUESTION, synthetic=["hq,price=1"])
    held, right, cost, rows = [], [], [], []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        truth = Truth(rng)
        results = study(truth, rng)
        known, looks = looked(results, asked)
        decision = decide(looks, asked.tokens, known.noise, known.level)
        true = truth.differences(looks[0].shares)
        best = float(looks[0].shares[np.argmin(true)])
        good = ranges(looks, decision, asked)
        held.append(any(each.low - 0.005 <= best <= each.high + 0.005 for each in good))
        chosen = decision.recommended
        mine = 0.0 if chosen.kind is None else float(true[chosen.place])
        right.append(mine - float(true.min()) <= known.noise)
        cost.append(mine - float(true.min()))
        top = 1 / 3  # a share fixed beforehand: at the one that looks best, the estimate is biased by the choice
        fact = float(truth.differences(np.array([top]))[0])
        before = gain_at(looks, top)
        runs = next_runs(known, asked, looks, decision)
        dearest = max(run.flops for run in runs)
        every = [one for one in candidates(known, dearest) if one.flops >= dearest / 2]
        picked = [every[i] for i in rng.choice(len(every), size=min(3, len(every)), replace=False)]
        dear = next_runs(known, asked, looks, decision, nearly=1.0)
        after = []
        for what in (runs, picked, dear):
            new = [
                row(truth, rng, 10_000 + i, (one.params, one.tokens), one.share,
                    "web" if one.kind is None else recipe_name(one)) for i, one in enumerate(what)
            ]  # fmt: skip
            after.append(gain_at(looked(results_of([*results.runs, *new]), asked)[1], top))
        flops = [sum(one.flops for one in what) / results.spent.flops for what in (runs, picked, dear)]
        both = [x for found in (before, *after) for x in (found[0] - fact, found[1])]
        rows.append([*both, runs[-1].sd_after, dear[-1].sd_after, *flops])
    table = np.array(rows)
    print(markdown_table(["what", "share of the studies"], [
        ["the truly best share is among those named as good", f"{np.mean(held):.0%}"],
        ["the recommended recipe is within a seed's noise of the truly best", f"{np.mean(right):.0%}"],
        ["what it loses to the truly best, mean (worst), nats", f"{np.mean(cost):.4f} ({max(cost):.3f})"],
    ]), end="\n\n")  # fmt: skip
    square = table[:, :8:2] ** 2
    error, said = np.sqrt(square.mean(axis=0)), np.sqrt((table[:, 1:8:2] ** 2).mean(axis=0))
    foretold = np.sqrt((table[:, 8:10] ** 2).mean(axis=0))
    flops = table[:, 10:].mean(axis=0)
    names = ["with the three next runs", "with three random ones", "with the three that tell most, whatever they cost"]
    told = [f"{foretold[0]:.4f}", "", f"{foretold[1]:.4f}"]
    print(markdown_table(
        ["gain at the question, nats", "error (rms)", "error variance removed (90 %)", "said to be", "foretold",
         "cost / study's"],
        [["the study", f"{error[0]:.4f}", "", f"{said[0]:.4f}", "", ""]]
        + [[name, f"{error[i]:.4f}", removed(square[:, 0], square[:, i]), f"{said[i]:.4f}", told[i - 1],
            f"{flops[i - 1]:.2f}"] for i, name in enumerate(names, start=1)],
    ))  # fmt: skip


def removed(before: np.ndarray, after: np.ndarray) -> str:
    """The part of the mean squared error that is gone, with its interval over studies."""
    rng = np.random.default_rng(0)
    picks = rng.integers(0, len(after), (2000, len(after)))
    drawn = 1 - after[picks].mean(axis=1) / before[picks].mean(axis=1)
    low, high = np.quantile(drawn, [0.05, 0.95])
    return f"{1 - after.mean() / before.mean():.0%} ({low:.0%} to {high:.0%})"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 120)
