"""Pre-training for an encyclopedia: Wikipedia's paragraphs against answers, textbooks, pages and rewrites of 12 models.

Held out: it was built before the n-gram baselines were added and the score was looked at again (docs/log.md), and was
looked at once after that. The paragraphs of reference and test stand in no contributor.
"""

from benchmarks.valuation.contributors import Recipe
from benchmarks.valuation.passages import passage_task, passages, texts, written
from benchmarks.valuation.sources import Source
from benchmarks.valuation.tasks.task import Task

COUNT = 20  # of the 32 that were designed, the first ones: as many as were trained
TEXTBOOKS = ("gpt-4", "gpt-3.5-turbo-instruct", "mistral-7b-ft")
PAGES = ("gpt2-xl", "gpt-neo-2.7B", "llama-7b", "gpt3re")  # continuations of mixed web texts
REWRITERS = ("gpt-4o", "qwen2-7b", "llama-3-8b")  # of news, stories and the rest
ANSWERS = ("gpt-3.5-turbo", "text-davinci-003")  # essays on prompts
OTHERS = ("web 2012", "brown", "gutenberg", "philosophy")


def make() -> Task:
    """20 contributors of 100 to 400 passages; truth: test loss of a small Llama on held-out paragraphs."""
    whole = passages(texts("07_natural_text/wiki_paragraphs.jsonl.gz"), 1, natural=True)
    paragraphs = Source(list(dict.fromkeys(whole.items)), natural=True)
    parts = paragraphs.split({"reference": 200, "test": 250}, seed=0)
    sources = {
        "real": parts["rest"],
        "web 2012": passages(texts("10_web_crawl/web_dragnet_2012.jsonl.gz"), 2, natural=True),
        "brown": passages(texts("07_natural_text/brown.jsonl.gz"), 4, natural=True),
        "gutenberg": passages(texts("07_natural_text/gutenberg_books.jsonl.zst"), 1, natural=True),
        "philosophy": passages(texts("07_natural_text/openstax_philosophy.jsonl.gz"), 10, natural=True),
        **{f"textbook {name}": written("08_textbooks/phi_grid.jsonl.zst", name) for name in TEXTBOOKS},
        **{f"page {name}": written("03_paired_docs/seqxgpt.jsonl.gz", name) for name in PAGES},
        **{f"rewrite {name}": written("01_paired_core/core.jsonl.gz", name, "rewrite") for name in REWRITERS},
        **{f"essay {name}": written("02_paired_essays/outfox.jsonl.gz", name) for name in ANSWERS},
    }
    generators = tuple(name for name in sources if name not in ("real", *OTHERS) and len(sources[name]) >= 400)
    return passage_task(
        "wikipedia",
        sources,
        generators=generators,
        fixed=(
            Recipe(100, 1.0),
            Recipe(400, 1.0),
            *(Recipe(200, 1.0, natural=name) for name in OTHERS),
            *(Recipe(200, 0.0, name) for name in generators[::3]),
            Recipe(400, 1.0, copies=4),
        ),
        sizes=(100, 200, 400),
        seed=21,
        reference=("Wikipedia", parts["reference"]),
        test=("held-out paragraphs", parts["test"]),
        count=COUNT,
        seeds=1,
        costed=False,
    )
