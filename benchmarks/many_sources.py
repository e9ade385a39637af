"""Laws over many sources: do they predict unseen mixtures, larger models, and name the best mixture?

    python -m benchmarks.many_sources pile        # 17 sources: 512 runs, and 64 (five subsets), 256 unseen mixtures
    python -m benchmarks.many_sources slimpajama  # 7 sources: fitted on N <= .68B, held to N >= .937B
    python -m benchmarks.many_sources optimum     # simulated studies of 3, 5 and 10 sources with a known best mixture
    python -m benchmarks.many_sources process     # does the process of the residuals help the search for the optimum?
    python -m benchmarks.many_sources speed       # 17 sources x 13 domains x 512 runs, 200 draws, and the optimum

The tables are third parties' (read from SYNTHMIX_SHARED, or `shared` beside the checkout); LightGBM is the method of
arXiv 2407.01492, with its settings. Prints markdown tables.
"""

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from synthmix.decisions.optimize import decide_mixture
from synthmix.results.mixtures import MixtureQuestion
from synthmix.runs import read_runs
from synthmix.runs.mixtures import mixture_runs
from synthmix.scaling.mixtures import MixtureFit, MixturePoints, MixtureRuns, compare_mixtures, fit_mixtures

SHARED = Path(os.environ.get("SYNTHMIX_SHARED") or Path(__file__).parents[2] / "shared") / "golden" / "public_runs"
PILE = "shares=train_the_pile_*,metrics=metric/the_pile_*_val_loss"
SLIM = "N=model_size,D=n_tokens,shares=weight_*,metrics=*_loss"
CC = "pile_cc"
LAWS = (
    "effective_tokens",
    "effective_tokens_floors",
    "effective_tokens_power",
    "additive",
    "effective_tokens_linear",
    "exponential",
    "linear_shares",
)
Array = np.ndarray


def table(name: str, columns: str) -> MixtureRuns:
    """A published table as arrays."""
    return mixture_runs(read_runs(SHARED / name, columns, skip_bad=True))  # six rows of one table lack a loss


def lightgbm(runs: MixtureRuns, points: MixturePoints) -> Array:
    """Losses (n, t) by gradient boosting on the shares, a model a domain (settings of arXiv 2407.01492)."""
    from lightgbm import LGBMRegressor

    how = {"num_leaves": 31, "learning_rate": 1e-2, "n_estimators": 1000, "verbosity": -1, "seed": 42, "num_threads": 1}
    how |= {"min_child_samples": min(20, max(len(runs) // 10, 2))}
    found = []
    for losses in runs.losses.T:
        found.append(LGBMRegressor(**how).fit(runs.points.shares, losses).predict(points.shares))
    return np.column_stack(found)


def spearman(predicted: Array, measured: Array) -> Array:
    """Rank correlation of each domain (t,)."""
    from scipy.stats import spearmanr

    return np.array([spearmanr(p, m)[0] for p, m in zip(predicted.T, measured.T, strict=True)])


def covered(found: MixtureFit, test: MixtureRuns) -> Array:
    """Share of the held-out losses inside of the 90 % interval of a new run, by domain (t,)."""
    low, high = found.interval(test.points)
    known = np.isfinite(test.losses)
    inside = (test.losses >= low) & (test.losses <= high)
    return np.array([inside[known[:, i], i].mean() for i in range(test.losses.shape[1])])


# 17 sources


def pile(subsets: int) -> None:
    train, test = table("pile_17_sources_1m_train.csv.gz", PILE), table("pile_17_sources_1m_test.csv.gz", PILE)
    place = train.domains.index(CC)
    draws = [np.random.default_rng(seed).choice(len(train), 64, replace=False) for seed in range(subsets)]
    for count, parts in ((len(train), [np.arange(len(train))]), (64, draws)):
        print(
            f"\n| {count} runs | Pile-CC | 13 domains | error | covered, Pile-CC | covered, 13 domains |\n"
            "|---|---|---|---|---|---|"
        )
        for law in LAWS:
            fits = [fit_mixtures(law, train.select(part), draws=0) for part in parts]
            predicted = [fit.predict(test.points) for fit in fits]
            ranks = np.array([spearman(p, test.losses) for p in predicted])
            inside = np.array([covered(fit, test) for fit in fits])
            error = np.mean([np.abs(p / test.losses - 1).mean() for p in predicted])
            print(
                f"| {law} | {ranks[:, place].mean():.4f} | {ranks.mean():.4f} | {error:.2%} | "
                f"{inside[:, place].mean():.0%} | {inside.mean():.0%} |",
                flush=True,
            )
        predicted = [lightgbm(train.select(part), test.points) for part in parts]
        ranks = np.array([spearman(p, test.losses) for p in predicted])
        error = np.mean([np.abs(p / test.losses - 1).mean() for p in predicted])
        print(f"| LightGBM | {ranks[:, place].mean():.4f} | {ranks.mean():.4f} | {error:.2%} | - | - |", flush=True)


# 7 sources at several scales


def slimpajama(folds: int) -> None:
    runs = table("slimpajama_7_sources.csv.gz", SLIM)
    small, large = runs.points.N < 0.7e9, runs.points.N > 0.9e9
    ranked = compare_mixtures(runs.select(small), ["effective_tokens", "effective_tokens_power", "additive"])
    print("ranked by runs of N <= .68B alone:\n" + ranked.report())
    print(
        "\n| N >= .937B | error % | covered | mixtures trained at no scale: error % | covered |\n|---|---|---|---|---|"
    )
    labels = runs.points.mixtures
    order = np.random.default_rng(0).permutation(np.unique(labels[large]))
    for law in ("effective_tokens", "effective_tokens_floors", "effective_tokens_power", "additive", "exponential"):
        said = [_beyond(law, runs.select(small), runs.select(large))]
        unseen = []
        for i in range(folds):
            held = np.isin(labels, order[i::folds])
            unseen.append(_beyond(law, runs.select(small & ~held), runs.select(large & held)))
        new = np.average(unseen, axis=0, weights=[each[2] for each in unseen])
        print(f"| {law} | {said[0][0]:.2%} | {said[0][1]:.1%} | {new[0]:.2%} | {new[1]:.1%} |", flush=True)


def _beyond(law: str, train: MixtureRuns, test: MixtureRuns) -> tuple[float, float, int]:
    found = fit_mixtures(law, train, draws=0)
    known = np.isfinite(test.losses)
    low, high = found.interval(test.points)
    inside = ((test.losses >= low) & (test.losses <= high))[known].mean()
    return float(np.abs(found.predict(test.points) / test.losses - 1)[known].mean()), float(inside), int(known.sum())


# Simulated studies


@dataclass(frozen=True)
class Truth:
    """A law with its best mixture (k,): E 1.8, losses that range over some tenths of a nat."""

    loss: Callable[[Array], Array]
    best: Array
    lowest: float


def truth(k: int, kind: str, rng: np.random.Generator) -> Truth:
    """``power``: worth x^g; ``log``: t log(1 + x / t), a finite slope at 0; three sources in ten are worth nothing.
    ``flat``: all sources nearly alike, so that hardly any mixture is better than another."""
    from scipy.optimize import minimize

    log_w, g, t = rng.normal(0, 0.8, k), rng.uniform(0.3, 0.9, k), np.exp(rng.normal(-0.5, 0.7, k))
    nothing = rng.random(k) < 0.3
    if kind == "flat":
        log_w, g = rng.normal(0, 0.1, k), np.full(k, 0.85)
    else:
        log_w = np.where(nothing & ~nothing.all(), -np.inf, log_w)
    w, size = np.exp(log_w), rng.uniform(0.8, 1.4)

    def loss(shares: Array) -> Array:
        rows = np.atleast_2d(shares)
        worth = w * t * np.log1p(rows / t) if kind == "log" else w * rows**g
        return np.asarray(1.8 + size * (np.exp(-1.0) + worth.sum(axis=1)) ** -0.5)

    tries = [
        minimize(
            lambda r: float(loss(np.maximum(r, 1e-12))[0]), 0.8 * rng.dirichlet(np.ones(k)) + 0.2 / k,
            bounds=[(0, 1)] * k, constraints={"type": "eq", "fun": lambda r: r.sum() - 1}, method="SLSQP",
            options={"maxiter": 500, "ftol": 1e-13},
        )
        for _ in range(3)
    ]  # fmt: skip
    best = min(tries, key=lambda found: float(found.fun)).x
    best = np.where(best < 1e-5, 0.0, best)
    best /= best.sum()
    return Truth(loss, best, float(loss(best)[0]))


def study(k: int, count: int, of: Truth, rng: np.random.Generator, noise: float) -> MixtureRuns:
    """Each source alone, the even mixture three times, and random mixtures; ``noise`` in log-loss."""
    shares = np.vstack([np.eye(k), np.full((3, k), 1 / k), rng.dirichlet(np.full(k, 0.7), size=count - k - 3)])
    losses = of.loss(shares) * np.exp(noise * rng.standard_normal(count))
    points = MixturePoints(sources=tuple(f"s{i}" for i in range(k)), shares=shares)
    return MixtureRuns(points=points, losses=losses[:, None], domains=("loss",))


def optimum(simulations: int, first: int, noise: float) -> None:
    print(
        f"noise {noise:.2%} of the loss, {simulations} studies a row, seeds from {first}; regret in nats\n\n"
        "| sources, runs, truth | within .003 | mean regret | argmax of the same law | of a quadratic "
        "| best measured | LightGBM, 10,000 random | covered, share above 0 | covered, all | zeros found "
        "| gain covered |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|"
    )
    total: dict[str, list[float]] = {}
    for k, count in ((3, 24), (5, 40), (10, 80)):
        for kind in ("power", "log", "flat"):
            rows = [_one(k, count, kind, seed, noise) for seed in range(first, first + simulations)]
            _line(f"{k}, {count}, {kind}", rows)
            for row in rows:
                for key, values in row.items():
                    total.setdefault(key, []).extend(values)
    _line("all", [total])


def _line(name: str, rows: list[dict[str, list[float]]]) -> None:
    pooled = {key: np.array([x for row in rows for x in row[key]]) for key in rows[0]}
    mean = {key: f"{values.mean():.5f}" if len(values) else "-" for key, values in pooled.items()}
    share = {key: f"{values.mean():.0%}" if len(values) else "-" for key, values in pooled.items()}
    cells = [
        f"{(pooled['regret'] < 0.003).mean():.0%}",
        *(mean[key] for key in ("regret", "plug-in", "quadratic", "measured", "lightgbm")),
        *(share[key] for key in ("positive", "all", "zero", "gain")),
    ]
    print("| " + " | ".join([name, *cells]) + " |", flush=True)


def _one(k: int, count: int, kind: str, seed: int, noise: float) -> dict[str, list[float]]:
    rng = np.random.default_rng([seed, k])
    of = truth(k, kind, rng)
    runs = study(k, count, of, rng, noise)
    found = fit_mixtures("effective_tokens", runs, seed=seed)
    said = decide_mixture(found, MixtureQuestion(natural={"s0": 1.0}))
    shares = np.array([said.mixture.get(name, 0.0) for name in found.sources])
    regret = _regret(of)
    row: dict[str, list[float]] = {"regret": [regret(shares)], "positive": [], "zero": [], "all": []}
    row["measured"] = [regret(runs.points.shares[runs.losses[:, 0].argmin()])]
    plain = fit_mixtures("log_quadratic", runs, draws=0, hold_out=False)
    row["plug-in"], row["quadratic"] = [regret(_plug_in(found))], [regret(_plug_in(plain))]
    random = rng.dirichlet(np.ones(k), size=10_000)
    points = MixturePoints(sources=found.sources, shares=random)
    row["lightgbm"] = [regret(random[lightgbm(runs, points)[:, 0].argmin()])]
    for best, each in zip(of.best.tolist(), said.shares, strict=True):
        inside = float((each.interval.low or 0.0) - 1e-9 <= best <= (each.interval.high or 0.0) + 1e-9)
        row["all"].append(inside)
        if best > 0:
            row["positive"].append(inside)
        else:
            row["zero"].append(float(each.verdict in ("none", "at most")))
    assert said.natural is not None
    gain = float(of.loss(np.eye(k)[0])[0] - of.loss(shares)[0])
    row["gain"] = [float(bool(said.natural.gain.holds(gain)))]
    return row


def _regret(of: Truth) -> Callable[[Array], float]:
    return lambda shares: float(of.loss(shares)[0]) - of.lowest


def _plug_in(found: MixtureFit) -> Array:
    """The optimum at the best parameters: no draws, nothing averaged."""
    from synthmix.scaling.mixtures.optimum import Limits, Objective
    from synthmix.scaling.mixtures.optimum import optimum as best

    k = len(found.sources)
    limits = Limits(np.zeros(k), np.ones(k), np.zeros((0, k)), np.zeros(0))
    shares: Array = best(
        Objective(found.law, found.units, found.sources, found.theta[None], np.ones(1)), limits
    ).shares[0]
    return shares


# The process of the residuals in the search


def interacting(k: int, rng: np.random.Generator) -> Truth:
    """``power``, and pairs of sources that gain or lose from each other, which no law here has."""
    base, pairs = truth(k, "power", rng), np.triu(rng.normal(0, 0.12, (k, k)), 1)

    def loss(shares: Array) -> Array:
        roots = np.sqrt(np.atleast_2d(shares))
        return np.asarray(base.loss(shares) - np.einsum("ni,ij,nj->n", roots, pairs, roots))

    tried = np.vstack([rng.dirichlet(np.full(k, 0.7), 20_000), rng.dirichlet(np.full(k, 3.0), 5_000)])
    best = nearby(loss, tried[loss(tried).argmin()], rng, 3000)
    return Truth(loss, best, float(loss(best)[0]))


def nearby(loss: Callable[[Array], Array], best: Array, rng: np.random.Generator, count: int = 1500) -> Array:
    """The lowest loss that random steps from ``best`` find, smaller and smaller ones."""
    for step in (0.3, 0.15, 0.08, 0.04, 0.02, 0.01):
        for _ in range(4):
            tried = np.maximum(best + step * rng.normal(0, 0.3, (count, len(best))), 0)
            tried = np.vstack([best, tried / tried.sum(axis=1, keepdims=True)])
            best = tried[loss(tried).argmin()]
    return best


def process(simulations: int, first: int, noise: float) -> None:
    k, count = 5, 120
    print("| truth | process found | regret of the law | with the process | better, worse |\n|---|---|---|---|---|")
    for kind in ("power", "log", "interacting"):
        rows = []
        for seed in range(first, first + simulations):
            rng = np.random.default_rng([seed, k])
            of = interacting(k, rng) if kind == "interacting" else truth(k, kind, rng)
            found = fit_mixtures("effective_tokens", study(k, count, of, rng, noise), draws=60, seed=seed)
            best, other = (
                np.array([said.mixture.get(name, 0.0) for name in found.sources])
                for said in (decide_mixture(fit, MixtureQuestion()) for fit in (replace(found, process=None), found))
            )
            rows.append((found.process is not None, _regret(of)(best), _regret(of)(other)))
        held, law, both = np.array(rows, dtype=float).T
        change = f"{(both < law - 1e-5).sum()}, {(both > law + 1e-5).sum()}"
        print(
            f"| {kind} | {held.sum():.0f} of {len(rows)} | {law.mean():.5f} | {both.mean():.5f} | {change} |",
            flush=True,
        )


# Speed


def speed() -> None:
    train = table("pile_17_sources_1m_train.csv.gz", PILE)
    start, cpu = time.perf_counter(), time.process_time()
    found = fit_mixtures("effective_tokens", train)
    took = f"{time.perf_counter() - start:.1f} s ({time.process_time() - cpu:.1f} s of one core)"
    print(f"fit, five folds held out, 200 draws: {took}")
    start, cpu = time.perf_counter(), time.process_time()
    said = decide_mixture(found, MixtureQuestion())
    took = f"{time.perf_counter() - start:.1f} s ({time.process_time() - cpu:.1f} s of one core)"
    print(f"optimum with intervals: {took}")
    print(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pile", "slimpajama", "optimum", "process", "speed"))
    parser.add_argument("--subsets", type=int, default=5, help="of 64 runs")
    parser.add_argument("--folds", type=int, default=4, help="of the mixtures, for those trained at no scale")
    parser.add_argument("--simulations", type=int, default=40, help="studies of a kind")
    parser.add_argument(
        "--first", type=int, default=1000, help="seed of the first; 0 to 29 chose the width of intervals"
    )
    parser.add_argument("--noise", type=float, default=0.002, help="of the log-loss")
    asked = parser.parse_args()
    if asked.what == "pile":
        pile(asked.subsets)
    elif asked.what == "slimpajama":
        slimpajama(asked.folds)
    elif asked.what == "optimum":
        optimum(asked.simulations, asked.first, asked.noise)
    elif asked.what == "process":
        process(asked.simulations, asked.first, asked.noise)
    else:
        speed()


if __name__ == "__main__":
    main()
