"""SynQuE's 32 synthetic sets of financial headlines (4 generators x 8 prompts) with published downstream F1.

The reference is a random half of the natural balanced set, five times. Nothing of the score was chosen by this task.
"""

import csv
from collections import defaultdict

import numpy as np

from benchmarks.valuation.contributors import Contributor
from benchmarks.valuation.sources import SHARED, Source, rows
from benchmarks.valuation.tasks.task import Task
from synthmix.valuation.pool import Pool

FOLDER = "06_sentiment_nlu"
DRAWS = 5


def make() -> Task:
    """32 contributors of about 999 headlines; truth: published F1 on natural headlines."""
    sets: dict[str, list[tuple[str, int]]] = defaultdict(list)
    generator: dict[str, str] = {}
    for row in rows(f"{FOLDER}/synque_sentiment.jsonl.gz"):
        sets[row["variant"]].append((row["text"], int(row["label"])))
        generator[row["variant"]] = row["source"]
    with (SHARED / "data" / FOLDER / "synque_sentiment_score.csv").open(encoding="utf-8") as file:
        published = {row["dataset_name"]: float(row["test_f1_mean"]) for row in csv.DictReader(file)}
    real = Source([text for text, _ in sets["balanced_real"]], np.array([label for _, label in sets["balanced_real"]]))
    halves = [real.split({"half": len(real) // 2}, seed=seed)["half"] for seed in range(DRAWS)]
    return Task(
        "synque",
        tuple(Pool.of(f"real headlines {at}", half.items, half.labels, share=1) for at, half in enumerate(halves)),
        tuple(
            Contributor(
                Pool.of(name, [text for text, _ in sets[name]], [label for _, label in sets[name]], share=0),
                {"generator": generator[name], "size": len(sets[name])},
            )
            for name in published
        ),
        published=published,
        group="generator",
        metrics=("published F1",),
    )
