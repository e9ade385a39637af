"""Instruction following: human-written answers against 31 models of the AlpacaEval ladder, Alpaca and GPT-3's variants.

The target is human-written: answers to the 252 user-oriented tasks and the 175 seed tasks of Self-Instruct, and
examples of P3. Split by prompt: reference 60 + 45 + 195, test 80 + 60 + 220, contributors the rest. Models' answers
come from other prompts than the reference's and the test's. A text is the prompt in one line, then the answer.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from benchmarks.valuation import noise_text
from benchmarks.valuation.contributors import Recipe, contribute, design
from benchmarks.valuation.language import language_learner, prompted
from benchmarks.valuation.sources import Source, joined, rows
from benchmarks.valuation.tasks.task import Task
from synthmix.valuation.pool import Pool

COUNT = 32
FOLDER = "04_instruct"
NOISES = {
    "shuffled words": noise_text.shuffled_words,
    "truncation": noise_text.truncated,
    "others' answers": noise_text.answers_of_others,
    "typos": noise_text.typos,
}
LADDER = (
    "gpt-4o-2024-05-13", "claude-3-opus-20240229", "Meta-Llama-3-8B-Instruct", "Mistral-7B-Instruct-v0.2",
    "vicuna-7b-v1.5", "Qwen1.5-1.8B-Chat", "guanaco-7b", "falcon-7b-instruct", "alpaca-7b", "text_davinci_001",
    "oasst-sft-pythia-12b", "phi-2",
)  # fmt: skip
TUNED = ("davinci-superni-ft", "davinci-self-instruct", "text-davinci-002", "text-davinci-003")


def make() -> Task:
    """32 contributors of 120 to 480 prompts with answers; truth: test loss of a small Llama on the answers."""
    mine, ladder = list(rows(f"{FOLDER}/self_instruct_252.jsonl.gz")), defaultdict(list)
    by_task = {row["pair_id"]: row for row in mine if row["source"] == "human"}
    for row in rows(f"{FOLDER}/alpaca_eval_ladder.jsonl.zst"):
        if row["domain"] != "instruct/selfinstruct":  # the same prompts as in self_instruct_252
            ladder[row["source"]].append(row)
    tasks = Source(list(by_task)).split({"reference": 60, "test": 80}, seed=0)
    seeds = _texts(rows(f"{FOLDER}/self_instruct_seed175.jsonl.gz")).split({"reference": 45, "test": 60}, seed=0)
    p3 = _texts(rows(f"{FOLDER}/p3_t0_real.jsonl.gz")).split({"reference": 195, "test": 220, "rest of it": 400}, seed=0)
    human = {part: _texts(by_task[key] for key in keys.items) for part, keys in tasks.items()}
    left = set(tasks["rest"].items)
    sources = {
        "real": joined([human["rest"], seeds["rest"], p3["rest of it"]]),
        "alpaca": _texts(rows(f"{FOLDER}/alpaca_5000.jsonl.gz"), natural=False),
        "gpt3": _texts((r for r in mine if r["source"] == "davinci" and r["pair_id"] in left), natural=False),
        "gpt3-tuned": _texts((r for r in mine if r["source"] in TUNED and r["pair_id"] in left), natural=False),
        **{name: _texts(ladder[name], natural=False) for name in LADDER},
    }
    recipes = design(
        COUNT,
        {"size": (120, 240, 480), "share": (0.0, 0.0, 0.25, 0.5, 0.75, 1.0), "generator": ("alpaca", *LADDER)},
        (("", 0.0), ("", 0.0), *((kind, strength) for kind in NOISES for strength in (0.5, 1.0))),
        fixed=(
            Recipe(120, 1.0),
            Recipe(480, 1.0),
            Recipe(480, 0.0, "alpaca"),
            Recipe(80, 0.0, "gpt3"),
            Recipe(320, 0.0, "gpt3-tuned"),
            *(Recipe(480, 0.0, name) for name in LADDER[::3]),
            Recipe(480, 1.0, copies=4),
        ),
        seed=2,
    )
    reference, test = (joined([human[part], seeds[part], p3[part]]) for part in ("reference", "test"))
    return Task(
        "instruction",
        (Pool.of("human answers", reference.items, share=1),),
        tuple(contribute(recipe, sources, NOISES) for recipe in recipes),
        Pool.of("held-out human answers", test.items, share=1),
        learner=language_learner,
        metrics=("loss", "whole-text loss"),
    )


def _texts(found: Iterable[dict[str, Any]], *, natural: bool = True) -> Source:
    made = [prompted(row["prompt"], row["text"]) for row in found if row["text"].strip() and row["prompt"].strip()]
    return Source(made, natural=natural)
