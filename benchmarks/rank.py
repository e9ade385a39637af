"""Orders at a large scale foretold from small ones, on published runs and on simulated ones.

    python benchmarks/rank.py [--target]

Without ``--target``: what the method was fixed on, DCLM's data sets from 0.4B to 1.4B parameters (CORE), FinePhrase's
recipes between three student sizes (macro score of the last checkpoint), and simulated recipes. With it: DCLM at 6.9B
besides, from 1.4B, from 0.4B and from both. Nothing was changed after that was first run; docs/log.md says what it was.

The published tables are those in golden/public_runs of a folder `shared` beside the checkout, or in SYNTHMIX_SHARED.
"""

import argparse
import csv
import gzip
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from synthmix.decisions.rank import Scores, check_at, table_scores
from synthmix.results.ranking import RankCheck
from synthmix.runs import RunsTable
from synthmix.runs.table import Metric
from synthmix.scaling.across_scales import LENGTHS, OWN
from synthmix.table import Column, Table

HERE = Path(__file__).resolve().parents[1]
PUBLIC = Path(os.environ.get("SYNTHMIX_SHARED", HERE.parent / "shared")) / "golden" / "public_runs"
LEVEL = 0.9
SIZES = {"-0.5b": 0.5e9, "-2.9b": 2.9e9, "": 1.7e9}


def rows_of(name: str) -> list[dict[str, str]]:
    with gzip.open(PUBLIC / name, "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table_of(rows: Iterable[tuple[str, float, float, float]]) -> RunsTable:
    """From recipe, N, D, score."""
    recipes, n, d, scores = zip(*rows, strict=True)
    numbers = {"N": np.array(n), "D": np.array(d), "score": np.array(scores)}
    return RunsTable(numbers, {"recipe": list(recipes)}, (Metric("score", "score", higher_is_better=True),))


def dclm() -> Scores:
    """CORE of every model trained on 20 tokens a parameter; every other budget was tried on one or two data sets."""
    rows = [
        (row["Dataset"], float(row["params"]), float(row["tokens"]), float(row["Core"]))
        for row in rows_of("dclm_models.csv.gz")
        if row["Core"] not in ("", "nan") and float(row["tokens"]) / float(row["params"]) < 21
    ]
    return table_scores(table_of(rows), "score")


def finephrase() -> Scores:
    """The macro score at the last checkpoint, recipes trained at all three student sizes."""
    last: dict[str, dict[str, str]] = {}
    for row in rows_of("finephrase_runs.csv.gz"):
        if row["runname"] not in last or int(row["steps"]) > int(last[row["runname"]]["steps"]):
            last[row["runname"]] = row
    found: list[tuple[str, float, float, float]] = []
    for name, row in last.items():
        bare = re.sub(r"--data-seed=\d-seed=\d$", "", name)
        size = next(size for size in SIZES if bare.endswith(size))
        found.append((bare.removesuffix(size), SIZES[size], 21e9, float(row["agg_score_macro"])))
    trained: dict[str, set[float]] = {}
    for recipe, n, _, _ in found:
        trained.setdefault(recipe, set()).add(n)
    return table_scores(table_of(row for row in found if len(trained[row[0]]) == 3), "score")


def simulated(seed: int) -> Scores:
    """Forty recipes at three scales and a target from the model itself, with h and l drawn from the prior."""
    rng = np.random.default_rng(seed)
    own = rng.choice(list(OWN), p=np.array(list(OWN.values())) / sum(OWN.values()))
    length = rng.choice(list(LENGTHS), p=np.array(list(LENGTHS.values())) / sum(LENGTHS.values()))
    cells = [(0.4e9, 8e9), (1.4e9, 28e9), (6.9e9, 138e9)]
    places = np.log10([6 * n * d for n, d in cells])
    drift = (1 - own) * np.exp(-abs(places[:, None] - places[None, :]) / length) + own * np.eye(3)
    scores = rng.standard_normal((40, 3)) @ np.linalg.cholesky(drift).T
    rows = [
        (f"recipe {i}", n, d, c + 0.03 * scores[i, c] + 0.006 * rng.standard_normal())
        for i in range(40)
        for c, (n, d) in enumerate(cells)
        for _ in range(1 + (i < 4))
    ]
    return table_scores(table_of(rows), "score")


def kept(scores: Scores, sizes: Iterable[float]) -> Scores:
    """Only what was measured at these sizes."""
    wanted = list(sizes)
    return scores.only(
        [place for place, cell in enumerate(scores.at) if any(abs(cell.N / n - 1) < 0.1 for n in wanted)]
    )


def foretold(scores: Scores, small: Iterable[float], large: float) -> RankCheck:
    cell = min((cell for cell in scores.at if abs(cell.N / large - 1) < 0.1), key=lambda cell: cell.D)
    found = check_at(kept(scores, small), scores, cell, "score", LEVEL)
    assert found is not None
    return found


def pooled(checks: list[RankCheck]) -> list[tuple[float, float, float, float, int]]:
    """Bins of several checks together."""
    found = []
    for low in sorted({each.low for check in checks for each in check.bins}):
        bins = [each for check in checks for each in check.bins if each.low == low]
        pairs = sum(each.pairs for each in bins)
        expected, right = (
            sum(getattr(each, key) * each.pairs for each in bins) / pairs for key in ("expected", "right")
        )
        found.append((low, bins[0].high, expected, right, pairs))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", action="store_true", help="DCLM at 6.9B too")
    parser.add_argument("--simulations", type=int, default=40)
    arguments = parser.parse_args()
    if not PUBLIC.is_dir():
        sys.exit(f"no published runs in {PUBLIC}; name the folder with golden/ in SYNTHMIX_SHARED")
    core, macro = dclm(), finephrase()
    checks = {
        "DCLM .4B to 1.4B": foretold(core, [0.41e9], 1.44e9),
        "FinePhrase .5B to 1.7B": foretold(macro, [0.5e9], 1.7e9),
        "FinePhrase .5B to 2.9B": foretold(macro, [0.5e9], 2.9e9),
        "FinePhrase 1.7B to 2.9B": foretold(macro, [1.7e9], 2.9e9),
        "FinePhrase .5B and 1.7B to 2.9B": foretold(macro, [0.5e9, 1.7e9], 2.9e9),
    }
    calibrations = {"published, what the method was fixed on": pooled(list(checks.values()))}
    made = [simulated(seed) for seed in range(arguments.simulations)]
    for name, small in (("simulated .4B to 6.9B", [0.4e9]), ("simulated .4B and 1.4B to 6.9B", [0.4e9, 1.4e9])):
        found = [foretold(scores, small, 6.9e9) for scores in made]
        checks[name] = found[0].model_copy(
            update={
                key: float(np.nanmean([np.nan if (x := getattr(check, key)) is None else x for check in found]))
                for key in ("right", "decided", "decided_right", "single", "brier")
            }
            | {"law": None, "pairs": sum(check.pairs for check in found)}
        )
        calibrations[name] = pooled(found)
    if arguments.target:
        large = {
            "DCLM 1.4B to 6.9B": foretold(core, [1.44e9], 6.89e9),
            "DCLM .4B to 6.9B": foretold(core, [0.41e9], 6.89e9),
            "DCLM .4B and 1.4B to 6.9B": foretold(core, [0.41e9, 1.44e9], 6.89e9),
        }
        checks |= large
        calibrations["DCLM to 6.9B"] = pooled(list(large.values()))
    columns = [
        Column("what"),
        Column("recipes", kind=int),
        Column("pairs", kind=int),
        Column("single", "single scale", ".3f", kind=float),
        Column("law", "own laws", ".3f", kind=float),
        Column("right", "rank", ".3f"),
        Column("decided", "told apart", ".2f"),
        Column("decided_right", "right, of these", ".3f", kind=float),
        Column("brier", form=".3f"),
    ]
    rows = [(name, *(getattr(check, column.key) for column in columns[1:])) for name, check in checks.items()]
    print(Table("rank", columns, rows, "Pairs rightly ordered").text())
    head = [Column("low", form=".1f"), Column("high", form=".1f"), Column("expected", form=".2f")]
    head += [Column("right", form=".2f"), Column("pairs", kind=int)]
    for name, bins in calibrations.items():
        print("\n" + Table("bins", head, bins, f"Calibration: {name}").text())


if __name__ == "__main__":
    main()
