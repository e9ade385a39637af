"""Do 90 % intervals of predictions hold what published runs measured? Hold-outs of the largest N, D and compute.

    python benchmarks/calibration.py [--resamples 200] [--collections isoflops,...]

For every group (one table of runs of one recipe and one metric) each cut of ``scaling/model_error.inner_cuts`` is held
out, Chinchilla's law is fitted to the rest, and the losses held out are compared with the interval of a new run: by
resampling alone, and with the law's own error by inner cuts of the rest. The second is shown with the package's prior
and with one made of the other collections alone. Tables are read from SYNTHMIX_SHARED (or `shared` beside the
checkout); a collection that is absent is named and left out. A broken power law closes the table: simulated runs whose
law is not the one fitted.
"""

import argparse
import csv
import gzip
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from synthmix.errors import BadInput
from synthmix.scaling import Runs, fit, model_error
from synthmix.scaling.runs import Array

HEADINGS = (
    "| collection",
    "hold-outs, losses",
    "resampled: mean of hold-outs, pooled",
    "with model error",
    "with the prior of the other collections",
    "median width, x resampled",
    "factor that covers 90 %",
    "median error, by log least squares |",
)
SLIMPAJAMA_GROUPS = 20  # of 320, drawn with a fixed seed: they are alike


@dataclass(frozen=True)
class HeldOut:
    """One hold-out: predicted and measured log-losses, half-widths by resampling, and what the inner cuts say."""

    collection: str
    error: Array
    below: Array
    above: Array
    model: model_error.ModelError
    away: tuple[Array, Array]
    least_squares: Array

    def factor(self, prior: float) -> Array:
        """(n,), with another prior in place of the package's."""
        kept, model_error.PUBLIC_FACTOR = model_error.PUBLIC_FACTOR, prior
        try:
            return self.model.at(*self.away)
        finally:
            model_error.PUBLIC_FACTOR = kept

    def halves(self, factor: Array | float, floor: float = model_error.FLOOR) -> tuple[Array, Array]:
        """Half-widths below and above, the floor added in squares."""
        least = 1.645 * floor * self.away[1]
        return np.hypot(factor * self.below, least), np.hypot(factor * self.above, least)

    def covered(self, factor: Array | float, floor: float = model_error.FLOOR) -> Array:
        below, above = self.halves(factor, floor)
        return (self.error >= -below) & (self.error <= above)


def shared() -> Path:
    return Path(os.environ.get("SYNTHMIX_SHARED") or Path(__file__).parents[2] / "shared") / "golden"


def rows(name: str) -> list[dict[str, str]]:
    path = shared() / name
    if not path.is_file():
        print(f"{name}: not found, left out (set SYNTHMIX_SHARED)")
        return []
    plain = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(plain.decode().splitlines()))


def of(table: list[dict[str, str]], N: str, D: str, loss: str) -> Runs:
    table = [row for row in table if row[loss]]
    columns = [np.array([float(row[name]) for row in table]) for name in (N, D, loss)]
    return Runs(N=columns[0], D=columns[1], loss=columns[2])


def isoflops() -> Iterator[Runs]:
    table = [row for row in rows("public_runs/isoflops.csv.gz") if row["outlier"] != "True"]
    for name in dict.fromkeys(row["experiment"] for row in table):
        yield of([row for row in table if row["experiment"] == name], "params", "tokens", "loss")


def seven_sources() -> Iterator[Runs]:
    table = rows("public_runs/slimpajama_7_sources.csv.gz")
    if not table:
        return
    weights = [name for name in table[0] if name.startswith("weight_")]
    losses = [name for name in table[0] if name.endswith("_loss")]
    groups: dict[tuple[str, ...], list[dict[str, str]]] = {}
    for row in table:
        groups.setdefault(tuple(row[name] for name in weights), []).append(row)
    able = [(mine, loss) for mine in groups.values() for loss in losses if len({r["model_size"] for r in mine}) > 2]
    for place in np.random.default_rng(0).permutation(len(able))[:SLIMPAJAMA_GROUPS]:
        mine, loss = able[place]
        yield of(mine, "model_size", "n_tokens", loss)


def over_training() -> Iterator[Runs]:
    table = rows("overtraining_mlfoundations/runs.csv")
    losses = [name for name in (table[0] if table else {}) if name.startswith("loss_") and not name.endswith("95")]
    for name in dict.fromkeys(row["dataset"] for row in table):
        for loss in losses:
            yield of([row for row in table if row["dataset"] == name], "N", "D", loss)


def chinchilla() -> Iterator[Runs]:
    table = rows("chinchilla_epoch/svg_extracted_data.csv")
    if table:
        table = sorted(table, key=lambda row: float(row["loss"]))[:-5]
        N, C, loss = (np.array([float(row[k]) for row in table]) for k in ("Model Size", "Training FLOP", "loss"))
        yield Runs(N=N, D=C / (6 * N), loss=loss)


def simulated() -> Iterator[Runs]:
    """Runs of E + A N^-alpha + B D^-beta (1 + D / D_b)^-0.2: the exponent grows within the runs."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        N, D = (g.ravel() for g in np.meshgrid(np.geomspace(1e7, 3e9, 6), np.geomspace(2e8, 1e11, 6)))
        loss = 1.8 + 400 * N**-0.34 + 300 * D**-0.28 * (1 + D / 10 ** rng.uniform(9, 11)) ** -0.2
        yield Runs(N=N, D=D, loss=loss * np.exp(0.002 * rng.standard_normal(len(N))))


COLLECTIONS = {
    "isoflops": isoflops, "seven sources": seven_sources, "over-training": over_training, "chinchilla": chinchilla,
    "simulated broken law": simulated,
}  # fmt: skip


def held_out(name: str, runs: Runs, resamples: int) -> Iterator[HeldOut]:
    for _, _, kept in model_error.inner_cuts(runs):
        if kept.all() or kept.sum() < model_error.FEWEST_ROWS:
            continue
        train, test = runs.select(kept), runs.select(~kept)
        try:
            fitted = fit("chinchilla", train, bootstrap=resamples)
            plain = fit("chinchilla", train, bootstrap=0, delta=np.inf)
        except BadInput:
            continue
        error = fitted.model_error
        fitted = replace(fitted, model=model_error.NO_MODEL_ERROR)
        at = {"N": test.N, "D": test.D}
        low, high = (np.log(np.maximum(end, 1e-9)) for end in fitted.interval(kind="new_run", **at))
        middle, measured = np.log(fitted.predict(**at)), np.log(test.loss)
        yield HeldOut(
            name,
            measured - middle,
            middle - low,
            high - middle,
            error,
            model_error.away(train, test),
            measured - np.log(plain.predict(**at)),
        )


def coverage(found: list[HeldOut], prior: float | None) -> tuple[float, float, float, float]:
    """Mean of hold-outs, pooled, median width (log-loss), median of each width over that of resampling; ``prior`` None:
    resampling alone."""
    plain = prior is None
    floor = 0.0 if plain else model_error.FLOOR
    factors = [1.0 if prior is None else one.factor(prior) for one in found]
    inside = [one.covered(factor, floor) for one, factor in zip(found, factors, strict=True)]
    widths = [sum(one.halves(factor, floor)) for one, factor in zip(found, factors, strict=True)]
    ratios = [np.median(width / (one.below + one.above)) for one, width in zip(found, widths, strict=True)]
    return (
        float(np.mean([part.mean() for part in inside])), float(np.concatenate(inside).mean()),
        float(np.median([np.median(width) for width in widths])), float(np.median(ratios)),
    )  # fmt: skip


def needed(found: list[HeldOut]) -> float:
    """The one factor at which intervals by resampling cover 90 % as a mean of hold-outs."""
    grid = np.geomspace(0.2, 10, 400)
    means = np.array([np.mean([one.covered(float(factor), 0.0).mean() for one in found]) for factor in grid])
    return float(grid[np.argmax(means >= 0.9)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resamples", type=int, default=200)
    parser.add_argument("--collections", default=",".join(COLLECTIONS))
    options = parser.parse_args()
    found: dict[str, list[HeldOut]] = {}
    for name in options.collections.split(","):
        start = time.perf_counter()
        found[name] = [one for runs in COLLECTIONS[name]() for one in held_out(name, runs, options.resamples)]
        print(f"{name}: {len(found[name])} hold-outs, {time.perf_counter() - start:.0f} s", flush=True)
    found = {name: every for name, every in found.items() if every}
    factors = {name: needed(every) for name, every in found.items()}
    public = [name for name in found if not name.startswith("simulated")]
    print("\n" + " | ".join(HEADINGS))
    print("|---" * len(HEADINGS) + "|")
    left_out: list[tuple[HeldOut, float]] = []
    for name, every in found.items():
        others = [factors[other] for other in public if other != name]
        prior = float(np.exp(np.mean(np.log(others)))) if others else model_error.PUBLIC_FACTOR
        if name in public:
            left_out += [(one, prior) for one in every]
        before, after, without = (
            coverage(every, None),
            coverage(every, model_error.PUBLIC_FACTOR),
            coverage(every, prior),
        )
        mine, plain = (
            float(np.median(np.abs(np.concatenate([getattr(one, part) for one in every]))))
            for part in ("error", "least_squares")
        )
        count = sum(len(one.error) for one in every)
        print(
            f"| {name} | {len(every)}, {count} | {before[0]:.1%}, {before[1]:.1%} | {after[0]:.1%}, {after[1]:.1%} "
            f"| {without[0]:.1%}, {without[1]:.1%} | {after[2]:.1%}, {after[3]:.2f} | {factors[name]:.2f} "
            f"| {mine:.2%}, {plain:.2%} |"
        )
    every = [one for name in public for one in found[name]]
    if every:
        before, after = coverage(every, None), coverage(every, model_error.PUBLIC_FACTOR)
        inside = [one.covered(one.factor(prior)) for one, prior in left_out]
        mean, pooled = np.mean([part.mean() for part in inside]), np.concatenate(inside).mean()
        print(
            f"| all published | {len(every)}, {sum(len(one.error) for one in every)} "
            f"| {before[0]:.1%}, {before[1]:.1%} | {after[0]:.1%}, {after[1]:.1%} | {mean:.1%}, {pooled:.1%} "
            f"| {after[2]:.1%} ({before[2]:.1%} resampled), {after[3]:.2f} | | |"
        )


if __name__ == "__main__":
    main()
