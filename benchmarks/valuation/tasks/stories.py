"""Pre-training for stories: natural ones against what 14 models continued, rewrote and polished.

Held out: it was built before the back-off of the n-gram model was changed (docs/log.md), and looked at once with the
change made. The stories of reference and test are none that a contributor holds in any form.
"""

from benchmarks.valuation.contributors import Recipe
from benchmarks.valuation.passages import passage_task, passages, texts
from benchmarks.valuation.sources import Source, rows
from benchmarks.valuation.tasks.task import Task

WORDS = 160
PREFIX = 30  # words of a continuation that may be natural
CORE = "01_paired_core/core.jsonl.gz"
BASE = ("gpt2-xl", "gpt-neo-2.7B", "opt-2.7b", "gpt-j-6B", "gpt-neox-20b")
TUNED = {
    "gpt": ("davinci", "gpt-3.5-turbo", "gpt-4"),
    "claude": ("claude-3-opus-20240229", "claude-3-sonnet-20240229"),
}
LARGE, SMALL = ("gpt-3.5-turbo", "gpt-4o"), ("deepseek-7b", "llama-3-8b", "mistral-7b", "qwen2-7b")
OTHERS = ("news", "web 2012", "brown", "gutenberg")


def make() -> Task:
    """32 contributors of 60 to 360 texts of 160 words at most; truth: loss of a small Llama on held-out stories."""
    every = [row for row in rows(CORE) if row["domain"] == "story"]
    changed = {row["pair_id"] for row in every if row["source"] in (*TUNED["gpt"], *TUNED["claude"], *LARGE, *SMALL)}
    human = Source([row for row in every if row["source"] == "human"], natural=True)
    places = [at for at, row in enumerate(human.items) if row["pair_id"] not in changed]
    parts = human.at(places).split({"reference": 100, "test": 125}, seed=0)
    held = {name: {row["pair_id"] for row in parts[name].items} for name in ("reference", "test")}
    free = [row for row in every if row["pair_id"] not in held["reference"] | held["test"]]

    def by(models: tuple[str, ...], op: str) -> Source:
        found = (row["text"] for row in free if row["source"] in models and row["op"] == op)
        return passages(found, 1, natural=False, skip=PREFIX if op == "continue" else 0, words=WORDS)

    def natural(found: list[str], most: int = 1) -> Source:
        return passages(found, most, natural=True, words=WORDS)

    sources = {
        "real": natural([row["text"] for row in free if row["source"] == "human"]),
        "news": natural(texts(CORE, lambda row: row["domain"] == "news" and row["source"] == "human")),
        "web 2012": natural(texts("10_web_crawl/web_dragnet_2012.jsonl.gz"), 2),
        "brown": natural(texts("07_natural_text/brown.jsonl.gz"), 4),
        "gutenberg": natural(texts("07_natural_text/gutenberg_books.jsonl.zst")),
        **{f"continued {name}": by((name,), "continue") for name in BASE},
        **{f"continued {name}": by(models, "continue") for name, models in TUNED.items()},
        **{f"{op} {size}": by(models, op) for op in ("rewrite", "polish") for size, models in
           (("large", LARGE), ("small", SMALL))},
    }  # fmt: skip
    generators = tuple(name for name in sources if name not in ("real", *OTHERS))
    reference, test = (natural([row["text"] for row in parts[name].items]) for name in ("reference", "test"))
    return passage_task(
        "stories",
        sources,
        generators=generators,
        fixed=(
            Recipe(60, 1.0),
            Recipe(360, 1.0),
            *(Recipe(230, 1.0, natural=name) for name in OTHERS),
            *(Recipe(230, 0.0, generators[at]) for at in (0, 4, 6, 8)),
            Recipe(240, 1.0, copies=4),
        ),
        sizes=(60, 120, 230),
        seed=13,
        reference=("people's stories", reference),
        test=("held-out stories", test),
    )
