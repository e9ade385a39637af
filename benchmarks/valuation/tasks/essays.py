"""Pre-training for students' essays: theirs, against essays of 8 models and textbooks of 3.

Held out: it was built before the back-off of the n-gram model was changed (docs/log.md), and looked at once with the
change made. No contributor holds an essay on a prompt of reference or test (ArguGPT's prompts are others).
"""

from benchmarks.valuation.contributors import Recipe
from benchmarks.valuation.passages import passage_task, passages, texts, written
from benchmarks.valuation.sources import Source, rows
from benchmarks.valuation.tasks.task import Task

MOST = 3  # passages of an essay
SAME = ("gpt-3.5-turbo", "text-davinci-003", "flan-t5-xxl")  # on the students' prompts
ARGUMENTS = ("gpt2-xl", "text-babbage-001", "text-curie-001", "text-davinci-003", "gpt-3.5-turbo")
TEXTBOOKS = ("gpt-4", "gpt-3.5-turbo-instruct", "mistral-7b-ft")
OTHERS = ("web 2012", "speeches", "wikipedia", "brown")


def make() -> Task:
    """32 contributors of 75 to 450 passages; truth: test loss of a small Llama on passages of held-out essays."""
    every = list(rows("02_paired_essays/outfox.jsonl.gz"))
    once = {row["text"]: row for row in every if row["source"] == "human"}  # a few essays stand under two prompts
    human = Source(list(once.values()), natural=True)
    parts = human.split({"reference": 80, "test": 100}, seed=0)
    held = {row["text"] for name in ("reference", "test") for row in parts[name].items}
    outside = {row["pair_id"] for row in every if row["text"] in held}
    free = [row for row in every if row["pair_id"] not in outside]
    reference, test = (
        passages([row["text"] for row in parts[name].items], MOST, natural=True) for name in ("reference", "test")
    )
    seen = {*reference.items, *test.items}  # a student's essay may be another's with a few words changed

    def by(model: str) -> Source:
        found = passages([row["text"] for row in free if row["source"] == model], MOST, natural=model == "human")
        return found.at([at for at, text in enumerate(found.items) if text not in seen])

    def natural(name: str, most: int) -> Source:
        return passages(texts(name), most, natural=True)

    arguments = "02_paired_essays/argugpt_machine.jsonl.gz"
    sources = {
        "real": by("human"),
        "web 2012": natural("10_web_crawl/web_dragnet_2012.jsonl.gz", 2),
        "speeches": natural("07_natural_text/us_gov_speech.jsonl.gz", 20),
        "wikipedia": natural("07_natural_text/wiki_paragraphs.jsonl.gz", 1),
        "brown": natural("07_natural_text/brown.jsonl.gz", 4),
        **{f"essay {name}": by(name) for name in SAME},
        **{f"argument {name}": written(arguments, name) for name in ARGUMENTS},
        **{f"textbook {name}": written("08_textbooks/phi_grid.jsonl.zst", name) for name in TEXTBOOKS},
    }
    large = tuple(name for name in sources if name not in ("real", *OTHERS) and len(sources[name]) >= 300)
    return passage_task(
        "essays",
        sources,
        generators=large,
        fixed=(
            Recipe(75, 1.0),
            Recipe(450, 1.0),
            *(Recipe(150, 1.0, natural=name) for name in OTHERS),
            *(Recipe(120, 0.0, f"argument {name}") for name in ARGUMENTS[:3]),
            Recipe(300, 0.0, f"essay {SAME[0]}"),
            Recipe(300, 1.0, copies=4),
        ),
        sizes=(75, 150, 300),
        seed=14,
        reference=("students' essays", reference),
        test=("held-out essays", test),
    )
