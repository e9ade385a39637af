"""Sentiment of film review sentences: Pang and Lee's rt-polarity and SST-2 (natural) against SuperGen's (CTRL-1.6B).

Reference: half of SST-2 dev and 564 held-out sentences of rt-polarity; test: the other half and 1,500 more. A Markov
chain is fitted on another 1,500; contributors draw from the rest, and from two other natural domains.
"""

import numpy as np

from benchmarks.valuation import generators
from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.noise_text import PLAIN
from benchmarks.valuation.sources import Source, joined, rows, texts_of
from benchmarks.valuation.tasks.task import Task
from synthmix.valuation.pool import Pool

COUNT = 32
FOLDER = "06_sentiment_nlu"
NATURAL = ("real", "real", "real", "long reviews", "product phrases")
GENERATORS = ("supergen", "supergen-likely", "supergen-unlikely", "markov")


def sources() -> dict[str, Source]:
    """What contributors draw from, and ``reference`` and ``test``."""
    real = texts_of(f"{FOLDER}/rt_polarity_real.jsonl.gz", 60)
    parts = real.split({"test": 1500, "reference": 564, "chain": 1500}, seed=0)
    other = texts_of(f"{FOLDER}/sst2_dev_real.jsonl.gz", 60).split({"test": 436}, seed=0)
    supergen = texts_of(f"{FOLDER}/supergen_sst2_synth.jsonl.gz", 60)
    likely = np.argsort([-row["gen_logprob"] for row in rows(f"{FOLDER}/supergen_sst2_synth.jsonl.gz")], kind="stable")
    return {
        "reference": joined([parts["reference"], other["rest"]]),
        "test": joined([parts["test"], other["test"]]),
        "real": parts["rest"],
        "long reviews": _passages(texts_of(f"{FOLDER}/movie_reviews_real.jsonl.gz", 120)),
        "product phrases": texts_of(f"{FOLDER}/pros_cons_real.jsonl.gz", 60),
        "supergen": supergen,
        "supergen-likely": supergen.at(likely[:3200]),
        "supergen-unlikely": supergen.at(likely[-3200:]),
        "markov": generators.markov_texts(parts["chain"], 3200, seed=1),
    }


def make() -> Task:
    """32 contributors of 400 to 3,200 sentences; truth: test accuracy of a small network on hashed words."""
    found = sources()
    reference, test = found["reference"], found["test"]
    recipes = design(
        COUNT,
        {
            "size": (400, 800, 1600, 3200),
            "share": (0.0, 0.25, 0.5, 0.75, 1.0),
            "generator": GENERATORS,
            "natural": NATURAL,
        },
        (("", 0.0), ("", 0.0), *((kind, strength) for kind in PLAIN for strength in (0.5, 1.0))),
        fixed=(
            Recipe(400, 1.0),
            Recipe(3200, 1.0),
            Recipe(1600, 1.0, natural="long reviews"),
            Recipe(1600, 1.0, natural="product phrases"),
            *(Recipe(1600, 0.0, generator) for generator in GENERATORS),
            Recipe(1600, 1.0, flips=0.3),
            Recipe(1600, 1.0, copies=4),
        ),
        seed=1,
        flips=(0.0, 0.0, 0.0, 0.15, 0.3),
    )
    return Task(
        "sentiment",
        (Pool.of("real sentences", reference.items, reference.labels, share=1),),
        tuple(contribute(recipe, found, PLAIN) for recipe in recipes),
        Pool.of("held-out sentences", test.items, test.labels, share=1),
        learner=_learner,
        seeds=5,
    )


def _passages(long: Source, words: int = 30) -> Source:
    """Openings of long reviews in pieces of a sentence's length, with the review's label."""
    assert long.labels is not None
    texts, labels = [], []
    for text, label in zip(long.items, long.labels, strict=True):
        parts = text.split()
        for start in range(0, len(parts) - words + 1, words):
            texts.append(" ".join(parts[start : start + words]))
            labels.append(label)
    return Source(texts, np.array(labels), natural=True)


def _learner() -> object:
    from benchmarks.valuation.hashed import HashedWords
    from synthmix.valuation.learners import ClassifierLearner

    return ClassifierLearner(  # five passes, whatever the size; at a higher rate or in more, all of them overfit
        encoder=HashedWords(), hidden=(32,), epochs=5, batch=64, rate=3e-4, least=100, most=100_000
    )
