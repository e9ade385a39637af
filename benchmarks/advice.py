"""Is advice right, and do the next runs narrow it? On simulated studies whose truth is known.

python benchmarks/advice.py [STUDIES]      prints two Markdown tables; two and a half minutes of one core for 120

Each study: 3 sizes x 4 budgets x 4 shares of one kind, two seeds at the smallest size, 1 % noise, drawn from the law
that is fitted (so a law's own error is not in it), a question one decade beyond in N and D. The three next runs are
then trained (drawn) and the study is asked again, beside three random candidates that cost as much (half to all of
the dearest of them), and beside the three that tell most whatever they cost.
"""

import sys

import numpy as np

from synthmix.decisions import StudyFits, ask, fit_study
from synthmix.decisions import fits as laws
from synthmix.decisions.choose import choose
from synthmix.decisions.decide import loss_spread
from synthmix.decisions.economics import ranges
from synthmix.decisions.next_runs import candidates, next_runs, recipe_name
from synthmix.decisions.predict import Prediction, predictions
from synthmix.results import Question, Recipe, RunRow
from synthmix.runs import RunsTable
from synthmix.runs.table import of_rows
from synthmix.table import Table

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
        """From natural text alone, at the question."""
        return np.array([self.loss(*QUESTION, share) for share in shares]) - self.loss(*QUESTION, 0.0)


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    return Table.of("", dict.fromkeys(head, str), rows).markdown()


def row(truth: Truth, rng: np.random.Generator, place: int, cell: tuple[int, int], share: float, name: str) -> RunRow:
    """One run, drawn."""
    loss = truth.loss(*cell, share) * float(np.exp(SD * rng.standard_normal()))
    return RunRow(
        id=str(place), recipe=name, synthetic="hq" if share else None, share=share, params=cell[0],
        params_total=cell[0], tokens=cell[1], seed=place, loss=loss, losses={"all": loss}, bits={"all": loss},
        flops=6.0 * cell[0] * cell[1], seconds=1.0, tokens_per_second=1.0, epochs={},
    )  # fmt: skip


def study(truth: Truth, rng: np.random.Generator) -> list[RunRow]:
    """The runs of a finished study."""
    return [
        row(truth, rng, 8 * i + seed, (N, D), share, f"{share:.0%} hq" if share else "web")
        for i, (N, D, share) in enumerate((N, D, share) for N in SIZES for D in BUDGETS for share in SHARES)
        for seed in range(2 if SIZES[0] == N else 1)
    ]


def table_of(rows: list[RunRow]) -> RunsTable:
    """Their table."""
    recipes = {r.recipe: Recipe(name=r.recipe, shares={"web": 1 - r.share, "hq": r.share} if r.share else {"web": 1},
                                synthetic=r.synthetic, share=r.share) for r in rows}  # fmt: skip
    return of_rows(rows, recipes.values(), {"web": "natural", "hq": "synthetic"})


def looked(rows: list[RunRow], question: Question) -> tuple[RunsTable, StudyFits, list[Prediction]]:
    """The study's table, its laws, and what they predict at the question."""
    table = table_of(rows)
    fits = fit_study(table, bootstrap=DRAWS)
    return table, fits, predictions(table, fits, question)


def gain_at(found: list[Prediction], share: float) -> tuple[float, float]:
    """Expected gain at a share, and its standard deviation over the draws."""
    place = int(np.argmin(np.abs(found[0].shares - share)))
    column = found[0].laws[0].difference[:, place]
    return float(column[0]), float(column[1:].std())


def main(count: int) -> None:
    """Simulate, ask, train the next runs, ask again."""
    laws.CANDIDATES = ("joint_quadratic",)
    question = ask(*QUESTION, synthetic=["hq,price=1"])
    held, right, cost, rows = [], [], [], []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        truth = Truth(rng)
        runs_made = study(truth, rng)
        table, fits, found = looked(runs_made, question)
        noise = fits.noise.sd or 0.0
        choice = choose(found, question.tokens, noise, fits.level, loss_spread(table))
        true = truth.differences(found[0].shares)
        best = float(found[0].shares[np.argmin(true)])
        good = ranges(found, choice, question)
        held.append(any(each.low - 0.005 <= best <= each.high + 0.005 for each in good))
        chosen = choice.recommended
        mine = 0.0 if chosen.at is None else float(true[chosen.place])
        right.append(mine - float(true.min()) <= noise)
        cost.append(mine - float(true.min()))
        top = 1 / 3  # a share fixed beforehand: at the one that looks best, the estimate is biased by the choice
        fact = float(truth.differences(np.array([top]))[0])
        before = gain_at(found, top)
        spent = sum(r.flops for r in runs_made)
        runs = next_runs(table, found, choice, most_flops=spent)
        dearest = max(run.flops for run in runs)
        every = [one for one in candidates(table, found, dearest) if one.flops >= dearest / 2]
        picked = [every[i] for i in rng.choice(len(every), size=min(3, len(every)), replace=False)]
        dear = next_runs(table, found, choice, most_flops=spent, nearly=1.0)
        after = []
        for what in (runs, picked, dear):
            new = [
                row(truth, rng, 10_000 + i, (one.params, one.tokens), one.share,
                    "web" if one.kind is None else recipe_name(one)) for i, one in enumerate(what)
            ]  # fmt: skip
            after.append(gain_at(looked([*runs_made, *new], question)[2], top))
        flops = [sum(one.flops for one in what) / spent for what in (runs, picked, dear)]
        both = [x for found in (before, *after) for x in (found[0] - fact, found[1])]
        rows.append([*both, runs[-1].sd_after, dear[-1].sd_after, *flops])
    table = np.array(rows)
    print(_table(["what", "share of the studies"], [
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
    print(_table(
        ["gain at the question, nats", "error (rms)", "error variance removed (90 %)", "error by the draws", "foretold",
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
