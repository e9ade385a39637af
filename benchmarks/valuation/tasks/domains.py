"""Which kind of text is it: news, story, encyclopedia or medicine, from 40 words of natural text.

Held out: it was built when the score, its weights and its encoder were fixed, and was looked at once. Contributors are
continuations, rewrites and polished versions by 10 language models of documents that are in neither reference nor test.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.noise_text import PLAIN
from benchmarks.valuation.sources import Source, rows
from benchmarks.valuation.tasks.task import Task
from synthmix.valuation.pool import Pool

COUNT = 32
WORDS = 40
PREFIX = 30  # words of a continuation that may be the natural document's
LABELS = {"news": 0, "story": 1, "wikipedia": 2, "biomed_qa": 3}
CONTINUED = ("gpt2-xl", "gpt-j-6B", "gpt-neox-20b", "davinci", "gpt-4", "claude-3-opus-20240229")
CHANGED = ("gpt-3.5-turbo", "gpt-4o", "llama-3-8b", "mistral-7b")  # rewrites and polished versions


def make() -> Task:
    """32 contributors of 100 to 600 texts; truth: test accuracy of a small perceptron on hashed words."""
    every = [row for row in rows("01_paired_core/core.jsonl.gz") if row["domain"] in LABELS and row["pair_id"]]
    documents = sorted({row["pair_id"] for row in every if row["source"] == "human"})
    order = np.random.default_rng(7).permutation(len(documents))
    kept = {"reference": {documents[at] for at in order[:250]}, "test": {documents[at] for at in order[250:750]}}
    outside = kept["reference"] | kept["test"]
    human = [row for row in every if row["source"] == "human"]
    free = [row for row in every if row["pair_id"] not in outside]

    def by(model: str, ops: tuple[str, ...]) -> Source:
        return _source(row for row in free if row["source"] == model and row["op"] in ops)

    sources = {
        "real": _source((row for row in human if row["pair_id"] not in outside), natural=True),
        **{name: by(name, ("continue",)) for name in CONTINUED},
        **{name: by(name, ("rewrite", "polish")) for name in CHANGED},
    }
    recipes = design(
        COUNT,
        {"size": (100, 200, 300), "share": (0.0, 0.25, 0.5, 0.75, 1.0), "generator": (*CONTINUED[:3], *CHANGED)},
        (("", 0.0), ("", 0.0), *((kind, strength) for kind in PLAIN for strength in (0.5, 1.0))),
        fixed=(
            Recipe(100, 1.0),
            Recipe(600, 1.0),
            *(Recipe(140, 0.0, name) for name in CONTINUED),
            Recipe(300, 1.0, flips=0.3),
            Recipe(300, 1.0, copies=4),
        ),
        seed=12,
        flips=(0.0, 0.0, 0.0, 0.2, 0.4),
    )
    reference, test = (
        _source((row for row in human if row["pair_id"] in kept[part]), natural=True) for part in ("reference", "test")
    )
    return Task(
        "domains",
        (Pool.of("human texts", reference.items, reference.labels, share=1),),
        tuple(contribute(recipe, sources, PLAIN) for recipe in recipes),
        Pool.of("held-out human texts", test.items, test.labels, share=1),
        learner=_learner,
        seeds=5,
    )


def _source(found: Iterable[dict[str, Any]], *, natural: bool = False) -> Source:
    texts, labels = [], []
    for row in found:
        words = row["text"].split()
        words = words[PREFIX:] if row["op"] == "continue" else words
        if len(words) >= WORDS // 2:
            texts.append(" ".join(words[:WORDS]))
            labels.append(LABELS[row["domain"]])
    return Source(texts, np.array(labels), natural)


def _learner() -> object:
    from benchmarks.valuation.hashed import HashedWords
    from synthmix.valuation.learners import ClassifierLearner

    return ClassifierLearner(
        encoder=HashedWords(), hidden=(32,), epochs=10, batch=32, rate=1e-3, least=100, most=100_000
    )
