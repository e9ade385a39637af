"""The records of the second study, docs/results/second-study/: read and written, and the law fitted to them."""

import csv
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from synthmix.decisions.optimize import decide_mixture
from synthmix.results.mixtures import MixtureDecision, MixtureQuestion
from synthmix.runs import read_runs
from synthmix.runs.mixtures import mixture_runs
from synthmix.scaling.mixtures import MixtureFit, MixtureRuns, fit_mixtures

HERE = Path(__file__).resolve().parents[2] / "docs" / "results"
RECORDS, PAGE = HERE / "second-study", HERE / "second-study.md"
LAW, OTHER, DRAWS, SEEDS = "effective_tokens", "effective_tokens_floors", 200, 3
NATURAL, BEST, SINGLE = "natural text", "best mixture", "best single source"
VALUED = "chosen by valuation"
Array = np.ndarray


def write_rows(folder: Path, to: Path) -> None:
    """The runs of a study's folder as CSV: what a law of mixtures reads, and what each cost."""
    table = read_runs(folder)
    named = [f"{kind}.{name}" for kind in ("share", "unique") for name in table.sources]
    named += [metric.name for metric in table.metrics if metric.unit == "nats"]
    columns = [
        "recipe",
        "seed",
        "group",
        "N",
        "D",
        *[each for each in named if each in table.numbers],
        "flops",
        "seconds",
    ]
    frame = table.to_frame().select(columns).to_pylist()
    frame.sort(key=lambda row: (row["N"], row["D"], row["recipe"], row["seed"]))
    with to.open("w", newline="", encoding="utf-8") as file:
        out = csv.DictWriter(file, columns)
        out.writeheader()
        for row in frame:
            out.writerow({key: f"{value:.8g}" if isinstance(value, float) else value for key, value in row.items()})


def rows(name: str) -> list[dict[str, str]]:
    """Of one of the tables of records."""
    with (RECORDS / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def read(name: str) -> Any:
    return json.loads((RECORDS / name).read_text("utf-8"))


def write(name: str, found: Any) -> None:
    (RECORDS / name).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")


class Fitted(NamedTuple):
    """A law of mixtures, the question asked of it, and its decision."""

    fit: MixtureFit
    question: MixtureQuestion
    decision: MixtureDecision


def ladder() -> MixtureRuns:
    """The runs that the predictions were made from."""
    return mixture_runs(read_runs(RECORDS / "ladder.csv").sound)


def asked() -> MixtureQuestion:
    """The study's question."""
    return MixtureQuestion.model_validate(read("study.json")["question"])


def fitted(runs: MixtureRuns, question: MixtureQuestion, law: str) -> Fitted:
    found = fit_mixtures(law, runs, draws=DRAWS)
    return Fitted(found, question, decide_mixture(found, question))


class Measured(NamedTuple):
    """Losses (seeds, domains) of one confirmed mixture."""

    losses: Array
    domains: tuple[str, ...]

    @property
    def loss(self) -> float:
        return float(self.losses.mean())

    @property
    def sd(self) -> float:
        """Of the seeds' averaged losses."""
        return float(self.losses.mean(axis=1).std(ddof=1))


def confirmed() -> dict[str, Measured]:
    """By mixture."""
    found: dict[str, list[list[float]]] = {}
    table = rows("confirmed.csv")
    domains = tuple(name.removeprefix("loss.") for name in table[0] if name.startswith("loss."))
    for row in table:
        found.setdefault(row["recipe"], []).append([float(row[f"loss.{domain}"]) for domain in domains])
    return {name: Measured(np.array(losses), domains) for name, losses in found.items()}


def everything() -> MixtureRuns:
    """The ladder and the confirming runs together."""
    import tempfile

    both = [*rows("ladder.csv"), *rows("confirmed.csv")]
    columns = list(dict.fromkeys(key for row in both for key in row))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            out = csv.DictWriter(file, columns, restval="0")
            out.writeheader()
            out.writerows(both)
        return mixture_runs(read_runs(path).sound)
