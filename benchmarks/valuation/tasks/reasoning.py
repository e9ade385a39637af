"""Complex reasoning: GSM8K's human solutions against four sets of solutions that GPT-3 models wrote.

Test (300), reference (300) and human contributors come from the train part, disjoint. The models' solutions, right and
wrong, and the Socratic form exist for the questions of the test part alone: they are contributors, and nothing is ever
measured on the test part. A text is the question in one line, then the solution.
"""

from collections.abc import Callable
from typing import Any

from benchmarks.valuation import noise_text
from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.language import language_learner, prompted
from benchmarks.valuation.sources import Source, rows
from benchmarks.valuation.tasks.task import Task
from synthmix.valuation.pool import Pool

COUNT = 32
FOLDER = "05_reasoning"
NOISES = {
    "shuffled steps": noise_text.shuffled_lines,
    "wrong numbers": noise_text.wrong_numbers,
    "others' solutions": noise_text.answers_of_others,
    "shuffled words": noise_text.shuffled_words,
    "truncation": noise_text.truncated,
}
MODELS = ("gpt3-6b-ft", "gpt3-6b-ft+verifier", "gpt3-175b-ft", "gpt3-175b-ft+verifier")


def make() -> Task:
    """32 contributors of 100 to 800 solved problems; truth: test loss of a small Llama on the solutions."""
    solved = list(rows(f"{FOLDER}/gsm8k_test.jsonl.gz"))

    def written(keep: Callable[[dict[str, Any]], bool]) -> Source:
        return Source([prompted(row["prompt"], row["text"]) for row in solved if keep(row)])

    train = [prompted(row["prompt"], row["text"]) for row in rows(f"{FOLDER}/gsm8k_train.jsonl.gz")]
    parts = Source(train, natural=True).split({"reference": 300, "test": 300}, seed=0)
    sources = {
        "real": parts["rest"],
        "socratic": Source(
            [prompted(row["prompt"], row["text"]) for row in rows(f"{FOLDER}/gsm8k_test_socratic.jsonl.gz")]
        ),
        "wrong": written(lambda row: row["source"] != "human" and row["is_correct"] is False),
        "right": written(lambda row: row["source"] != "human" and row["is_correct"] is True),
        **{name: written(lambda row, name=name: row["source"] == name) for name in MODELS},  # type: ignore[misc]
    }
    generators = (*MODELS, "socratic", "wrong", "right")
    recipes = design(
        COUNT,
        {"size": (100, 200, 400, 800), "share": (0.0, 0.25, 0.5, 0.75, 1.0), "generator": generators},
        (("", 0.0), ("", 0.0), *((kind, strength) for kind in NOISES for strength in (0.5, 1.0))),
        fixed=(
            Recipe(100, 1.0),
            Recipe(800, 1.0),
            *(Recipe(400, 0.0, name) for name in generators),
            Recipe(400, 1.0, copies=4),
        ),
        seed=3,
    )
    reference, test = parts["reference"], parts["test"]
    return Task(
        "reasoning",
        (Pool.of("human solutions", reference.items, share=1),),
        tuple(contribute(recipe, sources, NOISES) for recipe in recipes),
        Pool.of("held-out human solutions", test.items, share=1),
        learner=language_learner,
        metrics=("loss", "whole-text loss"),
    )
